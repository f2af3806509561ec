"""Errors as RFC 9457 describes them, and as pages for browsers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tuner.core.errors import RESUMABLE, InvalidRequest, LodoTuneError
from tuner.storage import StorageError, UnknownCandidate, UnknownStudy

MEDIA_TYPE = "application/problem+json"

_LOG = logging.getLogger(__name__)


_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, description in (
        (401, "the token is missing or wrong"),
        (404, "there is nothing of this name or number"),
        (421, "the Host is not a name of the service"),
        (422, "a parameter is not accepted; `field` names it"),
        (503, "the database cannot be read, or too many drawings wait"),
    )
}
"""What every resource below /api/v1 may answer, besides its own."""


def problem(
    status: int, title: str, detail: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return a problem as JSON.

    Args:
        status: HTTP status.
        title: Kind of the problem, in words.
        detail: One line about this problem.
        field: Name of the parameter at fault. Default: none.
        headers: Further headers. Default: none.
    """
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if field is not None:
        body["field"] = field
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have an application answer errors with problems, and requests for pages with a page that says the same."""
    from tuner.service.pages.routes import page

    def answer(request: Request, status: int, detail: str, field: str | None = None) -> Response:
        title = HTTPStatus(status).phrase
        below_root = request.url.path.removeprefix(request.scope.get("root_path", ""))
        if below_root.startswith("/api/"):
            return problem(status, title, detail, field=field)
        return page(request, "problem.html", code=status, title=title, detail=detail)

    async def unknown(request: Request, error: Exception) -> Response:
        return answer(request, 404, str(error))

    async def invalid(request: Request, error: Exception) -> Response:
        return answer(request, 422, str(error), error.field if isinstance(error, InvalidRequest) else None)

    async def unvalidated(request: Request, error: Exception) -> Response:
        first: Mapping[str, Any] = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        field = str(first.get("loc", ["request"])[-1])
        return answer(request, 422, f"{field}: {first.get('msg', 'not accepted')}", field)

    async def of_storage(request: Request, error: Exception) -> Response:
        _LOG.warning("%s: %s", type(error).__name__, error)
        may_pass = isinstance(error, StorageError) or getattr(error, "exit_code", 1) in RESUMABLE
        return answer(request, 503 if may_pass else 500, str(error))

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return answer(request, status, f"{request.method} {request.url.path}: {HTTPStatus(status).phrase.lower()}")

    async def unexpected(request: Request, error: Exception) -> Response:
        _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
        return answer(request, 500, "the service has a fault, which its log describes")

    for kind, handler in (
        (UnknownStudy, unknown),
        (UnknownCandidate, unknown),
        (InvalidRequest, invalid),
        (RequestValidationError, unvalidated),
        (LodoTuneError, of_storage),
        (HTTPException, of_http),
        (Exception, unexpected),
    ):
        app.add_exception_handler(kind, handler)
