"""Limits of cores and memory that a container or a batch system sets.

They are read from the control groups of Linux, version 1 and 2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

UNLIMITED = 1 << 60  # bytes; version 1 writes a number above it where there is no limit


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many cores this process may use at a time, such as 1.5; None without a limit.

    Args:
        root: The folder that contains proc and sys.
    """
    quotas = []
    for folder in _groups(root, "cpu"):
        with contextlib.suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
            quotas.append(float(quota) / float(period))  # "max" is no number
        with contextlib.suppress(OSError, ValueError):
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
            quotas.append(float(quota) / float(period))  # -1 without a limit
    return min((quota for quota in quotas if quota > 0), default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Return how many bytes of memory this process and others in its group may use; None without a limit.

    Args:
        root: The folder that contains proc and sys.
    """
    limits = []
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):
                limits.append(int((folder / name).read_text(encoding="ascii")))
    return min((limit for limit in limits if limit < UNLIMITED), default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the groups that this process belongs to, from its own up to the root of the hierarchy."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:  # version 2
            base = mounted
        elif controller in controllers.split(","):
            base = next((path for path in (mounted / controllers, mounted / controller) if path.is_dir()), mounted)
        else:
            continue
        # In a container the path may be that of the host, of which only the root is mounted.
        parts = [part for part in path.split("/") if part and part != ".."]
        yield from (base.joinpath(*parts[:count]) for count in range(len(parts), -1, -1))
