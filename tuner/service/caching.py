"""Entity tags: what identifies the state that an answer shows.

A repeated request for an unchanged state costs a comparison.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fastapi import Request, Response

from tuner.core.study import StudyRecord

VARY = "Accept, Authorization, Cookie"


def tag(*parts: object) -> str:
    """Return a weak entity tag of some parts: equal parts give the same tag."""
    digest = hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f'W/"{digest}"'


def state_of(records: Iterable[StudyRecord], changes: dict[int, int]) -> tuple[object, ...]:
    """Return what identifies the state of some studies.

    Args:
        records: The studies.
        changes: Number of changes by the id of a study; see `tuner.storage.changes`.
    """
    return tuple(
        (record.id, record.status, record.owner, record.lease_left == 0, changes.get(record.id, 0))
        for record in records
    )


def not_modified(request: Request, entity_tag: str) -> Response | None:
    """Return the answer 304 if the client has this state already; None otherwise."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if entity_tag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers(entity_tag))
    return None


def headers(entity_tag: str) -> dict[str, str]:
    """Return the headers of an answer that a browser may keep for itself, and must ask about before it shows it."""
    return {"ETag": entity_tag, "Cache-Control": "private, no-cache", "Vary": VARY}
