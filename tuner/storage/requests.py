"""Requests: what users want of a run, and its state without a driver."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from tuner.core.requests import REACHED, Desired, RequestRecord, State
from tuner.core.study import SEED_MARK
from tuner.storage import lease
from tuner.storage.errors import NotPossible, StudyExists, UnknownStudy
from tuner.storage.request_rows import NOBODY, by_id, change, read
from tuner.storage.studies import lock_name
from tuner.storage.tables import candidates, evaluations, requests, studies
from tuner.storage.timestamps import now
from tuner.storage.validation import check_run_name


def create(connection: Connection, request: Mapping[str, Any]) -> RequestRecord | None:
    """Insert a request; return None if there is one for a run of this name.

    Raises:
        StudyExists: There is a run of this name that was not submitted.
        BadName: The name breaks the rule for names.
    """
    run = str(request["run"])
    check_run_name(run)
    lock_name(connection, run)
    if by_run(connection, run) is not None:
        return None
    if connection.scalar(select(studies.c.id).where(studies.c.run == run).limit(1)) is not None:
        raise StudyExists(f"there is a run {run} already, which was not submitted here; give another name")
    at = now()
    connection.execute(
        insert(requests).values(
            **{**request, "cost": asdict(request["cost"])},
            desired=Desired.RUN, state=State.QUEUED, reason="waits for the service", created_at=at, changed_at=at,
            failures=0, last_error="", epoch=0, number=0, **NOBODY,
        )
    )  # fmt: skip
    return by_run(connection, run)


def by_run(connection: Connection, run: str) -> RequestRecord | None:
    """Return the request for a run; None without one."""
    if not run.isascii() or "\x00" in run:
        return None
    row = connection.execute(select(requests).where(requests.c.run == run)).one_or_none()
    return None if row is None else read(row, lease.moment(connection))


def named(connection: Connection, run: str) -> RequestRecord:
    """Return the request for a run.

    Raises:
        UnknownStudy: There is none.
    """
    found = by_run(connection, run)
    if found is None:
        raise UnknownStudy(f"there is no run {run!r:.100} that was submitted to the service")
    return found


def listed(connection: Connection, states: Collection[State] | None = None) -> list[RequestRecord]:
    """Return requests in the order of submission.

    Args:
        connection: In a transaction.
        states: States of the requests. Default: all.
    """
    query = select(requests).order_by(requests.c.id)
    if states is not None:
        query = query.where(requests.c.state.in_(list(states)))
    rows = connection.execute(query).all()
    at = lease.moment(connection) if rows else None
    return [read(row, at) for row in rows if at is not None]


def private_runs(connection: Connection, user: str) -> frozenset[str]:
    """Return the names of the private runs of all other users."""
    query = select(requests.c.run).where(requests.c.is_private, requests.c.submitted_by != user)
    return frozenset(connection.scalars(query))


def version(connection: Connection) -> tuple[int, int]:
    """Return a pair that differs after each change of a request but a heartbeat."""
    count, total = connection.execute(select(func.count(), func.coalesce(func.sum(requests.c.number), 0))).one()
    return int(count), int(total)


def ask(connection: Connection, run: str, desired: Desired) -> RequestRecord:
    """Store what is desired of a run; without a driver it is reached at once.

    Raises:
        UnknownStudy: There is no request for this run.
        NotPossible: The run has ended otherwise.
    """
    row = _locked_run(connection, run)
    state = State(row.state)
    if state.is_ended:
        if REACHED.get(desired) != state:
            raise NotPossible(f"the run {run} is {state}; it cannot be asked to {desired}")
        return read(row, lease.moment(connection))
    values: dict[str, Any] = {"desired": desired}
    if not state.has_driver:
        if desired is not Desired.RUN:
            if not (state is State.FAILED and desired is Desired.PAUSE):
                values |= {"state": REACHED[desired], "reason": f"{desired} requested", "expected_in": None}
        elif state is State.PAUSED:
            values |= {"state": State.QUEUED, "reason": "waits for the service", "not_before": None, "failures": 0}
    change(connection, row.id, values)
    return by_id(connection, row.id)


def retry(connection: Connection, run: str) -> RequestRecord:
    """Put a run that has failed, or that waits because its drivers failed, to the queue at once.

    Raises:
        UnknownStudy: There is no request for this run.
        NotPossible: It is none of these.
    """
    row = _locked_run(connection, run)
    state = State(row.state)
    if state is State.FAILED or (state is State.QUEUED and row.failures):
        change(
            connection,
            row.id,
            {"desired": Desired.RUN, "state": State.QUEUED, "reason": "waits for the service", "failures": 0,
             "not_before": None},
        )  # fmt: skip
    elif state is not State.QUEUED and not state.has_driver:
        raise NotPossible(f"the run {run} is {state}; only one that has failed is tried again")
    return by_id(connection, row.id)


def pace(connection: Connection, tasks: Iterable[str], recent: int = 20) -> dict[str, float]:
    """Return the seconds of a cohort per gradient evaluation, by "TASK/OPTIMIZER", as the newest studies measured them.

    Args:
        connection: In a transaction.
        tasks: The tasks.
        recent: Number of studies per task that are read.
    """
    found: dict[str, float] = {}
    for task in dict.fromkeys(tasks):
        newest = (
            select(studies.c.id)
            .where(studies.c.task == task, studies.c.further_tasks.is_(None))
            .order_by(studies.c.id.desc())
            .limit(recent)
        )
        ids = list(connection.scalars(newest))
        done = func.sum(evaluations.c.steps_done)
        rows = connection.execute(
            select(studies.c.optimizer, func.sum(evaluations.c.seconds * studies.c.cohort_size), done)
            .join(candidates, candidates.c.study_id == studies.c.id)
            .join(evaluations, evaluations.c.candidate_id == candidates.c.id)
            .where(studies.c.id.in_(ids))
            .group_by(studies.c.optimizer)
        )
        for name, seconds, count in rows:
            if count:  # of several searches for an optimizer the pace of any is that of all
                found[f"{task}/{name.partition(SEED_MARK)[0]}"] = float(seconds) / float(count)
    return found


def _locked_run(connection: Connection, run: str) -> Row[Any]:
    if run.isascii() and "\x00" not in run:
        row = connection.execute(select(requests).where(requests.c.run == run).with_for_update()).one_or_none()
        if row is not None:
            return row
    raise UnknownStudy(f"there is no run {run!r:.100} that was submitted to the service")
