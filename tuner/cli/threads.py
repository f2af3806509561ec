"""Threads of users' code that still run when a command is done."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import thread as pools

GRACE = 2.0


def await_threads(known: Collection[threading.Thread], grace: float = GRACE) -> None:
    """Wait for threads that are no daemons, as Python does at exit, and say so if that takes long.

    Ctrl-C ends the process at once, with the exit code that it would have had.

    Args:
        known: Threads that ran before the command; they are not its own.
        grace: Seconds in which threads may end before something is said.
    """
    code = _exit_code()
    try:
        end = time.monotonic() + grace
        for thread in _others(known):
            thread.join(max(0.0, end - time.monotonic()))
        if waiting := _others(known):
            names = ", ".join(repr(each.name) for each in waiting[:3])
            kind = "is a thread" if len(waiting) == 1 else "are threads"
            sys.stderr.write(
                f"lodo-tune: done; waiting for {names}, which {kind} of"
                " the task's code and no daemon (threading.Thread(daemon=True)); Ctrl-C ends the process\n"
            )
            sys.stderr.flush()
        for thread in waiting:
            thread.join()
    except KeyboardInterrupt:
        sys.stderr.flush()
        os._exit(code)


def _others(known: Collection[threading.Thread]) -> list[threading.Thread]:
    """Return further threads that Python would wait for, without idle ones of pools, which it tells to end."""
    now = [each for each in threading.enumerate() if each not in known and not each.daemon]
    return [each for each in now if each not in pools._threads_queues]


def _exit_code() -> int:
    """Return the exit code with which this process is about to end."""
    error = sys.exception()
    code = error.code if isinstance(error, SystemExit) else 1
    return code if isinstance(code, int) else 0 if code is None else 1
