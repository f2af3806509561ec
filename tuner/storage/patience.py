"""Patience with a server that went away: a transaction is tried again until it is back, or has been away for too long.

Trying again is safe because saying a thing twice is saying it once: also a transaction whose commit was done, and whose
reply was lost, may be repeated. Whether the study is still this driver's after an outage, its epoch decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tuner.storage.errors import Changed, Unreachable

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between two attempts; each wait is twice the last
_AGAIN = 10  # times that what was disturbed is read once more

Result = TypeVar("Result")


class Patience:
    """Waits for a server; one outage is one, however many threads and calls meet it.

    Once it has lasted too long every call tries once, so that a driver which gives up does so at once.
    """

    def __init__(self, seconds: float) -> None:
        """Make one.

        Args:
            seconds: How long an outage may last; 0 is no patience.
        """
        self._seconds = seconds
        self._since: float | None = None  # when the outage began, if there is one
        self._over = threading.Event()

    def end(self) -> None:
        """Wait for nothing any more, in no thread."""
        self._over.set()

    def call(self, transaction: Callable[[], Result]) -> Result:
        """Return what a transaction returns, once it can be had.

        Raises:
            Unreachable: The outage has lasted too long.
            Changed: What is read changes all the time.
            Exception: Whatever else the transaction raises.
        """
        wait, disturbed = FIRST_WAIT, 0
        while True:
            try:
                result = transaction()
            except Changed:
                disturbed += 1
                if disturbed == _AGAIN:
                    raise
            except Unreachable:
                now = time.monotonic()
                self._since = now if self._since is None else self._since
                left = self._since + self._seconds - now
                if left <= 0 or self._waited(min(wait, left)):
                    raise
                wait = min(2 * wait, LONGEST_WAIT)
            else:
                self._since = None
                return result

    def _waited(self, seconds: float) -> bool:
        """Wait; return whether there is nothing more to be waited for."""
        try:
            return self._over.wait(seconds)
        except BaseException:  # Ctrl-C: what is still to be written is tried once
            self._over.set()
            raise
