"""Ownership of studies: leases of drivers, and epochs that fence writes.

The epoch of a driver is the number of drivers that the study has had so far. Each write names the epoch, and is refused
once another driver has acquired the study, so that a driver that was suspended for an hour changes nothing when it
resumes. The study's row stays locked from this check to the commit, so that no driver can acquire it in between.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Update, func, select, update

from tuner.core.study import StudyStatus
from tuner.storage import attempts, candidates, changes, processes
from tuner.storage.errors import Incomplete, LeaseLost, StudyComplete, StudyOwned, UnknownStudy
from tuner.storage.tables import studies
from tuner.storage.timestamps import now
from tuner.storage.validation import check_text

_COLUMNS: tuple[Column[Any], ...] = (
    studies.c.id,
    studies.c.run,
    studies.c.optimizer,
    studies.c.status,
    studies.c.generations,
    studies.c.population,
    studies.c.further_tasks,
    studies.c.epoch,
    studies.c.owner,
    studies.c.owner_machine,
    studies.c.owner_started,
    studies.c.lease_seconds,
    studies.c.renewed_at,
    studies.c.renewed_uptime,
)


MAX_AHEAD = 86_400.0
"""Seconds that a clock of another machine may be ahead of ours; a lease renewed later was by a clock that was wrong.

Otherwise the study would be held until that time comes, which may be years. A driver that lives after all is fenced.
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """The current time, on the two clocks by which leases are measured."""

    wall: float  # seconds since 1970 on the database's clock; for SQLite, on this machine's
    uptime: float  # seconds since this machine started


def moment(connection: Connection) -> Moment:
    """Return the current time."""
    wall = time.time()
    if connection.dialect.name == "postgresql":
        wall = float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))))  # type: ignore[arg-type]
    return Moment(wall, processes.uptime())


def heartbeat_age(row: Row[Any], at: Moment) -> float:
    """Return how many seconds ago the owner renewed its lease.

    On the owner's machine it is measured by the uptime, so that setting the time of day does not end a lease.

    Args:
        row: A row of studies with an owner.
        at: The current time.
    """
    if row.owner_machine is not None and row.owner_machine == processes.machine_id():
        return max(0.0, float(at.uptime - row.renewed_uptime))
    return max(0.0, float(at.wall - row.renewed_at))


def seconds_left(row: Row[Any], at: Moment) -> float:
    """Return the seconds until another driver may acquire a study; 0 if the owner's process is known to have ended.

    Args:
        row: A row of studies with an owner.
        at: The current time.
    """
    if processes.has_ended(row.owner, row.owner_machine, row.owner_started):
        return 0.0
    if row.owner_machine != processes.machine_id() and row.renewed_at - at.wall > MAX_AHEAD:
        return 0.0
    return max(0.0, float(row.lease_seconds) - heartbeat_age(row, at))


def fence(connection: Connection, study_id: int, epoch: int) -> Row[Any]:
    """Check that the caller holds a study, and lock its row until the transaction ends.

    Raises:
        UnknownStudy: The study does not exist.
        LeaseLost: The caller no longer holds the study.
    """
    row = _locked(connection, study_id)
    if row.owner is None or row.epoch != epoch:
        reason = "was released" if row.owner is None else f"was taken over by {row.owner}"
        raise LeaseLost(f"the study {row.run}/{row.optimizer} {reason}; nothing was written")
    return row


