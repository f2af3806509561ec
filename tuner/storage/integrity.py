"""Integrity check of a database: all rows are read and compared with each other.

Rows are read by the same functions as elsewhere, so that a sound database can be shown, exported and resumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, case, func, inspect, select

from tuner.core.study import SearchSpec, StudyRecord, StudyStatus
from tuner.core.trial import Role, Status
from tuner.storage import attempts, candidates, lease, studies, tables, transactions, urls
from tuner.storage.curves import EncodedCurve, decode
from tuner.storage.errors import Damaged
from tuner.storage.observations import read_series

MAX_FAULTS = 20  # number of faults that are reported

_FRESH_ROLES = (Role.DEFAULT, Role.TUNED)


@dataclass(frozen=True, slots=True)
class Soundness:
    """Result of a check: how much a database holds, and its faults."""

    studies: int
    candidates: int
    results: int
    losses: int
    faults: tuple[str, ...]  # one line each; empty if the database is sound


def check(connection: Connection) -> Soundness:
    """Check a whole database, curves included."""
    faults = list(_schema_faults(connection))
    if faults:
        return Soundness(0, 0, 0, 0, tuple(faults[:MAX_FAULTS]))
    count = results = losses = 0
    faults += _file_faults(connection)
    rows = connection.execute(select(tables.studies).order_by(tables.studies.c.id))
    by_id = {row.id: row for row in rows}
    for study in by_id.values():
        faults += _study_faults(connection, study)
    for row in _candidates(connection):
        count += 1
        results += row.outcome is not None
        losses += row.length if isinstance(row.length, int) else 0
        faults += _candidate_faults(row, by_id.get(row.study_id))
    faults += _attempt_faults(connection, by_id)
    faults += _observation_faults(connection, by_id)
    return Soundness(len(by_id), count, results, losses, tuple(faults[:MAX_FAULTS]))


def check_study(connection: Connection, study_id: int) -> None:
    """Check one study.

    Raises:
        Damaged: Rows of the study cannot be read, or contradict each other.
    """
    study = connection.execute(select(tables.studies).where(tables.studies.c.id == study_id)).one()
    faults = [*_study_faults(connection, study)]
    for row in _candidates(connection, study_id):
        faults += _candidate_faults(row, study)
    faults += _attempt_faults(connection, {study_id: study}, study_id)
    faults += _observation_faults(connection, {study_id: study}, study_id)
    _raise_first(connection, faults)


def check_file(connection: Connection) -> None:
    """Check the file and the tables of a database, but not the studies in it.

    Raises:
        Damaged: A table or column is missing, or SQLite finds the file damaged.
    """
    _raise_first(connection, [*_schema_faults(connection), *_file_faults(connection)])


def _raise_first(connection: Connection, faults: list[str]) -> None:
    if faults:
        raise Damaged(
            f"the database {urls.shown(connection.engine.url)} is not sound: {faults[0]}; restore it from a backup, or"
            " see with 'lodo-tune database check' what is left"
        )


def _schema_faults(connection: Connection) -> Iterator[str]:
    """Yield the tables and columns that are missing."""
    inspector = inspect(connection)
    for table in tables.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            yield f"there is no table {table.name}"
            continue
        names = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.c:
            if column.name not in names:
                yield f"the table {table.name} has no column {column.name}"


def _file_faults(connection: Connection) -> Iterator[str]:
    """Yield the faults that SQLite finds in its file; PostgreSQL has no such check."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_FAULTS})"):
        if line != "ok":
            yield " ".join(str(line).split())
    yield from transactions.orphaned_rows(connection)


def _study_faults(connection: Connection, row: Row[Any]) -> Iterator[str]:
    name = _name(row)
    try:
        study = studies.read(row, {}, lease.moment(connection))
    except Damaged as error:
        yield str(error)
        return
    yield from (f"{name}: {fault}" for fault in _tuned_point_faults(study))
    columns = tables.candidates.c
    number = select(func.count()).select_from(tables.candidates).where(columns.study_id == row.id)
    final = number.where(columns.status.in_([status for status in Status if status.is_final]))
    kind = study.spec.kind
    if study.status == StudyStatus.COMPLETE:
        count = connection.scalar(final.where(columns.role.not_in(_FRESH_ROLES)))
        if count != study.spec.due:
            yield f"{name}: is complete with {count} of {study.spec.due} candidates of the {kind}"
        spec = study.spec
        for role in _FRESH_ROLES if isinstance(spec, SearchSpec) else ():
            count = connection.scalar(final.where(columns.role == role))
            due = spec.fresh_runs * len(spec.workloads) if isinstance(spec, SearchSpec) else 0
            if count != due:
                yield f"{name}: is complete with {count} of {due} runs of role {role} on fresh seeds"
    other = Role.SEARCH if kind is Role.COMPARISON else Role.COMPARISON
    if misplaced := connection.scalar(number.where(columns.role == other)):
        yield f"{name}: is a {kind} with {misplaced} candidates of a {other}"
    running = connection.scalar(number.where(columns.status == Status.RUNNING))
    if running and row.owner is None:
        yield f"{name}: {running} candidates run without a driver"


