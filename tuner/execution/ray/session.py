"""Sessions of Ray: a local Ray or a connection to a cluster.

A local Ray belongs to the run alone: a private temporary folder, usage statistics off, token authentication on, the
dashboard on loopback. Ray's other ports listen on all interfaces, which cannot be changed from here; the token protects
them.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.home import writable_home
from tasks.importing import TASK_FOLDER
from tuner.core.environment import environment
from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.text import first_line
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.loopback import check_loopback
from tuner.execution.open_files import limit_of_files
from tuner.execution.ray.folder import make_folder, remove_folder
from tuner.execution.ray.init import AUTH_MODE, JOB_CONFIG, init_ray, quiet, uninterrupted
from tuner.execution.ray_variables import unset_for_a_cluster, unset_for_a_local_ray
from tuner.execution.resources import Resources
from tuner.execution.user_code import collect_code

PROBE_SECONDS = 5.0
"""Maximum seconds until a cluster's address accepts a connection; Ray's own limit is about 20 s longer."""


@dataclass(frozen=True, slots=True)
class Node:
    """A living machine of a Ray cluster."""

    id: str
    cpus: float
    gpus: float

    def slots(self, resources: Resources) -> int:
        """Return how many workers fit on this node."""
        by_cpus = self.cpus // resources.cpus_per_candidate
        gpus = resources.gpus_per_candidate
        return int(by_cpus if gpus == 0 else min(by_cpus, (self.gpus + 1e-6) // gpus))


class RaySession:
    """A connection to Ray, made by `start` or `join`."""

    def __init__(self, context: Any, folder: Path, *, is_local: bool, has_token: bool) -> None:
        self.is_local = is_local
        self.has_token = has_token
        self.folder = folder  # private to this user; holds tracebacks of workers that were ended
        url = context.dashboard_url
        self.address: str = context.address_info["gcs_address"]  # "HOST:PORT", as `join` accepts it
        self.dashboard_url: str | None = f"http://{url}" if url and "://" not in url else url or None
        self._closed = False

    @classmethod
    def start(cls, resources: Resources, *, gpus: int | None = None) -> RaySession:
        """Start a local Ray.

        Args:
            resources: Number of workers, cores of each, and whether to serve Ray's dashboard.
            gpus: GPUs of this machine to use. Default: those that Ray detects.

        Raises:
            InvalidRequest: A value is out of range.
            ClusterUnavailable: Ray does not start, or this machine has no loopback device.
        """
        resources.check()
        check_loopback()
        cpus = resources.local_workers * resources.cpus_per_candidate
        arguments = {"num_cpus": cpus, "num_gpus": gpus, "include_dashboard": resources.dashboard}
        folder = make_folder()
        try:
            # A local Ray creates a token unless RAY_AUTH_MODE is set. Every user may read its folder, but not the
            # private folder around it.
            # Its processes inherit the home folder, which Ray needs for the token.
            home = {} if writable_home() else {"HOME": str(folder)}
            with environment(home):
                unset = unset_for_a_local_ray()
                context = init_ray(unset, None, address="local", _temp_dir=str(folder / "ray"), **arguments)
        except BaseException as error:
            with uninterrupted():
                remove_folder(folder)
            if isinstance(error, Exception):
                files, few = limit_of_files()
                reason = f"{few} (now {files})" if few else first_line(str(error))
                raise ClusterUnavailable(f"Ray does not start on this machine: {reason}") from error
            raise
        return cls(context, folder, is_local=True, has_token=True)

    @classmethod
    def join(cls, address: str, tasks: Iterable[str] = ()) -> RaySession:
        """Join a running Ray cluster.

        The token is looked up as by Ray: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, then the file of the user.

        Args:
            address: "HOST:PORT" of its head, or "auto" for the one in RAY_ADDRESS.
            tasks: Names of the tasks to train; the code of users' own tasks is sent to the workers.

        Raises:
            InvalidRequest: The address is not valid, or the code is too large.
            ClusterUnavailable: No cluster responds, or it refuses the connection; within 30 s.
        """
        host, port = _host_and_port(address)
        try:
            socket.create_connection((host, port), timeout=PROBE_SECONDS).close()
        except OSError as error:
            raise ClusterUnavailable(f"no Ray cluster answers at {host}:{port}: {error}") from error
        mode = auth_mode()
        folder = make_folder()
        try:
            environment = _runtime_environment(tasks, folder / "code")
            context = init_ray(unset_for_a_cluster(), mode, address=f"{host}:{port}", runtime_env=environment)
        except BaseException as error:
            with uninterrupted():
                remove_folder(folder)
            if isinstance(error, Exception) and not isinstance(error, LodoTuneError):
                advice = "is the token the cluster's?" if token_exists() else "does it require a token?"
                text = f"the Ray cluster at {host}:{port} refuses the connection: {first_line(str(error))} ({advice})"
                raise ClusterUnavailable(text) from error
            raise
        return cls(context, folder, is_local=False, has_token=mode == "token")

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that are alive.

        Raises:
            ClusterUnavailable: Ray does not respond.
        """
        import ray

        try:
            known = ray.nodes()
        except Exception as error:
            raise ClusterUnavailable(f"Ray does not respond: {first_line(str(error))}") from error
        return tuple(
            Node(node["NodeID"], node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0))
            for node in known
            if node["Alive"]
        )

    def check_own_node(self, alive: Collection[str]) -> None:
        """Check that the Ray process that connects this driver is alive; without it no message arrives.

        Args:
            alive: Ids of the living nodes.

        Raises:
            ClusterUnavailable: It has died.
        """
        import ray

        if self.is_local:
            worker: Any = importlib.import_module("ray._private.worker")
            # Ray itself needs up to half a minute to notice that a child of this process has died.
            died = any(kind == "raylet" for kind, _ in worker._global_node.dead_processes())
        else:
            died = bool(alive) and ray.get_runtime_context().get_node_id() not in alive
        if died:
            raise ClusterUnavailable("Ray's process on this machine died; resume the study once it runs again")

    def slots(self, resources: Resources, nodes: Sequence[Node] | None = None) -> int:
        """Return the number of workers that run at a time: as requested, or as many as fit on all nodes; at least 1.

        Raises:
            ClusterUnavailable: Ray does not respond.
        """
        fit = sum(node.slots(resources) for node in (self.nodes() if nodes is None else nodes))
        return max(1, min(fit, resources.workers or fit))

    def require(self, resources: Resources) -> None:
        """Check that some node can run a worker; Ray itself would wait for one forever.

        Raises:
            InvalidRequest: No node can run a worker.
        """
        nodes = self.nodes()
        cpus, gpus = resources.cpus_per_candidate, resources.gpus_per_candidate
        max_cpus, max_gpus = (max((getattr(node, name) for node in nodes), default=0) for name in ("cpus", "gpus"))
        if cpus > max_cpus:
            accepted = f"is at most {max_cpus:g}, the cores of the largest node of this Ray"
            raise InvalidRequest("cpus_per_candidate", accepted, cpus)
        if gpus > max_gpus:
            accepted = f"is at most {max_gpus:g}, the most GPUs of a node of this Ray"
            raise InvalidRequest("gpus_per_candidate", accepted, gpus)
        if not any(node.slots(resources) for node in nodes):
            raise InvalidRequest("gpus_per_candidate", f": no node of this Ray has {cpus} CPUs and {gpus:g} GPUs")

    def close(self) -> None:
        """Stop a local Ray and remove its folder, or leave the cluster. May be called twice."""
        if self._closed:
            return
        self._closed = True
        import ray

        with quiet(), uninterrupted():
            ray.shutdown(wait_for_processes=True)
            remove_folder(self.folder)

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the session."""
        self.close()


def _host_and_port(address: str) -> tuple[str, int]:
    text = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host, colon, port = text.strip().rpartition(":")
    if "://" in text or not colon or not host.strip("[]") or not (port.isascii() and port.isdigit()):
        source = ": auto stands for RAY_ADDRESS, which " if address == "auto" else ""
        raise InvalidRequest("address", f"{source}is HOST:PORT of a Ray head, such as 10.0.0.5:6379", text)
    if not 0 < int(port) < 65536:
        raise InvalidRequest("address", "has a port from 1 to 65535", text)
    return host.strip("[]"), int(port)


def _runtime_environment(tasks: Iterable[str], folder: Path) -> dict[str, Any]:
    """Return the runtime environment of workers on other nodes; a job's workers have the code of the job."""
    if JOB_CONFIG in os.environ:
        return {}
    origin = collect_code(tasks, folder)
    return {
        **({"env_vars": {TASK_FOLDER: str(origin)}} if origin is not None else {}),
        **({"working_dir": str(folder)} if folder.exists() else {}),
    }


def auth_mode() -> str | None:
    """Return the RAY_AUTH_MODE for a cluster: the user's, or "token" if a token exists, which Ray does not infer."""
    return os.environ.get(AUTH_MODE) or ("token" if token_exists() else None)


def token_exists() -> bool:
    """Return whether a token exists where Ray looks for one."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    if path:
        return Path(path).is_file()
    with contextlib.suppress(RuntimeError):  # a user without a home folder
        return (Path.home() / ".ray" / "auth_token").is_file()
    return False
