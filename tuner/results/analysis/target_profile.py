"""Times to several targets of a comparison, and their performance profile.

A *problem* is one target on one seed. On each problem an optimizer's *ratio* is its time divided by the shortest of any
optimizer (1 for the fastest; infinite if it missed the target). The profile of an optimizer is the share of problems
with a ratio of at most τ (Dolan and Moré 2002). As AlgoPerf does, its score is the mean of the profile for τ from 1 to
MAX_RATIO. Problems that no optimizer solves count as well, so that the best score may be below 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.objective_text import parse
from tuner.core.study import SeedRun
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison

MAX_RATIO = 4.0  # AlgoPerf's


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Gradient evaluations until each run of a comparison reaches each of some targets.

    Attributes:
        run: Name of the comparison.
        metric: What reaches the targets: "training-loss" or "validation.METRIC".
        goal: "<=" or ">=".
        targets: The targets, in the order given.
        names: Names of the contenders.
        evaluations: [contenders, targets, seeds]; +inf where a run missed the target, failed or diverged.
    """

    run: str
    metric: str
    goal: str
    targets: tuple[float, ...]
    names: tuple[str, ...]
    evaluations: NDArray[np.float64]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Ratios to the shortest time of each problem, [contenders, targets · seeds]."""
        times = self.evaluations.reshape(len(self.names), -1)
        fastest = times.min(axis=0)
        ratios = np.full_like(times, np.inf)
        np.divide(times, fastest, out=ratios, where=np.isfinite(times))
        return ratios

    @property
    def scores(self) -> dict[str, float]:
        """Score of each contender, from 0 to 1."""
        solved = np.clip(MAX_RATIO - self.ratios, 0.0, None) / (MAX_RATIO - 1)
        return dict(zip(self.names, solved.mean(axis=1).tolist(), strict=True))


def profile_of(comparison: Comparison, targets: str) -> Profile:
    """Return the times of a comparison's runs to some targets.

    Args:
        comparison: The comparison; a run without a result has missed every target.
        targets: "METRIC<=A,B,C" or "METRIC>=A,B,C", where METRIC is that of an objective. The training loss is its mean
            over a thousandth of the budget.

    Raises:
        InvalidRequest: The text is not of this form, or the comparison has not measured the metric.
    """
    wanted = _read(targets)
    first = wanted[0]
    split = "validation" if first.validates else "training"
    done = [run for one in comparison.contenders for run in one.runs if run.candidate.status is Status.FINISHED]
    if done and not any(split in run.series and first.validation_metric in run.series[split].metrics for run in done):
        metrics = [f"validation.{name}" for one in comparison.contenders[:1] for name in one.validation]
        raise InvalidRequest(
            "targets", f": {comparison.run} has measured {', '.join(['training-loss', *metrics])}", targets
        )
    times = np.full((len(comparison.contenders), len(wanted), comparison.seeds), np.inf)
    for number, contender in enumerate(comparison.contenders):
        for run in contender.runs:
            if run.candidate.status is Status.FINISHED:
                for at, target in enumerate(wanted):
                    times[number, at, run.candidate.key.slot] = _time(run, split, target, comparison.steps)
    names = tuple(one.name for one in comparison.contenders)
    return Profile(
        comparison.run, first.metric, str(first.goal), tuple(one.target or 0.0 for one in wanted), names, times
    )


def _read(targets: str) -> Sequence[Objective]:
    """Return an objective per target."""
    goal = next((each for each in ("<=", ">=") if each in targets), None)
    if goal is None:
        raise InvalidRequest("targets", "takes METRIC<=A,B,C or METRIC>=A,B,C", targets)
    metric, _, numbers = targets.partition(goal)
    try:
        return [parse(f"evaluations-to:{metric}{goal}{number}") for number in numbers.split(",")]
    except InvalidRequest as error:
        raise InvalidRequest("targets", error.accepted, targets) from None


def _time(run: SeedRun, split: str, target: Objective, budget: int) -> float:
    """Return the gradient evaluations until a run reached a target within its budget."""
    series = run.series.get(split)
    if series is None:
        return math.inf
    values, wanted = series.metrics[target.validation_metric], target.target or 0.0
    reached = values >= wanted if target.goal == ">=" else values <= wanted
    reached &= (series.evaluations > 0) & (series.evaluations <= budget)
    return float(series.evaluations[reached][0]) if reached.any() else math.inf
