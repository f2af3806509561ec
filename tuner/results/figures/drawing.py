"""The figures of a run, as files and as pictures of a report.

They are drawn in several processes where that is faster.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.generations import Searches
from tuner.results.figures.kinds import FIGURES_OF_SEARCH, Kind, kinds_of
from tuner.results.figures.saving import rendered

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 7.0  # inches, from which a figure does not fit the width of a telephone
MIN_PANELS = 24  # about; with fewer, a second of imports in each process costs more than it saves


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure that is drawn."""

    title: str
    caption: str
    svg: bytes
    is_wide: bool  # has several panels side by side, too many for the width of a telephone

    @property
    def address(self) -> str:
        """A data URL that holds the whole image; a browser runs no script in one."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg).decode()}"


def figure_files(of: Searches | Comparison, formats: Iterable[str]) -> Iterator[tuple[str, Callable[[], bytes | None]]]:
    """Yield the name of each figure of a run, and a function that draws it: None if there is nothing to show.

    Args:
        of: The studies of a search with their candidates, or a comparison with its curves.
        formats: Some of `tuner.results.figures.FORMATS`, the endings of the names.
    """
    for kind in kinds_of(of):
        draw = cache(partial(kind.draw, of))
        yield from ((f"{kind.name}.{format}", partial(_content, draw, format)) for format in formats)


def _content(draw: Callable[[], Figure | None], format: str) -> bytes | None:
    figure = draw()
    return None if figure is None else rendered(figure, format)


class PictureDrawer:
    """Draws pictures: those of a search in other processes, if there are any, while the caller continues.

    Args:
        executor: Runs the other processes; None: none.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    def draw(self, of: Searches | Comparison) -> Callable[[], tuple[Picture, ...]]:
        """Begin to draw the figures of a run, and return a function that waits for them.

        The figures of a comparison are drawn at once: they are few, and its curves are too large to send.
        """
        begun: list[Picture | Future[Picture | None] | None]
        if self._executor is None or isinstance(of, Comparison):
            begun = [_picture(kind, of) for kind in kinds_of(of)]
        else:
            begun = [self._executor.submit(_picture, kind, of) for kind in kinds_of(of)]

        def wait() -> tuple[Picture, ...]:
            pictures = [one.result() if isinstance(one, Future) else one for one in begun]
            return tuple(one for one in pictures if one is not None)

        return wait


@contextlib.contextmanager
def picture_drawer(processes: int, searches: int) -> Iterator[PictureDrawer]:
    """Start what draws pictures.

    Args:
        processes: How many may be started; with 1, none is, and the main module of a script needs no guard.
        searches: How many studies of searches there are to draw; few are not worth a process.
    """
    if processes == 1 or searches * len(FIGURES_OF_SEARCH) < MIN_PANELS:
        yield PictureDrawer(None)
        return
    # Spawned and not forked: a fork loses the threads of NumPy's libraries. Collecting garbage would find none.
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(FIGURES_OF_SEARCH))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=gc.disable) as executor:
        yield PictureDrawer(executor)


def _picture(kind: Kind[Any], of: Any) -> Picture | None:
    figure = kind.draw(of)
    if figure is None:
        return None
    return Picture(kind.title, kind.caption, rendered(figure, "svg"), figure.get_figwidth() > WIDE)
