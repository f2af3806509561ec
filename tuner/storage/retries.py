"""Retries while a database cannot be reached or is locked.

Every transaction that is retried is idempotent, so it may be repeated even if it was committed and only the reply was
lost. Whether the driver still holds its study after an outage is decided by the study's epoch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tuner.storage.errors import Changed, Locked, Unreachable

MIN_WAIT, MAX_WAIT = 0.1, 5.0  # seconds between two attempts; each wait is twice as long as the last
_MAX_READS = 10  # attempts to read a file without locks while another process writes to it

Result = TypeVar("Result")


class Retrier:
    """Repeats transactions until they succeed or an outage has lasted too long.

    An outage is shared by all threads and calls. Once it has lasted too long, each call makes one attempt, so that a
    driver that stops does so without further delay.

    Args:
        seconds: How long an outage may last; 0 disables retries.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._outage_began: float | None = None
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stop waiting, in all threads: from now on each call makes one attempt."""
        self._stopped.set()

    def call(self, transaction: Callable[[], Result]) -> Result:
        """Return the result of a transaction, which is repeated as often as necessary.

        Raises:
            Unreachable: The outage has lasted too long.
            Locked: Another process has held a lock for too long.
            Changed: The file was written to during each attempt to read it.
            Exception: Any other error of the transaction.
        """
        wait, reads = MIN_WAIT, 0
        while True:
            try:
                result = transaction()
            except Changed:
                reads += 1
                if reads == _MAX_READS:
                    raise
            except (Unreachable, Locked):  # each attempt waits for a lock itself
                now = time.monotonic()
                self._outage_began = now if self._outage_began is None else self._outage_began
                remaining = self._outage_began + self._seconds - now
                if remaining <= 0 or self._is_stopped_within(min(wait, remaining)):
                    raise
                wait = min(2 * wait, MAX_WAIT)
            else:
                self._outage_began = None
                return result

    def _is_stopped_within(self, seconds: float) -> bool:
        """Wait, and return whether `stop` was called."""
        try:
            return self._stopped.wait(seconds)
        except BaseException:  # Ctrl-C: pending writes get one attempt each
            self._stopped.set()
            raise
