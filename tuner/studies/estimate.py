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

Costs = dict[tuple[str, str], float]  # seconds per gradient evaluation of a cohort, by task and optimizer


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
    fresh = math.ceil(math.ceil(2 * spec.fresh_runs / size) / workers)
    return cost * (rounds * sum(spec.steps) + fresh * spec.steps[-1])


def whole(specs: Sequence[SearchSpec], costs: Costs, workers: int) -> float:
    """Return the training time of all studies; one that was not measured counts as the mean of those on its task."""
    return sum(seconds(spec, costs.get(_key(spec)) or _mean(costs, spec), workers) for spec in specs)


def _key(spec: SearchSpec) -> tuple[str, str]:
    return spec.workload.task, spec.workload.optimizer


def _mean(costs: Costs, spec: SearchSpec) -> float:
    """Return the mean cost on the task of a study; of all tasks if none was measured on it."""
    on_task = [cost for (task, _), cost in costs.items() if task == spec.workload.task]
    return statistics.fmean(on_task or costs.values())


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
        specs: Specifications of the studies to run; of a search on several tasks, one for each of them.
        others: Functions that return the studies of other presets, by preset, in the same order.
        workers: Number of cohorts trained at a time.
        say: Shows a line on the progress.
    """
    costs: Costs = {}
    of_first = [spec for spec in specs if spec.seed == specs[0].seed]  # other seeds take as long
    first = [spec for spec in of_first if spec.workload.optimizer == specs[0].workload.optimizer]  # one per task
    for number, spec in enumerate(of_first, 1):
        say(f"measuring {spec.workload.optimizer}{_on(spec, first)}: a few steps")
        cost = measured_cost(executor, spec, workers)
        if cost is not None:
            costs[_key(spec)] = cost
        if number == len(first) and (not costs or whole(specs, costs, workers) < LONG):
            return None
    needed = whole(specs, costs, workers)
    mean = statistics.fmean(costs.values())
    alternatives = []
    for preset, shorter in others():
        by_task = {spec.workload.task: _mean(costs, spec) for spec in first}
        for spec, other in zip(first, shorter, strict=False):
            if other.workload.options != spec.workload.options:
                say(f"measuring preset {preset}{_on(spec, first)}: a few steps")
                task = spec.workload.task
                by_task[task] = measured_cost(executor, other, workers) or by_task[task]
        took = sum(seconds(spec, by_task[spec.workload.task], workers) for spec in shorter)
        if took < needed:
            alternatives.append(Alternative("preset", preset, took))
    fewer = _fewer(specs[0].steps, needed)
    if fewer is not None and all(spec.steps == specs[0].steps for spec in specs):
        took = whole([replace(spec, steps=fewer) for spec in specs], costs, workers)
        alternatives.append(Alternative("steps", _listed(fewer), took))
    return Estimate(needed, mean, workers, tuple(alternatives))


def duration(value: float) -> str:
    """Return seconds with two digits and a suitable unit: 40 s, 12 min, 3.5 h, 2.1 days."""
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if value >= size:
            return f"{value / size:.2g} {unit}"
    return f"{value:.0f} s"


def _on(spec: SearchSpec, tasks: Sequence[SearchSpec]) -> str:
    """Return the task of a study as text, if there are several."""
    return "" if len(tasks) == 1 else f" on {spec.workload.task_label}"


def _fewer(steps: Sequence[int], needed: float) -> tuple[int, ...] | None:
    """Return shorter budgets in the same proportions; None if the search fits FITS, or cannot be shortened."""
    factor = min(needed / FITS, min(steps) / MIN_STEPS)
    return tuple(round(budget / factor) for budget in steps) if factor > 1 else None


def _listed(steps: Sequence[int]) -> str:
    return str(steps[0]) if len(set(steps)) == 1 else ",".join(map(str, steps))
