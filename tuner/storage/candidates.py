"""Rows of candidates: who is tried, and how each stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, bindparam, case, func, insert, or_, select, tuple_, update

from tuner.core.study import CandidateRecord, Outcome
from tuner.core.trial import Candidate, Key, Role, Status
from tuner.storage import cells
from tuner.storage.curves import EncodedCurve, decode
from tuner.storage.errors import Conflict, Damaged, UnknownCandidate
from tuner.storage.tables import candidates, curves, evaluations, studies

_CHUNK = 500  # keys a statement: SQLite and PostgreSQL limit the number of parameters
_UNFINISHED = or_(*(candidates.c.status == status.value for status in Status if not status.is_final))
_ROLES = {role.value: role for role in Role}
_STATUSES = {status.value: status for status in Status}
_PLACE = (candidates.c.role, candidates.c.generation, candidates.c.slot)


def add(connection: Connection, study_id: int, new: Sequence[Candidate]) -> None:
    """Insert candidates; one that is there as it is given is left alone, whatever came of it since.

    Raises:
        Conflict: another candidate is stored for a key, or two are given for it.
        ValueError: a number is not finite or out of range.
    """
    rows: dict[Key, dict[str, Any]] = {}
    for candidate in new:
        row = _row_of(study_id, candidate)
        if rows.setdefault(candidate.key, row) != row:
            raise _conflict(candidate.key)
    for stored in _located(connection, study_id, list(rows)):
        key = _key(stored)
        row = rows.pop(key)
        if any(row[name] != getattr(stored, name) for name in ("genome", "hyperparameters", "seed", "steps")):
            raise _conflict(key)
    if rows:
        connection.execute(insert(candidates), list(rows.values()))


def locate(connection: Connection, study_id: int, keys: Sequence[Key]) -> dict[Key, Row[Any]]:
    """Return the rows of candidates by key.

    Raises:
        UnknownCandidate: one of them was never added.
    """
    found = {_key(row): row for row in _located(connection, study_id, list(dict.fromkeys(keys)))}
    for key in keys:
        if key not in found:
            raise UnknownCandidate(f"the study {study_id} has no candidate {shown(key)}")
    return found


def set_status(connection: Connection, values: Sequence[tuple[int, Status]]) -> None:
    """Set the status of candidates by id; one that is final stays as it is."""
    if values:
        connection.execute(
            update(candidates)
            .where(candidates.c.id == bindparam("candidate"), _UNFINISHED)
            .values(status=bindparam("new_status")),
            [{"candidate": candidate, "new_status": status.value} for candidate, status in values],
        )


def progress(connection: Connection, study_id: int) -> tuple[int, int]:
    """Return how many candidates of the search or comparison there are, and how many of all roles are not final."""
    counted = select(
        func.count(case((candidates.c.role.in_([role for role in Role if role.is_due]), 1))),
        func.count(case((_UNFINISHED, 1))),
    )
    searched, unfinished = connection.execute(counted.where(candidates.c.study_id == study_id)).one()
    return int(searched), int(unfinished)


def late_results(connection: Connection, study_id: int) -> int:
    """Return how many late results were refused in a study."""
    total = select(func.coalesce(func.sum(candidates.c.late_results), 0)).where(candidates.c.study_id == study_id)
    return int(connection.scalar(total) or 0)


def read(
    connection: Connection, study_id: int, role: Role | None, generation: int | None, slot: int | None
) -> list[CandidateRecord]:
    """Return the candidates of a study in the order of their keys, without curves."""
    query = with_results().where(candidates.c.study_id == study_id).order_by(*_PLACE)
    if role is not None:
        query = query.where(candidates.c.role == Role(role))
    for column, number in ((candidates.c.generation, generation), (candidates.c.slot, slot)):
        if number is not None:
            query = query.where(column == int(number))
    try:
        return [record(row, "") for row in connection.execute(query)]
    except Damaged as error:
        raise Damaged(f"{_study(connection, study_id)}{error}") from error


def outcomes(connection: Connection, study_id: int) -> list[Outcome]:
    """Return what came of the candidates of a study, in the order of their keys, and no more than that is read."""
    what = (candidates.c.status, *(evaluations.c[name] for name in ("fitness", "steps_done", "seconds")))
    joined = candidates.outerjoin(evaluations, evaluations.c.candidate_id == candidates.c.id)
    query = select(*_PLACE, *what).select_from(joined).where(candidates.c.study_id == study_id).order_by(*_PLACE)
    try:
        return [_outcome(row) for row in connection.execute(query)]
    except Damaged as error:
        raise Damaged(f"{_study(connection, study_id)}{error}") from error


def _outcome(row: Row[Any]) -> Outcome:
    role, generation, slot, status, fitness, steps_done, seconds = tuple(row)
    # What cells check one by one, at once: a database has tens of thousands of these.
    if (
        role in _ROLES
        and status in _STATUSES
        and type(generation) is type(slot) is type(steps_done) is int
        and min(generation, slot, steps_done) >= 0
        and type(fitness) is type(seconds) is float
        and seconds - seconds == 0.0
        and fitness > -np.inf
    ):
        key = Key(_ROLES[role], generation, slot)
        return Outcome(key=key, status=_STATUSES[status], fitness=fitness, steps_done=steps_done, seconds=seconds)
    return Outcome(**_checked(cells.Row(row._mapping, f" {row.role} {row.generation}/{row.slot}")))


def _checked(cell: cells.Row) -> dict[str, Any]:
    """Return the fields of an outcome."""
    evaluated = cell.values["fitness"] is not None
    return {
        "key": Key(Role(cell.one_of("role", list(Role))), cell.integer("generation"), cell.integer("slot")),
        "status": Status(cell.one_of("status", list(Status))),
        "fitness": cell.number("fitness", infinite=True) if evaluated else None,
        "steps_done": cell.integer("steps_done") if evaluated else 0,
        "seconds": cell.number("seconds") if evaluated else 0.0,
    }


def _study(connection: Connection, study_id: int) -> str:
    """Return the name of a study, as errors name it."""
    row = connection.execute(select(studies.c.run, studies.c.optimizer).where(studies.c.id == study_id)).one()
    return f"{row.run}/{row.optimizer}"


def with_results() -> Select[Any]:
    """Return the query for candidates with what came of them, all columns but the evaluation's own status."""
    return select(candidates, *(column for column in evaluations.c if column.name not in candidates.c)).outerjoin(
        evaluations, evaluations.c.candidate_id == candidates.c.id
    )


