"""The gain of the last doubling of a random search, as a measure of the next.

The expected best of half of the recorded candidates is exact, over all subsets (`best_of`). Its distance from the best
of all is the *gain* of the last doubling. Of as many further candidates, one is better than the best with probability
1/2: each of the 2 n is equally likely to be the best of them.

The gain is no prediction for one search. Where the distribution of fitnesses begins as a power of the distance from the
least one, each doubling brings less than the one before on average. In a single search the two are hardly correlated,
or negatively: after a lucky candidate the last doubling brought much, and the next one brings little.
`benchmarks/search_details.py` measures both on quadratics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.numbers import fitness
from tuner.core.study import Outcome, SearchSpec
from tuner.results.analysis.best_of import best_of
from tuner.results.analysis.by_budget import RANDOM
from tuner.results.analysis.generations import by_generation


@dataclass(frozen=True, slots=True)
class Doubling:
    """The last doubling of a random search."""

    half: int  # candidates before it
    candidates: int  # candidates after it, all that had the last budget
    gain: float  # expected best of `half` candidates minus the best of all, on the search's seed; at least 0


def last_doubling(spec: SearchSpec, outcomes: Sequence[Outcome]) -> Doubling | None:
    """Return the last doubling of a random search.

    Args:
        spec: Specification of the search.
        outcomes: Outcomes of all of its candidates, in any order.

    Returns:
        None for other strategies, whose candidates depend on each other; for the time to a target, which a candidate
        may miss; before the end; and if half of the candidates may have none that finished.
    """
    if spec.strategy != RANDOM or spec.workload.objective.is_to_target:
        return None
    generations = [one for one in by_generation(spec, outcomes) if one.steps == spec.steps[-1]]
    if any(one.left for one in generations):
        return None
    values = [fitness(run) for one in generations for run in one.finished]
    count = sum(one.population for one in generations)
    expected = best_of([*values, *[math.inf] * (count - len(values))], count // 2).mean if count > 1 else None
    return None if expected is None else Doubling(count // 2, count, expected - min(values))
