"""Rows of studies: specification, status and result of each."""

from __future__ import annotations

import difflib
import math
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from tuner.core.study import SEED_MARK, StudyRecord, StudySpec, StudyStatus
from tuner.core.trial import Role, Status
from tuner.storage import changes, lease, specifications
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.errors import Conflict, Damaged, StudyExists, UnknownStudy
from tuner.storage.tables import candidates, requests, studies
from tuner.storage.timestamps import now
from tuner.storage.validation import check_run_name, check_study_label, numbers_of, plain_values, quoted

STATUSES = (StudyStatus.RUNNING, StudyStatus.INTERRUPTED, StudyStatus.STOPPED, StudyStatus.COMPLETE)
_FEW = 500  # studies whose ids a statement may name: SQLite and PostgreSQL limit the number of parameters
_NAMES_LOCK = 0x4C4F  # first key of PostgreSQL's advisory locks on the names of runs; the second is the name's hash


def create(connection: Connection, spec: StudySpec) -> int:
    """Insert a study and return its id.

    Raises:
        BadName: A name cannot be stored, or breaks the rule for names.
        StudyExists: A study of this name exists already.
        ValueError: The number of budgets is not that of the generations, or a number is out of range or not finite.
    """
    row = {
        **specifications.to_columns(spec),
        "status": StudyStatus.INTERRUPTED,  # until a driver acquires the study
        "created_at": now(),
        "notes": [],
        "epoch": 0,
    }
    if id_of(connection, spec) is not None:
        raise _exists(spec)
    try:
        result = connection.execute(insert(studies).values(row))
    except IntegrityError as error:  # PostgreSQL: another process has inserted it since the check
        raise _exists(spec) from error
    study_id = int(result.inserted_primary_key[0])  # type: ignore[index]
    changes.begin(connection, study_id)
    return study_id


def create_run(connection: Connection, specs: Sequence[StudySpec], *, is_submitted: bool = False) -> list[int]:
    """Insert the studies of a new run, and return their ids.

    Args:
        connection: In a writing transaction.
        specs: Specifications of the studies.
        is_submitted: Whether the run was submitted to a service, which keeps the name for it. Default False.

    Raises:
        StudyExists: The run exists already.
        BadName: A name cannot be stored, or breaks the rule for names.
        ValueError: A specification is invalid; see `create`.
    """
    for run in sorted({spec.run for spec in specs}):
        check_run_name(run)
        lock_name(connection, run)
        if connection.scalar(select(studies.c.id).where(studies.c.run == run).limit(1)) is not None:
            raise StudyExists(f"the run {run} exists already; resume it, or give this run another name")
        if not is_submitted and connection.scalar(select(requests.c.id).where(requests.c.run == run)) is not None:
            raise StudyExists(f"the run {run} was submitted to the service; give this run another name")
    return [create(connection, spec) for spec in specs]


def lock_name(connection: Connection, run: str) -> None:
    """Keep other processes from taking the name of a run until the transaction ends."""
    if connection.dialect.name == "postgresql":  # or two could both find that it is free; SQLite has one writer
        connection.execute(select(func.pg_advisory_xact_lock(_NAMES_LOCK, zlib.crc32(run.encode()) - 2**31)))


def id_of(connection: Connection, spec: StudySpec) -> int | None:
    """Return the id of the study with the name of a specification; None if there is none."""
    same = (studies.c.run == spec.run, studies.c.optimizer == spec.label)
    return connection.scalar(select(studies.c.id).where(*same))


def ids(connection: Connection) -> list[int]:
    """Return the ids of all studies in the order of creation."""
    return list(connection.scalars(select(studies.c.id).order_by(studies.c.id)))


def ids_of_run(connection: Connection, run: str) -> list[int]:
    """Return the ids of the studies of a run in the order of creation; none of an unknown run."""
    return list(connection.scalars(select(studies.c.id).where(studies.c.run == run).order_by(studies.c.id)))


def runs(connection: Connection) -> list[str]:
    """Return the names of all runs in alphabetical order."""
    return sorted(set(connection.scalars(select(studies.c.run).distinct())))


def statuses(connection: Connection) -> dict[str, int]:
    """Return the number of studies by status."""
    counted = connection.execute(select(studies.c.status, func.count()).group_by(studies.c.status))
    return {str(status): int(count) for status, count in counted}


