"""A watchdog that ends a process that hangs despite a time limit or Ctrl-C.

Python runs signal handlers in the main thread only, and not while C++ code runs there. The watchdog therefore reads
signals in a thread of its own, from the file descriptor to which Python writes them.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from types import TracebackType
from typing import Self

GRACE = 3.0  # seconds that the usual handling of a time limit or of Ctrl-C may take


class Watchdog:
    """Ends this process if its `with` block runs for GRACE seconds beyond a time limit or an interruption."""

    def __init__(self, limit: float | None) -> None:
        """Create a watchdog.

        Args:
            limit: Seconds that the block may take. None: no limit.
        """
        self._limit = limit
        self._ended, self._end = os.pipe()
        self._received, self._signals = os.pipe()
        os.set_blocking(self._signals, False)

    def __enter__(self) -> Self:
        """Start the thread; must be called in the main thread."""
        self._before = signal.set_wakeup_fd(self._signals, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the thread."""
        signal.set_wakeup_fd(self._before)
        os.close(self._end)
        self._thread.join()
        for descriptor in (self._ended, self._received, self._signals):
            os.close(descriptor)

    def _watch(self) -> None:
        deadline = None if self._limit is None else time.monotonic() + self._limit + GRACE
        message, code = f"timed out after {self._limit:g} s" if self._limit else "", 1
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._ended, self._received], [], [], left)
            if self._ended in ready:
                return
            if not ready:
                sys.stderr.write(f"lodo-tune: {message}\n")
                sys.stderr.flush()
                os._exit(code)
            if signal.SIGINT in os.read(self._received, 64):
                deadline, message, code = time.monotonic() + GRACE, "interrupted", 130
