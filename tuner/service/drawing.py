"""Figures and reports, drawn by a process of its own.

Drawing takes seconds of a core, and hundreds of megabytes.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path

from tuner.service.own_process import Busy, OwnProcess

MAX_WAITING = 8
"""Drawings that may wait for the process; a further one is refused."""

MAX_KEPT_BYTES = 32 * 2**20
REPORT = "report"

Key = tuple[object, ...]


class Drawer:
    """Draws figures and reports of runs, one after the other, and keeps the last.

    Args:
        url: URL of the database, with its password; the process opens it read-only.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._process = OwnProcess("the drawing")
        self._waiting: dict[Key, Future[bytes | None]] = {}
        self._kept: OrderedDict[Key, bytes | None] = OrderedDict()
        self._lock = threading.Lock()

    async def draw(self, run: str, what: str, format: str, state: str) -> bytes | None:
        """Return the content of a file; None if there is nothing to draw yet.

        Args:
            run: Name of the run.
            what: Name of a figure, or REPORT.
            format: "svg", "png" or "pdf"; "html" of a report.
            state: Identifies the state of the run: a drawing of the same state is not repeated.

        Raises:
            Busy: It is not ready in time, or too many wait already.
            LodoTuneError: The run cannot be read.
        """
        key = (run, what, format, state)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._waiting.get(key) or self._start(key)
        try:
            content = await self._process.result(future)
        finally:
            with self._lock:
                if future.done():
                    self._waiting.pop(key, None)
        self._keep(key, content)
        return content

    def close(self) -> None:
        """End the process; the next drawing starts another."""
        with self._lock:
            self._waiting.clear()
        self._process.close()

    def _start(self, key: Key) -> Future[bytes | None]:
        self._waiting = {one: future for one, future in self._waiting.items() if not future.done()}
        if len(self._waiting) >= MAX_WAITING:
            raise Busy(f"{MAX_WAITING} drawings wait already; try again later")
        run, what, format, _ = key
        future = self._process.submit(_content, self._url, str(run), str(what), str(format))
        self._waiting[key] = future
        return future

    def _keep(self, key: Key, content: bytes | None) -> None:
        with self._lock:
            for other in [one for one in self._kept if one[:3] == key[:3]]:  # of an older state
                del self._kept[other]
            self._kept[key] = content
            while sum(len(one or b"") for one in self._kept.values()) > MAX_KEPT_BYTES:
                self._kept.popitem(last=False)


def _content(url: str, run: str, what: str, format: str) -> bytes | None:
    """Draw in the process: return the content of a file; None if there is nothing to draw."""
    from tuner.api.database import Database
    from tuner.results.figures import rendered

    found = Database(url).run(run)
    if what == REPORT:
        with tempfile.TemporaryDirectory(prefix="lodo-report-") as folder:
            return found.report(Path(folder) / "report.html").read_bytes()
    figure = found.figure(what)
    return None if figure is None else rendered(figure, format)
