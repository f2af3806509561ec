"""Ownership of a study: a lease that its driver renews, and an epoch by which every write is fenced.

A driver that holds a study has an epoch, the number of drivers that the study has had so far. Each of its writes names
it and is refused once another driver has the next: a driver that was stopped for an hour and wakes up changes nothing.
The study's row stays locked from that check to the commit, so no driver can take over in between.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Update, func, select, update

from tuner.core.study import StudyStatus
from tuner.storage import attempts, candidates, processes
from tuner.storage.errors import Incomplete, LeaseLost, StudyComplete, StudyOwned, UnknownStudy
from tuner.storage.names import check_text
from tuner.storage.tables import studies
from tuner.storage.times import now

_COLUMNS: tuple[Column[Any], ...] = (
    studies.c.id,
    studies.c.run,
    studies.c.optimizer,
    studies.c.status,
    studies.c.generations,
    studies.c.population,
    studies.c.epoch,
    studies.c.owner,
    studies.c.owner_machine,
    studies.c.owner_started,
    studies.c.lease_seconds,
    studies.c.renewed_at,
    studies.c.renewed_uptime,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, by the clocks that leases are measured with."""

    wall: float  # seconds since 1970 by the database's clock; for SQLite it is this machine's
    uptime: float  # seconds since this machine started


def moment(connection: Connection) -> Moment:
    """Read the clocks."""
    wall = time.time()
    if connection.dialect.name == "postgresql":
        wall = float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))))  # type: ignore[arg-type]
    return Moment(wall, processes.uptime())


def heartbeat_age(row: Row[Any], at: Moment) -> float:
    """Return how many seconds ago the owner renewed its lease.

    On one machine the time since it started counts, so that setting the clock takes no study from its driver.

    Args:
        row: A row of studies with an owner.
        at: Now.
    """
    if row.owner_machine is not None and row.owner_machine == processes.machine():
        return max(0.0, float(at.uptime - row.renewed_uptime))
    return max(0.0, float(at.wall - row.renewed_at))


def seconds_left(row: Row[Any], at: Moment) -> float:
    """Return the seconds until another driver may take over; 0 if the owner's process is known to have ended.

    Args:
        row: A row of studies with an owner.
        at: Now.
    """
    if processes.is_gone(row.owner, row.owner_machine, row.owner_started):
        return 0.0
    return max(0.0, float(row.lease_seconds) - heartbeat_age(row, at))


def fence(connection: Connection, study_id: int, epoch: int) -> Row[Any]:
    """Check that the caller holds the study, and keep it so until the transaction ends.

    Raises:
        UnknownStudy: there is no such study.
        LeaseLost: the caller's epoch is over.
    """
    row = _locked(connection, study_id)
    if row.owner is None or row.epoch != epoch:
        reason = "was given back" if row.owner is None else f"was taken over by {row.owner}"
        raise LeaseLost(f"the study {row.run}/{row.optimizer} {reason}; nothing was written")
    return row


def acquire(connection: Connection, study_id: int, owner: str, lease_seconds: float, epochs: list[int]) -> int:
    """Take a study that nobody holds, or whose owner is gone or silent for longer than its lease; return the epoch.

    What the former owner left running waits again.

    Args:
        connection: Within a writing transaction.
        study_id: Which study.
        owner: "host:pid".
        lease_seconds: How long it stays theirs.
        epochs: That earlier attempts of the same call may have got, whose commit was not heard of; this one is added.

    Raises:
        UnknownStudy: there is no such study.
        StudyComplete: the study takes no more drivers.
        StudyOwned: another driver holds it.
        ValueError: the lease is not a positive number of seconds.
        BadName: the owner's name cannot be stored.
    """
    check_text("an owner's name", owner)
    if not 0 < lease_seconds < float("inf"):
        raise ValueError(f"a lease must be a positive number of seconds. Received: {lease_seconds}")
    row = _locked(connection, study_id)
    name = f"{row.run}/{row.optimizer}"
    if row.owner == owner and row.epoch in epochs:
        return int(row.epoch)
    if row.status == StudyStatus.COMPLETE:
        raise StudyComplete(f"the study {name} is complete; there is nothing left to do")
    at = moment(connection)
    _refuse_owned(row, at, "or be waited for (--wait)")
    # Also where nobody holds it: whatever is called running has no driver.
    attempts.lose_all(connection, study_id, f"its driver {row.owner or ''} was lost".replace("  ", " "))
    pid = processes.pid_of(owner)
    epochs.append(int(row.epoch) + 1)
    connection.execute(
        _update(study_id).values(
            epoch=row.epoch + 1,
            status=StudyStatus.RUNNING,
            owner=owner,
            owner_machine=processes.machine(),
            owner_started=None if pid is None else processes.started(pid),
            lease_seconds=float(lease_seconds),
            renewed_at=at.wall,
            renewed_uptime=at.uptime,
        )
    )
    return int(row.epoch) + 1


