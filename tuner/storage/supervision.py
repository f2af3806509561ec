"""The row of the supervisor.

One service at a time starts the drivers of a database.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from tuner.storage import lease, processes
from tuner.storage.tables import supervisors

LEASE = 10.0
"""Seconds after which another service takes over, where it cannot see that the process has ended."""

_ONLY = supervisors.c.id == 1


def supervise(connection: Connection, owner: str) -> str | None:
    """Become the supervisor, or stay it; return None, or the name of the one that there is.

    Args:
        connection: In a writing transaction.
        owner: "host:pid" of this process.
    """
    row = connection.execute(select(supervisors).where(_ONLY).with_for_update()).one_or_none()
    at, pid = lease.moment(connection), processes.pid_of(owner)
    started = None if pid is None else processes.start_ticks(pid)
    mine = row is not None and (row.owner, row.owner_started, row.owner_machine) == (
        owner,
        started,
        processes.machine_id(),
    )
    if row is not None and not mine and lease.seconds_left(row, at) > 0:
        return str(row.owner)
    values = {
        "owner": owner,
        "owner_machine": processes.machine_id(),
        "owner_started": started,
        "lease_seconds": LEASE,
        "renewed_at": at.wall,
        "renewed_uptime": at.uptime,
    }
    if row is None:
        connection.execute(insert(supervisors).values(id=1, **values))
    else:
        connection.execute(update(supervisors).where(_ONLY).values(values))
    return None


def current(connection: Connection) -> str | None:
    """Return the name of the supervisor; None without one that holds its lease."""
    row = connection.execute(select(supervisors).where(_ONLY)).one_or_none()
    return None if row is None or lease.seconds_left(row, lease.moment(connection)) <= 0 else str(row.owner)


def resign(connection: Connection, owner: str) -> None:
    """End to be the supervisor, so that another service takes over at once."""
    connection.execute(delete(supervisors).where(_ONLY, supervisors.c.owner == owner))
