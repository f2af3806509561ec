"""Timestamps in human-readable form."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the current time in UTC as ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
