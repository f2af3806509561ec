"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

router = APIRouter(tags=["state"])


class State(BaseModel):
    """State of the service."""

    status: str


@router.get("/health")
def health() -> State:
    """Say that the process answers requests."""
    return State(status="ok")


@router.get("/ready")
def ready(request: Request) -> State:
    """Say that the database can be read; otherwise the answer is 503."""
    request.app.state.store.changes()
    return State(status="ok")
