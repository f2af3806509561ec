"""The driver's record of an attempt in progress.

It turns messages into events, and determines the attempts that follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from tuner.core.errors import StudyRefused
from tuner.core.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    LaneObservations,
    Progress,
    Reported,
    TrainingProgress,
)
from tuner.core.numbers import until_not_finite
from tuner.core.trial import Evaluation, Key, Observation, Status, Trial
from tuner.execution.messages import Message, Raised, Started
from tuner.execution.retries import Attempt, Cause, Failure, next_attempts


class AttemptTracker:
    """The driver's record of one attempt: its start, its losses so far, and its evaluated members."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.started_at: float | None = None  # on the driver's monotonic clock
        self._node = ""  # host name
        self._finished: set[Key] = set()
        self._failure: Failure | None = None
        self._progress: list[TrainingProgress] = []
        self._observed: list[LaneObservations] = []
        self._output = ""
        self._reported = 0  # the last step that a training function reported

    @property
    def unfinished(self) -> tuple[Key, ...]:
        """Keys of the members without an evaluation."""
        return tuple(key for key in self.attempt.keys if key not in self._finished)

    @property
    def steps_done(self) -> int:
        """Gradient evaluations that the worker has reported, or steps of a training function."""
        return self._progress[-1].steps_done if self._progress else self._reported

    @property
    def has_raised(self) -> bool:
        """Whether the worker has reported that training raised."""
        return self._failure is not None

    def receive(self, message: Message, now: float) -> Iterator[Event]:
        """Process a message of the worker.

        Args:
            message: The message; messages are passed in the order in which they were sent.
            now: Seconds on the driver's monotonic clock.

        Yields:
            The events of the message.

        Raises:
            StudyRefused: The worker can train no candidate of the study.
        """
        number = self.attempt.number
        match message:
            case Started():
                self.started_at, self._node = now, message.node
                yield AttemptStarted(self.attempt.keys, number, message.node, message.pid)
            case TrainingProgress():
                self._progress.append(message)
                yield Progress(self.unfinished, number, message.steps_done)
            case LaneObservations():
                self._observed.append(message)
            case Reported():
                self._observed += message.observations
                self._output = self._output if message.output is None else message.output
                if message.observations:
                    self._reported = message.observations[-1].evaluations
                    yield Progress(self.unfinished, number, self._reported)
            case Evaluation(key=key):
                if key in self.unfinished:  # neither a copy nor evaluated in an earlier attempt
                    self._finished.add(key)
                    losses, observations = self._losses(key), self._observations(key)
                    yield replace(
                        message,
                        losses=losses,
                        observations=observations,
                        output=self._output,
                        attempt=number,
                        node=self._node,
                    )
            case Raised(is_of_all=True):
                raise StudyRefused(f"{message.reason} (node {self._node})")
            case Raised():
                self._failure = Failure(Cause.RAISED, message.reason, message.error)

    def find_output(self, output: str) -> None:
        """Take what a lost worker had printed, which its messages had only the beginning of; "" is nothing."""
        self._output = output or self._output

    def end(
        self, failure: Failure | None, now: float, max_attempts: int
    ) -> tuple[tuple[Event, ...], tuple[Attempt, ...]]:
        """End the attempt.

        Args:
            failure: The reason for a forced end; None if the worker has completed.
            now: Seconds on the driver's monotonic clock.
            max_attempts: How often a candidate may be lost.

        Returns:
            The last events (including the final evaluations of members without another attempt), and the attempts that
            follow.
        """
        if not self.unfinished:
            return (), ()
        failure = (
            self._failure  # the worker's report is more specific than its later end
            or failure
            or Failure(Cause.RAISED, "training ended without an evaluation of every candidate")
        )
        events: list[Event] = []
        if self.started_at is None:
            events.append(AttemptStarted(self.attempt.keys, self.attempt.number, "", 0))
        following = next_attempts(self.attempt, self._finished, failure, max_attempts)
        is_split = not self.attempt.has_one_candidate and any(attempt.has_one_candidate for attempt in following)
        reason = f"split after: {failure.reason}" if is_split else failure.reason
        events.append(AttemptEnded(self.unfinished, self.attempt.number, reason))
        if not following:
            candidates = len({trial.key for trial in self.attempt.lanes})
            seconds = 0.0 if self.started_at is None else (now - self.started_at) / candidates
            unfinished = set(self.unfinished)
            events += [
                self._failed(trial, failure, seconds) for trial in self.attempt.members if trial.key in unfinished
            ]
        return tuple(events), following

    def _failed(self, trial: Trial, failure: Failure, seconds: float) -> Evaluation:
        """Return the final evaluation of a member that failed, with the received part of its curve."""
        return Evaluation(
            key=trial.key,
            status=Status.TIMED_OUT if failure.cause is Cause.TIMEOUT else Status.FAILED,
            fitness=math.inf,
            losses=self._losses(trial.key),
            steps_done=self.steps_done,
            seconds=seconds,
            attempt=self.attempt.number,
            node=self._node,
            reason=failure.reason,
            error=failure.error,
            observations=self._observations(trial.key),
            output=self._output,
        )

    def _lane(self, key: Key) -> int:
        return [trial.key for trial in self.attempt.lanes].index(key)

    def _observations(self, key: Key) -> tuple[Observation, ...]:
        """Return the observations of a candidate so far."""
        lane = self._lane(key)
        return tuple(one.of_lane(lane) for one in self._observed)

    def _losses(self, key: Key) -> Sequence[float]:
        """Return a candidate's losses so far, in their own dtype, up to and including the first that is not finite."""
        if not self._progress:
            return ()
        lane = self._lane(key)
        losses = np.concatenate([progress.losses[:, lane] for progress in self._progress])
        curve = until_not_finite(losses)
        curve.setflags(write=False)
        return cast("Sequence[float]", curve)
