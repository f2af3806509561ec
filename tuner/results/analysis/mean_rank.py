"""Mean ranks of tuned points over several tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.results.analysis.summary import Summary


def mean_ranks(group: Sequence[Summary]) -> list[float | None]:
    """Return the mean over the tasks of the rank of each optimizer's tuned point, 1 the best; see `FreshRuns.rank`.

    Equal points have the mean of their ranks. The ranks of a group of which a tuned point was not trained yet are None.

    Args:
        group: Summaries of searches on the same tasks, one per optimizer.
    """
    if any(part.tuned.left or not part.tuned.seeds for summary in group for part in summary.parts):
        return [None] * len(group)
    of_tasks = [
        _ranks([part.tuned.rank(part.objective) for part in parts])
        for parts in zip(*(s.parts for s in group), strict=True)
    ]
    return [math.fsum(ranks) / len(ranks) for ranks in zip(*of_tasks, strict=True)]


def _ranks(costs: Sequence[tuple[float, ...]]) -> list[float]:
    return [sum(other < cost for other in costs) + (costs.count(cost) + 1) / 2 for cost in costs]
