"""Rows of attempts: each time that a worker trained a candidate, or should have.

An attempt is open from its start to its end, and a candidate is running exactly while its newest attempt is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, insert, select, update

from tuner.core.trial import Key, Role, Status
from tuner.storage import candidates, cells
from tuner.storage.errors import Conflict
from tuner.storage.names import clean_message
from tuner.storage.tables import attempts
from tuner.storage.tables import candidates as candidate_table
from tuner.storage.times import now

LOST = "lost"  # the outcome of an attempt that came to nothing


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt as the store holds it."""

    key: Key
    epoch: int  # the driver that made it
    number: int  # from 1 for each driver
    node: str
    pid: int  # 0 if it was never said to have started
    started_at: str  # UTC, ISO 8601
    ended_at: str | None  # None while it runs
    outcome: str | None  # the candidate's final status, or "lost"; None while it runs
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that has begun to train a candidate."""

    row: Row[Any]  # the candidate's, as `candidates.locate` returns it
    number: int  # from 1
    node: str
    pid: int


def start(connection: Connection, epoch: int, given: Sequence[Begun]) -> None:
    """Open attempts of candidates, which run from now on; the same once more changes nothing.

    One that is final is left alone (a cohort is trained whole, also where some of its members are done), and so is one
    that has a newer attempt. An older attempt that is still open ends as lost.

    Args:
        connection: Within a fenced transaction.
        epoch: The driver's.
        given: The attempts; of one candidate at most one.

    Raises:
        Conflict: an attempt has ended already.
    """
    newest = _newest(connection, epoch, [one.row.id for one in given])
    begun = [one for one in given if _is_new(one, newest.get(one.row.id))]
    if not begun:
        return
    followed = [one for one in begun if one.row.id in newest]  # an earlier driver's have all ended
    for number in {one.number for one in followed}:
        ended = [{"candidate": one.row.id} for one in followed if one.number == number]
        _end(connection, ended, LOST, f"followed by attempt {number}")
    connection.execute(
        insert(attempts),
        [
            {
                "candidate_id": one.row.id,
                "epoch": epoch,
                "number": int(one.number),
                "node": clean_message(one.node, 255),
                "pid": int(one.pid),
                "started_at": now(),
                "reason": "",
                "error": "",
            }
            for one in begun
        ],
    )
    connection.execute(
        update(candidate_table)
        .where(candidate_table.c.id == bindparam("candidate"))
        .values(status=Status.RUNNING.value, attempts=candidate_table.c.attempts + 1),
        [{"candidate": one.row.id} for one in begun],
    )


def _is_new(one: Begun, last: Row[Any] | None) -> bool:
    """Whether an attempt is to be opened, given the newest that this driver has made of its candidate."""
    if Status(one.row.status).is_final or (last is not None and last.number > one.number):
        return False
    if last is None or last.number < one.number:
        return True
    if last.ended_at is not None:
        raise Conflict(
            f"attempt {one.number} of the candidate with id {one.row.id} has ended; the next needs a new number"
        )
    return False


def end(connection: Connection, epoch: int, rows: Sequence[Row[Any]], number: int, reason: str, error: str) -> None:
    """End attempts as lost; their candidates wait again, unless they are final or have a newer attempt.

    Args:
        connection: Within a fenced transaction.
        epoch: The driver's.
        rows: Rows of candidates, as `candidates.locate` returns them.
        number: Which attempt.
        reason: One line.
        error: A traceback, or "".
    """
    newest = _newest(connection, epoch, [row.id for row in rows])
    ended = [row.id for row in rows if row.id in newest and newest[row.id].number == number]
    _end(connection, [{"candidate": candidate} for candidate in ended], LOST, reason, error)
    candidates.set_status(connection, [(candidate, Status.WAITING) for candidate in ended])


def close(connection: Connection, endings: Sequence[dict[str, Any]]) -> None:
    """End the open attempts of candidates that have become final.

    Args:
        connection: Within a fenced transaction.
        endings: For each `candidate` (its id), `new_outcome`, `new_reason` and `new_error`.
    """
    if endings:
        connection.execute(_ending(), list(endings))


def lose_all(connection: Connection, study_id: int, reason: str) -> None:
    """End every open attempt of a study as lost, and let every running candidate wait again.

    A candidate that is called running without an attempt waits again too: no row runs for ever.
    """
    in_study = select(candidate_table.c.id).where(
        candidate_table.c.study_id == study_id, candidate_table.c.status == Status.RUNNING.value
    )
    connection.execute(
        update(attempts)
        .where(attempts.c.candidate_id.in_(in_study), attempts.c.ended_at.is_(None))
        .values(ended_at=now(), outcome=LOST, reason=clean_message(reason))
    )
    connection.execute(
        update(candidate_table)
        .where(candidate_table.c.study_id == study_id, candidate_table.c.status == Status.RUNNING.value)
        .values(status=Status.WAITING.value)
    )


def newest_numbers(connection: Connection, epoch: int, ids: Sequence[int]) -> dict[int, int]:
    """Return the number of each candidate's newest attempt by this driver; none for one that it never tried."""
    return {candidate: row.number for candidate, row in _newest(connection, epoch, ids).items()}