def _tuned_point_faults(study: StudyRecord) -> Iterator[str]:
    from search_spaces.space import SearchSpace

    try:
        names = SearchSpace.from_dict(study.spec.space).names
    except (ValueError, TypeError) as error:
        yield f"its space cannot be used: {error}"
        return
    if (study.tuned is None) != (study.tuned_genome is None):
        yield "has only one of tuned and tuned_genome"
    elif study.tuned_genome is not None and len(study.tuned_genome) != len(names):
        yield f"its tuned_genome has {len(study.tuned_genome)} entries, its space {len(names)}"


def _candidates(connection: Connection, study_id: int | None = None) -> Iterator[Row[Any]]:
    """Yield the candidates of a study, or of all studies, with their results, curves and numbers of attempts."""
    key = tables.attempts.c.candidate_id
    is_open = case((tables.attempts.c.ended_at.is_(None), 1), else_=0)
    tried = select(key, func.count().label("rows"), func.sum(is_open).label("open")).group_by(key).subquery()
    curve = tables.curves.c
    query = (
        candidates.with_results()
        .outerjoin(tables.curves, curve.candidate_id == tables.candidates.c.id)
        .outerjoin(tried, tried.c.candidate_id == tables.candidates.c.id)
        .add_columns(tables.evaluations.c.status.label("outcome"), curve.dtype, curve.length, curve.data)
        .add_columns(tried.c.rows, tried.c.open)
    )
    if study_id is not None:
        query = query.where(tables.candidates.c.study_id == study_id)
    yield from connection.execution_options(yield_per=200).execute(query.order_by(tables.candidates.c.id))


def _candidate_faults(row: Row[Any], study: Row[Any] | None) -> Iterator[str]:
    name = f"{_name(study)} {candidates.short_key(row)}"
    try:
        candidates.record(row, _name(study))
    except Damaged as error:
        yield str(error)
        return
    status = Status(row.status)
    if study is not None and not _has_key(row, study):
        yield f"{name}: the study has no such key"
    if (row.outcome is None) == status.is_final or (row.outcome is not None and row.outcome != row.status):
        yield f"{name}: is {row.status}, but " + (f"its result is {row.outcome}" if row.outcome else "has no result")
    if row.attempts != (row.rows or 0):
        yield f"{name}: counts {row.attempts} attempts, of which {row.rows or 0} exist"
    elif (row.open or 0) != (status is Status.RUNNING):
        yield f"{name}: is {row.status} with {row.open or 0} open attempts"
    if row.outcome is None:
        return
    if math.isfinite(row.fitness) != (row.outcome == Status.FINISHED):
        yield f"{name}: is {row.outcome} with the fitness {row.fitness}"
    if row.data is None:
        yield f"{name}: has a result without its curve"
        return
    try:
        decode(EncodedCurve(row.dtype, row.length, row.data))
    except Damaged as error:
        yield f"{name}: {error}"


def _has_key(row: Row[Any], study: Row[Any]) -> bool:
    """Return whether the key of a candidate lies within its study; True if the study itself cannot be read."""
    generations, slots = (1, study.fresh_seeds) if row.role in _FRESH_ROLES else (study.generations, study.population)
    further = study.further_tasks or []
    if not (isinstance(generations, int) and isinstance(slots, int) and isinstance(further, list)):
        return True
    return bool(row.generation < generations * (1 + len(further)) and row.slot < slots)


def _attempt_faults(
    connection: Connection, by_id: Mapping[int, Row[Any]], study_id: int | None = None
) -> Iterator[str]:
    """Yield the attempts of a study, or of all studies, that cannot be read."""
    query = attempts.with_keys()
    if study_id is not None:
        query = query.where(tables.candidates.c.study_id == study_id)
    for row in connection.execution_options(yield_per=200).execute(query):
        try:
            attempts.record(row, _name(by_id.get(row.study_id)))
        except Damaged as error:
            yield str(error)


def _observation_faults(
    connection: Connection, by_id: Mapping[int, Row[Any]], study_id: int | None = None
) -> Iterator[str]:
    """Yield the observations of a study, or of all studies, that cannot be read or are incomplete."""
    observations = tables.observations.c
    query = (
        select(tables.observations, *candidates.KEY_COLUMNS, tables.candidates.c.study_id)
        .join(tables.candidates, tables.candidates.c.id == observations.candidate_id)
        .order_by(observations.candidate_id, observations.split)
    )
    if study_id is not None:
        query = query.where(tables.candidates.c.study_id == study_id)
    rows = connection.execution_options(yield_per=200).execute(query)
    for (_, split), group in groupby(rows, key=lambda row: (row.candidate_id, row.split)):
        columns = list(group)
        try:
            read_series({row.name: EncodedCurve(row.dtype, row.length, row.data) for row in columns})
        except Damaged as error:
            study = _name(by_id.get(columns[0].study_id))
            yield f"{study} {candidates.short_key(columns[0])}, {split}: {error}"


def _name(study: Row[Any] | None) -> str:
    return "no study" if study is None else f"{study.run}/{study.optimizer}"
