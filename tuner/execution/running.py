"""An attempt under way as the driver sees it: a worker's messages in, events out, and what comes after its end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from tuner.core.trial import (
    AttemptEnded,
    AttemptStarted,
    Evaluation,
    Event,
    Key,
    LaneObservations,
    Observation,
    Progress,
    Status,
    Trial,
)
from tuner.execution.attempts import Attempt, Cause, Failure, next_attempts
from tuner.execution.worker import Chunk, Finished, Message, Observed, Raised, Started
from tuner.training.judgement import until_not_finite


class Running:
    """The driver's record of one attempt: who is done, the losses so far, when it began."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.started_at: float | None = None  # on the driver's monotonic clock
        self.node = ""  # host name
        self.node_id = ""  # Ray's
        self.finished: set[Key] = set()
        self._failure: Failure | None = None
        self._chunks: list[Chunk] = []
        self._observed: list[LaneObservations] = []

    @property
    def left(self) -> tuple[Key, ...]:
        """Keys of the members without an evaluation."""
        return tuple(key for key in self.attempt.keys if key not in self.finished)

    @property
    def steps_done(self) -> int:
        """Gradient evaluations that the worker told of."""
        return self._chunks[-1].steps_done if self._chunks else 0

    @property
    def has_raised(self) -> bool:
        """Whether the worker said that training raised."""
        return self._failure is not None

    def take(self, message: Message, now: float) -> Iterator[Event]:
        """Takes in one message of the worker.

        Args:
            message: in the order they were sent.
            now: seconds on the driver's monotonic clock.

        Yields:
            The events that it stands for, if any.
        """
        number = self.attempt.number
        match message:
            case Started():
                self.started_at, self.node, self.node_id = now, message.node, message.node_id
                yield AttemptStarted(self.attempt.keys, number, message.node, message.pid)
            case Chunk():
                self._chunks.append(message)
                yield Progress(self.left, number, message.steps_done)
            case Observed():
                self._observed.append(message.observations)
            case Finished():
                evaluation = message.evaluation
                if evaluation.key in self.left:  # not a copy's, nor one of an earlier attempt
                    self.finished.add(evaluation.key)
                    curve, observations = self._curve(evaluation.key), self._observations(evaluation.key)
                    yield replace(evaluation, losses=curve, observations=observations, attempt=number, node=self.node)
            case Raised():
                self._failure = Failure(Cause.RAISED, message.reason, message.error)

    def end(
        self, failure: Failure | None, now: float, max_attempts: int
    ) -> tuple[tuple[Event, ...], tuple[Attempt, ...]]:
        """Ends the attempt.

        Args:
            failure: what ended it from outside; None if the worker came to its end by itself.
            now: seconds on the driver's monotonic clock.
            max_attempts: how often a candidate may be lost.

        Returns:
            The last events (final evaluations of members that get no other attempt among them), and the attempts
            that come next.
        """
        if not self.left:
            return (), ()
        failure = (
            self._failure  # what the worker said of itself is worth more than how it went away afterwards
            or failure
            or Failure(Cause.RAISED, "training ended without an evaluation of every candidate")
        )
        events: list[Event] = []
        if self.started_at is None:
            events.append(AttemptStarted(self.attempt.keys, self.attempt.number, "", 0))
        following = next_attempts(self.attempt, self.finished, failure, max_attempts)
        split = not self.attempt.is_alone and any(attempt.is_alone for attempt in following)
        reason = f"split after: {failure.reason}" if split else failure.reason
        events.append(AttemptEnded(self.left, self.attempt.number, reason))
        if not following:
            seconds = 0.0 if self.started_at is None else (now - self.started_at) / len(set(self._lane_keys()))
            left = set(self.left)
            events += [self._verdict(trial, failure, seconds) for trial in self.attempt.members if trial.key in left]
        return tuple(events), following

    def _verdict(self, trial: Trial, failure: Failure, seconds: float) -> Evaluation:
        """Makes the final evaluation of a member that failed, with as much of its curve as arrived."""
        return Evaluation(
            key=trial.key,
            status=Status.TIMED_OUT if failure.cause is Cause.TIMEOUT else Status.FAILED,
            fitness=math.inf,
            losses=self._curve(trial.key),
            steps_done=self.steps_done,
            seconds=seconds,
            attempt=self.attempt.number,
            node=self.node,
            reason=failure.reason,
            error=failure.error,
            observations=self._observations(trial.key),
        )

    def _lane_keys(self) -> list[Key]:
        return [trial.key for trial in self.attempt.lanes]

    def _observations(self, key: Key) -> tuple[Observation, ...]:
        """Returns what was measured of a candidate so far."""
        lane = self._lane_keys().index(key)
        return tuple(one.of_lane(lane) for one in self._observed)

    def _curve(self, key: Key) -> Sequence[float]:
        """Returns a candidate's losses so far in their own dtype, up to the first that is not finite, it included."""
        if not self._chunks:
            return ()
        lane = self._lane_keys().index(key)
        losses = np.concatenate([chunk.losses[:, lane] for chunk in self._chunks])
        curve = until_not_finite(losses)
        curve.setflags(write=False)
        return cast("Sequence[float]", curve)
