"""Ray's life around a run: a private one started and stopped, or an existing cluster joined and left.

A local Ray belongs to the run alone: a private temporary folder, usage statistics off, token authentication on, the
dashboard on loopback. Ray's other ports listen on all interfaces, which cannot be changed from here; the token guards
them.
"""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.importing import TASK_FOLDER
from tuner.execution.executor import ClusterUnavailable, ExecutionError, ResourceError
from tuner.execution.plain import one_line
from tuner.execution.ray.folder import make_folder, remove_folder
from tuner.execution.ray.init import init_ray, quiet, undisturbed
from tuner.execution.shipped import gather

PROBE_SECONDS = 5.0
"""How long a cluster's address may take to accept a connection; Ray itself gives up after about 20 s more."""


class AddressError(ExecutionError):
    """An address that is none."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Node:
    """One living machine of a Ray cluster."""

    id: str
    cpus: float
    gpus: float

    def slots(self, cpus: int, gpus: float) -> int:
        """Counts candidates that run here at a time if each takes this much."""
        by_cpus = self.cpus // cpus
        return int(by_cpus if gpus == 0 else min(by_cpus, (self.gpus + 1e-6) // gpus))


class RaySession:
    """A connection to Ray; make one with `start` or `join`, and close it."""

    def __init__(self, context: Any, folder: Path, *, is_local: bool) -> None:
        self.is_local = is_local
        self.folder = folder  # private to this user; holds tracebacks of workers that were ended
        url = context.dashboard_url
        self.address: str = context.address_info["gcs_address"]  # "HOST:PORT", as `--address` takes it
        self.dashboard_url: str | None = f"http://{url}" if url and "://" not in url else url or None
        self.asks_for_a_token = is_local or os.environ.get("RAY_AUTH_MODE") == "token"
        self._closed = False

    @classmethod
    def start(
        cls, *, workers: int, cpus_per_candidate: int = 1, gpus: int | None = None, dashboard: bool = True
    ) -> RaySession:
        """Starts a Ray of our own on this machine.

        Args:
            workers: candidates, or cohorts of them, at a time.
            cpus_per_candidate: cores that each of them takes.
            gpus: graphics cards to use; None leaves it to Ray to find them.
            dashboard: whether to serve Ray's dashboard on loopback.

        Returns:
            The session.

        Raises:
            ResourceError: no workers, or no cores for them.
            ClusterUnavailable: Ray does not start.
        """
        for name, value in (("workers", workers), ("cpus-per-candidate", cpus_per_candidate)):
            if value < 1:
                raise ResourceError(f"--{name} is at least 1. Received: {value}")
        folder = make_folder()
        os.environ.pop("RAY_AUTH_MODE", None)  # unset, a local Ray turns its token on; set, it might say otherwise
        arguments = {"num_cpus": workers * cpus_per_candidate, "num_gpus": gpus, "include_dashboard": dashboard}
        try:
            # Ray opens its own folder to everybody; the one around it stays closed.
            context = init_ray(address="local", _temp_dir=str(folder / "ray"), **arguments)
        except BaseException as error:
            remove_folder(folder)
            if isinstance(error, Exception):
                raise ClusterUnavailable(f"Ray does not start on this machine: {one_line(str(error))}") from error
            raise
        return cls(context, folder, is_local=True)

    @classmethod
    def join(cls, address: str, tasks: Iterable[str] = ()) -> RaySession:
        """Joins a Ray cluster that runs already.

        Its token is looked for where Ray looks for it: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, then the user's own file.

        Args:
            address: "HOST:PORT" of its head, or "auto" for the one that RAY_ADDRESS names.
            tasks: those that its workers will train; the code of a user's own is sent to them.

        Returns:
            The session.

        Raises:
            AddressError: the address is none.
            ClusterUnavailable: no cluster answers there, or it does not let us in; within 30 s.
        """
        host, port = _host_and_port(address)
        try:
            socket.create_connection((host, port), timeout=PROBE_SECONDS).close()
        except OSError as error:
            raise ClusterUnavailable(f"no Ray cluster answers at {host}:{port}: {error}") from error
        token = token_exists()
        if token and "RAY_AUTH_MODE" not in os.environ:
            os.environ["RAY_AUTH_MODE"] = "token"  # an explicit address does not turn it on by itself
        folder = make_folder()
        try:
            context = init_ray(address=f"{host}:{port}", runtime_env=_workers_environment(tasks, folder / "code"))
        except BaseException as error:
            remove_folder(folder)
            if isinstance(error, ExecutionError):
                raise
            if isinstance(error, Exception):
                advice = "is the token the cluster's?" if token else "does it ask for a token?"
                text = f"the Ray cluster at {host}:{port} does not let us in: {one_line(str(error))} ({advice})"
                raise ClusterUnavailable(text) from error
            raise
        return cls(context, folder, is_local=False)

    def nodes(self) -> tuple[Node, ...]:
        """Returns the living nodes as Ray knows them now.

        Raises:
            ClusterUnavailable: Ray is gone.
        """
        import ray

        try:
            known = ray.nodes()
        except Exception as error:
            raise ClusterUnavailable(f"Ray does not answer: {one_line(str(error))}") from error
        return tuple(
            Node(node["NodeID"], node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0))
            for node in known
            if node["Alive"]
        )

    def check_own_node(self, alive: Collection[str]) -> None:
        """Checks that the Ray process lives through which this driver speaks; without it nothing is heard any more.

        Args:
            alive: ids of the living nodes.

        Raises:
            ClusterUnavailable: it has died.
        """
        import ray

        if self.is_local:
            worker: Any = importlib.import_module("ray._private.worker")
            # Ray itself needs up to half a minute to see that a child of this process is gone.
            died = any(kind == "raylet" for kind, _ in worker._global_node.dead_processes())
        else:
            died = bool(alive) and ray.get_runtime_context().get_node_id() not in alive
        if died:
            raise ClusterUnavailable("Ray's process on this machine died; resume the study to go on")

    def slots(self, *, cpus: int, gpus: float) -> int:
        """Counts candidates that run at a time on all living nodes together if each takes this much; at least 1.

        Raises:
            ClusterUnavailable: Ray is gone.
        """
        return max(1, sum(node.slots(cpus, gpus) for node in self.nodes()))

    def require(self, *, cpus: int, gpus: float) -> None:
        """Checks that some node can run a candidate at all; Ray itself would wait for ever for one.

        Args:
            cpus: cores a candidate takes, at least 1.
            gpus: graphics cards a candidate takes, or a share of one.

        Raises:
            ResourceError: none can; the message says what was asked and what there is.
        """
        if cpus < 1:
            raise ResourceError(f"--cpus-per-candidate is a whole number, at least 1. Received: {cpus}")
        if not gpus >= 0 or (gpus > 1 and gpus != int(gpus)):
            accepted = "a share such as 0.25, or a whole number"
            raise ResourceError(f"--gpus-per-candidate is {accepted}. Received: {gpus:g}")
        nodes = self.nodes()
        most_cpus, most_gpus = (max((getattr(node, name) for node in nodes), default=0) for name in ("cpus", "gpus"))
        if cpus > most_cpus:
            raise ResourceError(f"--cpus-per-candidate is {cpus}, and no node of this Ray has more than {most_cpus:g}")
        if gpus > most_gpus:
            accepted = "0" if most_gpus == 0 else f"0 to {most_gpus:g}"
            raise ResourceError(
                f"--gpus-per-candidate is {gpus:g}, and no node of this Ray has more GPUs than {most_gpus:g}; "
                f"accepted: {accepted}"
            )
        if not any(node.slots(cpus, gpus) for node in nodes):
            raise ResourceError(f"no node of this Ray has {cpus} CPUs and {gpus:g} GPUs at once")

    def close(self) -> None:
        """Stops a Ray of our own and removes its folder, or leaves the cluster. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        import ray

        with quiet(), undisturbed():
            ray.shutdown(wait_for_processes=True)
        remove_folder(self.folder)

    def __enter__(self) -> Self:
        """Returns the session itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the session."""
        self.close()


