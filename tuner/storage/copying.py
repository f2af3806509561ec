"""Studies copied from one database into another, of whichever kind, and compared afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage.attempts import LOST
from tuner.storage.errors import Damaged
from tuner.storage.tables import attempts, candidates, curves, evaluations, observations, studies

BATCH = 500  # candidates whose rows are held in memory at a time

# What says who drives the study now; a copy is driven by nobody.
_LEASE = ("owner", "owner_machine", "owner_started", "lease_seconds", "renewed_at", "renewed_uptime")
_OF_CANDIDATES = (attempts, evaluations, curves, observations)
_ORDER = {attempts: (attempts.c.epoch, attempts.c.number), observations: (observations.c.split, observations.c.name)}

Values = dict[str, Any]


def copy_study(source: Connection, target: Connection, study_id: int) -> int:
    """Copy a study with all that belongs to it, within the target's transaction, and return its new id.

    The copy has the same epoch and no driver: what runs is interrupted in it, and waits.

    Raises:
        Damaged: What is in the target afterwards is not what is in the source.
    """
    row = _study(source, study_id)
    new = int(target.execute(insert(studies).values(row)).inserted_primary_key[0])  # type: ignore[index]
    for batch in _batches(source, study_id):
        given = [{**row, "study_id": new} for row in batch.values()]
        order = target.execute(
            insert(candidates).returning(candidates.c.id, sort_by_parameter_order=True),
            [{name: value for name, value in row.items() if name != "id"} for row in given],
        )
        ids = dict(zip(batch, order.scalars(), strict=True))
        for table in _OF_CANDIDATES:
            belonging = [{**row, "candidate_id": ids[row["candidate_id"]]} for row in _of(source, table, list(ids))]
            if belonging:
                target.execute(insert(table), belonging)
    if not are_alike(source, study_id, target, new):
        raise Damaged(f"the copy of the study {row['run']}/{row['optimizer']} is not like the original; it was undone")
    return new


def are_alike(source: Connection, study_id: int, target: Connection, other: int) -> bool:
    """Return whether a study of one database and one of another hold the same, but for ids and drivers."""
    return _digest(source, study_id) == _digest(target, other)


def _study(connection: Connection, study_id: int) -> Values:
    """Return the row of a study as a copy has it."""
    row = connection.execute(select(studies).where(studies.c.id == study_id)).one()._asdict()
    values = {name: value for name, value in row.items() if name not in ("id", *_LEASE)}
    if values["status"] == StudyStatus.RUNNING:
        values["status"] = StudyStatus.INTERRUPTED
    return values


def _batches(connection: Connection, study_id: int) -> Iterator[dict[int, Values]]:
    """Yield the rows of a study's candidates by id, in the order of their keys; none of them runs."""
    order = (candidates.c.role, candidates.c.generation, candidates.c.slot)
    ids = connection.scalars(select(candidates.c.id).where(candidates.c.study_id == study_id).order_by(*order)).all()
    for first in range(0, len(ids), BATCH):
        some = ids[first : first + BATCH]
        found = connection.execute(select(candidates).where(candidates.c.id.in_(some)))
        rows = {row.id: row._asdict() for row in found}
        for row in rows.values():
            if row["status"] == Status.RUNNING:
                row["status"] = Status.WAITING.value
        yield {id: rows[id] for id in some}


def _of(connection: Connection, table: Table, ids: list[int]) -> list[Values]:
    """Return the rows that belong to candidates, in an order that a copy keeps; an attempt's own id is left out.

    An attempt that is open ends: when it did where nobody drives the study is not known, and a copy must not depend on
    when it was made.
    """
    order = [table.c.candidate_id, *_ORDER.get(table, ())]
    rows = connection.execute(select(table).where(table.c.candidate_id.in_(ids)).order_by(*order))
    found: list[Values] = [{name: value for name, value in row._asdict().items() if name != "id"} for row in rows]
    if table is attempts:
        for row in found:
            if row["ended_at"] is None:
                row |= {"ended_at": row["started_at"], "outcome": LOST, "reason": "it ran when the study was copied"}
    return found


def _digest(connection: Connection, study_id: int) -> str:
    """Return a hash of all that belongs to a study as a copy has it, but for ids."""
    digest = hashlib.sha256()

    def add(values: Values, *left_out: str) -> None:
        digest.update(repr(sorted((name, value) for name, value in values.items() if name not in left_out)).encode())

    add(_study(connection, study_id))
    for batch in _batches(connection, study_id):
        places = {id: number for number, id in enumerate(batch)}
        for row in batch.values():
            add(row, "id", "study_id")
        for table in _OF_CANDIDATES:
            rows = sorted(_of(connection, table, list(batch)), key=lambda row: places[row["candidate_id"]])
            for row in rows:
                add({**row, "candidate_id": places[row["candidate_id"]]})
    return digest.hexdigest()
