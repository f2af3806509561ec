"""Workers on Ray: actors pinned to their cores and GPU, without Ray's retries."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tasks import importing
from tasks.data_folder import DATA_DIR_VARIABLE
from tuner.core.environment import CHECKPOINTS, GPUS, THREADS
from tuner.core.errors import InvalidRequest
from tuner.core.process_memory import GIGABYTE, MEMORY, Growth
from tuner.core.text import first_line
from tuner.core.trial import Trial, Workload
from tuner.execution.executor import FUNCTION_TRAIN, ClusterUnavailable
from tuner.execution.messages import Update, bundled
from tuner.execution.ray.errors import failure_of
from tuner.execution.ray.init import search_path
from tuner.execution.ray.session import RaySession
from tuner.execution.resources import Resources
from tuner.execution.retries import Attempt, Failure
from tuner.execution.worker import Watchdog, import_training, train_cohort

NODES_SECONDS = 5.0
"""Seconds between two queries of a cluster's living nodes."""

READ_SECONDS = 30.0
"""Maximum seconds to fetch a message that is ready; fetching takes longer only if its node dies meanwhile."""

_numbers = count(1)  # of this process's workers: the name of an actor is unique within a session


class Trainer:
    """The actor: trains cohorts in one process with one view of the GPUs."""

    def __init__(
        self,
        *,
        train: str,
        gpus: float,
        data_dir: str | None,
        objects: Mapping[str, bytes],
        path: Sequence[str] = (),
        checkpoints: str | None = None,
        memory: float | None = None,
    ) -> None:
        self._train = train
        self._gpus = gpus
        self._objects = dict(objects)
        self._growth = Growth()
        del sys.argv[1:]  # those of Ray's worker, which users' code might read
        sys.path += [folder for folder in path if folder not in sys.path]
        if data_dir is not None:
            os.environ[DATA_DIR_VARIABLE] = data_dir
        if checkpoints is not None:
            os.environ |= {CHECKPOINTS: checkpoints, GPUS: str(gpus)}
        if memory is not None:
            os.environ[MEMORY] = str(int(memory * GIGABYTE))
        import_training(train, gpus)  # in advance, so that it does not count towards a candidate's time limit

    def where(self) -> tuple[int, str]:
        """Return the ids of this process and, in Ray, of its node."""
        return os.getpid(), ray.get_runtime_context().get_node_id()

    def work(self, workload: Workload, lanes: Sequence[Trial], watchdog: Watchdog | None) -> Iterator[Update]:
        """Train one cohort; see `tuner.execution.worker.train_cohort`."""
        node_id = ray.get_runtime_context().get_node_id()
        options: Any = {"node_id": node_id, "gpus": self._gpus, "watchdog": watchdog, "prepare": self._register}
        for update in bundled(train_cohort(self._train, workload, lanes, **options), lanes):
            yield replace(update, is_spent=True) if update.is_over and self._growth.is_too_much() else update

    def _register(self) -> None:
        """Register the objects that were sent, once; an error counts as an error of each candidate."""
        for name, pickled in self._objects.items():
            importing.keep(name, cloudpickle.loads(pickled))
        self._objects = {}


class RayWorker:
    """A worker that is an actor."""

    def __init__(self, actor: Any, *, is_local: bool) -> None:
        self.node_id = ""
        self.compiled: set[str] = set()
        self.shapes: list[tuple[str, str]] = []
        self.cohorts = 0
        self._actor = actor
        self._is_local = is_local
        self._pid = 0
        self._killed = False
        self._where = actor.where.remote()
        self._stream: Any = None

    @property
    def awaited(self) -> Any:
        """The reference that `ray.wait` awaits before `read`.

        The stream of a killed worker ends at once, but reading it would block until its node confirms the end, or
        forever if the node hangs. Therefore only the completion of the stream is awaited.
        """
        if self._stream is None:
            return self._where
        return self._stream.completed() if self._killed else self._stream

    def train(self, attempt: Attempt, workload: Workload, name: str, watchdog: Watchdog | None) -> None:
        """Start training a cohort; see `Worker.train`."""
        method = self._actor.work.options(num_returns="streaming", name=name)
        try:
            self._stream = method.remote(workload, attempt.lanes, watchdog)
        except RayError as error:
            raise ClusterUnavailable(f"Ray accepts no more tasks: {first_line(str(error))}") from error

    def read(self) -> Update:
        """Return the next update; see `Worker.read`."""
        try:
            if self._stream is None:
                self._pid, self.node_id = ray.get(self._where, timeout=READ_SECONDS)
                return Update(is_over=True)
            update: Update = ray.get(next(self._stream), timeout=READ_SECONDS)
        except StopIteration:  # of a worker that was killed at its end
            return Update(is_over=True)
        except RayError as error:
            return Update(is_over=True, error=error)
        return update

    def kill(self) -> None:
        """Kill the actor's process. A soft cancellation before it would block every forced one."""
        if self._killed:
            return
        self._killed = True
        if self._is_local and self._pid:  # Ray itself needs 5 s to end a process that is stopped
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
        if ray.is_initialized():
            with contextlib.suppress(RayError):
                ray.kill(self._actor, no_restart=True)


