"""Measured estimates of the duration of a search, and shorter alternatives.

A probe trains the defaults for a few steps on all workers at once, like the search, so that it measures a busy machine.
Compilation is not counted, but is not wasted either, since the same workers continue with the same optimizer.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from search_spaces.space import SearchSpace
from tuner.core.study import SearchSpec
from tuner.core.trial import Evaluation, Key, Role, Status, Trial
from tuner.execution.executor import Executor

LONG = 600.0  # seconds; a shorter search begins without an estimate
FITS = 3600.0  # seconds; the maximum duration of a suggestion, as far as MIN_STEPS allows
PROBE_SINGLE = 2  # steps, if a candidate is a network
PROBE_COHORT = 200  # steps, if small candidates train in lockstep
MIN_STEPS = 20  # per generation of a suggestion: a loss after fewer steps is not informative

Costs = dict[str, float]  # seconds per gradient evaluation of a cohort, by optimizer


def measured_cost(executor: Executor, spec: SearchSpec, workers: int) -> float | None:
    """Return a cohort's seconds per gradient evaluation while all workers are busy; None if it fails.

    Args:
        executor: Trains the defaults.
        spec: Specification of the study.
        workers: Number of cohorts trained at a time.
    """
    workload = spec.workload
    steps = PROBE_SINGLE if workload.cohort_size == 1 else PROBE_COHORT
    defaults = SearchSpace.from_dict(spec.space).defaults()
    trials = [
        Trial(Key(Role.DEFAULT, 0, slot), defaults, seed=slot, steps=min(steps, *spec.steps))
        for slot in range(workers * workload.cohort_size)
    ]
    costs = [
        # event.seconds is the candidate's share of the cohort's.
        event.seconds * workload.cohort_size / max(1, event.steps_done)
        for event in executor.evaluate(workload, trials, label=f"estimate/{workload.optimizer}")
        if isinstance(event, Evaluation) and event.status is Status.FINISHED
    ]
    return statistics.median(costs) if costs else None


def seconds(spec: SearchSpec, cost: float, workers: int) -> float:
    """Return the training time of a study: its generations in sequence, their cohorts on `workers` workers."""
    size = spec.workload.cohort_size
    rounds = math.ceil(math.ceil(spec.population / size) / workers)
    fresh = math.ceil(math.ceil(2 * spec.fresh_seeds / size) / workers)
    return cost * (rounds * sum(spec.steps) + fresh * spec.steps[-1])


def whole(specs: Sequence[SearchSpec], costs: Costs, workers: int) -> float:
    """Return the training time of all studies; one that was not measured counts as the mean of the others."""
    mean = statistics.fmean(costs.values())
    return sum(seconds(spec, costs.get(spec.workload.optimizer, mean), workers) for spec in specs)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A shorter search: one field of the request, its other value, and the resulting duration."""

    field: str  # "preset" or "steps"
    value: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The measured duration of a long search, and shorter alternatives."""

    seconds: float
    seconds_per_evaluation: float
    workers: int
    shorter: tuple[Alternative, ...]

    def lines(self, name_of: Callable[[str], str] = str) -> list[str]:
        """Return the estimate as lines of text, with each field's name replaced by `name_of(field)`."""
        return [
            f"The search will train for about {duration(self.seconds)}: {self.seconds_per_evaluation:.2g} s per "
            f"gradient evaluation as measured, {self.workers} at a time",
            *(
                f"  {name_of(each.field)} {each.value} would take about {duration(each.seconds)}"
                for each in self.shorter
            ),
        ]


def long_run(
    executor: Executor,
    specs: Sequence[SearchSpec],
    others: Callable[[], Iterable[tuple[str, Sequence[SearchSpec]]]],
    workers: int,
    say: Callable[[str], None],
) -> Estimate | None:
    """Return the estimated duration of a search; None if it is short or cannot be measured.

    Only the first optimizer is measured if its result shows that the search is short.

    Args:
        executor: Trains the probes.
        specs: Specifications of the studies to run.
        others: Functions that return the studies of other presets, by preset.
        workers: Number of cohorts trained at a time.
        say: Shows a line on the progress.
    """
    costs: Costs = {}
    for number, spec in enumerate(specs):
        say(f"measuring {spec.workload.optimizer}: a few steps")
        cost = measured_cost(executor, spec, workers)
        if cost is not None:
            costs[spec.workload.optimizer] = cost
        if number == 0 and (not costs or whole(specs, costs, workers) < LONG):
            return None
    needed = whole(specs, costs, workers)
    mean = statistics.fmean(costs.values())
    alternatives = []
    for preset, shorter in others():
        cost = mean
        if shorter[0].workload.options != specs[0].workload.options:
            say(f"measuring preset {preset}: a few steps")
            cost = measured_cost(executor, shorter[0], workers) or mean
        took = sum(seconds(spec, cost, workers) for spec in shorter)
        if took < needed:
            alternatives.append(Alternative("preset", preset, took))
    fewer = _fewer(specs[0].steps, needed)
    if fewer is not None:
        took = whole([replace(spec, steps=fewer) for spec in specs], costs, workers)
        alternatives.append(Alternative("steps", _listed(fewer), took))
    return Estimate(needed, mean, workers, tuple(alternatives))


def duration(value: float) -> str:
    """Return seconds with two digits and a suitable unit: 40 s, 12 min, 3.5 h, 2.1 days."""
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if value >= size:
            return f"{value / size:.2g} {unit}"
    return f"{value:.0f} s"


def _fewer(steps: Sequence[int], needed: float) -> tuple[int, ...] | None:
    """Return shorter budgets in the same proportions; None if the search fits FITS, or cannot be shortened."""
    factor = min(needed / FITS, min(steps) / MIN_STEPS)
    return tuple(round(budget / factor) for budget in steps) if factor > 1 else None


def _listed(steps: Sequence[int]) -> str:
    return str(steps[0]) if len(set(steps)) == 1 else ",".join(map(str, steps))
