"""Tokens of users, and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from tuner.service import problems
from tuner.service.forms import TokenForm
from tuner.service.request_resources import AuditResource, NewTokenResource, TokenResource
from tuner.service.routes.access import Administrator
from tuner.service.tokens import hashed, included, new_token

router = APIRouter(prefix="/api/v1", tags=["tokens"])

_MAX_ID = 2**31 - 1  # of the column


@router.get("/tokens")
def list_tokens(request: Request, user: Administrator) -> list[TokenResource]:
    """Return all tokens, the newest first; the tokens themselves are not stored."""
    return [TokenResource.of(one) for one in request.app.state.store.tokens()]


@router.post("/tokens", status_code=201, responses=problems.OF_CHANGES)
def create_token(request: Request, user: Administrator, form: TokenForm) -> NewTokenResource:
    """Create a token, and show it this once."""
    token = new_token()
    record = request.app.state.store.create_token(
        user=form.user,
        sha256=hashed(token),
        scopes=included(form.scope),
        by=user.user,
        weight=form.weight,
        note=form.note,
        days=form.days,
    )
    return NewTokenResource.with_token(record, token)


@router.delete("/tokens/{token}", responses=problems.OF_CHANGES)
def revoke_token(request: Request, user: Administrator, token: Annotated[int, Path(ge=1, le=_MAX_ID)]) -> TokenResource:
    """Revoke a token; sessions that it began end with it."""
    record = request.app.state.store.revoke_token(token, by=user.user)
    request.app.state.sessions.forget()
    return TokenResource.of(record)


@router.get("/audit")
def list_audit(
    request: Request,
    user: Administrator,
    before: Annotated[int | None, Query(ge=1, le=_MAX_ID, description="id of a line: those before it")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[AuditResource]:
    """Return lines of the audit trail, the newest first."""
    return [AuditResource.of(one) for one in request.app.state.store.trail(before, limit)]
