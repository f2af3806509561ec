"""Jobs: submission of a driver to a Ray cluster, and its output."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuner.core.environment import environment
from tuner.core.text import first_line
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.ray.init import quiet, ray_environment
from tuner.execution.ray.session import PROBE_SECONDS, auth_mode
from tuner.execution.ray_variables import unset_for_a_cluster

READY_SECONDS = 20.0
"""Seconds after its start within which one of a cluster's nodes accepts jobs."""


class Jobs:
    """The job service of a cluster, at the address of its dashboard.

    The token is looked up as by Ray: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, then the file of the user.
    """

    def __init__(self, address: str) -> None:
        """Connect to the job service.

        Args:
            address: "http://HOST:8265".

        Raises:
            ClusterUnavailable: No dashboard responds, or it refuses the connection.
        """
        _probe(address)
        self._without_proxy = _without_proxy(address)
        try:
            with ray_environment(unset_for_a_cluster(), auth_mode()), environment(self._without_proxy):
                from ray.job_submission import JobSubmissionClient

                self._client: Any = JobSubmissionClient(address)
        except Exception as error:
            reason = first_line(str(error))
            raise ClusterUnavailable(f"the Ray dashboard at {address} refuses the connection: {reason}") from error

    def submit(self, command: Sequence[str], folder: Path | None, variables: Mapping[str, str]) -> str:
        """Submit a command, which runs on the cluster's head.

        Args:
            command: The command and its arguments.
            folder: Content of its working directory; None leaves it empty.
            variables: Environment variables for it and its workers.

        Returns:
            The id of the job.

        Raises:
            ClusterUnavailable: The job was not accepted.
        """
        runtime: dict[str, Any] = {"env_vars": dict(variables)}
        if folder is not None:
            runtime["working_dir"] = str(folder)
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                with quiet(), environment(self._without_proxy):
                    return str(self._client.submit_job(entrypoint=shlex.join(command), runtime_env=runtime))
            except Exception as error:
                if "No available agent" not in str(error) or time.monotonic() > end:
                    raise ClusterUnavailable(f"the job was not accepted: {first_line(str(error))}") from error
                time.sleep(1.0)

    def follow(self, job: str, say: Callable[[str], None]) -> int:
        """Pass on the output of a job until it ends.

        Returns:
            Its exit code, or 1 if it ended without one.

        Raises:
            ClusterUnavailable: The cluster no longer responds.
        """

        async def tail() -> None:
            async for lines in self._client.tail_job_logs(job):
                say(lines)

        try:
            with quiet(), environment(self._without_proxy):
                asyncio.run(tail())
                details = self._client.get_job_info(job)
        except Exception as error:
            raise ClusterUnavailable(f"the job {job} cannot be followed: {first_line(str(error))}") from error
        if details.driver_exit_code is not None:
            return int(details.driver_exit_code)
        return 0 if str(details.status.value) == "SUCCEEDED" else 1


def _without_proxy(address: str) -> dict[str, str | None]:
    """Return variables by which the dashboard is asked directly, as `_probe` and Ray's own log stream do."""
    host = urlsplit(address).hostname or ""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = f"{given},{host}" if given else host
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def _probe(address: str) -> None:
    """Check that the port accepts connections; Ray itself would wait a minute."""
    try:
        url = urlsplit(address)
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), timeout=PROBE_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(f"no Ray dashboard answers at {address}: {first_line(str(error))}") from error
