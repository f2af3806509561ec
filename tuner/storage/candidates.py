"""Rows of candidates: what is trained, and the status of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Row, Select, bindparam, case, func, insert, or_, select, tuple_, update

from tuner.core.study import CandidateRecord, Outcome
from tuner.core.trial import Candidate, Key, Role, Status
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.curves import NO_LOSSES, EncodedCurve, decode
from tuner.storage.errors import Conflict, Damaged, UnknownCandidate
from tuner.storage.tables import candidates, curves, evaluations, outputs, studies
from tuner.storage.validation import numbers_of, plain_values

if TYPE_CHECKING:
    import numpy.typing as npt

KEY_COLUMNS = (candidates.c.role, candidates.c.generation, candidates.c.slot)

_CHUNK_SIZE = 500  # keys per statement: SQLite and PostgreSQL limit the number of parameters
_UNFINISHED = or_(*(candidates.c.status == status.value for status in Status if not status.is_final))
_ROLES = {role.value: role for role in Role}
_STATUSES = {status.value: status for status in Status}


def add(connection: Connection, study_id: int, new: Sequence[Candidate]) -> None:
    """Insert candidates; those that are stored already are left unchanged.

    Raises:
        Conflict: A different candidate is stored for a key, or two different ones are given for it.
        ValueError: A number is not finite or is out of range.
    """
    rows: dict[Key, dict[str, Any]] = {}
    for candidate in new:
        row = _row_of(study_id, candidate)
        if rows.setdefault(candidate.key, row) != row:
            raise _conflict(candidate.key)
    for stored in _located(connection, study_id, list(rows), tuple(candidates.c)):
        key = _key(stored)
        row = rows.pop(key)
        if any(row[name] != getattr(stored, name) for name in ("genome", "hyperparameters", "seed", "steps")):
            raise _conflict(key)
    if rows:
        connection.execute(insert(candidates), list(rows.values()))


def locate(connection: Connection, study_id: int, keys: Sequence[Key]) -> dict[Key, Row[Any]]:
    """Return the rows of candidates by key: their ids, keys and status.

    Raises:
        UnknownCandidate: A key was never added.
    """
    columns = (candidates.c.id, *KEY_COLUMNS, candidates.c.status)  # the others are JSON, which takes long to decode
    rows = {_key(row): row for row in _located(connection, study_id, list(dict.fromkeys(keys)), columns)}
    for key in keys:
        if key not in rows:
            raise UnknownCandidate(f"{_name(connection, study_id)} has no candidate {long_key(key)}")
    return rows


def _name(connection: Connection, study_id: int) -> str:
    """Return the name of a study for a message."""
    row = connection.execute(select(studies.c.run, studies.c.optimizer).where(studies.c.id == study_id)).one_or_none()
    return f"the study {study_id}" if row is None else f"{row.run}/{row.optimizer}"


def set_status(connection: Connection, values: Sequence[tuple[int, Status]]) -> None:
    """Set the status of candidates, given by id; those that are final are left unchanged."""
    if values:
        connection.execute(
            update(candidates)
            .where(candidates.c.id == bindparam("candidate"), _UNFINISHED)
            .values(status=bindparam("new_status")),
            [{"candidate": candidate, "new_status": status.value} for candidate, status in values],
        )


def progress(connection: Connection, study_id: int) -> tuple[int, int]:
    """Return the number of candidates of the search or comparison, and of unfinished candidates of any role."""
    counted = select(
        func.count(case((candidates.c.role.in_([role for role in Role if role.is_due]), 1))),
        func.count(case((_UNFINISHED, 1))),
    )
    searched, unfinished = connection.execute(counted.where(candidates.c.study_id == study_id)).one()
    return int(searched), int(unfinished)


def late_results(connection: Connection, study_id: int) -> int:
    """Return the number of late results that were refused in a study."""
    total = select(func.coalesce(func.sum(candidates.c.late_results), 0)).where(candidates.c.study_id == study_id)
    return int(connection.scalar(total) or 0)


def read(
    connection: Connection, study_id: int, role: Role | None, generation: int | None, slot: int | None
) -> list[CandidateRecord]:
    """Return the candidates of a study in the order of their keys, without curves.

    Raises:
        Damaged: A row cannot be read.
    """
    query = with_results().where(candidates.c.study_id == study_id).order_by(*KEY_COLUMNS)
    if role is not None:
        query = query.where(candidates.c.role == Role(role))
    for column, number in ((candidates.c.generation, generation), (candidates.c.slot, slot)):
        if number is not None:
            query = query.where(column == int(number))
    with _naming_the_study(connection, study_id):
        return [record(row, "") for row in connection.execute(query)]


def outcomes(connection: Connection, study_id: int, roles: Sequence[Role] = tuple(Role)) -> list[Outcome]:
    """Return the outcomes of a study's candidates in the order of their keys, reading only the columns that they need.

    Args:
        connection: In a transaction.
        study_id: Id of the study.
        roles: Roles of the candidates. Default: all.

    Raises:
        Damaged: A row cannot be read.
    """
    with _naming_the_study(connection, study_id):
        return list(map(_outcome, _outcome_rows(connection, study_id, roles)))


def best_of_generations(connection: Connection, study_id: int) -> list[Outcome]:
    """Return the best individual that finished of each generation of a search; ties go to the lower slot.

    This takes half the time of `outcomes`, which makes a value of every row.

    Args:
        connection: In a transaction.
        study_id: Id of the study.

    Raises:
        Damaged: An outcome cannot be read, whether it is one of these or not.
    """
    best: dict[int, Row[Any]] = {}
    with _naming_the_study(connection, study_id):
        for row in _outcome_rows(connection, study_id):  # in the order of their slots
            if not _is_sound(row):
                _outcome(row)
                continue
            role, generation, _, status, fitness, *_ = tuple(row)
            is_one = role == Role.SEARCH.value and status == Status.FINISHED.value and fitness < math.inf
            if is_one and (generation not in best or fitness < best[generation].fitness):
                best[generation] = row
    return list(map(_outcome, best.values()))


def _outcome_rows(connection: Connection, study_id: int, roles: Sequence[Role] = tuple(Role)) -> Sequence[Row[Any]]:
    results = (candidates.c.status, *(evaluations.c[name] for name in ("fitness", "steps_done", "seconds")))
    joined = candidates.outerjoin(evaluations, evaluations.c.candidate_id == candidates.c.id)
    query = select(*KEY_COLUMNS, *results).select_from(joined)
    query = query.where(candidates.c.study_id == study_id).order_by(*KEY_COLUMNS)
    if len(roles) < len(Role):
        query = query.where(candidates.c.role.in_(roles))
    return connection.execute(query).all()


def _is_sound(row: Row[Any]) -> bool:
    """Return whether a row of `_outcome_rows` is evaluated and passes the checks of CheckedRow.

    They are one expression here, which is faster: a database has tens of thousands of these rows.
    """
    role, generation, slot, status, fitness, steps_done, seconds = tuple(row)
    return (
        role in _ROLES
        and status in _STATUSES
        and type(generation) is type(slot) is type(steps_done) is int
        and generation >= 0 <= slot
        and steps_done >= 0
        and type(fitness) is type(seconds) is float
        and seconds - seconds == 0.0
        and fitness > -math.inf
    )


def _outcome(row: Row[Any]) -> Outcome:
    if not _is_sound(row):
        return Outcome(**_outcome_fields(CheckedRow(row._mapping, f" {short_key(row)}")))
    role, generation, slot, status, fitness, steps_done, seconds = tuple(row)
    key = Key(_ROLES[role], generation, slot)
    return Outcome(key=key, status=_STATUSES[status], fitness=fitness, steps_done=steps_done, seconds=seconds)


@contextmanager
def _naming_the_study(connection: Connection, study_id: int) -> Iterator[None]:
    """Put the name of the study before the text of an error for one of its rows."""
    try:
        yield
    except Damaged as error:
        raise Damaged(f"{_study_name(connection, study_id)}{error}") from error


def _outcome_fields(checked: CheckedRow) -> dict[str, Any]:
    evaluated = checked.values["fitness"] is not None
    return {
        "key": Key(Role(checked.one_of("role", list(Role))), checked.integer("generation"), checked.integer("slot")),
        "status": Status(checked.one_of("status", list(Status))),
        "fitness": checked.number("fitness", infinite=True) if evaluated else None,
        "steps_done": checked.integer("steps_done") if evaluated else 0,
        "seconds": checked.number("seconds") if evaluated else 0.0,
    }


def _study_name(connection: Connection, study_id: int) -> str:
    row = connection.execute(select(studies.c.run, studies.c.optimizer).where(studies.c.id == study_id)).one()
    return f"{row.run}/{row.optimizer}"


def with_results() -> Select[Any]:
    """Return a query for candidates and their evaluations: all columns but the status of the evaluation."""
    return select(candidates, *(column for column in evaluations.c if column.name not in candidates.c)).outerjoin(
        evaluations, evaluations.c.candidate_id == candidates.c.id
    )


def read_curve(connection: Connection, study_id: int, key: Key) -> npt.NDArray[Any]:
    """Return the losses of a candidate; an empty array while it is not final.

    Raises:
        UnknownCandidate: The key was never added.
        Damaged: The stored bytes cannot be read.
    """
    candidate = locate(connection, study_id, [key])[key]
    query = select(curves.c.dtype, curves.c.length, curves.c.data).where(curves.c.candidate_id == candidate.id)
    row = connection.execute(query).one_or_none()
    try:
        return decode(NO_LOSSES if row is None else EncodedCurve(row.dtype, row.length, row.data))
    except Damaged as error:
        raise Damaged(f"{_study_name(connection, study_id)} {short_key(key)}: {error}") from error


def read_output(connection: Connection, study_id: int, key: Key) -> str:
    """Return what the training function of a candidate printed; "" if it printed nothing, or is not final.

    Raises:
        UnknownCandidate: The key was never added.
    """
    candidate = locate(connection, study_id, [key])[key]
    text = connection.scalar(select(outputs.c.text).where(outputs.c.candidate_id == candidate.id))
    return str(text or "")


def short_key(key: Key | Row[Any]) -> str:
    """Return a key, or the key of a row, as reports of damage name it: "search 3/17"."""
    return f"{key.role} {key.generation}/{key.slot}"


def long_key(key: Key) -> str:
    """Return a key as errors name it that concern what the caller passed: "(search, generation 3, slot 17)"."""
    return f"({key.role}, generation {key.generation}, slot {key.slot})"


def _located(
    connection: Connection, study_id: int, keys: list[Key], columns: Sequence[Column[Any]]
) -> Iterator[Row[Any]]:
    query: Select[Any] = select(*columns).where(candidates.c.study_id == study_id)
    for start in range(0, len(keys), _CHUNK_SIZE):
        chunk = [(key.role.value, int(key.generation), int(key.slot)) for key in keys[start : start + _CHUNK_SIZE]]
        yield from connection.execute(query.where(tuple_(*KEY_COLUMNS).in_(chunk))).all()


def _row_of(study_id: int, candidate: Candidate) -> dict[str, Any]:
    key, trial = candidate.key, candidate.trial
    if not 0 <= trial.seed < 2**63 or trial.steps < 0:
        raise ValueError(
            f"the candidate {long_key(key)} must have a seed of at least 0 and below 2**63, and at least 0 steps. "
            f"Received: seed {trial.seed}, {trial.steps} steps"
        )
    genome = [float(value) for value in candidate.genome]
    hyperparameters = plain_values(trial.hyperparameters)
    if not all(map(math.isfinite, (*genome, *numbers_of(hyperparameters)))):
        raise ValueError(
            f"the candidate {long_key(key)} must have finite numbers. Received: genome {genome}, {hyperparameters}"
        )
    return {
        "study_id": study_id,
        "role": Role(key.role).value,
        "generation": int(key.generation),
        "slot": int(key.slot),
        "genome": genome,
        "hyperparameters": hyperparameters,
        "seed": int(trial.seed),
        "steps": int(trial.steps),
        "status": Status.WAITING.value,
        "attempts": 0,
        "late_results": 0,
    }


def _conflict(key: Key) -> Conflict:
    return Conflict(
        f"another candidate is stored for {long_key(key)}: its genome, hyperparameters, seed or steps differ; "
        "a resumed study must propose the same candidates"
    )


def _key(row: Row[Any]) -> Key:
    return Key(Role(row.role), row.generation, row.slot)


def record(row: Row[Any], study: str) -> CandidateRecord:
    """Return the record of a row.

    Args:
        row: A row of the query `with_results`.
        study: The study, as errors name it.

    Raises:
        Damaged: A column holds an invalid value; the text names the study, the candidate and the column.
    """
    checked = CheckedRow(row._mapping, f"{study} {short_key(row)}")
    evaluated = row.fitness is not None
    return CandidateRecord(
        **_outcome_fields(checked),
        genome=checked.numbers("genome"),
        hyperparameters=checked.named_values("hyperparameters"),
        seed=checked.integer("seed"),
        steps=checked.integer("steps"),
        attempts=checked.integer("attempts"),
        node=checked.text("node") if evaluated else "",
        device=checked.text("device") if evaluated else "",
        reason=checked.text("reason") if evaluated else "",
        error=checked.text("error") if evaluated else "",
    )
