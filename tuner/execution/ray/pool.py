"""Lanes on Ray: an actor each, pinned to its cores and graphics card; Ray repeats nothing that it does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tuner.core.trial import Trial, Workload
from tuner.execution.attempts import Attempt, Failure
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.plain import one_line
from tuner.execution.ray.errors import failure_of
from tuner.execution.ray.session import RaySession
from tuner.execution.worker import Said, Watchdog, bundled, load, work

NODES_SECONDS = 5.0
"""How often a cluster is asked which of its nodes live."""

READ_SECONDS = 30.0
"""How long a message that is said to be there may take; longer only if its node dies in that moment."""

_numbers = count(1)  # of this process' lanes: an actor's name is its own within a session


class Trainer:
    """The actor behind a lane: it trains what it is told, in one process with one view of the graphics cards."""

    def __init__(self, *, train: str, gpus: float) -> None:
        self._train = train
        self._gpus = gpus
        load(train, gpus)  # so that a lane that is ready begins at once, and a candidate's time limit is its own

    def where(self) -> tuple[str, int, str]:
        """Return this process' host name, its id there, and Ray's id of the node."""
        return socket.gethostname(), os.getpid(), ray.get_runtime_context().get_node_id()

    def work(self, workload: Workload, lanes: Sequence[Trial], watchdog: Watchdog | None) -> Iterator[Said]:
        """Train one cohort; see `tuner.execution.worker.work`."""
        node_id = ray.get_runtime_context().get_node_id()
        messages = work(self._train, workload, lanes, node_id=node_id, gpus=self._gpus, watchdog=watchdog)
        yield from bundled(messages, lanes)


class RayLane:
    """A lane that is an actor."""

    def __init__(self, actor: Any, *, is_local: bool) -> None:
        self.is_ready = False
        self.node_id = ""
        self.compiled: set[str] = set()
        self.cohorts = 0
        self._actor = actor
        self._is_local = is_local
        self._pid = 0
        self._killed = False
        self._where = actor.where.remote()
        self._stream: Any = None

    @property
    def signal(self) -> Any:
        """What `ray.wait` has to wait for before `read`.

        The stream of a lane that was killed ends at once, but until its node agrees its reader would block; for ever
        if the node hangs. So of such a one the very end is waited for.
        """
        if self._stream is None:
            return self._where
        return self._stream.completed() if self._killed else self._stream

    def begin(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Begins to train a cohort; see `Lane.begin`."""
        method = self._actor.work.options(num_returns="streaming", name=name)
        try:
            self._stream = method.remote(workload, attempt.lanes, watchdog)
        except RayError as error:
            raise ClusterUnavailable(f"Ray takes no more tasks: {one_line(str(error))}") from error

    def read(self) -> Said:
        """Takes what it has to say; see `Lane.read`."""
        try:
            if self._stream is None:
                _, self._pid, self.node_id = ray.get(self._where, timeout=READ_SECONDS)
                self.is_ready = True
                return Said(is_over=True)
            said: Said = ray.get(next(self._stream), timeout=READ_SECONDS)
        except StopIteration:  # of a lane that was killed at its end
            return Said(is_over=True)
        except RayError as error:
            return Said(is_over=True, error=error)
        return said

    def kill(self) -> None:
        """Ends the actor's process. A soft cancellation first would block every forced one for good."""
        if self._killed:
            return
        self._killed = True
        if self._is_local and self._pid:  # Ray itself needs 5 s to end a process that is stopped
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
        if ray.is_initialized():
            with contextlib.suppress(RayError):
                ray.kill(self._actor, no_restart=True)


class RayFleet:
    """Makes lanes in a Ray session, which stays its owner's to close."""

    def __init__(self, session: RaySession, *, train: str, cpus: int, gpus: float, most: int | None) -> None:
        self.is_local = session.is_local
        self.folder: Path = session.folder
        self._session = session
        self._cpus, self._gpus, self._most = cpus, gpus, most
        self._arguments = {"train": train, "gpus": gpus}
        self._class: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)(Trainer)
        self._capacity: tuple[int, frozenset[str]] = (1, frozenset())
        self._looked_at: float | None = None

    def open(self, avoided: Collection[str]) -> RayLane:
        """Begins to make a lane; see `Fleet.open`."""
        options: dict[str, Any] = {"name": f"lane {next(_numbers)}"}
        if avoided:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(avoided))})"}
        try:
            return RayLane(self._class.options(**options).remote(**self._arguments), is_local=self.is_local)
        except RayError as error:
            raise ClusterUnavailable(f"Ray makes no more actors: {one_line(str(error))}") from error

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Counts lanes and nodes, anew from time to time where nodes may join; see `Fleet.capacity`."""
        now = time.monotonic()
        if self._looked_at is not None and now < self._looked_at + NODES_SECONDS:
            return self._capacity
        if self._looked_at is None or not self.is_local:
            nodes = self._session.nodes()
            slots = sum(node.slots(self._cpus, self._gpus) for node in nodes)
            self._capacity = max(1, min(slots, self._most or slots)), frozenset(node.id for node in nodes)
        self._looked_at = now
        self._session.check_own_node(self._capacity[1])
        return self._capacity

    def wait(self, lanes: Sequence[RayLane], ended: Sequence[RayLane], timeout: float) -> Sequence[RayLane]:
        """Waits until a lane has something to say; see `Fleet.wait`."""
        signals = {lane.signal: lane for lane in (*lanes, *ended)}
        if not signals or not ray.is_initialized():  # the session was closed before its executor
            return ended
        try:
            ready, _ = ray.wait(list(signals), num_returns=1, timeout=timeout)
            if ready and len(signals) > 1:
                ready, _ = ray.wait(list(signals), num_returns=len(signals), timeout=0)
        except RayError as error:
            raise ClusterUnavailable(f"Ray does not answer: {one_line(str(error))}") from error
        return [signals[signal] for signal in ready]

    def answers(self, node_id: str, timeout: float) -> bool:
        """Asks a node for a sign of life; see `Fleet.answers`. Ray itself takes a minute to find that one hangs."""
        if self.is_local:
            return True
        place = NodeAffinitySchedulingStrategy(node_id, soft=False)
        try:
            sign = ray.remote(num_cpus=0, max_retries=0)(_sign_of_life).options(scheduling_strategy=place).remote()
            return bool(ray.get(sign, timeout=timeout))
        except RayError:
            return False

    def failure_of(self, error: BaseException) -> Failure:
        """Says what an error means; see `Fleet.failure_of`."""
        return failure_of(error, is_local=self.is_local)


def _sign_of_life() -> bool:
    return True