def read(connection: Connection, study_id: int, key: Key | None) -> list[AttemptRecord]:
    """Return the attempts of a study, or of one candidate, in the order in which they began."""
    query = with_places().where(candidate_table.c.study_id == study_id).order_by(attempts.c.id)
    if key is not None:
        query = query.where(attempts.c.candidate_id == candidates.locate(connection, study_id, [key])[key].id)
    return [record(row, f"study {study_id}") for row in connection.execute(query)]


def with_places() -> Select[Any]:
    """Return the query for attempts with the places of their candidates."""
    place = (candidate_table.c.study_id, candidate_table.c.role, candidate_table.c.generation, candidate_table.c.slot)
    return select(attempts, *place).join(candidate_table, candidate_table.c.id == attempts.c.candidate_id)


def record(row: Row[Any], place: str) -> AttemptRecord:
    """Return the record of a row.

    Args:
        row: As `with_places` asks for it.
        place: The study, as an error names it.

    Raises:
        Damaged: A column holds what it cannot hold; the text names the study, the candidate and the column.
    """
    cell = cells.Row(row._mapping, f"an attempt of {place} {row.role} {row.generation}/{row.slot}")
    outcomes = [LOST, *(status.value for status in Status if status.is_final)]
    over = row.ended_at is not None
    return AttemptRecord(
        key=Key(Role(cell.one_of("role", list(Role))), cell.integer("generation"), cell.integer("slot")),
        epoch=cell.integer("epoch"),
        number=cell.integer("number"),
        node=cell.text("node"),
        pid=cell.integer("pid"),
        started_at=cell.text("started_at"),
        ended_at=cell.text("ended_at") if over else None,
        outcome=cell.one_of("outcome", outcomes) if over else None,
        reason=cell.text("reason"),
        error=cell.text("error"),
    )


def _newest(connection: Connection, epoch: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    found: dict[int, Row[Any]] = {}
    for first in range(0, len(ids), 500):
        query = (
            select(attempts.c.candidate_id, attempts.c.number, attempts.c.ended_at)
            .where(attempts.c.candidate_id.in_(ids[first : first + 500]), attempts.c.epoch == epoch)
            .order_by(attempts.c.number)
        )
        found.update({row.candidate_id: row for row in connection.execute(query)})  # the highest number comes last
    return found


def _end(connection: Connection, rows: list[dict[str, Any]], outcome: str, reason: str, error: str = "") -> None:
    texts = {"new_outcome": outcome, "new_reason": clean_message(reason), "new_error": clean_message(error)}
    close(connection, [row | texts for row in rows])


def _ending() -> Update:
    return (
        update(attempts)
        .where(attempts.c.candidate_id == bindparam("candidate"), attempts.c.ended_at.is_(None))
        .values(
            ended_at=now(),
            outcome=bindparam("new_outcome"),
            reason=bindparam("new_reason"),
            error=bindparam("new_error"),
        )
    )
