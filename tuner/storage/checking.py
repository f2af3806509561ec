"""Whether a database is sound: what it holds is read through, and what contradicts itself is named.

Every row is read by the same readers as ever, so that what is called sound can be shown, exported and resumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, case, func, inspect, select

from tuner.core.study import SearchSpec, StudyStatus
from tuner.core.trial import Role, Status
from tuner.storage import attempts as attempt_rows
from tuner.storage import candidates as candidate_rows
from tuner.storage import lease, urls
from tuner.storage import studies as study_rows
from tuner.storage.curves import EncodedCurve, decode
from tuner.storage.errors import Damaged
from tuner.storage.observations import read_series
from tuner.storage.tables import attempts, candidates, curves, evaluations, metadata, observations, studies

MOST = 20  # faults that are told
_PLACE = (candidates.c.role, candidates.c.generation, candidates.c.slot)

_FRESH = (Role.DEFAULT, Role.TUNED)


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
    faults = list(_missing_columns(connection))
    if faults:
        return Soundness(0, 0, 0, 0, tuple(faults[:MOST]))
    count = results = losses = 0
    faults += _of_the_file(connection)
    of_studies = {row.id: row for row in connection.execute(select(studies).order_by(studies.c.id))}
    for study in of_studies.values():
        faults += _of_the_study(connection, study)
    for row in _candidates(connection, None):
        count += 1
        results += row.outcome is not None
        losses += row.length if isinstance(row.length, int) else 0
        faults += _of_the_candidate(row, of_studies.get(row.study_id))
    faults += _of_the_attempts(connection, of_studies)
    faults += _of_the_observations(connection, of_studies)
    return Soundness(len(of_studies), count, results, losses, tuple(faults[:MOST]))


def refuse_unsound(connection: Connection, study_id: int) -> None:
    """Check one study.

    Raises:
        Damaged: It contradicts itself, or cannot be read.
    """
    study = connection.execute(select(studies).where(studies.c.id == study_id)).one()
    faults = [*_of_the_study(connection, study)]
    for row in _candidates(connection, study_id):
        faults += _of_the_candidate(row, study)
    faults += _of_the_attempts(connection, {study_id: study})
    faults += _of_the_observations(connection, {study_id: study}, study_id)
    _refuse(connection, faults)


def refuse_damaged_file(connection: Connection) -> None:
    """Check what holds a database together, without reading studies.

    Raises:
        Damaged: SQLite finds it damaged.
    """
    _refuse(connection, [*_missing_columns(connection), *_of_the_file(connection)])


def _refuse(connection: Connection, faults: list[str]) -> None:
    if faults:
        raise Damaged(
            f"the database {urls.shown(connection.engine.url)} is not sound: {faults[0]}; restore it from a backup, or"
            " see with 'lodo-tune database check' what is left of it"
        )


def _missing_columns(connection: Connection) -> Iterator[str]:
    there = inspect(connection)
    for table in metadata.sorted_tables:
        if not there.has_table(table.name):
            yield f"there is no table {table.name}"
            continue
        names = {column["name"] for column in there.get_columns(table.name)}
        for column in table.c:
            if column.name not in names:
                yield f"the table {table.name} has no column {column.name}"


def _of_the_file(connection: Connection) -> Iterator[str]:
    """Yield what SQLite itself finds; PostgreSQL has no such command, and checks what it writes."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})"):
        if line != "ok":
            yield " ".join(str(line).split())
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"a row of {row[0]} refers to a row of {row[2]} that is not there"


def _name(study: Row[Any] | None) -> str:
    return "no study" if study is None else f"{study.run}/{study.optimizer}"


def _of_the_study(connection: Connection, study: Row[Any]) -> Iterator[str]:
    name = _name(study)
    try:
        record = study_rows.read(study, {}, lease.moment(connection))
    except Damaged as error:
        yield str(error)
        return
    yield from (f"{name}: {fault}" for fault in _of_the_tuned_point(record.spec.space, record))
    of_it = select(func.count()).select_from(candidates).where(candidates.c.study_id == study.id)
    done = of_it.where(candidates.c.status.in_([status for status in Status if status.is_final]))
    if study.status == StudyStatus.COMPLETE:
        due = record.spec.due
        found = connection.scalar(done.where(candidates.c.role.not_in(_FRESH)))
        if found != due:
            yield f"{name}: is complete with {found} of {due} candidates of the {record.spec.kind}"
        for role in _FRESH if isinstance(record.spec, SearchSpec) else ():
            found = connection.scalar(done.where(candidates.c.role == role))
            if found != study.fresh_seeds:
                yield f"{name}: is complete with {found} of {study.fresh_seeds} runs of role {role} on fresh seeds"
    other = Role.SEARCH if record.spec.kind is Role.COMPARISON else Role.COMPARISON
    strangers = connection.scalar(of_it.where(candidates.c.role == other))
    if strangers:
        yield f"{name}: is a {record.spec.kind} with {strangers} candidates of a {other}"
    running = connection.scalar(of_it.where(candidates.c.status == Status.RUNNING))
    if running and study.owner is None:
        yield f"{name}: {running} candidates run without a driver"


