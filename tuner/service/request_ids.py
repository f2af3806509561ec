"""The id of the request that is being answered."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that is being answered; "" outside of one."""


def accepted_or_new(given: str) -> str:
    """Return an id that a client has given, of at most 64 letters, digits, '.', '_' and '-'; or a new one."""
    return given if _SANE.fullmatch(given) else secrets.token_hex(8)
