"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from tuner.service.routes.resources import Reader

router = APIRouter(tags=["state"])


class State(BaseModel):
    """State of the service."""

    status: str


@router.get("/health")
def health() -> State:
    """Say that the process answers requests."""
    return State(status="ok")


@router.get("/ready")
def ready(reader: Reader) -> State:
    """Say that the database can be read; otherwise the answer is 503."""
    reader.store.changes()
    return State(status="ok")
