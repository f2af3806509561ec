"""Rows of attempts to train candidates.

An attempt is open from its start to its end. A candidate is running exactly while its newest attempt is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, insert, select, update

from tuner.core.trial import Key, Role, Status
from tuner.storage import candidates
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.errors import Conflict
from tuner.storage.tables import attempts
from tuner.storage.tables import candidates as candidate_table
from tuner.storage.timestamps import now
from tuner.storage.validation import clean_message

LOST = "lost"  # outcome of an attempt that ended without a result


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt as it is stored."""

    key: Key
    epoch: int  # of the driver that started it
    number: int  # counted from 1 per driver
    node: str
    pid: int  # 0 if its start was not reported
    started_at: str  # UTC, ISO 8601
    ended_at: str | None  # None while it runs
    outcome: str | None  # the candidate's final status, or "lost"; None while it runs
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt of a worker that has started to train a candidate."""

    row: Row[Any]  # the candidate, as `candidates.locate` returns it
    number: int  # counted from 1
    node: str
    pid: int


def start(connection: Connection, epoch: int, started: Sequence[NewAttempt]) -> None:
    """Open attempts and mark their candidates as running; repeating the call changes nothing.

    Candidates that are final are skipped (a cohort is trained as a whole, even if some of its candidates are final), as
    are candidates that have a newer attempt. An older attempt that is still open ends as lost.

    Args:
        connection: In a fenced transaction.
        epoch: Epoch of the driver.
        started: The attempts, at most one per candidate.

    Raises:
        Conflict: An attempt has ended already.
    """
    newest = _newest(connection, epoch, [one.row.id for one in started])
    new = [one for one in started if _is_new(one, newest.get(one.row.id))]
    if not new:
        return
    superseding = [one for one in new if one.row.id in newest]  # attempts of earlier drivers have all ended
    for number in {one.number for one in superseding}:
        ended = [{"candidate": one.row.id} for one in superseding if one.number == number]
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
            for one in new
        ],
    )
    connection.execute(
        update(candidate_table)
        .where(candidate_table.c.id == bindparam("candidate"))
        .values(status=Status.RUNNING.value, attempts=candidate_table.c.attempts + 1),
        [{"candidate": one.row.id} for one in new],
    )


def _is_new(one: NewAttempt, last: Row[Any] | None) -> bool:
    """Return whether an attempt has to be opened, given the newest attempt of this driver at the same candidate."""
    if Status(one.row.status).is_final or (last is not None and last.number > one.number):
        return False
    if last is None or last.number < one.number:
        return True
    if last.ended_at is not None:
        raise Conflict(
            f"attempt {one.number} of the candidate with id {one.row.id} has ended already; "
            "the next attempt needs a new number"
        )
    return False


def end(connection: Connection, epoch: int, rows: Sequence[Row[Any]], number: int, reason: str, error: str) -> None:
    """End attempts as lost; their candidates wait again, unless they are final or have a newer attempt.

    Args:
        connection: In a fenced transaction.
        epoch: Epoch of the driver.
        rows: Rows of candidates, as `candidates.locate` returns them.
        number: Number of the attempt.
        reason: The reason in one line.
        error: A traceback, or "".
    """
    newest = _newest(connection, epoch, [row.id for row in rows])
    ended = [row.id for row in rows if row.id in newest and newest[row.id].number == number]
    _end(connection, [{"candidate": candidate} for candidate in ended], LOST, reason, error)
    candidates.set_status(connection, [(candidate, Status.WAITING) for candidate in ended])


def close(connection: Connection, endings: Sequence[dict[str, Any]]) -> None:
    """End the open attempts of candidates that have become final.

    Args:
        connection: In a fenced transaction.
        endings: One mapping per candidate: `candidate` (its id), `new_outcome`, `new_reason` and `new_error`.
    """
    if endings:
        connection.execute(_ending(), list(endings))


def lose_all(connection: Connection, study_id: int, reason: str) -> None:
    """End all open attempts of a study as lost, and set all its running candidates to waiting.

    This includes candidates that are marked as running without an open attempt, so that none stays running for ever.
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
    """Return the number of this driver's newest attempt by candidate, without candidates that it never tried."""
    return {candidate: row.number for candidate, row in _newest(connection, epoch, ids).items()}


def read(connection: Connection, study_id: int, key: Key | None) -> list[AttemptRecord]:
    """Return the attempts of a study, or of one candidate, in the order in which they were started.

    Raises:
        UnknownCandidate: The key was never added.
        Damaged: A row cannot be read.
    """
    query = with_keys().where(candidate_table.c.study_id == study_id).order_by(attempts.c.id)
    if key is not None:
        query = query.where(attempts.c.candidate_id == candidates.locate(connection, study_id, [key])[key].id)
    return [record(row, f"study {study_id}") for row in connection.execute(query)]


def with_keys() -> Select[Any]:
    """Return a query for attempts with the study and key of their candidates."""
    query = select(attempts, candidate_table.c.study_id, *candidates.KEY_COLUMNS)
    return query.join(candidate_table, candidate_table.c.id == attempts.c.candidate_id)


def record(row: Row[Any], study: str) -> AttemptRecord:
    """Return the record of a row.

    Args:
        row: A row of the query `with_keys`.
        study: The study, as errors name it.

    Raises:
        Damaged: A column holds an invalid value; the text names the study, the candidate and the column.
    """
    checked = CheckedRow(row._mapping, f"an attempt of {study} {candidates.short_key(row)}")
    outcomes = [LOST, *(status.value for status in Status if status.is_final)]
    over = row.ended_at is not None
    return AttemptRecord(
        key=Key(Role(checked.one_of("role", list(Role))), checked.integer("generation"), checked.integer("slot")),
        epoch=checked.integer("epoch"),
        number=checked.integer("number"),
        node=checked.text("node"),
        pid=checked.integer("pid"),
        started_at=checked.text("started_at"),
        ended_at=checked.text("ended_at") if over else None,
        outcome=checked.one_of("outcome", outcomes) if over else None,
        reason=checked.text("reason"),
        error=checked.text("error"),
    )


def _newest(connection: Connection, epoch: int, ids: Sequence[int]) -> dict[int, Row[Any]]:
    newest: dict[int, Row[Any]] = {}
    for first in range(0, len(ids), 500):
        query = (
            select(attempts.c.candidate_id, attempts.c.number, attempts.c.ended_at)
            .where(attempts.c.candidate_id.in_(ids[first : first + 500]), attempts.c.epoch == epoch)
            .order_by(attempts.c.number)
        )
        newest.update({row.candidate_id: row for row in connection.execute(query)})  # the highest number comes last
    return newest


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
