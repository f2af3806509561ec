"""How far an optimizer of a comparison is behind the best one, seed by seed.

All optimizers of a comparison have the same seeds, so that the distance of two is taken seed by seed: it is relative to
the best one's mean, with Fieller's interval (`relative`), as the gain of a tuned point is relative to the defaults'.
There is none where a run of either diverged or missed the target.

The margin, unless it is given, is 1 % of the distance from the optimizer's own mean to the floor or the best value that
the task says is known. Where the task says nothing, it is nothing but a rounding error: the best mean of the comparison
cannot stand for it, since an optimizer is always a hundred times 1 % of its distance away from the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuner.core.numbers import fitness
from tuner.core.objective import Objective
from tuner.core.study import Outcome
from tuner.core.trial import Status
from tuner.results.analysis.margins import SHARE, Margin
from tuner.results.analysis.relative import Relative
from tuner.results.analysis.verdict import ROUNDING, Gain, judge


@dataclass(frozen=True, slots=True)
class Behind:
    """The distance of an optimizer from the best one; positive where it is worse.

    Args:
        distance: Mean difference of the fitnesses over seeds, its spread, and both relative to the best one's mean;
            `margin` is relative to it as well.
        wins: Number of seeds on which it is better than the best one, by more than a rounding error.
        seeds: Number of seeds on which both finished.
    """

    distance: Gain
    wins: int
    seeds: int

    @property
    def is_equivalent(self) -> bool:
        """Whether the whole 95 % interval of the relative distance lies within the margin."""
        relative, margin = self.distance.relative, max(self.distance.margin or 0.0, ROUNDING)
        ends = (relative.low, relative.high)
        return all(end is not None and abs(end) <= margin for end in ends)


def behind(
    best: Sequence[Outcome],
    other: Sequence[Outcome],
    objective: Objective,
    budget: int,
    *,
    margin: Margin | None = None,
    floor: float | None = None,
) -> Behind:
    """Return how far an optimizer is behind the best one.

    Args:
        best: Runs of the best one; `key.slot` is the number of the seed.
        other: Runs of the other one.
        objective: The objective that ranks them.
        budget: Budget of a run.
        margin: The smallest distance that matters, in units of the objective or as a share of the best value.
        floor: Best value of the objective that is known for the other one.
    """
    by_seed = [{run.key.slot: run for run in runs if run.status.is_final} for runs in (best, other)]
    shared = sorted(by_seed[0].keys() & by_seed[1].keys())
    sides = [[runs[slot] for slot in shared] for runs in by_seed]
    _, gain = judge(sides[0], sides[1], len(shared), objective.limit(budget))
    pairs = [
        (fitness(one), fitness(two))
        for one, two in zip(*sides, strict=True)
        if one.status is two.status is Status.FINISHED
    ]
    wins = sum(two < one and abs(one - two) > ROUNDING * max(abs(one), abs(two)) for one, two in pairs)
    distance = Gain(_negative(gain.mean), gain.spread, _reversed(gain.relative))
    if gain.relative.value is not None:
        unit = abs(math.fsum(one for one, _ in pairs) / len(pairs))
        own = math.fsum(two for _, two in pairs) / len(pairs)
        known = None if floor is None else objective.fitness(floor)
        distance = replace(distance, margin=_relative(margin, unit, own, known))
    return Behind(distance, wins, len(pairs))


def _relative(margin: Margin | None, unit: float, own: float, known: float | None) -> float | None:
    """Return a margin as a share of the best one's mean."""
    if margin is None:
        return None if known is None else max(0.0, SHARE * (own - known) / unit)
    return margin.value if margin.is_share else margin.value / unit


def _reversed(one: Relative) -> Relative:
    return Relative(_negative(one.value), _negative(one.high), _negative(one.low))


def _negative(value: float | None) -> float | None:
    return None if value is None else 0.0 - value
