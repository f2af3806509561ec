"""Cursors of lists: the place in an order after which a page begins.

A cursor names the last row that was seen and not a number of rows, so that a page costs the same wherever it is, and a
list that grows meanwhile neither repeats nor skips a row.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass

from tuner.core.errors import InvalidRequest

MAX_LIMIT = 1000
"""Largest number of rows of a page."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an ordered list."""

    order: str  # the order that it belongs to
    value: float  # of the column that the list is sorted by
    id: int  # of the row; decides among equal values
    is_backward: bool = False  # whether the page ends there, and does not begin there

    def text(self) -> str:
        """Return the cursor as text of letters, digits, "-" and "_"."""
        value = repr(self.value) if math.isinf(self.value) else self.value
        parts = json.dumps([self.order, value, self.id, int(self.is_backward)], separators=(",", ":"))
        return base64.urlsafe_b64encode(parts.encode()).rstrip(b"=").decode()


def parse(text: str | None, order: str) -> Cursor | None:
    """Return the cursor that a text stands for; None without one.

    Raises:
        InvalidRequest: The text is no cursor, or one of another order.
    """
    if text is None:
        return None
    try:
        named, value, number, backward = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        cursor = Cursor(str(named), float(value), int(number), bool(backward))
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise InvalidRequest("cursor", "is one that a page of this list returned", text) from None
    if cursor.order != order or math.isnan(cursor.value) or not 0 <= cursor.id < 2**63:
        raise InvalidRequest("cursor", "is one that a page of this list in the same order returned", text)
    return cursor


def check_limit(limit: int) -> int:
    """Return the number of rows of a page.

    Raises:
        InvalidRequest: It is below 1 or above MAX_LIMIT.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest("limit", f"is from 1 to {MAX_LIMIT:,}", limit)
    return limit
