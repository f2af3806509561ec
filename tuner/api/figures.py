"""Figures of the runs of an open database, drawn one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tuner.api.reading import by_run, drawable, find
from tuner.results.figures import FORMATS, figure_files, kinds_for
from tuner.results.tables.formats import check_format
from tuner.storage import Store


def figure_names(store: Store, names: Sequence[str], formats: Sequence[str]) -> list[str]:
    """Return the names that the files of `draw_figures` have, of empty figures as well.

    Raises:
        InvalidRequest: The database has no study.
        ValueError: There is no such format.
    """
    for format in formats:
        check_format(format, FORMATS)
    return [
        f"{run}-{kind.name}.{format}"
        for run, records in by_run(find(store, names)).items()
        for kind in kinds_for(is_search=records[0].is_search)
        for format in dict.fromkeys(formats)
    ]


def draw_figures(
    store: Store, names: Sequence[str], formats: Sequence[str]
) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield the name of each figure of some runs and studies, and a function that draws it; None if it is empty.

    A run is read when the first of its figures is due.

    Args:
        store: Open database.
        names: Names of runs and studies; without one, all.
        formats: Some of "png", "pdf" and "svg".

    Raises:
        InvalidRequest: The database has no study.
    """
    for run, records in by_run(find(store, names)).items():
        for name, draw in figure_files(drawable(store, records), dict.fromkeys(formats)):
            yield f"{run}-{name}", draw
