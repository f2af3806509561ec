"""Values of the queue of a service: requests, states, and orders of drivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FREE_FIELDS = ("is_private", "weight")
"""Fields of a request that do not belong to the specification of the run."""


class Desired(StrEnum):
    """What the users of a run want; a driver reads it with each heartbeat."""

    RUN = "run"
    PAUSE = "pause"  # no cohort is begun; those that are trained are finished; then the driver ends
    STOP = "stop"  # likewise, and the run is not continued
    CANCEL = "cancel"  # workers are ended at once, and the run is not continued


class State(StrEnum):
    """What a request has reached."""

    QUEUED = "queued"
    STARTING = "starting"  # a driver was started, and has not reported yet
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def has_driver(self) -> bool:
        """Whether a driver holds the request, or is about to."""
        return self in (State.STARTING, State.RUNNING)

    @property
    def is_ended(self) -> bool:
        """Whether the run is not continued."""
        return self in (State.COMPLETE, State.STOPPED, State.CANCELLED)


REACHED = {Desired.PAUSE: State.PAUSED, Desired.STOP: State.STOPPED, Desired.CANCEL: State.CANCELLED}
"""The state of a request without a driver, by what is desired of it."""


class Outcome(StrEnum):
    """How a driver of a request has ended."""

    COMPLETE = "complete"
    DRAINED = "drained"  # as it was told: what was trained is recorded
    FAILED = "failed"  # by an error that would come again
    INTERRUPTED = "interrupted"  # by an error or a signal after which the run can be continued


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a requested run takes, as far as its specification decides it."""

    studies: int
    candidates: int  # of all studies, those on fresh seeds included
    evaluations: int  # gradient evaluations of all candidates, if none ends early
    width: int  # cohorts that can be trained at a time
    rounds: Mapping[str, int]  # gradient evaluations of cohorts, one lane each, by "TASK/OPTIMIZER"

    def seconds(self, pace: Mapping[str, float], workers: int) -> float | None:
        """Return the seconds of training on some workers; None where nothing was measured on one of the tasks.

        Args:
            pace: Seconds of a cohort per gradient evaluation, by "TASK/OPTIMIZER".
            workers: Number of workers, at least 1.
        """
        total = 0.0
        for workload, evaluations in self.rounds.items():
            task = workload.partition("/")[0]
            on_task = [seconds for known, seconds in pace.items() if known.partition("/")[0] == task]
            if not on_task:
                return None
            total += evaluations * pace.get(workload, sum(on_task) / len(on_task))
        return total / min(workers, self.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request for a run, as it is stored."""

    id: int
    run: str
    submitted_by: str
    is_private: bool
    weight: float
    fields: Mapping[str, Any]  # the specification: arguments of `tuner.tune`
    cost: Cost
    desired: Desired
    state: State
    reason: str  # why it waits, or how it has ended
    expected_in: (
        float | None
    )  # seconds from `changed_at` until it is expected to start; None: not known, or not waiting
    created_at: str
    changed_at: str
    epoch: int  # drivers that were started for it
    failures: int  # drivers in a row that have died or failed
    waits: float  # seconds until the next driver may be started
    last_error: str
    granted: int  # workers that its driver may use
    using: int  # workers that its driver uses
    driver: str | None  # "host:pid"
    driver_left: float | None  # seconds until the driver is taken as lost; None without one
    driver_lives: bool  # whether its process is known to run on this machine


@dataclass(frozen=True, slots=True)
class Orders:
    """What a driver is told at a heartbeat."""

    desired: Desired
    granted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token of a user; the token itself is not stored."""

    id: int
    user: str
    scopes: tuple[str, ...]
    weight: float  # of the user, in the division of the workers
    note: str
    created_at: str
    created_by: str
    expires_at: str | None  # UTC, ISO 8601; None: never
    last_used_at: str | None
    revoked_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Something that a user has changed."""

    id: int
    at: str
    user: str
    action: str  # such as "submit", "pause", "create token"
    subject: str  # name of the run, or of the token's user
    detail: str
