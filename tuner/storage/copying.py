"""Copies of studies to another database, each compared with the original."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import changes, sqlite_copying
from tuner.storage.attempts import LOST
from tuner.storage.errors import Damaged
from tuner.storage.tables import attempts, candidates, curves, evaluations, observations, outputs, studies

BATCH_SIZE = 500  # candidates whose rows are in memory at a time

# A copy has no driver, whatever the original has.
_LEASE = ("owner", "owner_machine", "owner_started", "lease_seconds", "renewed_at", "renewed_uptime")
_CANDIDATE_TABLES = (attempts, evaluations, curves, observations, outputs)
_ORDER = {attempts: (attempts.c.epoch, attempts.c.number), observations: (observations.c.split, observations.c.name)}

_RAN = "it ran when the study was copied"
_ENDED = {  # of an attempt, in SQL
    "ended_at": "coalesce(attempts.ended_at, attempts.started_at)",
    "outcome": f"CASE WHEN attempts.ended_at IS NULL THEN '{LOST}' ELSE attempts.outcome END",
    "reason": f"CASE WHEN attempts.ended_at IS NULL THEN '{_RAN}' ELSE attempts.reason END",
}

Values = dict[str, Any]


def copy_study(source: Connection, target: Connection, study_id: int, *, is_snapshot: bool = False) -> int:
    """Copy a study with all its rows, within the target's transaction, and return the new id.

    The copy has the same epoch and no driver. A running study is interrupted in the copy, and running candidates wait.

    Args:
        source: In a reading transaction.
        target: In a writing transaction.
        study_id: Id of the study.
        is_snapshot: Whether the copy is only read: what runs is shown as running, and the rows are not compared.
            Default False.

    Raises:
        Damaged: The copy differs from the original.
    """
    row = _study_row(source, study_id, keeps_running=is_snapshot)
    new = int(target.execute(insert(studies).values(row)).inserted_primary_key[0])  # type: ignore[index]
    changes.begin(target, new)
    if _are_files(source, target):
        parts = _parts(keep_running=is_snapshot)
        sqlite_copying.copy_rows(source, target, study_id, new, parts)
    else:
        _copy_rows(source, target, study_id, new, keep_running=is_snapshot)
    if not is_snapshot and not are_equal(source, study_id, target, new):
        name = f"{row['run']}/{row['optimizer']}"
        raise Damaged(f"the copy of the study {name} differs from the original; nothing was written")
    return new


def _copy_rows(source: Connection, target: Connection, study_id: int, new: int, *, keep_running: bool) -> None:
    """Copy the rows of a study's candidates between any two databases."""
    for batch in _batches(source, study_id, keep_running=keep_running):
        rows = [{**row, "study_id": new} for row in batch.values()]
        order = target.execute(
            insert(candidates).returning(candidates.c.id, sort_by_parameter_order=True),
            [{name: value for name, value in row.items() if name != "id"} for row in rows],
        )
        ids = dict(zip(batch, order.scalars(), strict=True))
        for table in _CANDIDATE_TABLES:
            stored = _rows_of(source, table, list(ids))
            if stored:
                target.execute(insert(table), [{**row, "candidate_id": ids[row["candidate_id"]]} for row in stored])


def are_equal(source: Connection, study_id: int, target: Connection, other: int) -> bool:
    """Return whether two studies in two databases are equal, apart from ids and drivers."""
    has_same_bytes = (
        _are_files(source, target)
        and _study_row(source, study_id) == _study_row(target, other)
        and sqlite_copying.are_equal(source, study_id, target, other, _parts(keep_running=False))
    )
    # Equal values may have been written as different bytes, by an earlier version.
    return has_same_bytes or _digest(source, study_id) == _digest(target, other)


def _are_files(source: Connection, target: Connection) -> bool:
    """Return whether both databases are of SQLite."""
    return source.dialect.name == target.dialect.name == "sqlite"


def _parts(*, keep_running: bool) -> list[sqlite_copying.Part]:
    """Return the tables of candidates, with what `_batches` and `_rows_of` change in a copy."""
    waits = f"CASE candidates.status WHEN '{Status.RUNNING}' THEN '{Status.WAITING}' ELSE candidates.status END"
    further = [
        sqlite_copying.Part(
            table, [column.name for column in _ORDER.get(table, ())], _ENDED if table is attempts else {}
        )
        for table in _CANDIDATE_TABLES
    ]
    return [sqlite_copying.Part(candidates, changed={} if keep_running else {"status": waits}), *further]


def _study_row(connection: Connection, study_id: int, *, keeps_running: bool = False) -> Values:
    """Return the row of a study as its copy has it."""
    row = connection.execute(select(studies).where(studies.c.id == study_id)).one()._asdict()
    values = {name: value for name, value in row.items() if name not in ("id", *_LEASE)}
    if values["status"] == StudyStatus.RUNNING and not keeps_running:
        values["status"] = StudyStatus.INTERRUPTED
    return values


def _batches(connection: Connection, study_id: int, *, keep_running: bool = False) -> Iterator[dict[int, Values]]:
    """Yield the rows of a study's candidates by id, in the order of their keys; running ones wait in a copy."""
    order = (candidates.c.role, candidates.c.generation, candidates.c.slot)
    ids = connection.scalars(select(candidates.c.id).where(candidates.c.study_id == study_id).order_by(*order)).all()
    for first in range(0, len(ids), BATCH_SIZE):
        batch = ids[first : first + BATCH_SIZE]
        result = connection.execute(select(candidates).where(candidates.c.id.in_(batch)))
        rows = {row.id: row._asdict() for row in result}
        for row in rows.values():
            if row["status"] == Status.RUNNING and not keep_running:
                row["status"] = Status.WAITING.value
        yield {id: rows[id] for id in batch}


def _rows_of(connection: Connection, table: Table, ids: list[int]) -> list[Values]:
    """Return the rows of candidates in one table, in an order that the copy keeps, without the ids of attempts.

    An open attempt is ended at the time when it started: its real end is unknown, and copies that are made at different
    times must be equal.
    """
    order = [table.c.candidate_id, *_ORDER.get(table, ())]
    rows = connection.execute(select(table).where(table.c.candidate_id.in_(ids)).order_by(*order))
    values: list[Values] = [{name: value for name, value in row._asdict().items() if name != "id"} for row in rows]
    if table is attempts:
        for row in values:
            if row["ended_at"] is None:
                row |= {"ended_at": row["started_at"], "outcome": LOST, "reason": _RAN}
    return values


def _digest(connection: Connection, study_id: int) -> str:
    """Return a hash of all rows of a study as its copy has them, without ids."""
    digest = hashlib.sha256()

    def add(values: Values, *excluded: str) -> None:
        digest.update(repr(sorted((name, value) for name, value in values.items() if name not in excluded)).encode())

    add(_study_row(connection, study_id))
    for batch in _batches(connection, study_id):
        positions = {id: number for number, id in enumerate(batch)}
        for row in batch.values():
            add(row, "id", "study_id")
        for table in _CANDIDATE_TABLES:
            rows = sorted(_rows_of(connection, table, list(batch)), key=lambda row: positions[row["candidate_id"]])
            for row in rows:
                add({**row, "candidate_id": positions[row["candidate_id"]]})
    return digest.hexdigest()
