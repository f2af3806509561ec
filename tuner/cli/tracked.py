"""`lodo-tune train --track hessian-error`: a learned preconditioner measured on the way, and run again frozen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.cli.cohorts import MeasuredRun, train_measured
from tuner.cli.series import by_seed, finite
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.results.tables.grid import Grid
from tuner.results.tables.numbers import measured


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run whose preconditioner was measured, and the same run once more with what it had learned."""

    learning: MeasuredRun
    frozen: MeasuredRun

    @property
    def errors(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The evaluations taken before each measurement, and ‖I - G(θ)H‖_F / √n at each."""
        points, metrics = self.learning.series("hessian-error")
        return points, metrics["error"]


def run_tracked(workload: Workload, trials: Sequence[Trial], progress: Callable[[float], None]) -> list[Tracked]:
    """Train all trials, and once more with the preconditioners that they have learned.

    Args:
        workload: What the trials share.
        trials: With one budget.
        progress: Called with the share of the work that is done, from 0 to 1.

    Raises:
        InvalidRequest: The optimizer learns no preconditioner, or the task has no Hessian.
    """
    from tuner.training.measurements.hessian_error import HessianError

    learning = train_measured(workload, trials, lambda: [HessianError()], lambda share: progress(share / 2))
    frozen = train_measured(workload, trials, list, lambda share: progress((1 + share) / 2), learning)
    return [Tracked(*runs) for runs in zip(learning, frozen, strict=True)]


def as_json(tracked: Tracked, *, curve: bool) -> dict[str, Any]:
    """Return what tracking adds to a run's entry."""
    run = tracked.frozen.evaluation
    frozen: dict[str, Any] = {"status": str(run.status), "fitness": finite(run.fitness)}
    if run.reason:
        frozen["reason"] = run.reason
    if curve:
        frozen["losses"] = [finite(float(loss)) for loss in run.losses]
    points, errors = tracked.errors
    return {
        "hessian_error": {"evaluations": list(points), "errors": [finite(error) for error in errors]},
        "frozen": frozen,
    }


def as_text(tracked: Sequence[Tracked], seeds: Sequence[int], budget: int) -> str:
    """Return two tables: the error by evaluations taken, and the losses of the run that learned and of the frozen."""
    points, values = zip(*(one.errors for one in tracked), strict=True)
    errors = by_seed(points, values, seeds)
    losses = Grid(
        ["seed", "preconditioner", "first tenth", "last tenth"],
        [
            [str(seed), name, _first_tenth(run.evaluation, budget), _last_tenth(run.evaluation)]
            for seed, one in zip(seeds, tracked, strict=True)
            for name, run in (("learned on the way", one.learning), ("frozen, as learned", one.frozen))
        ],
        left=(0, 1),
    )
    return (
        "Error of the preconditioner, ‖I - G H‖_F / √n: 0 where it is the inverse Hessian\n"
        f"{errors.text()}\n\n"
        "Mean loss of the run, and of the same run begun again with what it had learned\n"
        f"{losses.text()}"
    )


def _first_tenth(run: Evaluation, budget: int) -> str:
    """Return the mean loss of the budget's first tenth; nothing where the run ended or overflowed within it."""
    losses = [float(loss) for loss in run.losses[: max(1, budget // 10)]]
    complete = len(losses) == max(1, budget // 10) and all(map(math.isfinite, losses))
    return measured(statistics.fmean(losses) if complete else None)


def _last_tenth(run: Evaluation) -> str:
    return measured(run.fitness) if run.status is Status.FINISHED else run.reason