class RayPool:
    """Starts workers in a Ray session, which its owner closes."""

    def __init__(
        self,
        session: RaySession,
        resources: Resources,
        *,
        train: str,
        objects: Mapping[str, Any],
        checkpoints: Path | None = None,
    ) -> None:
        self.is_local = session.is_local
        self.folder: Path = session.folder
        self._session = session
        self._resources = resources
        cpus, gpus = resources.cpus_per_candidate, resources.gpus_per_candidate
        data_dir = None if resources.data_dir is None else str(resources.data_dir)
        self._arguments = {
            "train": train,
            "gpus": gpus,
            "data_dir": data_dir,
            "objects": ray.put(pickled(objects)),
            "path": search_path(),
            "checkpoints": None if checkpoints is None else str(checkpoints),
            "memory": resources.memory_per_candidate,
        }
        # A process that Ray starts has one thread per library; of others it has to be told before it imports NumPy.
        threads = {"env_vars": dict.fromkeys(THREADS, str(cpus))} if train == FUNCTION_TRAIN and cpus > 1 else None
        self._options: dict[str, Any] = {} if threads is None else {"runtime_env": threads}
        self._class: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0, max_task_retries=0)(Trainer)
        self._capacity: tuple[int, frozenset[str]] = (1, frozenset())
        self._looked_at: float | None = None

    def start_worker(self, avoided: Collection[str]) -> RayWorker:
        """Begin to start a worker; see `WorkerPool.start_worker`."""
        options = {**self._options, "name": f"lane {next(_numbers)}"}  # shown in the dashboard; stable
        if avoided:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(sorted(avoided))})"}
        try:
            return RayWorker(self._class.options(**options).remote(**self._arguments), is_local=self.is_local)
        except RayError as error:
            raise ClusterUnavailable(f"Ray starts no more actors: {first_line(str(error))}") from error

    def capacity(self) -> tuple[int, frozenset[str]]:
        """Count workers and nodes, repeatedly if nodes may join; see `WorkerPool.capacity`."""
        now = time.monotonic()
        if self._looked_at is not None and now < self._looked_at + NODES_SECONDS:
            return self._capacity
        if self._looked_at is None or not self.is_local:
            nodes = self._session.nodes()
            self._capacity = self._session.slots(self._resources, nodes), frozenset(node.id for node in nodes)
        self._looked_at = now
        self._session.check_own_node(self._capacity[1])
        return self._capacity

    def wait(self, workers: Sequence[RayWorker], killed: Sequence[RayWorker], timeout: float) -> Sequence[RayWorker]:
        """Wait until a worker has an update; see `WorkerPool.wait`."""
        awaited = {worker.awaited: worker for worker in (*workers, *killed)}
        if not awaited or not ray.is_initialized():  # the session was closed before its executor
            return killed
        try:
            ready, _ = ray.wait(list(awaited), num_returns=1, timeout=timeout)
            if ready and len(awaited) > 1:
                ready, _ = ray.wait(list(awaited), num_returns=len(awaited), timeout=0)
        except RayError as error:
            raise ClusterUnavailable(f"Ray does not respond: {first_line(str(error))}") from error
        return [awaited[reference] for reference in ready]

    def responds(self, node_id: str, timeout: float) -> bool:
        """Run a task on a node; see `WorkerPool.responds`. Ray itself takes a minute to notice a node that hangs."""
        if self.is_local:
            return True
        strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
        try:
            answer = ray.remote(num_cpus=0, max_retries=0)(_respond).options(scheduling_strategy=strategy).remote()
            return bool(ray.get(answer, timeout=timeout))
        except RayError:
            return False

    def failure_of(self, error: BaseException) -> Failure:
        """Return the failure for an error; see `WorkerPool.failure_of`."""
        return failure_of(error, is_local=self.is_local)


def pickled(objects: Mapping[str, Any]) -> dict[str, bytes]:
    """Return pickled objects, by value if they are defined in a script or a notebook.

    Raises:
        InvalidRequest: One of them cannot be pickled.
    """
    result = {}
    for name, value in objects.items():
        try:
            result[name] = cloudpickle.dumps(value)
        except Exception as error:
            title, reason = name.rpartition(":")[2], first_line(str(error))
            accepted = f": {title} cannot be sent to the workers: {reason}; define it in a module"
            raise InvalidRequest("task", accepted) from error
    return result


def _respond() -> bool:
    return True