def read_curve(connection: Connection, study_id: int, key: Key) -> npt.NDArray[Any]:
    """Return the losses of a candidate; none while it is not final.

    Raises:
        UnknownCandidate: it was never added.
        Damaged: the stored bytes cannot be read.
    """
    candidate = locate(connection, study_id, [key])[key]
    query = select(curves.c.dtype, curves.c.length, curves.c.data).where(curves.c.candidate_id == candidate.id)
    row = connection.execute(query).one_or_none()
    try:
        return np.zeros(0) if row is None else decode(EncodedCurve(row.dtype, row.length, row.data))
    except Damaged as error:
        raise Damaged(f"{_study(connection, study_id)} {key.role} {key.generation}/{key.slot}: {error}") from error


def shown(key: Key) -> str:
    """Return a key as errors name it."""
    return f"({key.role}, generation {key.generation}, slot {key.slot})"


def _located(connection: Connection, study_id: int, keys: list[Key]) -> Iterator[Row[Any]]:
    query: Select[Any] = select(candidates).where(candidates.c.study_id == study_id)
    for start in range(0, len(keys), _CHUNK):
        places = [(key.role.value, int(key.generation), int(key.slot)) for key in keys[start : start + _CHUNK]]
        yield from connection.execute(query.where(tuple_(*_PLACE).in_(places))).all()


def _row_of(study_id: int, candidate: Candidate) -> dict[str, Any]:
    key, trial = candidate.key, candidate.trial
    if not 0 <= trial.seed < 2**63 or trial.steps < 0:
        raise ValueError(
            f"the candidate {shown(key)} must have a seed of at least 0 and below 2**63, and at least 0 steps. "
            f"Received: seed {trial.seed}, {trial.steps} steps"
        )
    genome = [float(value) for value in candidate.genome]
    hyperparameters = {str(name): float(value) for name, value in trial.hyperparameters.items()}
    if not np.all(np.isfinite([*genome, *hyperparameters.values()])):
        raise ValueError(
            f"the candidate {shown(key)} must have finite numbers. Received: genome {genome}, {hyperparameters}"
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
        f"another candidate is stored for {shown(key)}: its genome, hyperparameters, seed or steps differ; "
        "a resumed study must ask for the same candidates"
    )


def _key(row: Row[Any]) -> Key:
    return Key(Role(row.role), row.generation, row.slot)


def record(row: Row[Any], place: str) -> CandidateRecord:
    """Return the record of a row.

    Args:
        row: Of candidates and their evaluations, as `read` asks for them.
        place: The study, as an error names it.

    Raises:
        Damaged: A column holds what it cannot hold; the text names the study, the candidate and the column.
    """
    cell = cells.Row(row._mapping, f"{place} {row.role} {row.generation}/{row.slot}")
    evaluated = row.fitness is not None
    return CandidateRecord(
        **_checked(cell),
        genome=cell.numbers("genome"),
        hyperparameters=cell.named_numbers("hyperparameters"),
        seed=cell.integer("seed"),
        steps=cell.integer("steps"),
        attempts=cell.integer("attempts"),
        node=cell.text("node") if evaluated else "",
        device=cell.text("device") if evaluated else "",
        reason=cell.text("reason") if evaluated else "",
        error=cell.text("error") if evaluated else "",
    )
