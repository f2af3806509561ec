"""Figures, reports, tables and other outputs, made by a process of its own.

Drawing takes seconds of a core, and hundreds of megabytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future

from tuner.service.own_process import Busy, OwnProcess
from tuner.service.rendering import Command, Output, Rendered, no_command, render

MAX_WAITING = 8
"""Outputs that may wait for the process; a further one is refused."""

MAX_KEPT_BYTES = 32 * 2**20

Key = tuple[Output, str]


class Drawer:
    """Makes outputs of runs, one after the other, and keeps the last.

    Args:
        url: URL of the database, with its password; the process opens it read-only.
        command: Returns the command that repeats a run, for reports. Default: none is shown.
    """

    def __init__(self, url: str, command: Command = no_command) -> None:
        self._url, self._command = url, command
        self._process = OwnProcess("the output")
        self._waiting: dict[Key, Future[Rendered]] = {}
        self._kept: OrderedDict[Key, Rendered] = OrderedDict()
        self._lock = threading.RLock()  # a call that is ready at once is noted within the same call

    async def draw(self, output: Output, state: str) -> Rendered:
        """Return an output.

        Args:
            output: What is to be made.
            state: Identifies the state of what it shows: an output of the same state is not made again.

        Raises:
            Busy: It is not ready in time, or too many wait already.
            LodoTuneError: A run cannot be read, or an option is not accepted.
        """
        key = (output, state)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._waiting.get(key) or self._start(key)
        return await self._process.result(future)

    @property
    def waiting(self) -> int:
        """Outputs that are made, or wait for the process."""
        with self._lock:
            return len(self._waiting)

    def close(self) -> None:
        """End the process; the next output starts another."""
        with self._lock:
            self._waiting.clear()
        self._process.close()

    def _start(self, key: Key) -> Future[Rendered]:
        if len(self._waiting) >= MAX_WAITING:
            raise Busy(f"{MAX_WAITING} outputs wait already; try again later")
        future = self._process.submit(render, self._url, key[0], self._command)
        self._waiting[key] = future
        # Also what is ready only after its client has given up is kept for the client's next request.
        future.add_done_callback(lambda done: self._ended(key, done))
        return future

    def _ended(self, key: Key, future: Future[Rendered]) -> None:
        with self._lock:
            self._waiting.pop(key, None)
            if not future.cancelled() and future.exception() is None:
                self._keep(key, future.result())

    def _keep(self, key: Key, made: Rendered) -> None:
        for other in [one for one in self._kept if one[0] == key[0]]:  # of an older state
            del self._kept[other]
        self._kept[key] = made
        while len(self._kept) > 1 and sum(len(one.content or b"") for one in self._kept.values()) > MAX_KEPT_BYTES:
            self._kept.popitem(last=False)