def taken(connection: Connection) -> list[str]:
    """Return the names of all runs, those included that a service has not started yet, in alphabetical order."""
    return sorted({*runs(connection), *connection.scalars(select(requests.c.run))})


def _exists(spec: StudySpec) -> StudyExists:
    return StudyExists(f"the study {spec.name} exists already; resume it, or give the run another name")


def all_studies(connection: Connection, damaged: list[Damaged]) -> list[StudyRecord]:
    """Return all studies in the order of creation; errors of studies that cannot be read are appended to `damaged`."""
    return records(connection, select(studies).order_by(studies.c.id), damaged)


def find(connection: Connection, name: str) -> list[StudyRecord]:
    """Return the study RUN/OPTIMIZER, or all studies of RUN in the order of creation.

    RUN/OPTIMIZER of a run with several searches for the optimizer stands for all of these.

    Raises:
        UnknownStudy: There is none; the text suggests similar names.
        Damaged: A study cannot be read.
    """
    run, slash, optimizer = name.partition("/")
    # Text that cannot be a name is not sent to the database, which may not accept it.
    if name.isascii() and "\x00" not in name:
        query = select(studies).where(studies.c.run == run).order_by(studies.c.id)
        repeated = studies.c.optimizer.startswith(f"{optimizer}{SEED_MARK}", autoescape=True)
        found = records(connection, query.where(or_(studies.c.optimizer == optimizer, repeated)) if slash else query)
        if slash:  # LIKE of SQLite ignores the case
            found = [study for study in found if optimizer in (study.spec.label, study.spec.workload.optimizer)]
        if found:
            return found
    names = [f"{row.run}/{row.optimizer}" for row in connection.execute(select(studies.c.run, studies.c.optimizer))]
    known = names if slash else list(dict.fromkeys([each.partition("/")[0] for each in names]))
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)  # several, as the names of runs resemble each other
    hint = f"did you mean {' or '.join(near)}?" if near else "'lodo-tune studies' lists the existing ones"
    raise UnknownStudy(f"there is no study {quoted(name)} in the database; {hint}")


def by_id(connection: Connection, study_id: int) -> StudyRecord:
    """Return one study.

    Raises:
        UnknownStudy: The study does not exist.
        Damaged: The study cannot be read.
    """
    found = records(connection, select(studies).where(studies.c.id == study_id))
    if not found:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return found[0]


def run_of(connection: Connection, study_id: int) -> str:
    """Return the name of a study's run.

    Raises:
        UnknownStudy: The study does not exist.
    """
    name: str | None = connection.scalar(select(studies.c.run).where(studies.c.id == study_id))
    if name is None:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return name


def delete(connection: Connection, study_ids: Sequence[int]) -> None:
    """Delete studies with all their rows.

    Raises:
        UnknownStudy: A study does not exist.
        StudyOwned: A driver holds one of the studies, or another study of their runs.
    """
    lease.check_free(connection, study_ids)
    connection.execute(sql_delete(studies).where(studies.c.id.in_(study_ids)))


def amend(connection: Connection, study_id: int, spec: StudySpec, note: str) -> None:
    """Store the task, the data and the code of a specification, and a note unless it is empty.

    Raises:
        UnknownStudy: The study does not exist.
        StudyOwned: A driver holds the study, or another study of its run.
    """
    lease.check_free(connection, [study_id])
    columns = specifications.to_columns(spec)
    values = {name: columns[name] for name in ("task", "data", "code", "further_tasks") if name in columns}
    connection.execute(update(studies).where(studies.c.id == study_id).values(values))
    changes.count(connection, study_id)
    if note:
        add_note(connection, study_id, note)


