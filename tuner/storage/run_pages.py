"""Pages of runs, the newest first, with the studies of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, func, select

from tuner.core.aggregates import Page
from tuner.core.study import StudyRecord
from tuner.storage import cursors
from tuner.storage.cursors import Cursor
from tuner.storage.errors import Damaged
from tuner.storage.studies import records
from tuner.storage.tables import studies

_ORDER = "runs"


def page(
    connection: Connection,
    *,
    among: Collection[str] | None,
    hidden: Collection[str],
    task: str | None,
    status: str | None,
    cursor: str | None,
    limit: int,
    damaged: list[Damaged],
) -> Page[tuple[StudyRecord, ...]]:
    """Return a page of runs, each as its studies in order.

    A run is as new as its first study.

    Args:
        connection: In a transaction.
        among: Names of the runs to list; None for all.
        hidden: Names of runs that are left out.
        task: List only runs with a study of this task.
        status: List only runs with a study of this status.
        cursor: A cursor that another page of this list returned; None for the first page.
        limit: Greatest number of runs.
        damaged: List to which an error is appended for each study that cannot be read.

    Raises:
        InvalidRequest: The cursor or the limit is not accepted.
    """
    at, limit = cursors.parse(cursor, _ORDER), cursors.check_limit(limit)
    first = func.min(studies.c.id)
    query: Select[Any] = select(studies.c.run, first.label("id")).group_by(studies.c.run)
    if among is not None:
        query = query.where(studies.c.run.in_(sorted(among)))
    if hidden:
        query = query.where(studies.c.run.not_in(sorted(hidden)))
    for column, value in ((studies.c.task, task), (studies.c.status, status)):
        if value is not None:
            query = query.where(studies.c.run.in_(select(studies.c.run).where(column == value)))
    is_backward = at is not None and at.is_backward
    if at is not None:
        query = query.having(first > at.id if is_backward else first < at.id)
    rows = connection.execute(query.order_by(first if is_backward else first.desc()).limit(limit + 1)).all()
    more, rows = len(rows) > limit, rows[:limit]
    if is_backward:
        rows = rows[::-1]
    has_next = bool(rows) and (is_backward or more)
    has_previous = bool(rows) and (more if is_backward else at is not None)
    members: dict[str, list[StudyRecord]] = {row.run: [] for row in rows}
    listed = select(studies).where(studies.c.run.in_(list(members))).order_by(studies.c.id)
    for record in records(connection, listed, damaged) if members else ():
        members[record.spec.run].append(record)
    return Page(
        rows=tuple(tuple(some) for some in members.values() if some),
        next=Cursor(_ORDER, 0.0, rows[-1].id).text() if has_next else None,
        previous=Cursor(_ORDER, 0.0, rows[0].id, True).text() if has_previous else None,
    )
