"""How long a request may wait for its turn.

A request waits for a thread, and then for a connection to the database. While the database hangs or is locked, those in
front hold both for as long as the database is waited for; those behind would wait for many times as long. One that has
waited too long before its first transaction is refused instead.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from tuner.storage.errors import Locked

TURN_SECONDS = 10.0
"""Seconds that a request may wait before its first transaction."""


@dataclass(slots=True)
class _Turn:
    since: float = field(default_factory=time.monotonic)
    has_come: bool = False


_turn: ContextVar[_Turn | None] = ContextVar("turn", default=None)


def begin_to_wait() -> None:
    """Note that the present request begins to wait."""
    _turn.set(_Turn())


def take_turn() -> None:
    """Note that the present request has waited, also in threads that work for it; it is not refused any more."""
    if (turn := _turn.get()) is not None:
        turn.has_come = True


def check_turn() -> None:
    """Take the turn of the present request, if any.

    Raises:
        Locked: It has waited too long.
    """
    turn = _turn.get()
    if turn is None or turn.has_come:
        return
    if time.monotonic() > turn.since + TURN_SECONDS:
        raise Locked(
            f"too many requests wait for the database; this one has waited {TURN_SECONDS:g} s. Try again later"
        )
    turn.has_come = True
