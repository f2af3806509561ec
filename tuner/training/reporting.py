"""The reports of a training function, by which it also learns when to stop."""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from tuner.core.errors import StopTraining
from tuner.core.events import LaneObservations
from tuner.core.objective import Objective
from tuner.core.trial import MILESTONES, RUNNING, Milestone, Status
from tuner.training.judgement import Judgement, Look, judge
from tuner.training.kept_reports import KeptReport, KeptReports
from tuner.training.milestones import Milestones

MAX_REPORTS = 100_000  # of a run; they are kept in memory and in one row per metric
MAX_METRICS = 64  # of a report
SPLIT = "validation"  # of the observations, so that objectives read them

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_NO_LOSSES = np.empty(0)


class Reporter:
    """The reports of one run.

    An instance is what a training function receives as `report`. It may be called from any thread of the process.

    Args:
        budget: Steps of the run.
        objective: Definition of its value.
        kept: Those of earlier attempts, and where to keep its own. Default: nothing is kept.
        milestones: Where the run may be ended early. Default: nowhere.
    """

    def __init__(
        self,
        budget: int,
        objective: Objective,
        kept: KeptReports | None = None,
        milestones: Sequence[Milestone] = (),
    ) -> None:
        self._budget, self._objective = budget, objective
        self._kept = kept or KeptReports(None)
        self._milestones = Milestones(milestones, budget, objective)
        self._earlier = 0.0  # seconds of earlier attempts
        self._pid, self._started = os.getpid(), time.perf_counter()
        self._lock = threading.Lock()
        self._looks: list[Look] = []
        self._further: list[list[Look]] = [[] for _ in objective.further]
        self._new: list[LaneObservations] = []
        self._step = 0  # the last that was reported
        self._reports = 0
        self._beyond = 0  # a step beyond the budget that was reported
        self._metrics: tuple[str, ...] = ()  # of the last report
        self._diverged = ""
        self._stop = ""  # why the run is over

    def __call__(self, step: int, /, **metrics: Any) -> None:
        """Report what a run has reached.

        Args:
            step: Steps done, in the unit of the budget: from 1 to the budget, more than in the last report.
            **metrics: Numbers by name, the metric of the objective among them.

        Raises:
            StopTraining: The run is over: its budget is used, a number is not finite, the target of the search is
                reached, the search has no more use for it, or the function has returned.
            TypeError, ValueError: An argument is not accepted.
            RuntimeError: This is a fork of the process that was asked to train.
        """
        if os.getpid() != self._pid:
            raise RuntimeError("report() is for the process that trains; a process that it forks returns its result")
        with self._lock:
            if self._stop:
                raise StopTraining(self._stop)
            values = _checked(step, metrics)
            if step <= self._step:
                raise ValueError(f"report: a step is more than the last one, {self._step}. Received: {step}")
            if step > self._budget:
                self._beyond = int(step)
                self._end(f"the budget of {self._budget} is used")
            if self._reports == MAX_REPORTS:
                raise ValueError(f"report: a run has at most {MAX_REPORTS:,} reports; report less often")
            if not self._reports:
                self._take_those_before(step)
            one = KeptReport(int(step), self._earlier + time.perf_counter() - self._started, values)
            self._kept.add(one)
            self._take(one)

    def close(self) -> None:
        """End the run: further reports raise StopTraining.

        One that has reported nothing went on from the end of an earlier attempt, if there was one, and has its reports.
        """
        with self._lock:
            if not (self._reports or self._beyond or self._stop):
                with contextlib.suppress(StopTraining):
                    self._take_those_before(math.inf)
            self._kept.close()
            self._stop = self._stop or "the training function has returned"

    def discard(self) -> None:
        """End the run without what earlier attempts have reported: further reports raise StopTraining."""
        with self._lock:
            self._kept.close()
            self._stop = "the run is repeated"

    @property
    def has_reported(self) -> bool:
        """Whether this attempt has reported anything."""
        return bool(self._reports or self._beyond)

    def take(self) -> list[LaneObservations]:
        """Return the reports since the last call."""
        with self._lock:
            new, self._new = self._new, []
            return new

    @property
    def steps_done(self) -> int:
        """The last step that was reported."""
        return self._step

    def judge(self) -> Judgement:
        """Return the status, the fitness and a reason of a run that was not ended by an error."""
        metric = self._objective.validation_metric
        if self._diverged:
            return Status.DIVERGED, math.inf, self._diverged
        if self._milestones.pruned:
            return Status.PRUNED, math.inf, self._milestones.pruned
        if not self._reports and not self._beyond:
            return Status.FAILED, math.inf, f"it reported nothing: call report(step, {metric}=…)"
        if not self._looks and self._reports:
            reported = ", ".join(self._metrics) or "no number"
            return Status.FAILED, math.inf, f"it reported {reported}, and the objective is {self._objective.metric}"
        if self._step < self._budget and not self._has_reached(self._looks[-1:]):
            at = f"step {self._step} of a budget of {self._budget}"
            if self._beyond:
                return Status.FAILED, math.inf, f"it reported {at}, then {self._beyond}: report({self._budget}, …)"
            return Status.FAILED, math.inf, f"it returned after {at}: report({self._budget}, …) before it returns"
        return judge(_NO_LOSSES, self._budget, self._objective, self._looks)

    def further(self) -> tuple[Status, tuple[float, ...], str]:
        """Return how a finished run ended by the objectives after the first: status, fitnesses and a reason."""
        fitnesses = []
        for objective, looks in zip(self._objective.further, self._further, strict=True):
            if not looks:
                reported = ", ".join(self._metrics)
                return Status.FAILED, (), f"it reported {reported}, and an objective is {objective.metric}"
            status, fitness, reason = judge(_NO_LOSSES, self._budget, objective, looks)
            if status is not Status.FINISHED:
                return status, (), reason
            fitnesses.append(fitness)
        return Status.FINISHED, tuple(fitnesses), ""

    def _take_those_before(self, step: float) -> None:
        """Take the reports of earlier attempts before a step."""
        for one in self._kept.before(step):
            self._earlier = one.seconds
            self._take(one)

    def _take(self, one: KeptReport) -> None:
        step, seconds, values = one.step, one.seconds, one.values
        self._step, self._reports, self._metrics = step, self._reports + 1, tuple(values)
        self._new.append(LaneObservations(SPLIT, step, seconds, seconds, {n: (value,) for n, value in values.items()}))
        for objective, looks in zip(self._objective.further, self._further, strict=True):
            if objective.validation_metric in values:
                looks.append(Look(step, seconds, values[objective.validation_metric]))
        name = self._objective.validation_metric
        if name not in values:
            return
        self._looks.append(Look(step, seconds, values[name]))
        if not math.isfinite(values[name]):
            self._diverged = f"{name} was {values[name]} at step {step}"
            self._end(self._diverged)
        if self._has_reached(self._looks[-1:]):
            self._end("the target of the search is reached")
        for reached in self._milestones.reached(step, looks=self._looks) if step < self._budget else ():
            running = {RUNNING: (reached.metrics[RUNNING],)}
            before = LaneObservations(MILESTONES, reached.evaluations, math.nan, math.nan, running)
            self._new.insert(len(self._new) - 1, before)  # the report is the last, since it says how far the run is
        if self._milestones.pruned:
            self._end(self._milestones.pruned)

    def _has_reached(self, looks: Sequence[Look]) -> bool:
        objective = self._objective
        if not objective.is_to_target or objective.target is None:
            return False
        rises = objective.goal == ">="
        return any(look.value >= objective.target if rises else look.value <= objective.target for look in looks)

    def _end(self, reason: str) -> None:
        self._stop = reason
        raise StopTraining(reason)


def _checked(step: Any, metrics: dict[str, Any]) -> dict[str, float]:
    """Return metrics as floats.

    Raises:
        TypeError, ValueError: The step is not a whole number of at least 1, or a metric not a number.
    """
    if isinstance(step, bool) or not isinstance(step, Integral) or step < 1:
        raise ValueError(f"report: a step is a whole number, at least 1. Received: {step!r:.80}")
    if not metrics:
        raise ValueError("report: a report has a number, such as loss=0.5. Received: none")
    if len(metrics) > MAX_METRICS:
        raise ValueError(f"report: a report has at most {MAX_METRICS} numbers. Received: {len(metrics)}")
    values = {}
    for name, value in metrics.items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"report: a name has at most 64 letters, digits, '_' and '-', a letter first. Received: {name!r:.80}"
            )
        try:
            values[name] = float(value)  # also of an array or a tensor with one element
        except (TypeError, ValueError) as error:
            raise TypeError(f"report: {name} is a number. Received: {type(value).__name__}") from error
    return values
