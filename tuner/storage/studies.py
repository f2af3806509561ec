"""Rows of studies: what each was asked to do, and how it stands."""

from __future__ import annotations

import difflib
import json
import math
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tuner.core.objective import Objective
from tuner.core.study import ComparisonSpec, SearchSpec, StudyRecord, StudySpec, StudyStatus
from tuner.core.trial import Role, Status, Workload
from tuner.storage import cells, comparisons, lease
from tuner.storage.errors import Conflict, Damaged, StudyExists, UnknownStudy
from tuner.storage.names import check_optimizer_name, check_run_name, check_text
from tuner.storage.tables import candidates, studies
from tuner.storage.times import now

STATUSES = (StudyStatus.RUNNING, StudyStatus.INTERRUPTED, StudyStatus.STOPPED, StudyStatus.COMPLETE)
_NAMES = 0x4C4F  # PostgreSQL's advisory locks on the names of runs, one a name


def create(connection: Connection, spec: StudySpec) -> int:
    """Insert a study and return its id.

    Raises:
        BadName: a name in it cannot be stored, or breaks the rule for names.
        StudyExists: there is one of this name.
        ValueError: the schedule has another length than the generations, or a number is out of range or not finite.
    """
    row = _row_of(spec)
    if id_of(connection, spec) is not None:
        raise _exists(spec)
    try:
        result = connection.execute(insert(studies).values(row))
    except IntegrityError as error:  # PostgreSQL: another process was first, after we had looked
        raise _exists(spec) from error
    return int(result.inserted_primary_key[0])  # type: ignore[index]


def create_run(connection: Connection, specs: Sequence[StudySpec]) -> list[int]:
    """Insert the studies of a run that has none yet, and return their ids.

    Raises:
        StudyExists: it has one.
        BadName, ValueError: as `create`.
    """
    for run in sorted({spec.run for spec in specs}):
        check_run_name(run)
        if connection.dialect.name == "postgresql":  # so that two that look at once do not both find it free
            connection.execute(select(func.pg_advisory_xact_lock(_NAMES, zlib.crc32(run.encode()) - 2**31)))
        if connection.scalar(select(studies.c.id).where(studies.c.run == run).limit(1)) is not None:
            raise StudyExists(f"the run {run} exists already; resume it, or give this run another name")
    return [create(connection, spec) for spec in specs]


def id_of(connection: Connection, spec: StudySpec) -> int | None:
    """Return the id of the study that has a specification's name; None if there is none."""
    same = (studies.c.run == spec.run, studies.c.optimizer == spec.workload.optimizer)
    return connection.scalar(select(studies.c.id).where(*same))


def ids(connection: Connection) -> list[int]:
    """Return the ids of all studies, in the order of creation."""
    return list(connection.scalars(select(studies.c.id).order_by(studies.c.id)))


def runs(connection: Connection) -> list[str]:
    """Return the names of all runs, in alphabetical order."""
    return sorted(set(connection.scalars(select(studies.c.run).distinct())))


def _exists(spec: StudySpec) -> StudyExists:
    return StudyExists(f"the study {spec.name} exists already; resume it, or give the run another name")


def all_studies(connection: Connection, damaged: list[Damaged]) -> list[StudyRecord]:
    """Return every study in the order of creation, but for those that cannot be read: of these the errors are added."""
    return _records(connection, select(studies).order_by(studies.c.id), damaged)


def find(connection: Connection, name: str) -> list[StudyRecord]:
    """Return the study RUN/OPTIMIZER, or all studies of RUN in the order of creation.

    Raises:
        UnknownStudy: there is none; the text names the nearest ones.
    """
    run, slash, optimizer = name.partition("/")
    # A text that cannot be a name is not sent to the database, which may be unable to take it.
    if name.isascii() and "\x00" not in name:
        query = select(studies).where(studies.c.run == run).order_by(studies.c.id)
        records = _records(connection, query.where(studies.c.optimizer == optimizer) if slash else query)
        if records:
            return records
    names = [f"{row.run}/{row.optimizer}" for row in connection.execute(select(studies.c.run, studies.c.optimizer))]
    known = names if slash else list(dict.fromkeys([each.partition("/")[0] for each in names]))
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "the verb 'studies' lists those there are"
    shown = ascii(name) if len(name) <= 80 else f"{name[:77]!a}..."
    raise UnknownStudy(f"there is no study {shown} in the database; {hint}")


