"""`lodo-tune train --track hessian-error`: a learned preconditioner measured on the way, and run again frozen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tuner.candidate import Evaluation, Status, TrainingProgress, Trial, Workload
from tuner.results.grid import Grid
from tuner.results.numerals import NOTHING, measured

if TYPE_CHECKING:
    from tuner.tracking import Tracked

MOST_COLUMNS = 8  # of seeds side by side


def run_tracked(workload: Workload, trials: Sequence[Trial], progress: Callable[[float], None]) -> list[Tracked]:
    """Train all trials, cohort by cohort.

    Args:
        workload: What the trials share.
        trials: With one budget.
        progress: Is told the share of the work that is done, from 0 to 1.

    Raises:
        ValueError: The optimizer or the task cannot be tracked.
    """
    from tuner.tracking import track

    found: list[Tracked] = []
    for first in range(0, len(trials), workload.cohort_size):
        lanes = trials[first : first + workload.cohort_size]
        for message in track(replace(workload, cohort_size=len(lanes)), lanes):
            if isinstance(message, TrainingProgress):
                progress((first + len(lanes) * message.steps_done / lanes[0].steps) / len(trials))
            else:
                found.append(message)
    return found


def as_json(tracked: Tracked, *, curve: bool) -> dict[str, Any]:
    """Return what tracking adds to a run's entry."""
    frozen: dict[str, Any] = {"status": str(tracked.frozen.status), "fitness": finite(tracked.frozen.fitness)}
    if tracked.frozen.reason:
        frozen["reason"] = tracked.frozen.reason
    if curve:
        frozen["losses"] = [finite(float(loss)) for loss in tracked.frozen.losses]
    errors = [finite(error) for error in tracked.errors]
    return {"hessian_error": {"evaluations": list(tracked.points), "errors": errors}, "frozen": frozen}


def as_text(tracked: Sequence[Tracked], seeds: Sequence[int], budget: int) -> str:
    """Return two tables: the error by evaluations taken, and the losses of the run that learned and of the frozen."""
    points = max((one.points for one in tracked), key=len)
    rows = [[one.errors[row] if row < len(one.errors) else math.nan for one in tracked] for row in range(len(points))]
    if len(seeds) <= MOST_COLUMNS:
        header = [f"seed {seed}" for seed in seeds]
        cells = [[measured(finite(error)) for error in row] for row in rows]
    else:
        header = ["mean", "least", "greatest", "of seeds"]
        cells = [_spread([error for error in row if math.isfinite(error)]) for row in rows]
    errors = Grid(
        ["evaluations", *header], [[f"{point:,}", *row] for point, row in zip(points, cells, strict=True)], left=()
    )
    losses = Grid(
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


def _spread(errors: Sequence[float]) -> list[str]:
    """Return the cells of a row that stands for many seeds: mean, least, greatest, and how many there are."""
    if not errors:
        return [NOTHING, NOTHING, NOTHING, "0"]
    return [*map(measured, (statistics.fmean(errors), min(errors), max(errors))), str(len(errors))]


def finite(value: float) -> float | None:
    """Return a number for JSON: None where it is not finite."""
    return value if math.isfinite(value) else None


def _first_tenth(run: Evaluation, budget: int) -> str:
    """Return the mean loss of the budget's first tenth; nothing where the run ended or overflowed within it."""
    losses = [float(loss) for loss in run.losses[: max(1, budget // 10)]]
    complete = len(losses) == max(1, budget // 10) and all(map(math.isfinite, losses))
    return measured(statistics.fmean(losses) if complete else None)


def _last_tenth(run: Evaluation) -> str:
    return measured(run.fitness) if run.status is Status.FINISHED else run.reason
