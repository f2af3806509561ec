"""Plans of requests, made by a process of its own, which may load TensorFlow."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from tuner.api.submission import Catalogue, Preview, preview
from tuner.service.own_process import Busy, OwnProcess

MAX_WAITING = 32
"""Plans that may wait for the process; a further one is refused."""


class Planner:
    """Says what requests would start.

    Args:
        catalogue: Names that requests may use.
        cpus_per_candidate: Cores of a worker.
        database: URL of the database, with its password; the process reads searches that are compared.
    """

    def __init__(self, catalogue: Catalogue, cpus_per_candidate: int, database: str) -> None:
        self._catalogue, self._cpus, self._database = catalogue, cpus_per_candidate, database
        self._process = OwnProcess("the plan")
        self._waiting = 0
        self._lock = threading.Lock()

    async def preview(self, name: str | None, fields: Mapping[str, Any]) -> Preview:
        """Return what a request would start.

        Raises:
            InvalidRequest: A value is not accepted.
            ValueError: A task, an optimizer, a search space or a data set cannot be used.
            Busy: It is not ready in time, or too many wait already.
        """
        self._catalogue.check(fields)  # which needs no other process
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise Busy(f"{MAX_WAITING} plans wait already; try again later")
            self._waiting += 1
        try:
            future = self._process.submit(preview, name, dict(fields), self._catalogue, self._cpus, self._database)
            return await self._process.result(future)
        finally:
            with self._lock:
                self._waiting -= 1

    @property
    def waiting(self) -> int:
        """Plans that are made, or wait for the process."""
        return self._waiting

    def close(self) -> None:
        """End the process."""
        self._process.close()
