"""Identity of processes, and whether the owner of a study has ended."""

from __future__ import annotations

import os
import socket
import time
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Return "host:pid" of this process, by which a driver names itself as owner."""
    return owner_of(os.getpid())


def owner_of(pid: int) -> str:
    """Return "host:pid" of a process of this machine."""
    return f"{socket.gethostname()}:{pid}"


@cache
def machine_id() -> str | None:
    """Return an identifier of this boot of this machine and of this process namespace; None where it is unknown.

    Process ids and `uptime` are comparable only between two processes with the same identifier: a container has process
    ids of its own, and may have the same host name as another one.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def uptime() -> float:
    """Return the seconds since this machine started, sleep included; setting the time of day does not change it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def pid_of(owner: str) -> int | None:
    """Return the process id of an owner "host:pid" on this host; None for another host or another form."""
    host, _, pid = owner.rpartition(":")
    return int(pid) if host == socket.gethostname() and pid.isascii() and pid.isdigit() else None


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in kernel ticks since boot; None if it has ended or is a zombie."""
    try:
        # The command's name, in parentheses, may itself contain spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def has_ended(owner: str, owner_machine: str | None, owner_started: int | None) -> bool:
    """Return whether the owner's process is known to have ended.

    The result is False where this cannot be determined: on another host, in another container, without /proc.

    Args:
        owner: "host:pid".
        owner_machine: `machine_id()` in the owner's process.
        owner_started: `start_ticks(pid)` of the owner's process.
    """
    pid = _pid_here(owner, owner_machine)
    return pid is not None and owner_started is not None and start_ticks(pid) != owner_started


def lives(owner: str, owner_machine: str | None, owner_started: int | None) -> bool:
    """Return whether the owner's process is known to run on this machine; the arguments are those of `has_ended`."""
    pid = _pid_here(owner, owner_machine)
    return pid is not None and owner_started is not None and start_ticks(pid) == owner_started


def _pid_here(owner: str, owner_machine: str | None) -> int | None:
    """Return the process id of an owner of this machine and process namespace; None for another one."""
    return None if owner_machine is None or owner_machine != machine_id() else pid_of(owner)
