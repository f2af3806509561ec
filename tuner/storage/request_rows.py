"""Rows of requests: how they are read, locked and changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, select, update

from tuner.core.requests import Cost, Desired, RequestRecord, State
from tuner.storage import lease, processes
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.errors import Damaged, UnknownStudy
from tuner.storage.tables import requests
from tuner.storage.timestamps import now
from tuner.storage.validation import check_run_name

NOBODY: dict[str, Any] = {"owner": None, "owner_machine": None, "owner_started": None, "renewed_at": None,
                           "renewed_uptime": None, "lease_seconds": None, "granted": 0, "used": 0}  # fmt: skip
"""Values of the columns that describe a driver, without one."""


def change(connection: Connection, request_id: int, values: Mapping[str, Any]) -> None:
    """Change a request, and count the change."""
    connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(**values, changed_at=now(), number=requests.c.number + 1)
    )


def locked(connection: Connection, request_id: int) -> Row[Any]:
    """Return a request, locked until the transaction ends.

    Raises:
        UnknownStudy: There is none of this id.
    """
    row = connection.execute(select(requests).where(requests.c.id == request_id).with_for_update()).one_or_none()
    if row is None:
        raise UnknownStudy(f"there is no request with id {request_id}")
    return row


def by_id(connection: Connection, request_id: int) -> RequestRecord:
    """Return a request that exists."""
    row = connection.execute(select(requests).where(requests.c.id == request_id)).one()
    return read(row, lease.moment(connection))


def read(row: Row[Any], at: lease.Moment) -> RequestRecord:
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
