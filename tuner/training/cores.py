"""Exclusive cores for timed runs.

No two training processes of a user share the cores that they lock here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

POLL_SECONDS = 0.1


@contextlib.contextmanager
def own_cores(count: int) -> Iterator[tuple[int, ...]]:
    """Bind this process to cores of its own for a `with` block; wait until enough are free.

    A lock on a file of this user marks each core as taken, and ends with the process that holds it. If processes
    cannot be bound to cores (outside Linux), or there are fewer than requested, none are taken.

    Args:
        count: Number of cores, at least 1.

    Yields:
        The indices of the cores; () if none were taken.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield ()
        return
    usable = sorted(os.sched_getaffinity(0))
    sets = [tuple(usable[start : start + count]) for start in range(0, len(usable) - count + 1, count)]
    if not sets:
        yield ()
        return
    with _first_free(sets) as cores:
        _bind(cores)
        try:
            yield cores
        finally:
            _bind(usable)


@contextlib.contextmanager
def _first_free(sets: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """Lock the first set of cores that is free; wait until one is."""
    while True:
        for cores in sets:
            with contextlib.ExitStack() as locks, contextlib.suppress(BlockingIOError):
                for core in cores:
                    locks.enter_context(_lock(core))
                kept = locks.pop_all()
                break
        else:
            time.sleep(POLL_SECONDS)
            continue
        with kept:
            yield cores
        return


@contextlib.contextmanager
def _lock(core: int) -> Iterator[None]:
    path = Path(tempfile.gettempdir()) / f"lodo-tune-{os.getuid()}-core-{core}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _bind(cores: Sequence[int]) -> None:
    """Bind every thread of this process to these cores; a later thread inherits the cores of its parent thread."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), cores)
