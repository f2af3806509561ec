"""Performance profiles of optimizers over several tasks (Dolan and Moré, 2002).

The ratio of a run is its value of the comparison's objective, such as its final loss, over the lowest value of any
optimizer on the same task and seed. The profile of an optimizer at τ is the share of its runs with a ratio of at most
τ, averaged over tasks. Ratios have no unit, so tasks whose losses are not comparable count alike.

A run that diverged, or missed the target of a time to it, has an infinite ratio. A seed on which a run of any optimizer
failed, timed out or is not over counts for none: that says nothing about the optimizers.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.study import CandidateRecord
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.analysis.estimate import CONFIDENCE, RESAMPLES
from tuner.results.analysis.ranking import ROUNDING

_CONCLUSIVE = (Status.FINISHED, Status.DIVERGED)
_SEED = 8  # of the resampling, so that equal numbers have equal intervals


@dataclass(frozen=True, slots=True)
class ProfiledTask:
    """The comparison on one task."""

    run: str
    task: str
    task_label: str  # name of the task for display
    objective: Objective
    steps: int  # budget of a run, in gradient evaluations
    seeds: tuple[int, ...]  # those that count


@dataclass(frozen=True, slots=True)
class ProfiledOptimizer:
    """Runs of one optimizer on all tasks: [tasks][seeds], at least one seed each.

    Those that diverged, or missed the target, are +inf.
    """

    optimizer: str
    losses: tuple[tuple[float, ...], ...]  # values of the objective; by default losses in the last tenth of the budget
    ratios: tuple[tuple[float, ...], ...]  # value over the lowest of any optimizer on this task and seed

    def mean_loss(self, task: int) -> float:
        """Return the mean value on a task; +inf if a run diverged or missed the target."""
        return statistics.fmean(self.losses[task])


@dataclass(frozen=True, slots=True)
class Share:
    """The profile of an optimizer at one ratio."""

    ratio: float  # +inf: all runs that did not diverge or miss the target
    share: float
    low: float | None  # end of the 95 % interval; None if no task has several seeds
    high: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Performance profiles of the optimizers that all of some comparisons have."""

    tasks: tuple[ProfiledTask, ...]
    optimizers: tuple[ProfiledOptimizer, ...]
    remarks: tuple[str, ...]

    @property
    def objective(self) -> Objective | None:
        """The objective of all comparisons; None if they have several."""
        objectives = {task.objective for task in self.tasks}
        return objectives.pop() if len(objectives) == 1 else None

    @property
    def noun(self) -> str:
        """What is compared, in a few words: "loss" by default."""
        nouns = {"time to the target" if task.objective.is_to_target else task.objective.noun for task in self.tasks}
        return nouns.pop() if len(nouns) == 1 else "value"

    def shares(self, optimizer: ProfiledOptimizer, ratios: Sequence[float]) -> list[Share]:
        """Return the profile of one of the optimizers at some ratios, each at least 1.

        Tasks have equal weights. The interval is that of the stratified percentile bootstrap: seeds are resampled
        within each task, the same for all optimizers. The tasks are fixed, so it does not speak for other tasks.
        """
        random = np.random.default_rng(_SEED)
        levels = np.asarray(ratios, np.float64)
        means, samples = np.zeros(len(levels)), np.zeros((RESAMPLES, len(levels)))
        for of_task in optimizer.ratios:
            runs = np.array(of_task)
            is_finite = np.isfinite(runs)  # infinity is within no ratio, although it equals itself
            within = ((runs[:, None] <= levels) & is_finite[:, None]).astype(np.float64)  # [seeds, ratios]
            means += within.mean(axis=0) / len(optimizer.ratios)
            drawn = random.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), RESAMPLES)  # [resamples, seeds]
            samples += drawn @ within / (len(runs) * len(optimizer.ratios))
        ends: list[tuple[float | None, float | None]] = [(None, None)] * len(levels)
        if any(len(of_task) > 1 for of_task in optimizer.ratios):
            low, high = np.quantile(samples, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
            ends = list(zip(low.tolist(), high.tolist(), strict=True))
        return [Share(ratio, float(mean), *interval) for ratio, mean, interval in zip(ratios, means, ends, strict=True)]


def profile(comparisons: Sequence[Comparison]) -> Profile:
    """Return the performance profiles of some comparisons, on several tasks or of several budgets.

    Args:
        comparisons: At least one.

    Raises:
        InvalidRequest: One of them is a sweep or has an objective that is maximised, they do not have two optimizers in
            common, no seed counts in one of them, or it has a negative value, which has no ratio.
    """
    if sweeps := [one.run for one in comparisons if one.sweep is not None]:
        raise InvalidRequest("profile", f"takes comparisons of optimizers. Received: {sweeps[0]}, a sweep")
    for comparison in comparisons:
        if comparison.objective.is_max:
            raise InvalidRequest(
                "profile",
                f"takes ratios of what is minimised, such as comparisons by validation.loss or training-loss. Received:"
                f" {comparison.run} by {comparison.objective.text}",
            )
    named = [{one.optimizer: one for one in comparison.contenders} for comparison in comparisons]
    names = [name for name in named[0] if all(name in each for each in named)]
    if len(names) < 2:
        shared = ", ".join(names) or "none"
        raise InvalidRequest("profile", f"takes comparisons with two or more optimizers in common. Received: {shared}")
    others = sorted({name for each in named for name in each} - set(names))
    remarks = [f"{name} is left out, since not every comparison has it" for name in others]
    remarks += [
        f"the runs of {one.run} were imported, and not measured by lodo-tune" for one in comparisons if one.is_imported
    ]
    tasks, losses = [], []
    for comparison, each in zip(comparisons, named, strict=True):
        by_seed = _by_seed(comparison, [each[name] for name in names])
        if len(by_seed) < comparison.seeds:
            remarks.append(
                f"{comparison.run}: {len(by_seed)} of {comparison.seeds} seeds count; on the others a run failed, "
                "timed out or is not over"
            )
        tasks.append(
            ProfiledTask(
                comparison.run,
                comparison.task,
                comparison.task_label,
                comparison.objective,
                comparison.steps,
                tuple(by_seed),
            )
        )
        losses.append(by_seed)
    return Profile(tuple(tasks), tuple(_optimizer(name, at, losses) for at, name in enumerate(names)), tuple(remarks))


def _optimizer(name: str, at: int, losses: Sequence[Mapping[int, Sequence[float]]]) -> ProfiledOptimizer:
    return ProfiledOptimizer(
        name,
        tuple(tuple(of_seed[at] for of_seed in by_seed.values()) for by_seed in losses),
        tuple(tuple(_ratio(of_seed[at], min(of_seed)) for of_seed in by_seed.values()) for by_seed in losses),
    )


def _ratio(loss: float, best: float) -> float:
    """Return a ratio of losses, in which rounding errors are equal."""
    return max(loss, ROUNDING) / max(best, ROUNDING) if math.isfinite(loss) else math.inf


def _by_seed(comparison: Comparison, contenders: Sequence[Contender]) -> dict[int, list[float]]:
    """Return the values of some contenders by seed, of the seeds on which all of them finished or diverged."""
    found = [
        {
            run.candidate.seed: _value(comparison, run.candidate)
            for run in one.runs
            if run.candidate.status in _CONCLUSIVE
        }
        for one in contenders
    ]
    by_seed = {seed: [each[seed] for each in found] for seed in found[0] if all(seed in each for each in found)}
    if not by_seed:
        raise InvalidRequest("profile", f": {comparison.run} has no seed on which every optimizer finished or diverged")
    lowest = min(loss for losses in by_seed.values() for loss in losses)
    if lowest < 0:
        raise InvalidRequest(
            "profile", f"takes values of at least 0, which have ratios. Received: {lowest} in {comparison.run}"
        )
    return by_seed


def _value(comparison: Comparison, candidate: CandidateRecord) -> float:
    value = comparison.objective.shown(candidate.fitness, comparison.steps)
    return math.inf if value is None else value
