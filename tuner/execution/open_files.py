"""How many files this process may open."""

from __future__ import annotations

import resource

MIN_FILES = 1024  # for Ray, whose processes keep hundreds open


def limit_of_files() -> tuple[str, str | None]:
    """Return the limit as text, and a remark if it is too low for Ray."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = f"Ray needs more open files: ulimit -n {4 * MIN_FILES}" if 0 <= files < MIN_FILES else None
    return "unlimited" if files == resource.RLIM_INFINITY else str(files), few
