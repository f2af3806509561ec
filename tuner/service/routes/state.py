"""Liveness and readiness of the service."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from tuner.service.metrics import CONTENT_TYPE

router = APIRouter(tags=["state"])


class State(BaseModel):
    """State of the service."""

    status: str


@router.get("/health")
async def health() -> State:  # no thread: requests that wait for the database may have taken all
    """Say that the process answers requests."""
    return State(status="ok")


@router.get("/ready")
def ready(request: Request) -> State:
    """Say that the database can be read; otherwise the answer is 503."""
    request.app.state.store.changes()
    return State(status="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "the metrics"}},
)
def get_metrics(request: Request) -> Response:
    """Return numbers on requests, the queue, runs and streams in the text format of Prometheus; needs a token."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)
