"""Pages of a study's candidates in several orders; curves are never read."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from tuner.core.aggregates import CandidateFilter, CandidateRow, Page
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Key
from tuner.storage import cursors
from tuner.storage.candidates import KEY_COLUMNS, record, with_results
from tuner.storage.cursors import Cursor
from tuner.storage.errors import UnknownCandidate
from tuner.storage.tables import candidates, evaluations

# Candidates without a result come last. They have the same value as those that diverged, and then the order of ids.
_VALUES: dict[str, ColumnElement[Any]] = {
    "fitness": func.coalesce(evaluations.c.fitness, literal(math.inf)),
    "seconds": func.coalesce(evaluations.c.seconds, literal(-1.0)),
    "steps": func.coalesce(evaluations.c.steps_done, literal(-1)),
    "id": candidates.c.id,
}
ORDERS = tuple(order for name in _VALUES for order in (name, f"-{name}"))
"""Accepted orders; with "-" the greatest comes first. Ids are in the order in which candidates were proposed."""


def page(
    connection: Connection, study_id: int, order: str, shown: CandidateFilter, cursor: str | None, limit: int
) -> Page[CandidateRow]:
    """Return a page of the candidates of a study.

    Args:
        connection: In a transaction.
        study_id: Id of the study.
        order: One of ORDERS.
        shown: The candidates to list.
        cursor: A cursor that another page of this list returned; None for the first page.
        limit: Greatest number of rows.

    Raises:
        InvalidRequest: The order, the cursor or the limit is not accepted.
        Damaged: A candidate cannot be read.
    """
    if order not in ORDERS:
        raise InvalidRequest("sort", f"is one of {', '.join(ORDERS)}", order)
    at, limit = cursors.parse(cursor, order), cursors.check_limit(limit)
    value = _VALUES[order.removeprefix("-")]
    is_backward = at is not None and at.is_backward
    falls = order.startswith("-") != is_backward
    query = _filtered(with_results().add_columns(value.label("sorted_by")), study_id, shown)
    if at is not None:
        here, there = tuple_(value, candidates.c.id), tuple_(literal(at.value), literal(at.id))
        query = query.where(here < there if falls else here > there)
    columns = (value.desc(), candidates.c.id.desc()) if falls else (value, candidates.c.id)
    rows = connection.execute(query.order_by(*columns).limit(limit + 1)).all()
    more, rows = len(rows) > limit, rows[:limit]
    if is_backward:
        rows = rows[::-1]
    has_next = bool(rows) and (is_backward or more)
    has_previous = bool(rows) and (more if is_backward else at is not None)
    return Page(
        rows=tuple(CandidateRow(row.id, row.study_id, record(row, f"study {study_id}")) for row in rows),
        next=Cursor(order, float(rows[-1].sorted_by), rows[-1].id).text() if has_next else None,
        previous=Cursor(order, float(rows[0].sorted_by), rows[0].id, True).text() if has_previous else None,
    )


def count(connection: Connection, study_id: int, shown: CandidateFilter) -> int:
    """Return the number of candidates of a list."""
    return int(connection.scalar(_filtered(select(func.count()).select_from(candidates), study_id, shown)) or 0)


def by_id(connection: Connection, candidate_id: int) -> CandidateRow:
    """Return a candidate.

    Raises:
        UnknownCandidate: There is none.
        Damaged: It cannot be read.
    """
    row = connection.execute(with_results().where(candidates.c.id == candidate_id)).one_or_none()
    if row is None:
        raise UnknownCandidate(f"there is no candidate with id {candidate_id} in the database")
    return CandidateRow(row.id, row.study_id, record(row, f"study {row.study_id}"))


def id_of(connection: Connection, study_id: int, key: Key) -> int | None:
    """Return the id of a candidate; None if it was never added."""
    same = tuple_(*KEY_COLUMNS) == (key.role.value, key.generation, key.slot)
    return connection.scalar(select(candidates.c.id).where(candidates.c.study_id == study_id, same))


def _filtered(query: Select[Any], study_id: int, shown: CandidateFilter) -> Select[Any]:
    query = query.where(candidates.c.study_id == study_id)
    for column, value in (
        (candidates.c.role, shown.role),
        (candidates.c.status, shown.status),
        (candidates.c.generation, shown.generation),
    ):
        if value is not None:
            query = query.where(column == value)
    return query
