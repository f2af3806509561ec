"""Runs that are trained in this process with measurements, cohort by cohort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tuner.core.trial import Evaluation, LaneObservations, TrainingProgress, Trial, Workload

if TYPE_CHECKING:
    from tuner.training.loop import Carry
    from tuner.training.measurements.measurement import MeasurementCallback


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredRun:
    """One run, and where its cohort has ended."""

    evaluation: Evaluation  # with its observations
    end: Carry

    def series(self, split: str) -> tuple[tuple[int, ...], dict[str, tuple[float, ...]]]:
        """Return the evaluations taken before each observation of a split, and each metric by name."""
        found = [each for each in self.evaluation.observations if each.split == split]
        names = found[0].metrics if found else ()
        metrics = {name: tuple(each.metrics[name] for each in found) for name in names}
        return tuple(each.evaluations for each in found), metrics


def train_measured(
    workload: Workload,
    trials: Sequence[Trial],
    measurements: Callable[[], Sequence[MeasurementCallback]],
    progress: Callable[[float], None],
    learned: Sequence[MeasuredRun] = (),
) -> list[MeasuredRun]:
    """Train all trials, and return their runs in order.

    Args:
        workload: What the trials share; its `cohort_size` is the most that are trained in lockstep.
        trials: With one budget.
        measurements: Returns what is measured of a cohort.
        progress: Called with the share of the work that is done, from 0 to 1.
        learned: Runs of the same trials, whose preconditioners are frozen for these runs. Default: all is learned anew.
    """
    from tuner.training.frozen import frozen_as_in
    from tuner.training.measurements.end_state import EndState
    from tuner.training.train import train

    runs: list[MeasuredRun] = []
    for first in range(0, len(trials), workload.cohort_size):
        lanes = trials[first : first + workload.cohort_size]
        start = frozen_as_in(learned[first].end) if learned else None
        end, observed, evaluations = EndState(), [], []
        for message in train(replace(workload, cohort_size=len(lanes)), lanes, [*measurements(), end], start=start):
            if isinstance(message, TrainingProgress):
                progress((first + len(lanes) * message.steps_done / lanes[0].steps) / len(trials))
            elif isinstance(message, LaneObservations):
                observed.append(message)
            else:
                evaluations.append(message)
        for lane, evaluation in enumerate(evaluations):
            observations = tuple(each.of_lane(lane) for each in observed)
            runs.append(MeasuredRun(replace(evaluation, observations=observations), end.carry))
    return runs
