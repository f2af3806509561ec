"""Figures of the runs of an open database, drawn one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tuner.api.finding import by_run, find
from tuner.api.reading import chosen_table, drawable
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.target_profile import profile_of
from tuner.results.figures import (
    DEFAULT_LOOK,
    FIGURES_OF_COMPARISON,
    FIGURES_OF_SEARCH,
    FORMATS,
    Look,
    budget_figure,
    figure_files,
    kinds_for,
    profile_figure,
    profile_files,
    profile_names,
    rendered,
)
from tuner.results.tables.formats import check_format
from tuner.storage import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_NAMES = (*(kind.name for kind in FIGURES_OF_SEARCH), *(kind.name for kind in FIGURES_OF_COMPARISON))


@dataclass(frozen=True, slots=True)
class FigureRequest:
    """What is to be drawn; see `Database.figures`.

    Raises:
        InvalidRequest: Two of `targets`, `by_budget` and `profile` are given, or `only` names no figure.
        ValueError: There is no such format.
    """

    names: tuple[str, ...] = ()  # of runs and studies; without one, all
    formats: tuple[str, ...] = ("png",)
    targets: str | None = None
    by_budget: bool = False
    profile: bool = False
    only: tuple[str, ...] | None = None  # names of figures; None: all
    look: Look = DEFAULT_LOOK

    def __post_init__(self) -> None:
        for format in self.formats:
            check_format(format, FORMATS)
        if self.targets is not None and (self.by_budget or self.profile):
            raise InvalidRequest(
                "targets", f"and {{{'by_budget' if self.by_budget else 'profile'}}} exclude each other"
            )
        for name in self.only or ():
            if name not in _NAMES:
                raise InvalidRequest("only", f"takes some of {', '.join(_NAMES)}{nearest(name, _NAMES)}", name)
        if self.only is not None and self.shared is not None:
            raise InvalidRequest("only", f"and {{{'by_budget' if self.by_budget else 'profile'}}} exclude each other")
        object.__setattr__(self, "formats", tuple(dict.fromkeys(self.formats)))

    @property
    def shared(self) -> str | None:
        """Name of the one figure that is drawn of all runs together; None if each run has its own."""
        return "by-budget" if self.by_budget else "profile" if self.profile else None


def figure_names(store: Store, request: FigureRequest) -> list[str]:
    """Return the names that the files of `draw_figures` have, of empty figures as well.

    Raises:
        InvalidRequest: The database has no study, or a comparison has not measured the metric of the targets.
    """
    if request.shared is not None:
        return [f"{request.shared}.{format}" for format in request.formats]
    result = []
    for run, records in by_run(find(store, request.names)).items():
        kinds = kinds_for(is_search=records[0].is_search)
        chosen = [kind for kind in kinds if request.only is None or kind.name in request.only]
        files = [f"{kind.name}.{format}" for kind in chosen for format in request.formats]
        results = None if request.targets is None or records[0].is_search else drawable(store, records)
        if request.targets is not None and isinstance(results, Comparison):
            profile_of(results, request.targets)
            files += profile_names(request.formats)
        result += [f"{run}-{file}" for file in files]
    return result


def draw_figures(store: Store, request: FigureRequest) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield the name of each figure, and a function that draws it and returns None if it is empty.

    A run is read when the first of its figures is due.

    Raises:
        InvalidRequest: See `figure_names` and `tuner.api.reading.chosen_table`.
    """
    if request.shared is not None:
        figure = _shared_figure(store, request)
        for format in request.formats:
            yield f"{request.shared}.{format}", partial(_rendered, figure, format, request.look)
        return
    for run, records in by_run(find(store, request.names)).items():
        results = drawable(store, records)
        for name, draw in figure_files(results, request.formats, request.look, request.only):
            yield f"{run}-{name}", draw
        if request.targets is not None and isinstance(results, Comparison):
            for name, draw in profile_files(results, request.targets, request.formats, request.look):
                yield f"{run}-{name}", draw


def _shared_figure(store: Store, request: FigureRequest) -> Figure | None:
    table = chosen_table(store, find(store, request.names), by_budget=request.by_budget, profile=request.profile)
    look = request.look
    return budget_figure(table.by_budget, look) if table.profile is None else profile_figure(table.profile, look)


def _rendered(figure: Figure | None, format: str, look: Look) -> bytes | None:
    return None if figure is None else rendered(figure, format, look)
