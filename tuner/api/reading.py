"""What an open database holds, as tables, figures and reports take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tuner.core.errors import InvalidRequest
from tuner.core.study import Outcome, StudyRecord
from tuner.results.analysis.comparison import Comparison, compare_runs
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.summary import Summary, summarise_outcomes
from tuner.results.tables.table import Table
from tuner.storage import Damaged, Store


def find(store: Store, names: Sequence[str], damaged: list[Damaged] | None = None) -> list[StudyRecord]:
    """Return the named studies and those of the named runs, each once; without a name, all.

    Args:
        store: Holds them.
        names: Of studies and runs.
        damaged: Takes an error for each study that cannot be read if no name is given. Default: it is raised.

    Raises:
        InvalidRequest: There is no study at all.
        UnknownStudy: There is none of a name.
    """
    faults: list[Damaged] | None = damaged
    records = [record for name in names for record in store.find(name)] if names else store.studies(faults)
    if not records and not faults:
        raise InvalidRequest("database", f": {store.url} holds no study yet")
    return list({record.id: record for record in records}.values())


def by_run(records: Iterable[StudyRecord]) -> dict[str, list[StudyRecord]]:
    """Return studies by the name of their run."""
    runs: dict[str, list[StudyRecord]] = {}
    for record in records:
        runs.setdefault(record.spec.run, []).append(record)
    return runs


def summary_of(store: Store, record: StudyRecord) -> Summary:
    """Return the summary of a search."""

    def hyperparameters(run: Outcome) -> Mapping[str, float]:
        key = run.key
        found = store.candidates(record.id, role=key.role, generation=key.generation, slot=key.slot)
        return found[0].hyperparameters

    return summarise_outcomes(record, store.outcomes(record.id), hyperparameters)


def comparisons_of(store: Store, records: Iterable[StudyRecord], *, curves: bool = False) -> tuple[Comparison, ...]:
    """Return the comparisons that some studies belong to, as far as these studies go.

    Args:
        store: Holds them.
        records: Of comparisons.
        curves: Whether to read every loss as well, which figures need.
    """
    return tuple(
        compare_runs([(record, store.seed_runs(record.id, curves=curves)) for record in of_run])
        for of_run in by_run(records).values()
    )


def table_of(store: Store, records: Sequence[StudyRecord]) -> Table:
    """Return the table of some searches and comparisons."""
    return Table(
        tuple(summary_of(store, record) for record in records if record.is_search),
        comparisons_of(store, (record for record in records if not record.is_search)),
    )


def drawable(store: Store, records: Sequence[StudyRecord]) -> Searches | Comparison:
    """Return what the figures of one run are drawn from."""
    if records[0].is_search:
        return tuple((record, store.candidates(record.id)) for record in records)
    (compared,) = comparisons_of(store, records, curves=True)
    return compared
