"""This machine and its processes: whether an owner's process is gone, and a clock that nobody sets."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Return "host:pid" of this process, the owner's name of a driver."""
    return f"{socket.gethostname()}:{os.getpid()}"


@cache
def machine() -> str | None:
    """Return what tells this boot of this machine, and this process namespace, from all others; None where unknown.

    Only where two processes agree on it do pids and `uptime` mean the same to both: a container has its own pids, and
    may have the host name of another.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def uptime() -> float:
    """Return the seconds since this machine started, sleep included; nothing that sets the time of day moves it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def pid_of(owner: str) -> int | None:
    """Return the pid of an owner "host:pid" on this host; None for another host or another form."""
    host, _, pid = owner.rpartition(":")
    return int(pid) if host == socket.gethostname() and pid.isascii() and pid.isdigit() else None


def started(pid: int) -> int | None:
    """Return when a process began, in the kernel's ticks since boot; None if it has ended, also if it is a zombie."""
    try:
        # The command's name, in parentheses, may itself hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def is_gone(owner: str, owner_machine: str | None, owner_started: int | None) -> bool:
    """Return whether the owner's process is known to have ended.

    "No" where that cannot be known: on another host, in another container, without /proc.

    Args:
        owner: "host:pid".
        owner_machine: `machine()` as the owner saw it.
        owner_started: `started(pid)` as the owner saw it.
    """
    pid = pid_of(owner)
    if pid is None or owner_machine is None or owner_machine != machine() or owner_started is None:
        return False
    return started(pid) != owner_started