def _of_the_observations(
    connection: Connection, of_studies: Mapping[int, Row[Any]], study_id: int | None = None
) -> Iterator[str]:
    """Yield which observations cannot be read, or are not whole; of one study, or of all."""
    query = (
        select(observations, *_PLACE, candidates.c.study_id)
        .join(candidates, candidates.c.id == observations.c.candidate_id)
        .order_by(observations.c.candidate_id, observations.c.split)
    )
    if study_id is not None:
        query = query.where(candidates.c.study_id == study_id)
    rows = connection.execution_options(yield_per=200).execute(query)
    for (_, split), columns in groupby(rows, key=lambda row: (row.candidate_id, row.split)):
        some = list(columns)
        place = f"{_name(of_studies.get(some[0].study_id))} {some[0].role} {some[0].generation}/{some[0].slot}"
        try:
            read_series({row.name: EncodedCurve(row.dtype, row.length, row.data) for row in some})
        except Damaged as error:
            yield f"{place}, {split}: {error}"


def _of_the_tuned_point(layout: Mapping[str, Any], record: Any) -> Iterator[str]:
    from search_spaces.space import SearchSpace

    try:
        names = SearchSpace.from_dict(layout).names
    except (ValueError, TypeError) as error:
        yield f"its space cannot be used: {error}"
        return
    if (record.tuned is None) != (record.tuned_genome is None):
        yield "has one of tuned and tuned_genome, and not the other"
    elif record.tuned is not None and len(record.tuned_genome) != len(names):
        yield f"its tuned_genome has {len(record.tuned_genome)} entries, its space {len(names)}"


def _candidates(connection: Connection, study_id: int | None) -> Iterator[Row[Any]]:
    """Yield candidates with all that belongs to them; of one study, or of all."""
    tried = (
        select(
            attempts.c.candidate_id,
            func.count().label("rows"),
            func.sum(case((attempts.c.ended_at.is_(None), 1), else_=0)).label("open"),
        )
        .group_by(attempts.c.candidate_id)
        .subquery()
    )
    query = (
        candidate_rows.with_results()
        .outerjoin(curves, curves.c.candidate_id == candidates.c.id)
        .outerjoin(tried, tried.c.candidate_id == candidates.c.id)
        .add_columns(evaluations.c.status.label("outcome"), curves.c.dtype, curves.c.length, curves.c.data)
        .add_columns(tried.c.rows, tried.c.open)
    )
    if study_id is not None:
        query = query.where(candidates.c.study_id == study_id)
    yield from connection.execution_options(yield_per=200).execute(query.order_by(candidates.c.id))


def _of_the_candidate(row: Row[Any], study: Row[Any] | None) -> Iterator[str]:
    place = f"{_name(study)} {row.role} {row.generation}/{row.slot}"
    try:
        candidate_rows.record(row, _name(study))
    except Damaged as error:
        yield str(error)
        return
    status = Status(row.status)
    if study is not None and not _has_place(row, study):
        yield f"{place}: the study has no such place"
    if (row.outcome is None) == status.is_final or (row.outcome is not None and row.outcome != row.status):
        yield f"{place}: is {row.status}, its result {row.outcome or 'is not there'}"
    if row.attempts != (row.rows or 0):
        yield f"{place}: counts {row.attempts} attempts, of which {row.rows or 0} are there"
    elif (row.open or 0) != (status is Status.RUNNING):
        yield f"{place}: is {row.status} with {row.open or 0} attempts under way"
    if row.outcome is None:
        return
    if math.isfinite(row.fitness) != (row.outcome == Status.FINISHED):
        yield f"{place}: is {row.outcome} with the fitness {row.fitness}"
    if row.data is None:
        yield f"{place}: has a result without its curve"
        return
    try:
        decode(EncodedCurve(row.dtype, row.length, row.data))
    except Damaged as error:
        yield f"{place}: {error}"


def _has_place(row: Row[Any], study: Row[Any]) -> bool:
    """Return whether a study has a candidate's place; a study that cannot be read has any."""
    generations, slots = (1, study.fresh_seeds) if row.role in _FRESH else (study.generations, study.population)
    if not (isinstance(generations, int) and isinstance(slots, int)):
        return True
    return bool(row.generation < generations and row.slot < slots)


def _of_the_attempts(connection: Connection, of_studies: Mapping[int, Row[Any]]) -> Iterator[str]:
    query = attempt_rows.with_places()
    if len(of_studies) == 1:
        query = query.where(candidates.c.study_id.in_(of_studies))
    for row in connection.execution_options(yield_per=200).execute(query):
        try:
            attempt_rows.record(row, _name(of_studies.get(row.study_id)))
        except Damaged as error:
            yield str(error)
