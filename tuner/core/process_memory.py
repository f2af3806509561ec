"""The memory that a process and its descendants hold, as Linux counts it."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

MEMORY = "LODO_TUNE_MEMORY"
"""Variable of a worker that trains by functions: bytes that a candidate may take; not set without a limit."""

GIGABYTE = 10**9
_PRECISION = 10**7  # bytes; processors count for themselves before they add
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def memory_limit() -> int | None:
    """Return the bytes that a candidate may take in this process; None without a limit."""
    given = os.environ.get(MEMORY)
    return None if given is None else int(given)


def own_bytes(more_than: int = 0) -> int:
    """Return the bytes of memory that this process and its descendants hold and share with no file.

    Forked processes share what none of them has written to. Because it takes longer, this is considered only where the
    answer would exceed `more_than`.

    Args:
        more_than: Bytes below which it does not matter how much is shared.

    Returns:
        The bytes; 0 on a system that does not tell.
    """
    processes = [os.getpid(), *_descendants(os.getpid())]
    held = sum(map(_anonymous, processes))
    if held > more_than and len(processes) > 1:
        return sum(_proportional(pid) for pid in processes)
    return held


class Taken:
    """What a candidate takes of the memory of its process and of those that it starts, also for a moment.

    The kernel keeps the most that a process has held, from which files that it maps are subtracted as far as they were
    seen. Where that cannot be set back, it says nothing until the process holds more than ever before the candidate.

    Args:
        limit: Bytes that the candidate may take.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the most is now what the process holds
        self._before, self._own = own_bytes(), _anonymous(os.getpid())
        known = _status()
        self._most, self._files = known.get("VmHWM", 0), 0
        self._is_reset = self._most <= known.get("VmRSS", 0) + _PRECISION

    def excess(self) -> int:
        """Return the bytes that it has taken if they are more than its limit, and 0 otherwise."""
        known = _status()
        most = known.get("VmHWM", 0)
        self._files = max(self._files, known.get("RssFile", 0) + known.get("RssShmem", 0))
        taken = own_bytes(more_than=self._before + self.limit) - self._before
        if self._is_reset or most > self._most:
            taken = max(taken, most - self._files - self._own)
        return taken if taken > self.limit else 0


class Growth:
    """What the candidates of a process have left in its memory."""

    def __init__(self) -> None:
        self._first: int | None = None  # bytes after the first candidate, which has imported what all use

    def is_too_much(self) -> bool:
        """Return whether more than half of what one candidate may take is left, so that the next would lack it."""
        limit = memory_limit()
        if limit is None:
            return False
        if self._first is None:
            self._first = own_bytes()
            return False
        if own_bytes() - self._first <= limit // 2:
            return False
        gc.collect()
        return own_bytes() - self._first > limit // 2


def _status() -> dict[str, int]:
    """Return what the kernel tells of this process in kB, as bytes by name; nothing on a system that does not."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
    return {}


def _anonymous(pid: int) -> int:
    """Return the resident bytes of a process that belong to no file; 0 if it has ended."""
    with contextlib.suppress(OSError, ValueError):
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(resident) - int(shared)) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    """Return the same, in which each shared page counts as the share of the process."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        sizes = {line.partition(":")[0]: line.split()[-2] for line in lines if line.endswith(" kB")}
        if "Pss_Anon" in sizes:
            return int(sizes["Pss_Anon"]) * 1024
    return _anonymous(pid)


def _descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and that these have started."""
    with contextlib.suppress(OSError, ValueError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                    yield int(child)
                    yield from _descendants(int(child))
