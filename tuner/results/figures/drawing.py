"""Figures of a run as files and as pictures of a report, drawn in parallel."""

from __future__ import annotations

import base64
import contextlib
import gc
import multiprocessing
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from tuner.results.analysis.by_budget import ByBudget
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.profile import Profile
from tuner.results.figures.by_budget import best_by_budget_of
from tuner.results.figures.canvas import matplotlib_defaults
from tuner.results.figures.kinds import FIGURES_OF_SEARCH, Kind, kinds_of
from tuner.results.figures.look import DEFAULT_LOOK, Look
from tuner.results.figures.profile import profiles
from tuner.results.figures.saving import rendered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 7.0  # inches; a wider figure does not fit the width of a telephone
MIN_PANELS = 24  # roughly; with fewer, the second of imports in each process costs more than it saves


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure."""

    title: str
    caption: str
    svg: bytes
    is_wide: bool  # does not fit the width of a telephone

    @property
    def address(self) -> str:
        """A data URL with the whole image; browsers run no scripts in such images."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"


def figure_files(
    results: Searches | Comparison,
    formats: Iterable[str],
    look: Look = DEFAULT_LOOK,
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield the name of each figure of a run, and a function that returns its content; None if it is empty.

    Args:
        results: The studies of a search with their candidates, or a comparison with its curves.
        formats: Some of `tuner.results.figures.FORMATS`, which are the endings of the names.
        look: What the user asks for. Default: nothing.
        only: Names of the figures. Default: all.
    """
    for kind in kinds_of(results):
        if only is None or kind.name in only:
            draw = cache(partial(kind.draw, results, look))
            yield from ((f"{kind.name}.{format}", partial(_content, draw, format, look)) for format in formats)


def budget_figure(groups: Sequence[ByBudget], look: Look = DEFAULT_LOOK) -> Figure | None:
    """Return the figure of searches of some runs by their budget, with Matplotlib's defaults; None if it is empty."""
    with matplotlib_defaults(look):
        return best_by_budget_of(groups, look)


def profile_figure(profile: Profile, look: Look = DEFAULT_LOOK) -> Figure | None:
    """Return the figure of performance profiles, with Matplotlib's defaults; None if no run reached its target."""
    with matplotlib_defaults(look):
        return profiles(profile, look)


def _content(draw: Callable[[], Figure | None], format: str, look: Look) -> bytes | None:
    figure = draw()
    return None if figure is None else rendered(figure, format, look)


class PictureDrawer:
    """Draws pictures; those of searches in other processes, while the caller continues.

    Args:
        executor: Executor of the other processes; None draws in this process.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    def draw(self, results: Searches | Comparison) -> Callable[[], tuple[Picture, ...]]:
        """Start to draw the figures of a run, and return a function that waits for them.

        The figures of a comparison are drawn at once: they are few, and its curves are too large to send.
        """
        started: list[Picture | Future[Picture | None] | None]
        if self._executor is None or isinstance(results, Comparison):
            started = [_picture(kind, results) for kind in kinds_of(results)]
        else:
            started = [self._executor.submit(_picture, kind, results) for kind in kinds_of(results)]

        def wait() -> tuple[Picture, ...]:
            pictures = [one.result() if isinstance(one, Future) else one for one in started]
            return tuple(one for one in pictures if one is not None)

        return wait


@contextlib.contextmanager
def picture_drawer(processes: int, searches: int) -> Iterator[PictureDrawer]:
    """Yield a `PictureDrawer`, and end its processes afterwards.

    Args:
        processes: Largest number of processes. With 1, none is started, and a script needs no guard of its main module.
        searches: Number of studies of searches to draw; for a small number, no process is started.
    """
    if processes == 1 or searches * len(FIGURES_OF_SEARCH) < MIN_PANELS:
        yield PictureDrawer(None)
        return
    # Spawned and not forked: a fork loses the threads of NumPy's libraries. Garbage collection only costs time here.
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(FIGURES_OF_SEARCH))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=gc.disable) as executor:
        yield PictureDrawer(executor)


def _picture(kind: Kind[Any], results: Any) -> Picture | None:
    figure = kind.draw(results)
    if figure is None:
        return None
    return Picture(kind.title, kind.caption, rendered(figure, "svg"), figure.get_figwidth() > WIDE)