def by_id(connection: Connection, study_id: int) -> StudyRecord:
    """Return one study.

    Raises:
        UnknownStudy: there is no such study.
    """
    records = _records(connection, select(studies).where(studies.c.id == study_id))
    if not records:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return records[0]


def delete(connection: Connection, study_ids: Sequence[int]) -> None:
    """Delete studies with all that belongs to them.

    Raises:
        UnknownStudy: there is no such study.
        StudyOwned: a driver holds one of them, or another of their run.
    """
    lease.check_free(connection, study_ids)
    connection.execute(sql_delete(studies).where(studies.c.id.in_(study_ids)))


def finish(connection: Connection, study_id: int, tuned: Mapping[str, float], tuned_genome: Sequence[float]) -> None:
    """Store the tuned point; the same once more is fine.

    Raises:
        Conflict: another tuned point is stored.
        ValueError: a number is not finite.
    """
    if not all(map(math.isfinite, [*tuned.values(), *tuned_genome])):
        raise ValueError(f"a tuned point must be finite. Received: {dict(tuned)}, {list(tuned_genome)}")
    values = {
        "tuned": {str(name): float(value) for name, value in tuned.items()},
        "tuned_genome": [float(value) for value in tuned_genome],
    }
    stored = connection.execute(select(studies.c.tuned, studies.c.tuned_genome).where(studies.c.id == study_id)).one()
    if stored.tuned is None:
        connection.execute(update(studies).where(studies.c.id == study_id).values(values))
    elif stored.tuned != values["tuned"] or stored.tuned_genome != values["tuned_genome"]:
        raise Conflict("another tuned point is stored for this study; a resumed search must end where the first would")


def add_note(connection: Connection, study_id: int, text: str) -> None:
    """Append a remark, unless the study has the very same: a resumed study makes its remarks again."""
    notes = connection.scalar(select(studies.c.notes).where(studies.c.id == study_id)) or []
    if text not in notes:
        connection.execute(update(studies).where(studies.c.id == study_id).values(notes=[*notes, text]))


def _row_of(spec: StudySpec) -> dict[str, Any]:
    workload = spec.workload
    check_run_name(spec.run)
    check_optimizer_name(workload.optimizer)
    if not 0 <= spec.seed < 2**63:
        raise ValueError(f"a study's seed must be at least 0 and below 2**63. Received: {spec.seed}")
    if workload.settings:
        raise ValueError(
            f"a study keeps no settings of an optimizer's constructor. Received: {dict(workload.settings)}"
        )
    return {
        "run": spec.run,
        "optimizer": workload.optimizer,
        "task": check_text("a task's name", workload.task),
        "kind": str(spec.kind),
        "objective": workload.objective.to_dict(),
        "seed": int(spec.seed),
        "generations": int(spec.batches),
        "population": int(spec.batch_size),
        **(_search_columns(spec) if isinstance(spec, SearchSpec) else _comparison_columns(spec)),
        "cohort_size": int(workload.cohort_size),
        "threads": int(workload.threads),
        "precision": None if workload.precision is None else check_text("a precision", workload.precision, 16),
        "options": _mapping("options", workload.options),
        "data": None if workload.data is None else _mapping("data", workload.data),
        "space": _mapping("space", spec.space),
        "versions": _mapping("versions", spec.versions),
        "hardware": _mapping("hardware", spec.hardware),
        "status": StudyStatus.INTERRUPTED,  # until a driver takes it
        "created_at": now(),
        "notes": [],
        "epoch": 0,
    }


def _search_columns(spec: SearchSpec) -> dict[str, Any]:
    if len(spec.steps) != spec.generations:
        raise ValueError(
            f"a search has one number of steps per generation. Received: {spec.generations} generations, "
            f"{len(spec.steps)} steps"
        )
    return {
        "strategy": check_text("a strategy's name", spec.strategy, 64),
        "parameters": _mapping("strategy's parameters", spec.parameters),
        "fresh_seeds": int(spec.fresh_seeds),
        "steps": [int(steps) for steps in spec.steps],
    }


def _comparison_columns(spec: ComparisonSpec) -> dict[str, Any]:
    return {"comparison": comparisons.as_json(spec), "steps": [int(spec.steps)] * len(spec.points)}


