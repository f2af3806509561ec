"""What the generations of a search say about its next: divergence, progress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.numbers import fitness
from tuner.core.trial import Status
from tuner.results.analysis.generations import Generation, Run

LATE = 0.25  # of the generations with the last budget: the last quarter


@dataclass(frozen=True, slots=True)
class Trends:
    """What changed from generation to generation."""

    diverged: tuple[int, ...] = ()  # numbers of the generations of which more than half diverged
    late: int = 0  # generations of the last quarter of those with the last budget; 0 of fewer than four, or incomplete
    comparable: int = 0  # generations with the last budget
    improved: float | None = None  # by how much the last quarter lowered the best fitness; None where it is not known
    before: float | None = None  # the best fitness before it


NO_TRENDS = Trends()


def trends(generations: Sequence[Generation[Run]]) -> Trends:
    """Return what changed from generation to generation of a search."""
    diverged = tuple(one.number for one in generations if 2 * one.counts[Status.DIVERGED] > one.population)
    comparable = [one for one in generations if one.steps == generations[-1].steps]
    late = math.floor(LATE * len(comparable))
    if not late or any(one.left for one in generations):
        return Trends(diverged, 0, len(comparable))
    before, after = (_best(part) for part in (comparable[:-late], comparable[-late:]))
    if before is None or after is None:
        return Trends(diverged, late, len(comparable))
    return Trends(diverged, late, len(comparable), max(0.0, before - after), before)


def _best(generations: Sequence[Generation[Run]]) -> float | None:
    found = [fitness(one.finished[0]) for one in generations if one.finished and one.value(one.finished[0]) is not None]
    return min(found, default=None)
