"""A driver sent to a Ray cluster as a job, and followed from here."""

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

from tuner.execution.executor import ClusterUnavailable
from tuner.execution.plain import one_line
from tuner.execution.ray.init import quiet
from tuner.execution.ray.session import PROBE_SECONDS, token_exists

READY_SECONDS = 20.0
"""How long a cluster that has just begun may take until one of its nodes takes jobs."""


class Jobs:
    """A cluster's job service, at the address of its dashboard.

    Its token is looked for where Ray looks for it: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH, then the user's own file.
    """

    def __init__(self, address: str) -> None:
        """Connect.

        Args:
            address: "http://HOST:8265".

        Raises:
            ClusterUnavailable: nobody answers there, or it does not let us in.
        """
        self._probe(address)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        if token_exists():
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        from ray.job_submission import JobSubmissionClient

        try:
            self._client: Any = JobSubmissionClient(address)
        except Exception as error:
            raise ClusterUnavailable(f"no Ray dashboard lets us in at {address}: {one_line(str(error))}") from error

    @staticmethod
    def _probe(address: str) -> None:
        """Look whether anybody is there: Ray itself waits for a minute."""
        try:
            url = urlsplit(address)
            port = url.port or (443 if url.scheme == "https" else 80)
            socket.create_connection((url.hostname or "", port), timeout=PROBE_SECONDS).close()
        except (OSError, ValueError) as error:
            raise ClusterUnavailable(f"no Ray dashboard answers at {address}: {one_line(str(error))}") from error

    def submit(self, command: Sequence[str], folder: Path | None, variables: Mapping[str, str]) -> str:
        """Send a command to the cluster's head.

        Args:
            command: what is run there.
            folder: what its working directory holds; None is nothing.
            variables: of its environment, and of its workers'.

        Returns:
            The job's id.

        Raises:
            ClusterUnavailable: it was not taken.
        """
        environment: dict[str, Any] = {"env_vars": dict(variables)}
        if folder is not None:
            environment["working_dir"] = str(folder)
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                with quiet():
                    return str(self._client.submit_job(entrypoint=shlex.join(command), runtime_env=environment))
            except Exception as error:
                if "No available agent" not in str(error) or time.monotonic() > end:
                    raise ClusterUnavailable(f"the job was not taken: {one_line(str(error))}") from error
                time.sleep(1.0)

    def follow(self, job: str, say: Callable[[str], None]) -> int:
        """Pass on what a job prints until it ends.

        Returns:
            Its exit code; 1 if it ended without one.

        Raises:
            ClusterUnavailable: the cluster does not answer any more.
        """

        async def tail() -> None:
            async for lines in self._client.tail_job_logs(job):
                say(lines)

        try:
            with quiet():
                asyncio.run(tail())
                details = self._client.get_job_info(job)
        except Exception as error:
            raise ClusterUnavailable(f"the job {job} cannot be followed: {one_line(str(error))}") from error
        if details.driver_exit_code is not None:
            return int(details.driver_exit_code)
        return 0 if str(details.status.value) == "SUCCEEDED" else 1
