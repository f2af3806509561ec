"""The retry policy: what happens next to a cohort after an attempt to train it came to nothing.

Pure values and one function, shared by all executors. The driver alone decides; Ray never retries anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tuner.core.trial import Key, Trial


class Cause(StrEnum):
    """Whose fault a failed attempt was; this alone decides what comes next."""

    LOST = "lost"  # the worker, its node or its result went away: nobody's fault until proven, so tried again
    RAISED = "raised"  # an exception or running out of memory: some member's own, found by running each alone
    TIMEOUT = "timeout"  # ended by --timeout: a result, of all members alike, for they run in lockstep


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended that did not evaluate all its members."""

    cause: Cause
    reason: str  # one line, for people
    error: str = ""  # a traceback, cut to 4 kB


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a cohort: what is trained, and whose evaluations are wanted of it."""

    lanes: tuple[Trial, ...]  # exactly cohort_size trials, in their places; copies fill what is left over
    members: tuple[Trial, ...]  # those without an evaluation yet, each in one lane or more
    number: int = 1  # from 1

    @property
    def keys(self) -> tuple[Key, ...]:
        """The members' keys, in order."""
        return tuple(trial.key for trial in self.members)

    @property
    def is_alone(self) -> bool:
        """Whether all lanes train the same candidate, so that what goes wrong is that candidate's."""
        return len({trial.key for trial in self.lanes}) == 1


def first_attempt(cohort: Sequence[Trial], size: int) -> Attempt:
    """Makes the first attempt of a cohort, filled up to `size` lanes with copies of its last trial.

    The shape never depends on how many members there are, so that a worker compiles once for each workload.
    """
    members = tuple(cohort)
    return Attempt(lanes=members + (members[-1],) * (size - len(members)), members=members)


def next_attempts(
    attempt: Attempt, finished: Collection[Key], failure: Failure, max_attempts: int
) -> tuple[Attempt, ...]:
    """Says what becomes of the members that a failed attempt left without an evaluation.

    A lost attempt is repeated as it was, and the last time that `max_attempts` allows each member runs alone, in the
    same shape, so that one that takes its worker down costs only itself. A cohort of several that raised is run once
    more member by member at once: not to try again, but to find the guilty. That, and the parting of a lost cohort
    with `max_attempts` of 1, are the only cases where a candidate is run once more than `max_attempts`.

    Args:
        attempt: the one that failed.
        finished: keys that have an evaluation already; these keep it.
        failure: how it ended.
        max_attempts: how often a candidate may be lost, at least 1.

    Returns:
        The attempts to make next; empty if the failure is the final result of all members left.
    """
    left = tuple(trial for trial in attempt.members if trial.key not in finished)
    if failure.cause is Cause.TIMEOUT or not left:
        return ()
    number = attempt.number + 1
    if attempt.is_alone:
        again = failure.cause is Cause.LOST and number <= max_attempts
        return (replace(attempt, number=number),) if again else ()
    if failure.cause is Cause.LOST and number < max_attempts:
        # The members that are done stay in their lanes: the same cohort gives the same bits.
        return (replace(attempt, members=left, number=number),)
    return tuple(Attempt((trial,) * len(attempt.lanes), (trial,), number) for trial in left)
