"""Errors as RFC 9457 describes them, and as pages for browsers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tuner.core.errors import RESUMABLE, InvalidRequest, LodoTuneError
from tuner.results.exports import NotExported
from tuner.service.own_process import Busy
from tuner.service.rendering import NotAccepted
from tuner.service.request_ids import request_id
from tuner.storage import (
    BadName,
    NotPossible,
    StorageError,
    StudyExists,
    UnknownCandidate,
    UnknownStudy,
    UnknownToken,
)

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
        "field": {"type": "string", "description": "name of the parameter at fault"},
        "accepted": {
            "type": "string",
            "description": "what is said after the name of the field; names of other fields are in braces",
        },
        "request_id": {"type": "string", "description": "of this request in the log of the service"},
        "exit_code": {"type": "integer", "description": "of a command that ends with this error"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "differences": {"type": "object"},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, description in (
        (401, "the token is missing or wrong"),
        (403, "the token does not permit this, or the request comes from another origin"),
        (404, "there is nothing of this name or number"),
        (421, "the Host is not a name of the service"),
        (422, "a parameter is not accepted; `field` names it"),
        (503, "the database cannot be read, or too many drawings wait"),
    )
}
"""What every resource below /api/v1 may answer, besides its own."""


OF_CHANGES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, description in (
        (400, "the body cannot be read"),
        (409, "it contradicts what there is; `differences` has the fields of a specification that differ"),
        (411, "the request does not say how long its body is"),
        (413, "the body is too large"),
        (415, "the body is not JSON"),
    )
}
"""What every resource that changes something may answer as well."""


class Forbidden(LodoTuneError):  # noqa: N818 (what is the case)
    """The token of the user does not permit this."""


class Contradiction(LodoTuneError):  # noqa: N818 (what is the case)
    """A request contradicts what there is.

    Args:
        text: One line.
        differences: Fields that differ, with both values. Default: none.
    """

    def __init__(self, text: str, differences: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.differences = differences


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
    **further: Any,
) -> JSONResponse:
    """Return a problem as JSON.

    Args:
        status: HTTP status.
        title: Kind of the problem, in words.
        detail: One line about this problem.
        field: Name of the parameter at fault. Default: none.
        headers: Further headers. Default: none.
        further: Further members.
    """
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail, **further}
    if field is not None:
        body["field"] = field
    if number := request_id.get():
        body["request_id"] = number
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def errors_of(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the errors of pydantic as fields and messages, at least one; a field of a list is named by its list."""
    errors = []
    for each in found:
        path = [part for part in each.get("loc", ()) if part not in ("body", "query", "path", "header")]
        names = [str(part) for part in path if not isinstance(part, int)] or ["request"]
        errors.append({"field": names[0], "message": str(each.get("msg", "is not accepted"))})
    return errors or [{"field": "request", "message": "is not accepted"}]


def accepted_by(error: InvalidRequest) -> dict[str, str]:
    """Return what an error says after the name of its field, with the names of other fields in braces.

    It is empty where the text does not begin with the field.
    """
    field, text = f"{{{error.field}}}", error.text(lambda name: f"{{{name}}}")
    return {"accepted": text.removeprefix(field).lstrip()} if text.startswith(field) else {}


def _exit_code(error: Exception) -> int:
    return int(getattr(error, "exit_code", 1))


def answer(request: Request, status: int, detail: str, field: str | None = None, **further: Any) -> Response:
    """Return a problem, or an error page where a page was requested.

    Args:
        request: The request.
        status: HTTP status.
        detail: One line about this problem.
        field: Name of the parameter at fault. Default: none.
        further: Further members of a problem.
    """
    from tuner.service.pages.routes import page

    title = HTTPStatus(status).phrase
    below_root = request.url.path.removeprefix(request.scope.get("root_path", ""))
    if below_root.startswith("/api/") or below_root == "/metrics":
        return problem(status, title, detail, field=field, **further)
    may_pass = status == HTTPStatus.SERVICE_UNAVAILABLE
    return page(request, "problem.html", code=status, title=title, detail=detail, may_pass=may_pass)


def install(app: FastAPI) -> Callable[[Request, Exception], Response]:
    """Install error handlers that return problems, or an error page where a page was requested.

    Returns:
        The handler of an error that no other handler takes: a fault of the service.
    """

    async def unknown(request: Request, error: Exception) -> Response:
        return answer(request, 404, str(error))

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, InvalidRequest):
            return answer(request, 422, str(error), exit_code=_exit_code(error))
        return answer(request, 422, str(error), error.field, **accepted_by(error), exit_code=error.exit_code)

    async def unvalidated(request: Request, error: Exception) -> Response:
        found = errors_of(error.errors() if isinstance(error, RequestValidationError) else [])
        first = found[0]
        return answer(request, 422, f"{first['field']}: {first['message']}", first["field"], errors=found)

    async def refused(request: Request, error: Exception) -> Response:
        return answer(request, 403, str(error))

    async def contradicting(request: Request, error: Exception) -> Response:
        further: dict[str, Any] = {}
        if isinstance(error, Contradiction) and error.differences is not None:
            further["differences"] = error.differences
        return answer(request, 409, str(error), **further)

    async def of_storage(request: Request, error: Exception) -> Response:
        _LOG.warning("%s: %s", type(error).__name__, error)
        may_pass = isinstance(error, StorageError) or getattr(error, "exit_code", 1) in RESUMABLE
        response = answer(request, 503 if may_pass else 500, str(error), exit_code=_exit_code(error))
        if isinstance(error, Busy):
            response.headers["Retry-After"] = "1"
        return response

    async def of_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = f"{request.method} {request.url.path}: {HTTPStatus(status).phrase.lower()}"
        response = answer(request, status, detail)
        response.headers.update(getattr(error, "headers", None) or {})
        template = getattr(request.scope.get("route"), "path", None)
        if status == HTTPStatus.METHOD_NOT_ALLOWED and (methods := request.app.openapi()["paths"].get(template)):
            # The router names the methods of one function alone, where several have the same path.
            response.headers["Allow"] = ", ".join(sorted(method.upper() for method in methods))
        return response

    def unexpected(request: Request, error: Exception) -> Response:
        _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
        return answer(request, 500, "internal error; ask the operator to check the service log")

    for kind, handler in (
        (UnknownStudy, unknown),
        (UnknownCandidate, unknown),
        (UnknownToken, unknown),
        (Forbidden, refused),
        (Contradiction, contradicting),
        (NotPossible, contradicting),
        (StudyExists, contradicting),
        (BadName, invalid),
        (InvalidRequest, invalid),
        (NotAccepted, invalid),
        (NotExported, invalid),
        (RequestValidationError, unvalidated),
        (LodoTuneError, of_storage),
        (HTTPException, of_http),
    ):
        app.add_exception_handler(kind, handler)
    return unexpected
