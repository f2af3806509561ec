"""Versions of the packages that affect a study's results, and its hardware."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
from pathlib import Path
from typing import Any

from tuner.execution.resources import usable_cores

PACKAGES = ("lodo-tune", "tensorflow", "keras", "ray", "deap", "numpy", "sqlalchemy")
NOT_INSTALLED = "not installed"


def versions() -> dict[str, str]:
    """Return the version of Python and of each package; the packages are not imported."""
    result = {"python": platform.python_version()}
    for package in PACKAGES:
        result[package] = version(package)
    return result


def version(package: str) -> str:
    """Return the version of a package, or NOT_INSTALLED; it is not imported."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED


def hardware() -> dict[str, Any]:
    """Return the driver's host name, processor, usable cores and memory in GiB."""
    return {"node": socket.gethostname(), "processor": _processor(), "cores": usable_cores(), "memory_gib": _memory()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None