def check_free(connection: Connection, study_ids: Sequence[int]) -> None:
    """Check that no driver holds any of some studies, nor of their runs, and keep it so until the transaction ends.

    A driver takes the studies of its run one after another, and counts on those that it has not taken yet.

    Raises:
        UnknownStudy: there is no such study.
        StudyOwned: one does.
    """
    at = moment(connection)
    chosen = {row.id: row for row in (_locked(connection, study_id) for study_id in sorted(study_ids))}
    runs = {row.run for row in chosen.values()}
    beside = select(*_COLUMNS).where(studies.c.run.in_(runs)).order_by(studies.c.id).with_for_update()
    for row in connection.execute(beside):
        otherwise = "or interrupted where it runs"
        if row.id not in chosen:
            otherwise += f"; its driver may be about to take the other studies of {row.run}, which stay till then"
        _refuse_owned(row, at, otherwise)


def _refuse_owned(row: Row[Any], at: Moment, otherwise: str) -> None:
    left = 0.0 if row.owner is None else seconds_left(row, at)
    if left > 0:
        raise StudyOwned(
            f"the study {row.run}/{row.optimizer} is owned by {row.owner}, heartbeat {heartbeat_age(row, at):.0f} s "
            f"ago; it can be taken over if that driver stays silent for another {left:.0f} s, {otherwise}"
        )


def renew(connection: Connection, study_id: int, epoch: int) -> None:
    """Say that the owner lives.

    Raises:
        UnknownStudy: there is no such study.
        LeaseLost: the caller's epoch is over.
    """
    fence(connection, study_id, epoch)
    at = moment(connection)
    connection.execute(_update(study_id).values(renewed_at=at.wall, renewed_uptime=at.uptime))


def release(connection: Connection, study_id: int, epoch: int, status: str) -> None:
    """Give a study back; what still runs waits again. The same once more changes nothing.

    Raises:
        UnknownStudy: there is no such study.
        LeaseLost: the caller's epoch is over.
        Incomplete: the study is to be complete, but not all its candidates are there and final.
        ValueError: it is not the status of a study that nobody drives.
    """
    allowed = (StudyStatus.INTERRUPTED, StudyStatus.STOPPED, StudyStatus.COMPLETE)
    if status not in allowed:
        raise ValueError(f"a study is released as one of {', '.join(allowed)}. Received: {status}")
    row = _locked(connection, study_id)
    if row.owner is None and row.epoch == epoch and row.status == status:
        return
    row = fence(connection, study_id, epoch)
    values: dict[str, Any] = {"status": status, "owner": None, "owner_machine": None, "owner_started": None}
    if status == StudyStatus.COMPLETE:
        due = row.generations * row.population
        searched, unfinished = candidates.progress(connection, study_id)
        if searched != due or unfinished:
            raise Incomplete(
                f"the study {row.run}/{row.optimizer} is not complete: {searched} of {due} candidates are "
                f"there, and {unfinished} of all are not final"
            )
        values["finished_at"] = now()
    attempts.lose_all(connection, study_id, "its driver stopped")
    connection.execute(_update(study_id).values(**values))


def _update(study_id: int) -> Update:
    return update(studies).where(studies.c.id == study_id)


def _locked(connection: Connection, study_id: int) -> Row[Any]:
    # SQLite has no FOR UPDATE and needs none: its writers hold the whole database.
    row: Row[Any] | None = connection.execute(
        select(*_COLUMNS).where(studies.c.id == study_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return row
