"""Figures of the runs of an open database, drawn one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tuner.api.reading import by_run, drawable, find
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import FORMATS, figure_files, kinds_for, profile_files, profile_names
from tuner.results.tables.formats import check_format
from tuner.storage import Store


def figure_names(store: Store, names: Sequence[str], formats: Sequence[str], targets: str | None = None) -> list[str]:
    """Return the names that the files of `draw_figures` have, of empty figures as well.

    Raises:
        InvalidRequest: The database has no study.
        ValueError: There is no such format.
    """
    for format in formats:
        check_format(format, FORMATS)
    result = []
    for run, records in by_run(find(store, names)).items():
        kinds = kinds_for(is_search=records[0].is_search)
        files = [f"{kind.name}.{format}" for kind in kinds for format in dict.fromkeys(formats)]
        if targets is not None and not records[0].is_search:
            files += profile_names(dict.fromkeys(formats))
        result += [f"{run}-{file}" for file in files]
    return result


def draw_figures(
    store: Store, names: Sequence[str], formats: Sequence[str], targets: str | None = None
) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield the name of each figure of some runs and studies, and a function that draws it; None if it is empty.

    A run is read when the first of its figures is due.

    Args:
        store: Open database.
        names: Names of runs and studies; without one, all.
        formats: Some of "png", "pdf" and "svg".
        targets: Targets of comparisons, "METRIC<=A,B,C", whose profile is drawn as well. Default: none.

    Raises:
        InvalidRequest: The database has no study, or a comparison has not measured the metric of the targets.
    """
    for run, records in by_run(find(store, names)).items():
        results = drawable(store, records)
        for name, draw in figure_files(results, dict.fromkeys(formats)):
            yield f"{run}-{name}", draw
        if targets is not None and isinstance(results, Comparison):
            for name, draw in profile_files(results, targets, dict.fromkeys(formats)):
                yield f"{run}-{name}", draw
