"""Rows of tokens, and of the audit trail.

Of a token its SHA-256 is stored. It has 256 random bits, so that a slow hash would protect nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from tuner.core.requests import AuditRecord, TokenRecord
from tuner.storage.checked_rows import CheckedRow
from tuner.storage.errors import UnknownToken
from tuner.storage.tables import audit, tokens
from tuner.storage.timestamps import now
from tuner.storage.validation import check_text, clean_message

USED_SECONDS = 60.0
"""Seconds between two changes of the last use of a token."""


def create(
    connection: Connection,
    *,
    user: str,
    sha256: str,
    scopes: Sequence[str],
    weight: float,
    note: str,
    days: float | None,
    by: str,
) -> TokenRecord:
    """Insert a token and return its record."""
    check_text("the name of a user", user, 64)
    at = datetime.now(UTC)
    result = connection.execute(
        insert(tokens).values(
            user_name=user,
            sha256=sha256,
            scopes=list(scopes),
            weight=weight,
            note=clean_message(note, 255),
            created_at=at.isoformat(timespec="milliseconds"),
            created_by=by,
            expires_at=None if days is None else (at + timedelta(days=days)).isoformat(timespec="milliseconds"),
        )
    )
    return by_id(connection, int(result.inserted_primary_key[0]))  # type: ignore[index]


def by_id(connection: Connection, token_id: int) -> TokenRecord:
    """Return a token.

    Raises:
        UnknownToken: There is none.
    """
    row = connection.execute(select(tokens).where(tokens.c.id == token_id)).one_or_none()
    if row is None:
        raise UnknownToken(f"there is no token with id {token_id}")
    return _read(row)


def valid(connection: Connection, *, sha256: str | None = None, token_id: int | None = None) -> TokenRecord | None:
    """Return the token with this hash or this id, if it was neither revoked nor has expired; None otherwise."""
    column, value = (tokens.c.sha256, sha256) if token_id is None else (tokens.c.id, token_id)
    row = connection.execute(select(tokens).where(column == value)).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now()):
        return None
    return _read(row)


def use(connection: Connection, token_id: int) -> None:
    """Store that a token is used now."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now()))


def listed(connection: Connection) -> list[TokenRecord]:
    """Return all tokens, the newest first."""
    return [_read(row) for row in connection.execute(select(tokens).order_by(tokens.c.id.desc()))]


def revoke(connection: Connection, token_id: int) -> TokenRecord:
    """Revoke a token and return its record; one that was revoked stays as it is.

    Raises:
        UnknownToken: There is none.
    """
    unrevoked = (tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
    connection.execute(update(tokens).where(*unrevoked).values(revoked_at=now()))
    return by_id(connection, token_id)


def weights(connection: Connection) -> dict[str, float]:
    """Return the weight of each user: the greatest of the tokens that were not revoked."""
    query = select(tokens.c.user_name, func.max(tokens.c.weight)).where(tokens.c.revoked_at.is_(None))
    return {name: float(weight) for name, weight in connection.execute(query.group_by(tokens.c.user_name))}


def note(connection: Connection, user: str, action: str, subject: str, detail: str = "") -> None:
    """Add a line to the audit trail."""
    row = {"at": now(), "user_name": user, "action": action, "subject": subject[:64], "detail": clean_message(detail)}
    connection.execute(insert(audit).values(row))


def trail(connection: Connection, before: int | None, limit: int) -> list[AuditRecord]:
    """Return lines of the audit trail, the newest first.

    Args:
        connection: In a transaction.
        before: Id of a line; those with a lower id are returned. None: from the newest on.
        limit: Greatest number of lines.
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [
        AuditRecord(id=row.id, at=row.at, user=row.user_name, action=row.action, subject=row.subject, detail=row.detail)
        for row in connection.execute(query)
    ]


def _read(row: Row[Any]) -> TokenRecord:
    checked = CheckedRow(row._mapping, f"the token with id {row.id}")
    return TokenRecord(
        id=row.id,
        user=checked.text("user_name"),
        scopes=checked.texts("scopes"),
        weight=checked.number("weight"),
        note=checked.text("note"),
        created_at=checked.text("created_at"),
        created_by=checked.text("created_by"),
        expires_at=checked.optional("expires_at", checked.text),
        last_used_at=checked.optional("last_used_at", checked.text),
        revoked_at=checked.optional("revoked_at", checked.text),
    )
