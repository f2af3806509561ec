"""`lodo-tune train --track hessian-error`: a learned preconditioner measured on the way, and run again frozen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.cli.cohorts import cohorts_of, series, train_measured
from tuner.core.numbers import finite_or_none
from tuner.core.trial import Evaluation, Status, Trial, Workload
from tuner.results.tables.numbers import measured
from tuner.results.tables.series import by_seed
from tuner.results.tables.text_table import TextTable


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run whose preconditioner was measured, and the same run once more with what it had learned."""

    learning: Evaluation  # with the observations "hessian-error"
    frozen: Evaluation

    @property
    def points(self) -> tuple[int, ...]:
        """Gradient evaluations taken before each error."""
        return series(self.learning, "hessian-error")[0]

    @property
    def errors(self) -> tuple[float, ...]:
        """‖I - G(θ)H‖_F / √n at each point."""
        return series(self.learning, "hessian-error")[1]["error"]


def run_tracked(workload: Workload, trials: Sequence[Trial], progress: Callable[[float], None]) -> list[Tracked]:
    """Train all trials twice, cohort by cohort.

    Args:
        workload: What the trials share.
        trials: With one budget.
        progress: Called with the share of the work that is done, from 0 to 1.

    Raises:
        InvalidRequest: The optimizer learns no preconditioner, or the task has no Hessian.
    """
    from tuner.training.frozen import frozen_as_in
    from tuner.training.measurements.end_state import EndState
    from tuner.training.measurements.hessian_error import HessianError

    found: list[Tracked] = []
    for some, lanes, report in cohorts_of(workload, trials, progress):
        end = EndState()
        learning = train_measured(some, lanes, [HessianError(), end], _half(report, 0.0))
        frozen = train_measured(some, lanes, [], _half(report, 0.5), frozen_as_in(end.carry))
        found += map(Tracked, learning, frozen)
    return found


def _half(report: Callable[[float], None], before: float) -> Callable[[float], None]:
    """Return what reports the share of one of two runs as a share of both."""
    return lambda share: report(before + share / 2)


def as_json(tracked: Tracked, *, curve: bool) -> dict[str, Any]:
    """Return what tracking adds to a run's entry."""
    frozen: dict[str, Any] = {"status": str(tracked.frozen.status), "fitness": finite_or_none(tracked.frozen.fitness)}
    if tracked.frozen.reason:
        frozen["reason"] = tracked.frozen.reason
    if curve:
        frozen["losses"] = [finite_or_none(float(loss)) for loss in tracked.frozen.losses]
    errors = [finite_or_none(error) for error in tracked.errors]
    return {"hessian_error": {"evaluations": list(tracked.points), "errors": errors}, "frozen": frozen}


def as_text(tracked: Sequence[Tracked], seeds: Sequence[int], budget: int) -> str:
    """Return two tables: the error by evaluations taken, and the losses of the run that learned and of the frozen."""
    errors = by_seed([one.points for one in tracked], [one.errors for one in tracked], seeds)
    losses = TextTable(
        ["seed", "preconditioner", "first tenth", "last tenth"],
        [
            [str(seed), name, _first_tenth(run, budget), _last_tenth(run)]
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