def _mapping(what: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as JSON gives it back: tuples become lists.

    Raises:
        ValueError: JSON has no such value, or would change it otherwise.
    """
    try:
        stored: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"a study's {what} must be plain JSON: {error}. Received: {dict(value)}") from error
    if list(stored) != list(value):
        raise ValueError(f"the keys of a study's {what} must be texts. Received: {list(value)}")
    return stored


def _records(connection: Connection, query: Select[Any], damaged: list[Damaged] | None = None) -> list[StudyRecord]:
    """Return the records of rows; what cannot be read is raised, or its error added to `damaged`."""
    rows = connection.execute(query).all()
    counts: dict[int, dict[Status, int]] = defaultdict(lambda: dict.fromkeys(Status, 0))
    grouped = (
        select(candidates.c.study_id, candidates.c.status, func.count())
        .where(candidates.c.role.in_([role for role in Role if role.is_due]))
        .group_by(candidates.c.study_id, candidates.c.status)
    )
    if len(rows) == 1:
        grouped = grouped.where(candidates.c.study_id == rows[0].id)
    odd = {}
    for study_id, status, count in connection.execute(grouped):
        if status in list(Status):
            counts[study_id][Status(status)] = count
        else:
            odd[study_id] = status
    at = lease.moment(connection) if any(row.owner is not None for row in rows) else None
    records = []
    for row in rows:
        try:
            if row.id in odd:
                place = f"a candidate of the study {row.run}/{row.optimizer}"
                cells.Row({"status": odd[row.id]}, place).one_of("status", list(Status))
            records.append(read(row, counts[row.id], at))
        except Damaged as error:
            if damaged is None:
                raise
            damaged.append(error)
    return records


def read(row: Row[Any], counts: Mapping[Status, int], at: lease.Moment | None) -> StudyRecord:
    """Return the record of a row.

    Args:
        row: Of studies, all columns.
        counts: Candidates of the search by status.
        at: Now; may be None where no driver holds the study.

    Raises:
        Damaged: A column holds what it cannot hold; the text names the study and the column.
    """
    cell = cells.Row(row._mapping, f"the study with id {row.id}")
    run, optimizer = cell.name("run", check_run_name), cell.name("optimizer", check_optimizer_name)
    cell = cells.Row(row._mapping, f"the study {run}/{optimizer}")
    generations = cell.integer("generations")
    workload = Workload(
        task=cell.text("task"),
        optimizer=optimizer,
        cohort_size=cell.integer("cohort_size", 1),
        threads=cell.integer("threads", 1),
        precision=cell.optional("precision", cell.text),
        options=cell.mapping("options"),
        data=cell.optional("data", cell.mapping),
        objective=cell.made("objective", Objective.from_dict),
    )
    shared: dict[str, Any] = {
        "run": run,
        "workload": workload,
        "seed": cell.integer("seed"),
        "space": cell.space("space"),
        "versions": cell.mapping("versions"),
        "hardware": cell.mapping("hardware"),
    }
    kind = cell.one_of("kind", (Role.SEARCH, Role.COMPARISON))
    spec: StudySpec
    if kind == Role.SEARCH:
        spec = SearchSpec(
            **shared,
            strategy=cell.text("strategy"),
            parameters=cell.parameters("parameters", generations),
            generations=generations,
            population=cell.integer("population"),
            steps=cell.integers("steps", generations),
            fresh_seeds=cell.integer("fresh_seeds"),
        )
    else:
        steps = cell.equal_integers("steps", generations)
        fields = cell.made("comparison", lambda stored: comparisons.from_json(stored, generations))
        spec = ComparisonSpec(**shared, seeds=cell.integer("population"), steps=steps, **fields)
    owner = cell.optional("owner", cell.text)
    if owner is not None:
        for name in ("lease_seconds", "renewed_at", "renewed_uptime"):
            cell.number(name)
    return StudyRecord(
        id=row.id,
        spec=spec,
        status=cell.one_of("status", STATUSES),
        created_at=cell.text("created_at"),
        finished_at=cell.optional("finished_at", cell.text),
        tuned=cell.optional("tuned", lambda column: cell.named_numbers(column, spec.space["hyperparameters"])),
        tuned_genome=cell.optional("tuned_genome", cell.numbers),
        notes=cell.texts("notes"),
        counts=counts,
        owner=owner,
        lease_left=None if owner is None or at is None else lease.seconds_left(row, at),
    )
