"""The thread that renews a study's lease while the driver is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Heartbeat:
    """Calls `renew` several times per lease until the `with` block ends.

    An exception of `renew` is kept, and raised in the driver's thread by `check`. A lease lost meanwhile
    does no harm, because the store refuses writes without it.
    """

    def __init__(self, renew: Callable[[], None], *, every: float) -> None:
        """Create a heartbeat.

        Args:
            renew: Called from another thread.
            every: Seconds between two calls.
        """
        self._renew, self._every = renew, every
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def check(self) -> None:
        """Raise the exception of the last `renew`, if any."""
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._renew()
            except Exception as error:
                self._error = error
                return
