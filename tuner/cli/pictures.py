"""The figures of several runs, drawn on as many cores as there are where that is worth starting processes for."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

from tuner.execution.resources import usable_cores
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, Kind, Searches, rendered
from tuner.results.report.runs import Picture

WIDE = 7.0  # inches, from which a figure is too much for a telephone's width
WORTH = 24  # panels, or so: from here on processes save more than they cost, which is a second of imports each


def picture(kind: Kind[Any], of: Any) -> Picture | None:
    """Draw one figure; None where there is nothing to draw."""
    figure = kind.draw(of)
    if figure is None:
        return None
    return Picture(kind.title, kind.caption, rendered(figure, "svg"), figure.get_figwidth() > WIDE)


class Drawing:
    """Draws the figures of searches beside the reading of other runs, and those of comparisons at once."""

    def __init__(self, executor: Executor | None) -> None:
        """Use `drawing` instead."""
        self._executor = executor

    def of_search(self, searches: Searches) -> Sequence[Picture | Future[Picture | None] | None]:
        """Begin to draw the figures of a search."""
        if self._executor is None:
            return [picture(kind, searches) for kind in FIGURES_OF_SEARCH]
        return [self._executor.submit(picture, kind, searches) for kind in FIGURES_OF_SEARCH]

    def of_comparison(self, compared: Comparison) -> Sequence[Picture | None]:
        """Draw the figures of a comparison: a few panels, and its losses are much to hand to another process."""
        return [picture(kind, compared) for kind in FIGURES_OF_COMPARISON]


@contextlib.contextmanager
def drawing(searches: int) -> Iterator[Drawing]:
    """Give what draws, for so many studies of searches."""
    cores = usable_cores()
    if cores == 1 or searches * len(FIGURES_OF_SEARCH) < WORTH:
        yield Drawing(None)
        return
    # Not forked: the threads of numpy's libraries would not come along. Nothing that a figure is made of is garbage.
    context = multiprocessing.get_context("spawn")
    workers = min(cores, len(FIGURES_OF_SEARCH))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=gc.disable) as executor:
        yield Drawing(executor)


def drawn(begun: Sequence[Picture | Future[Picture | None] | None]) -> tuple[Picture, ...]:
    """Wait for figures, and return those that there are."""
    found = [each.result() if isinstance(each, Future) else each for each in begun]
    return tuple(each for each in found if each is not None)
