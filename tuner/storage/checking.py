"""Whether a database is sound: what it holds is read through, and what contradicts itself is named."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tuner.candidate import Role, Status
from tuner.records import StudyStatus
from tuner.storage.curves import EncodedCurve, decode
from tuner.storage.errors import Damaged
from tuner.storage.observations import read_series
from tuner.storage.tables import attempts, candidates, curves, evaluations, observations, studies

MOST = 20  # faults that are told
_PLACE = (candidates.c.role, candidates.c.generation, candidates.c.slot)


@dataclass(frozen=True, slots=True)
class Soundness:
    """What a database holds, and what is wrong with it."""

    studies: int
    candidates: int
    results: int
    losses: int
    faults: tuple[str, ...]  # a line each; none where the database is sound


def check(connection: Connection) -> Soundness:
    """Read all of a database, curves included."""
    faults = list(_of_the_file(connection))
    results = losses = 0
    names = {}
    for row in connection.execute(select(studies).order_by(studies.c.id)):
        names[row.id] = f"{row.run}/{row.optimizer}"
        faults += _of_the_study(connection, row, names[row.id])
    tried = select(attempts.c.candidate_id, func.count().label("rows")).group_by(attempts.c.candidate_id).subquery()
    together = (
        candidates.outerjoin(evaluations).outerjoin(curves).outerjoin(tried, tried.c.candidate_id == candidates.c.id)
    )
    query = select(
        candidates,
        evaluations.c.status.label("outcome"),
        evaluations.c.fitness,
        evaluations.c.steps_done,
        curves.c.dtype,
        curves.c.length,
        curves.c.data,
        tried.c.rows,
    ).select_from(together)
    count = 0
    for row in connection.execution_options(yield_per=200).execute(query.order_by(candidates.c.id)):
        count += 1
        results += row.outcome is not None
        losses += row.length or 0
        place = f"{names.get(row.study_id, 'no study')} {row.role} {row.generation}/{row.slot}"
        faults += (f"{place}: {fault}" for fault in _of_the_candidate(row))
    faults += _of_the_observations(connection, names)
    return Soundness(len(names), count, results, losses, tuple(faults[:MOST]))


def _of_the_file(connection: Connection) -> Iterator[str]:
    """Yield what SQLite itself finds; PostgreSQL has no such command, and checks what it writes."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})"):
        if line != "ok":
            yield str(line)
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"a row of {row[0]} refers to a row of {row[2]} that is not there"


def _of_the_study(connection: Connection, study: Row[Any], name: str) -> Iterator[str]:
    searched = candidates.c.role.in_([role for role in Role if role.is_due])
    of_it = select(func.count()).select_from(candidates).where(candidates.c.study_id == study.id)
    due = study.generations * study.population
    final = [status for status in Status if status.is_final]
    found = connection.scalar(of_it.where(searched, candidates.c.status.in_(final)))
    if study.status == StudyStatus.COMPLETE and found != due:
        yield f"{name}: is complete with {found} of {due} candidates of the {_kind(study)}"
    other = Role.SEARCH if study.comparison is not None else Role.COMPARISON
    strangers = connection.scalar(of_it.where(candidates.c.role == other))
    if strangers:
        yield f"{name}: is a {_kind(study)} with {strangers} candidates of a {other}"
    running = connection.scalar(of_it.where(candidates.c.status == Status.RUNNING))
    if running and study.owner is None:
        yield f"{name}: {running} candidates run without a driver"


def _kind(study: Row[Any]) -> str:
    return str(Role.SEARCH if study.comparison is None else Role.COMPARISON)


def _of_the_observations(connection: Connection, names: dict[int, str]) -> Iterator[str]:
    """Yield which observations cannot be read, or are not whole."""
    query = (
        select(observations, *_PLACE, candidates.c.study_id)
        .join(candidates, candidates.c.id == observations.c.candidate_id)
        .order_by(observations.c.candidate_id, observations.c.split)
    )
    rows = connection.execution_options(yield_per=200).execute(query)
    for (_, split), columns in groupby(rows, key=lambda row: (row.candidate_id, row.split)):
        some = list(columns)
        place = f"{names.get(some[0].study_id, 'no study')} {some[0].role} {some[0].generation}/{some[0].slot}"
        try:
            read_series({row.name: EncodedCurve(row.dtype, row.length, row.data) for row in some})
        except Damaged as error:
            yield f"{place}, {split}: {error}"


def _of_the_candidate(row: Row[Any]) -> Iterator[str]:
    status = Status(row.status)
    if (row.outcome is None) == status.is_final or (row.outcome is not None and row.outcome != row.status):
        yield f"is {row.status}, its result {row.outcome or 'is not there'}"
    if row.attempts != (row.rows or 0):
        yield f"counts {row.attempts} attempts, of which {row.rows or 0} are there"
    if row.outcome is None:
        return
    if math.isnan(row.fitness) or math.isfinite(row.fitness) != (row.outcome == Status.FINISHED):
        yield f"is {row.outcome} with the fitness {row.fitness}"
    if row.data is None:
        yield "has a result without its curve"
        return
    try:
        decode(EncodedCurve(row.dtype, row.length, row.data))
    except Damaged as error:
        yield str(error)
