"""The retry policy: the attempts that follow a failed attempt of a cohort.

Pure values and functions, shared by all executors. Only the driver retries; Ray's own retries are off.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tuner.core.task_arguments import shape_of
from tuner.core.trial import Key, Trial


class Cause(StrEnum):
    """Cause of a failed attempt; it alone determines what follows."""

    LOST = "lost"  # the worker, its node or its result is gone: not the candidate's fault until proven, so retried
    RAISED = "raised"  # an exception or out of memory: caused by one member, which is identified by running each alone
    TIMEOUT = "timeout"  # ended by the time limit: a result of all members alike, since they run in lockstep


@dataclass(frozen=True, slots=True)
class Failure:
    """Failure of an attempt that did not evaluate all its members."""

    cause: Cause
    reason: str  # one line
    error: str = ""  # a traceback, cut to 4 kB
    is_of_machine: bool = False  # another program has taken the machine's memory: no candidate could be trained


@dataclass(frozen=True, slots=True)
class Attempt:
    """One training run of a cohort."""

    lanes: tuple[Trial, ...]  # exactly cohort_size trials, by lane; copies fill the rest
    members: tuple[Trial, ...]  # trials without an evaluation yet, each in one lane or more
    number: int = 1  # from 1

    @property
    def keys(self) -> tuple[Key, ...]:
        """Keys of the members, in order."""
        return tuple(trial.key for trial in self.members)

    @property
    def budget(self) -> int:
        """Largest number of gradient evaluations of a lane."""
        return max(trial.steps for trial in self.lanes)

    @property
    def shape(self) -> str:
        """The arguments of the task, which all lanes have in common."""
        return shape_of(self.lanes[0].hyperparameters)

    @property
    def has_one_candidate(self) -> bool:
        """Whether all lanes train the same candidate, so that this candidate caused a failure."""
        return len({trial.key for trial in self.lanes}) == 1


def first_attempt(cohort: Sequence[Trial], size: int) -> Attempt:
    """Return the first attempt of a cohort, filled up to `size` lanes with copies of its last trial.

    The shape is independent of the number of members, so that a worker compiles once per workload.
    """
    members = tuple(cohort)
    return Attempt(lanes=members + (members[-1],) * (size - len(members)), members=members)


def next_attempts(
    attempt: Attempt, finished: Collection[Key], failure: Failure, max_attempts: int
) -> tuple[Attempt, ...]:
    """Return the attempts that follow a failed one, for the members that it left without an evaluation.

    A lost attempt is repeated unchanged. In the last attempt that `max_attempts` allows, each member runs alone in the
    same shape, so that a candidate that crashes its worker affects only itself. A cohort of several candidates that
    raised is run once more, one member at a time, not as a retry but to find which one raised. This, and the split of
    a lost cohort where `max_attempts` is 1, are the only cases of one run more than `max_attempts`.

    Args:
        attempt: The attempt that failed.
        finished: Keys with an evaluation, which they keep.
        failure: The failure of the attempt.
        max_attempts: How often a candidate may be lost, at least 1.

    Returns:
        The attempts to make next; none if the failure is the final result of all unfinished members.
    """
    unfinished = tuple(trial for trial in attempt.members if trial.key not in finished)
    if failure.cause is Cause.TIMEOUT or not unfinished:
        return ()
    number = attempt.number + 1
    if attempt.has_one_candidate:
        retried = failure.cause is Cause.LOST and number <= max_attempts
        return (replace(attempt, number=number),) if retried else ()
    if failure.cause is Cause.LOST and number < max_attempts:
        # Finished members stay in their lanes: the same cohort gives the same bits.
        return (replace(attempt, members=unfinished, number=number),)
    return tuple(Attempt((trial,) * len(attempt.lanes), (trial,), number) for trial in unfinished)