def finish(connection: Connection, study_id: int, tuned: Mapping[str, Any], tuned_genome: Sequence[float]) -> None:
    """Store the tuned point; storing the same one again changes nothing.

    Raises:
        Conflict: A different tuned point is stored.
        ValueError: A number is not finite.
    """
    values: dict[str, Any] = {"tuned": plain_values(tuned), "tuned_genome": [float(value) for value in tuned_genome]}
    if not all(map(math.isfinite, [*numbers_of(values["tuned"]), *tuned_genome])):
        raise ValueError(f"a tuned point must be finite. Received: {dict(tuned)}, {list(tuned_genome)}")
    stored = connection.execute(select(studies.c.tuned, studies.c.tuned_genome).where(studies.c.id == study_id)).one()
    if stored.tuned is None:
        connection.execute(update(studies).where(studies.c.id == study_id).values(values))
    elif stored.tuned != values["tuned"] or stored.tuned_genome != values["tuned_genome"]:
        raise Conflict("another tuned point is stored for this study; a resumed search must find the same one")


def add_note(connection: Connection, study_id: int, text: str) -> None:
    """Append a remark, unless the study has it already: a resumed study repeats its remarks."""
    notes = connection.scalar(select(studies.c.notes).where(studies.c.id == study_id)) or []
    if text not in notes:
        connection.execute(update(studies).where(studies.c.id == study_id).values(notes=[*notes, text]))


def records(connection: Connection, query: Select[Any], damaged: list[Damaged] | None = None) -> list[StudyRecord]:
    """Return the studies that a query selects; an error of one that cannot be read is raised, or put in `damaged`."""
    rows = connection.execute(query).all()
    counts: dict[int, dict[Status, int]] = defaultdict(lambda: dict.fromkeys(Status, 0))
    grouped = (
        select(candidates.c.study_id, candidates.c.status, func.count())
        .where(candidates.c.role.in_([role for role in Role if role.is_due]))
        .group_by(candidates.c.study_id, candidates.c.status)
    )
    if len(rows) <= _FEW:
        grouped = grouped.where(candidates.c.study_id.in_([row.id for row in rows]))
    invalid = {}
    for study_id, status, count in connection.execute(grouped):
        if status in list(Status):
            counts[study_id][Status(status)] = count
        else:
            invalid[study_id] = status
    at = lease.moment(connection) if any(row.owner is not None for row in rows) else None
    found = []
    for row in rows:
        try:
            if row.id in invalid:
                candidate = f"a candidate of the study {row.run}/{row.optimizer}"
                CheckedRow({"status": invalid[row.id]}, candidate).one_of("status", list(Status))
            found.append(read(row, counts[row.id], at))
        except Damaged as error:
            if damaged is None:
                raise
            damaged.append(error)
    return found


def read(row: Row[Any], counts: Mapping[Status, int], at: lease.Moment | None) -> StudyRecord:
    """Return the record of a row.

    Args:
        row: A row of studies with all columns.
        counts: Number of candidates of the search or comparison by status.
        at: The current time; may be None if the study has no driver.

    Raises:
        Damaged: A column holds an invalid value; the text names the study and the column.
    """
    unnamed = CheckedRow(row._mapping, f"the study with id {row.id}")
    run, optimizer = unnamed.name("run", check_run_name), unnamed.name("optimizer", check_study_label)
    checked = CheckedRow(row._mapping, f"the study {run}/{optimizer}")
    spec = specifications.from_row(checked)
    owner = checked.optional("owner", checked.text)
    if owner is not None:
        for name in ("lease_seconds", "renewed_at", "renewed_uptime"):
            checked.number(name)
    return StudyRecord(
        id=row.id,
        spec=spec,
        status=checked.one_of("status", STATUSES),
        created_at=checked.text("created_at"),
        finished_at=checked.optional("finished_at", checked.text),
        tuned=checked.optional(
            "tuned", lambda column: checked.named_values(column, _named(spec.space), _numbers(spec.space))
        ),
        tuned_genome=checked.optional("tuned_genome", checked.numbers),
        notes=checked.texts("notes"),
        counts=counts,
        owner=owner,
        lease_left=None if owner is None or at is None else lease.seconds_left(row, at),
    )


def _named(space: Mapping[str, Any]) -> list[str]:
    """Return the names of a search space's hyperparameters, those that are fixed last."""
    return [*space["hyperparameters"], *space.get("fixed", ())]


def _numbers(space: Mapping[str, Any]) -> list[str]:
    """Return the names of a search space's hyperparameters that are numbers in every candidate."""
    named = space["hyperparameters"].items()
    return [name for name, one in named if one.get("scale") != "choice" and not one.get("only_when")]
