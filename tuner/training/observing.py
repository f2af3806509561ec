"""Training that is looked at on the way and kept at the end: validation every so often, and where it came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.core.trial import Evaluation, TrainingProgress, Trial, Workload
from tuner.training.cohort import Cohort, evaluations
from tuner.training.evaluator import Evaluator
from tuner.training.loop import Carry


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A run of one trial.

    Attributes:
        evaluation: What came of it.
        points: Gradient evaluations taken before each validation.
        validation: Of each metric, by name, its mean over the validation set at each point.
        end: Where the cohort came to, and `lane` the run's place in it.
    """

    evaluation: Evaluation
    points: tuple[int, ...]
    validation: dict[str, tuple[float, ...]]
    end: Carry
    lane: int


def observe(
    workload: Workload, lanes: Sequence[Trial], validate_every: int | None
) -> Iterator[TrainingProgress | Observed]:
    """Train one cohort as `tuner.training.cohort.train` does, to the same losses.

    Args:
        workload: What the trials share; the cohort has one lane a trial.
        lanes: `workload.cohort_size` trials with one budget.
        validate_every: Gradient evaluations between two validations; there is one at the start and one at the end, too.
            Validation takes no part in the seconds of an evaluation. None: no validation.

    Yields:
        `TrainingProgress`, chunk by chunk; at the end one `Observed` a trial, in order.

    Raises:
        ValueError: The lanes do not fit the workload, the data is not what it is to be, or there is no validation set.
    """
    cohort = Cohort(workload, lanes)
    validator = None if validate_every is None else Evaluator(cohort.loop.task, "validation")
    end = cohort.begin()
    points: list[int] = []
    means: list[NDArray[np.float64]] = []

    def validate(done: int) -> None:
        if validator is not None:
            points.append(done)
            means.append(validator.means(*end[:2]))

    validate(0)
    stops = [] if validate_every is None else [*range(validate_every, cohort.budget, validate_every), cohort.budget]
    losses, seconds = [], 0.0
    for chunk in cohort.chunks(end, tuple(stops)):
        losses.append(chunk.losses)
        seconds += chunk.seconds
        end = chunk.carry
        if stops and chunk.evaluations_done >= stops[0]:  # a step of several evaluations may end beyond a stop
            stops = [stop for stop in stops if stop > chunk.evaluations_done]
            validate(chunk.evaluations_done)
        yield TrainingProgress(steps_done=chunk.evaluations_done, losses=chunk.losses)
    done = evaluations(lanes, np.concatenate(losses), cohort.budget, seconds, end[0].device)
    names = () if validator is None else validator.metrics
    for lane, evaluation in enumerate(done):
        found = {name: tuple(float(mean[row, lane]) for mean in means) for row, name in enumerate(names)}
        yield Observed(evaluation, tuple(points), found, end, lane)