def _host_and_port(address: str) -> tuple[str, int]:
    """Reads an address."""
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host, colon, port = named.strip().rpartition(":")
    if "://" in named or not colon or not host.strip("[]") or not (port.isascii() and port.isdigit()):
        where = "RAY_ADDRESS (asked for by --address auto)" if address == "auto" else "--address"
        raise AddressError(f'{where} is HOST:PORT of a Ray head, such as 10.0.0.5:6379. Received: "{named}"')
    if not 0 < int(port) < 65536:
        raise AddressError(f"the port of --address is from 1 to 65535. Received: {port}")
    return host.strip("[]"), int(port)


def _workers_environment(tasks: Iterable[str], folder: Path) -> dict[str, Any]:
    """What workers elsewhere need beside the package; within a job it was sent along already."""
    variables = {}
    if "LODO_DATA_DIR" in os.environ:
        variables["LODO_DATA_DIR"] = os.environ["LODO_DATA_DIR"]
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return {"env_vars": variables}
    origin = gather(tasks, folder)
    if origin is not None:
        variables[TASK_FOLDER] = str(origin)
    return {"env_vars": variables} | ({"working_dir": str(folder)} if folder.exists() else {})


def token_exists() -> bool:
    """Whether Ray would find a token."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(path).is_file() if path else (Path.home() / ".ray" / "auth_token").is_file()