def acquire(connection: Connection, study_id: int, owner: str, lease_seconds: float, epochs: list[int]) -> int:
    """Acquire a study without a driver, or whose driver has ended or let its lease expire; return the epoch.

    Candidates that the previous driver left running wait again.

    Args:
        connection: In a writing transaction.
        study_id: Id of the study.
        owner: "host:pid" of the new driver.
        lease_seconds: Duration of the lease.
        epochs: Epochs that earlier attempts of the same call have written, perhaps successfully although the reply to
            the commit was lost; the new epoch is added.

    Raises:
        UnknownStudy: The study does not exist.
        StudyComplete: The study is complete.
        StudyOwned: Another driver holds the study.
        ValueError: The lease is not a positive number of seconds.
        BadName: The owner's name cannot be stored.
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
    _check_available(row, at, "or once that driver has ended")
    # Also if the study had no owner: no candidate may be running without a driver.
    attempts.lose_all(connection, study_id, f"its driver {row.owner or ''} was lost".replace("  ", " "))
    pid = processes.pid_of(owner)
    epochs.append(int(row.epoch) + 1)
    connection.execute(
        _update(study_id).values(
            epoch=row.epoch + 1,
            status=StudyStatus.RUNNING,
            owner=owner,
            owner_machine=processes.machine_id(),
            owner_started=None if pid is None else processes.start_ticks(pid),
            lease_seconds=float(lease_seconds),
            renewed_at=at.wall,
            renewed_uptime=at.uptime,
        )
    )
    changes.count(connection, study_id)
    return int(row.epoch) + 1


def check_free(connection: Connection, study_ids: Sequence[int]) -> None:
    """Check that no study of some studies' runs has a driver, and lock their rows until the transaction ends.

    A driver acquires the studies of a run one after another, and relies on those that it has not acquired yet.

    Raises:
        UnknownStudy: A study does not exist.
        StudyOwned: A driver holds one of the studies, or another study of their runs.
    """
    at = moment(connection)
    chosen = {row.id: row for row in (_locked(connection, study_id) for study_id in sorted(study_ids))}
    runs = {row.run for row in chosen.values()}
    of_runs = select(*_COLUMNS).where(studies.c.run.in_(runs)).order_by(studies.c.id).with_for_update()
    for row in connection.execute(of_runs):
        alternative = "or once that driver is interrupted"
        if row.id not in chosen:
            alternative += f"; until then the other studies of {row.run} are kept, since that driver may acquire them"
        _check_available(row, at, alternative)


def _check_available(row: Row[Any], at: Moment, alternative: str) -> None:
    remaining = 0.0 if row.owner is None else seconds_left(row, at)
    if remaining > 0:
        raise StudyOwned(
            f"the study {row.run}/{row.optimizer} is owned by {row.owner}, heartbeat {heartbeat_age(row, at):.0f} s "
            f"ago; it can be taken over after another {remaining:.0f} s without a heartbeat, {alternative}"
        )


def renew(connection: Connection, study_id: int, epoch: int) -> None:
    """Renew the lease of a study.

    Raises:
        UnknownStudy: The study does not exist.
        LeaseLost: The caller no longer holds the study.
    """
    fence(connection, study_id, epoch)
    at = moment(connection)
    connection.execute(_update(study_id).values(renewed_at=at.wall, renewed_uptime=at.uptime))


def release(connection: Connection, study_id: int, epoch: int, status: str) -> None:
    """Release a study with a new status; running candidates wait again. Repeating the call changes nothing.

    Raises:
        UnknownStudy: The study does not exist.
        LeaseLost: The caller no longer holds the study.
        Incomplete: The status is 'complete', but candidates are missing or not final.
        ValueError: The status is not one of a study without a driver.
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
        due = row.generations * row.population * (1 + len(row.further_tasks or ()))
        count, unfinished = candidates.progress(connection, study_id)
        if count != due or unfinished:
            raise Incomplete(
                f"the study {row.run}/{row.optimizer} is not complete: {count} of {due} candidates exist, "
                f"and {unfinished} candidates are not final"
            )
        values["finished_at"] = now()
    attempts.lose_all(connection, study_id, "its driver stopped")
    connection.execute(_update(study_id).values(**values))
    changes.count(connection, study_id)


def _update(study_id: int) -> Update:
    return update(studies).where(studies.c.id == study_id)


def _locked(connection: Connection, study_id: int) -> Row[Any]:
    # SQLite has no FOR UPDATE and needs none: a writer locks the whole database.
    row: Row[Any] | None = connection.execute(
        select(*_COLUMNS).where(studies.c.id == study_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return row
