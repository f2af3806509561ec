"""Drivers of requests: how one is started, claims its request, reports and ends.

A driver is started in two steps. The supervisor writes a new epoch, and starts the process; the process claims the
request by that epoch before it does anything else. A supervisor that is killed in between leaves an epoch that nobody
claims, and the next one writes another: a process that is late is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from tuner.core.requests import REACHED, Desired, Orders, Outcome, RequestRecord, State
from tuner.storage import lease, processes
from tuner.storage.errors import LeaseLost
from tuner.storage.request_rows import NOBODY, by_id, change, locked
from tuner.storage.tables import requests
from tuner.storage.timestamps import now
from tuner.storage.validation import clean_message

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


def start(connection: Connection, request_id: int, epoch: int, granted: int) -> int | None:
    """Begin to start a driver: return its epoch; None if the request has changed since it was read.

    Args:
        connection: In a writing transaction.
        request_id: Id of the request.
        epoch: Epoch of the request when it was read.
        granted: Workers that the driver may use at first.
    """
    row = locked(connection, request_id)
    if row.epoch != epoch or row.state != State.QUEUED or row.desired != Desired.RUN:
        return None
    at = lease.moment(connection)
    change(
        connection,
        request_id,
        {**NOBODY, "state": State.STARTING, "reason": "a driver is starting", "expected_in": None,
         "epoch": epoch + 1, "granted": granted, "not_before": None, "lease_seconds": START_LEASE,
         "renewed_at": at.wall, "renewed_uptime": at.uptime, "owner_machine": processes.machine_id()},
    )  # fmt: skip
    return epoch + 1


def name_driver(connection: Connection, request_id: int, epoch: int, owner: str) -> None:
    """Store the process that was started for an epoch, unless it has claimed the request already."""
    pid = processes.pid_of(owner)
    row = locked(connection, request_id)
    if row.epoch == epoch and row.state == State.STARTING and row.owner is None and pid is not None:
        values = {"owner": owner, "owner_started": processes.start_ticks(pid)}
        connection.execute(update(requests).where(requests.c.id == request_id).values(values))


def claim(connection: Connection, request_id: int, epoch: int, owner: str) -> RequestRecord:
    """Become the driver of a request that was started with this epoch.

    Raises:
        LeaseLost: The request has another epoch or another driver, or its driver was taken as lost.
    """
    row = locked(connection, request_id)
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
    change(connection, request_id, values)
    return by_id(connection, request_id)


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
    row = locked(connection, request_id)
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
    row = locked(connection, request_id)
    if row.epoch != epoch or not State(row.state).has_driver:
        return
    desired, error = Desired(row.desired), clean_message(error)
    values: dict[str, Any] = {**NOBODY, "expected_in": None}
    if outcome is Outcome.COMPLETE:
        values |= {"state": State.COMPLETE, "reason": "", "failures": 0, "last_error": ""}
    elif desired in REACHED:
        values |= {"state": REACHED[desired], "reason": f"{desired} requested"}
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
    change(connection, request_id, values)


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
