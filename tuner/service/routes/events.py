"""GET of changes, as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from tuner.service.live import Watcher
from tuner.service.routes.resources import Reader
from tuner.service.turns import take_turn

router = APIRouter(prefix="/api/v1", tags=["events"])


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "the stream"}},
)
async def events(
    request: Request, reader: Reader, last_event_id: Annotated[str | None, Header(max_length=100)] = None
) -> StreamingResponse:
    """Stream changes of studies: `study` with {study, run, number}, or `resync`, after which everything is read again.

    `queue` says that requests have changed, and `database` with {available} that the database cannot be read, or can be
    read again.

    `number` counts the changes of a study, and is null once it is deleted. The id of an event is the cursor, which a
    client sends as Last-Event-ID to go on after a cut.
    """
    take_turn()
    watcher: Watcher = request.app.state.watcher
    stream = watcher.stream(last_event_id, lambda run: run in request.app.state.reading(request).hidden)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
