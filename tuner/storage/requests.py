"""Rows of requests: what users want of a run, and what was reached.

A driver is started in two steps. The supervisor writes a new epoch, and starts the process; the process claims the
request by that epoch before it does anything else. A supervisor that is killed in between leaves an epoch that nobody
claims, and the next one writes another: a process that is late is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from tuner.core.requests import REACHED, Cost, Desired, Orders, Outcome, RequestRecord, State
from tuner.storage import lease, processes
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.errors import Damaged, LeaseLost, NotPossible, StudyExists, UnknownStudy
from tuner.storage.studies import lock_name
from tuner.storage.tables import candidates, evaluations, requests, studies
from tuner.storage.timestamps import now
from tuner.storage.validation import check_run_name, clean_message

DRIVER_LEASE = 20.0
"""Seconds after the last heartbeat of a driver until it is taken as lost."""

START_LEASE = 60.0
"""Seconds within which a driver that was started has to claim its request."""

RENEWAL = 3.0
"""Seconds between two heartbeats that are written; what is desired is read more often."""

MAX_FAILURES = 8
"""Drivers in a row that may die or fail, before the request fails."""

MAX_BACK_OFF = 600.0
"""Greatest number of seconds between two drivers of which the first has died or failed."""

MAX_REASON = 300
"""Characters of an error in the reason; all of it is in `last_error`."""

_RUNNING = (State.STARTING, State.RUNNING)
_NOBODY: dict[str, Any] = {"owner": None, "owner_machine": None, "owner_started": None, "renewed_at": None,
                           "renewed_uptime": None, "lease_seconds": None, "granted": 0, "used": 0}  # fmt: skip


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
            failures=0, last_error="", epoch=0, number=0, **_NOBODY,
        )
    )  # fmt: skip
    return by_run(connection, run)


def by_run(connection: Connection, run: str) -> RequestRecord | None:
    """Return the request for a run; None without one."""
    if not run.isascii() or "\x00" in run:
        return None
    row = connection.execute(select(requests).where(requests.c.run == run)).one_or_none()
    return None if row is None else _read(row, lease.moment(connection))


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
    return [_read(row, at) for row in rows if at is not None]


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
        return _read(row, lease.moment(connection))
    values: dict[str, Any] = {"desired": desired}
    if not state.has_driver:
        if desired is not Desired.RUN:
            if not (state is State.FAILED and desired is Desired.PAUSE):
                values |= {"state": REACHED[desired], "reason": f"asked to {desired}", "expected_in": None}
        elif state is State.PAUSED:
            values |= {"state": State.QUEUED, "reason": "waits for the service", "not_before": None, "failures": 0}
    _change(connection, row.id, values)
    return _by_id(connection, row.id)


def retry(connection: Connection, run: str) -> RequestRecord:
    """Put a run that has failed, or that waits because its drivers failed, to the queue at once.

    Raises:
        UnknownStudy: There is no request for this run.
        NotPossible: It is none of these.
    """
    row = _locked_run(connection, run)
    state = State(row.state)
    if state is State.FAILED or (state is State.QUEUED and row.failures):
        _change(
            connection,
            row.id,
            {"desired": Desired.RUN, "state": State.QUEUED, "reason": "waits for the service", "failures": 0,
             "not_before": None},
        )  # fmt: skip
    elif state is not State.QUEUED and not state.has_driver:
        raise NotPossible(f"the run {run} is {state}; only one that has failed is tried again")
    return _by_id(connection, row.id)


def start(connection: Connection, request_id: int, epoch: int, granted: int) -> int | None:
    """Begin to start a driver: return its epoch; None if the request has changed since it was read.

    Args:
        connection: In a writing transaction.
        request_id: Id of the request.
        epoch: Epoch of the request when it was read.
        granted: Workers that the driver may use at first.
    """
    row = _locked(connection, request_id)
    if row.epoch != epoch or row.state != State.QUEUED or row.desired != Desired.RUN:
        return None
    at = lease.moment(connection)
    _change(
        connection,
        request_id,
        {**_NOBODY, "state": State.STARTING, "reason": "a driver is starting", "expected_in": None,
         "epoch": epoch + 1, "granted": granted, "not_before": None, "lease_seconds": START_LEASE,
         "renewed_at": at.wall, "renewed_uptime": at.uptime, "owner_machine": processes.machine_id()},
    )  # fmt: skip
    return epoch + 1


def name_driver(connection: Connection, request_id: int, epoch: int, owner: str) -> None:
    """Store the process that was started for an epoch, unless it has claimed the request already."""
    pid = processes.pid_of(owner)
    row = _locked(connection, request_id)
    if row.epoch == epoch and row.state == State.STARTING and row.owner is None and pid is not None:
        values = {"owner": owner, "owner_started": processes.start_ticks(pid)}
        connection.execute(update(requests).where(requests.c.id == request_id).values(values))


def claim(connection: Connection, request_id: int, epoch: int, owner: str) -> RequestRecord:
    """Become the driver of a request that was started with this epoch.

    Raises:
        LeaseLost: The request has another epoch or another driver, or its driver was taken as lost.
    """
    row = _locked(connection, request_id)
    if row.epoch != epoch or not State(row.state).has_driver or row.owner not in (None, owner):
        raise LeaseLost(f"another driver has taken the run {row.run}, or it was told to wait")
    pid, at = processes.pid_of(owner), lease.moment(connection)
    values = {
        "state": State.RUNNING,
        "reason": "",
        "owner": owner,
        "owner_machine": processes.machine_id(),
        "owner_started": None if pid is None else processes.start_ticks(pid),
        "lease_seconds": DRIVER_LEASE,
        "renewed_at": at.wall,
        "renewed_uptime": at.uptime,
    }
    _change(connection, request_id, values)
    return _by_id(connection, request_id)


def orders(connection: Connection, request_id: int, epoch: int) -> tuple[Orders, int, float]:
    """Return what the driver of an epoch is told, how many workers it has reported, and the age of its heartbeat.

    Raises:
        LeaseLost: It is no longer the driver.
    """
    row = connection.execute(select(requests).where(requests.c.id == request_id)).one_or_none()
    if row is None or row.epoch != epoch or row.state != State.RUNNING:
        raise LeaseLost("the service has started another driver, or has taken this one as lost")
    age = lease.heartbeat_age(row, lease.moment(connection))
    return Orders(Desired(row.desired), int(row.granted)), int(row.used), age


def beat(connection: Connection, request_id: int, epoch: int, using: int, has_results: bool) -> None:
    """Renew the lease of a driver, and store how many workers it uses.

    Args:
        connection: In a writing transaction.
        request_id: Id of the request.
        epoch: Of the driver.
        using: Workers that it uses.
        has_results: Whether it has recorded results, so that the failures of its predecessors are forgotten.

    Raises:
        LeaseLost: It is no longer the driver.
    """
    row = _locked(connection, request_id)
    if row.epoch != epoch or row.state != State.RUNNING:
        raise LeaseLost("the service has started another driver, or has taken this one as lost")
    at = lease.moment(connection)
    values = {"used": using, "renewed_at": at.wall, "renewed_uptime": at.uptime}
    if has_results:
        values["failures"] = 0
    connection.execute(update(requests).where(requests.c.id == request_id).values(values))


def end(connection: Connection, request_id: int, epoch: int, outcome: Outcome, error: str) -> None:
    """Store how the driver of an epoch has ended. Repeating the call changes nothing.

    Args:
        connection: In a writing transaction.
        request_id: Id of the request.
        epoch: Of the driver.
        outcome: How it has ended.
        error: One line, or several lines of a crash; "" without an error.
    """
    row = _locked(connection, request_id)
    if row.epoch != epoch or not State(row.state).has_driver:
        return
    desired, error = Desired(row.desired), clean_message(error)
    values: dict[str, Any] = {**_NOBODY, "expected_in": None}
    if outcome is Outcome.COMPLETE:
        values |= {"state": State.COMPLETE, "reason": "", "failures": 0, "last_error": ""}
    elif desired in REACHED:
        values |= {"state": REACHED[desired], "reason": f"asked to {desired}"}
    elif outcome is Outcome.DRAINED:
        values |= {"state": State.QUEUED, "reason": "other runs have the workers", "failures": 0}
    elif outcome is Outcome.FAILED:
        values |= {"state": State.FAILED, "reason": error.partition("\n")[0][:MAX_REASON], "last_error": error}
    else:
        failures = row.failures + 1
        last = (error.strip() or "its driver has ended without an error message").splitlines()[-1][:MAX_REASON]
        values |= {"failures": failures, "last_error": error}
        if failures >= MAX_FAILURES:
            values |= {"state": State.FAILED, "reason": f"{failures} drivers in a row have died: {last}"}
        else:
            wait = min(MAX_BACK_OFF, 2.0**failures)
            values |= {"state": State.QUEUED, "not_before": lease.moment(connection).wall + wait}
            values |= {"reason": f"its driver has died {failures} times in a row; tried again after {wait:g} s: {last}"}
    _change(connection, request_id, values)


def grant(connection: Connection, granted: Mapping[int, int], waiting: Mapping[int, tuple[str, float | None]]) -> None:
    """Store how many workers drivers may use, and why requests wait, where that has changed.

    Args:
        connection: In a writing transaction.
        granted: Workers by the id of a request with a driver.
        waiting: By the id of a request that waits: the reason, and the seconds until it is expected to start.
    """
    for request_id, workers in granted.items():
        connection.execute(
            update(requests)
            .where(requests.c.id == request_id, requests.c.state.in_(_RUNNING), requests.c.granted != workers)
            .values(granted=workers, changed_at=now(), number=requests.c.number + 1)
        )
    for request_id, (reason, expected) in waiting.items():
        connection.execute(
            update(requests)
            .where(requests.c.id == request_id, requests.c.state == State.QUEUED)
            .values(reason=reason, expected_in=expected, changed_at=now(), number=requests.c.number + 1)
        )


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
        found |= {f"{task}/{name}": float(seconds) / float(count) for name, seconds, count in rows if count}
    return found


def _change(connection: Connection, request_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(**values, changed_at=now(), number=requests.c.number + 1)
    )


def _locked(connection: Connection, request_id: int) -> Row[Any]:
    row = connection.execute(select(requests).where(requests.c.id == request_id).with_for_update()).one_or_none()
    if row is None:
        raise UnknownStudy(f"there is no request with id {request_id}")
    return row


def _locked_run(connection: Connection, run: str) -> Row[Any]:
    if run.isascii() and "\x00" not in run:
        row = connection.execute(select(requests).where(requests.c.run == run).with_for_update()).one_or_none()
        if row is not None:
            return row
    raise UnknownStudy(f"there is no run {run!r:.100} that was submitted to the service")


def _by_id(connection: Connection, request_id: int) -> RequestRecord:
    row = connection.execute(select(requests).where(requests.c.id == request_id)).one()
    return _read(row, lease.moment(connection))


def _read(row: Row[Any], at: lease.Moment) -> RequestRecord:
    """Return the record of a row.

    Raises:
        Damaged: A column holds an invalid value.
    """
    checked = CheckedRow(row._mapping, f"the request with id {row.id}")
    state = State(checked.one_of("state", list(State)))
    left = None
    if state.has_driver:
        if row.owner is None:
            left = max(0.0, checked.number("lease_seconds") - lease.heartbeat_age(row, at))
        else:
            left = lease.seconds_left(row, at)
    return RequestRecord(
        id=row.id,
        run=checked.name("run", check_run_name),
        submitted_by=checked.text("submitted_by"),
        is_private=bool(row.is_private),
        weight=checked.number("weight"),
        fields=_mapping(checked, "fields"),
        cost=_cost(checked),
        desired=Desired(checked.one_of("desired", list(Desired))),
        state=state,
        reason=checked.text("reason"),
        expected_in=checked.optional("expected_in", checked.number),
        created_at=checked.text("created_at"),
        changed_at=checked.text("changed_at"),
        epoch=checked.integer("epoch"),
        failures=checked.integer("failures"),
        waits=0.0 if row.not_before is None else max(0.0, checked.number("not_before") - at.wall),
        last_error=checked.text("last_error"),
        granted=checked.integer("granted"),
        using=checked.integer("used"),
        driver=checked.optional("owner", checked.text),
        driver_left=left,
        driver_lives=row.owner is not None and processes.lives(row.owner, row.owner_machine, row.owner_started),
    )


def _mapping(checked: CheckedRow, column: str) -> dict[str, Any]:
    value = checked.values[column]
    if not isinstance(value, dict):
        raise Damaged(f"{checked.description} is damaged: its {column} is not a mapping")
    return dict(value)


def _cost(checked: CheckedRow) -> Cost:
    value = _mapping(checked, "cost")
    try:
        return Cost(**value)
    except TypeError:
        raise Damaged(f"{checked.description} is damaged: its cost has other fields") from None
