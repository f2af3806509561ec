"""Lanes: places where one cohort trains at a time, one after the other; and what the driver asks of a fleet of them.

A lane is a process that outlives its cohorts, so that what it has imported and compiled serves the next one, and on a
graphics card the only way to keep a process on its card: TensorFlow cannot change it once it has been imported.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from tuner.core.trial import Workload
from tuner.execution.attempts import Attempt, Failure
from tuner.execution.worker import Said, Watchdog


class Lane(Protocol):
    """One lane; at first it is not ready, and once it is ready it trains what it is given, one cohort at a time."""

    is_ready: bool
    node_id: str  # of the node it is on; "" before it is ready
    compiled: set[str]  # identities of the workloads that it has trained, kept by the executor
    cohorts: int  # that it has begun, counted by the executor

    def begin(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Begins to train a cohort; `name` is its task's.

        Raises:
            ClusterUnavailable: the machines take nothing any more.
        """
        ...

    def read(self) -> Said:
        """Takes what a lane in `Fleet.wait`'s answer has to say; one that has become ready has said it all."""
        ...

    def kill(self) -> None:
        """Ends the lane's process and all that it does. What it had to say until then may still be read."""
        ...


L = TypeVar("L", bound=Lane)
"""The lanes of a fleet."""


class Fleet(Protocol[L]):
    """Makes lanes, and waits for them."""

    is_local: bool  # whether all lanes are on this machine, for this driver alone
    folder: Path  # for the dumps of watchdogs; readable by the lanes only where they are on this machine

    def open(self, avoided: Collection[str]) -> L:
        """Begins to make a lane, on a node that is not avoided."""
        ...

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Returns how many lanes fit on all living nodes together, at least 1, and these nodes' ids.

        Raises:
            ClusterUnavailable: the machines are gone.
        """
        ...

    def wait(self, lanes: Sequence[L], ended: Sequence[L], timeout: float) -> Sequence[L]:
        """Waits until a lane has something to say.

        Args:
            lanes: those that may say something.
            ended: those that were killed: of these only their very end counts.
            timeout: seconds at most.

        Returns:
            The lanes of both kinds that can be read.

        Raises:
            ClusterUnavailable: the machines do not answer.
        """
        ...

    def answers(self, node_id: str, timeout: float) -> bool:
        """Returns whether a node does what it is asked to within so many seconds; a machine of our own always does."""
        ...

    def failure_of(self, error: BaseException) -> Failure:
        """Says what an error of `Lane.read` means.

        Raises:
            ClusterUnavailable: the machines as a whole are gone.
        """
        ...
