"""The best individual of a search in an open database."""

from __future__ import annotations

from tuner.core.study import StudyRecord
from tuner.results.analysis import best
from tuner.results.analysis.generations import by_generation
from tuner.storage import Store


def best_of(store: Store, record: StudyRecord) -> best.Best | None:
    """Return the best individual of a search without its hyperparameters; None while none has finished.

    It is that of `summary_of`, in a fraction of the time.

    Args:
        store: Open database.
        record: The search.

    Raises:
        Damaged: An outcome of the search cannot be read.
    """
    if record.search.further:  # on several tasks, whose scores depend on all individuals
        from tuner.api.reading import summary_of

        return summary_of(store, record).best
    return best.best_of(by_generation(record.search, store.best_of_generations(record.id)), lambda _: {})
