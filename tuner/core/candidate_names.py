"""Names of candidates, as people write them."""

from __future__ import annotations

import re

from tuner.core.errors import InvalidRequest
from tuner.core.trial import Key, Role

_SEARCHED = re.compile(r"g(\d{1,6})/s(\d{1,6})")
_FRESH = re.compile(r"(default|tuned)[/ ]s?(\d{1,6})")


def key_of(name: str) -> Key:
    """Return the key of a candidate of a search: of "g03/s07", or of "default/0" or "tuned/0" on fresh seeds.

    Raises:
        InvalidRequest: The name has another form.
    """
    if match := _SEARCHED.fullmatch(name):
        return Key(Role.SEARCH, int(match[1]), int(match[2]))
    if match := _FRESH.fullmatch(name):
        return Key(Role(match[1]), 0, int(match[2]))
    raise InvalidRequest("candidate", "is a generation and a slot, as in g03/s07, or default/0 or tuned/0", name)


def name_of(key: Key) -> str:
    """Return the name of a candidate of a search, as `key_of` reads it."""
    return f"g{key.generation:02d}/s{key.slot:02d}" if key.role is Role.SEARCH else f"{key.role.value}/{key.slot}"
