"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the time of day: UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
