"""Errors of a service, as those of a call on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.text import one_line
from tuner.storage import UnknownStudy

MAX_DETAIL = 2_000  # characters


class ServiceUnavailable(LodoTuneError):  # noqa: N818 (what is the case)
    """The service cannot be reached, or cannot answer at the moment; try again."""

    exit_code = 75


class ServiceRefused(LodoTuneError):  # noqa: N818 (what is the case)
    """The service has refused a request.

    Args:
        text: One line.
        status: HTTP status of the answer.
        exit_code: Of a command that ends with this error. Default 1.
        differences: Fields of a specification that differ from those of a run of this name, with both values.
            Default: none.
    """

    def __init__(
        self, text: str, status: int, exit_code: int = 1, differences: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.exit_code = exit_code  # type: ignore[misc]
        self.differences = differences


class RunNotCompleted(LodoTuneError):  # noqa: N818 (what is the case)
    """A run that was waited for has failed, or was stopped or cancelled."""


def error_of(status: int, content_type: str, body: bytes, address: str) -> LodoTuneError:
    """Return the error that an answer stands for.

    Args:
        status: HTTP status.
        content_type: Media type of the answer.
        body: Its body.
        address: URL of the service, for what is not an answer of one.
    """
    problem = _problem(content_type, body)
    if problem is None:
        if status in (502, 503, 504):
            return ServiceUnavailable(f"{address} is away: the proxy in front of it answers {status}")
        return ServiceRefused(f"{address} is not a lodo-tune service, or a proxy has refused this: {status}", status)
    detail = one_line(str(problem.get("detail", problem.get("title", status))))[:MAX_DETAIL]
    field, code = problem.get("field"), problem.get("exit_code")
    exit_code = code if isinstance(code, int) and 0 < code < 128 else 2 if status == 422 else 1
    if status == 404:
        return UnknownStudy(detail)
    if status == 422 and isinstance(field, str):
        accepted = problem.get("accepted")
        if isinstance(accepted, str):
            return InvalidRequest(field, one_line(accepted)[:MAX_DETAIL])
        return InvalidRequest(field, f": {detail.removeprefix(f'{field}: ')}")
    if status in (503, 504):
        return ServiceUnavailable(detail)
    differences = problem.get("differences")
    return ServiceRefused(detail, status, exit_code, differences if isinstance(differences, dict) else None)


def _problem(content_type: str, body: bytes) -> dict[str, Any] | None:
    if content_type.partition(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
