"""Each request has an id, is counted, and is a line of the log.

It is plain ASGI, as the guard is, and stands before it: what the guard refuses is counted as well.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from tuner.service.guard import App, Receive, Scope, Send
from tuner.service.metrics import Metrics
from tuner.service.request_ids import accepted_or_new, request_id
from tuner.service.tokens import Identity
from tuner.service.turns import begin_to_wait

HEADER = "X-Request-ID"
OTHER = "other"  # route of what no route takes
QUIET = ("/health", "/ready", "/metrics")  # asked for every few seconds
_LOG = logging.getLogger("lodo_tune.access")


class Observed:
    """Gives an id to each request, counts it, and writes a line about it.

    The id is that of the request, if it has one of at most 64 letters, digits, dots, hyphens and underscores, or a new
    one. It is in the answer, in problems, and in the log. The line has the path without its query.

    Args:
        app: The application behind it.
        metrics: Count requests.
        unexpected: Answers an error that nothing else has answered.
    """

    def __init__(self, app: App, metrics: Metrics, unexpected: Callable[[Request, Exception], Response]) -> None:
        self._app, self._metrics, self._unexpected = app, metrics, unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = accepted_or_new(Headers(scope=scope).get(HEADER, ""))
        request_id.set(number)  # of this task: there is one per request
        begin_to_wait()
        status, started = 0, time.monotonic()

        async def with_id(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        try:
            await self._app(scope, receive, with_id)
        except Exception as error:
            if status:  # the answer has begun
                raise
            await self._unexpected(Request(scope), error)(scope, receive, with_id)
        finally:
            self._note(scope, status, time.monotonic() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", OTHER)
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "PUT", "POST", "DELETE") else OTHER
        self._metrics.count(method, route, status, seconds)
        identity = scope.get("state", {}).get("identity")
        level = logging.DEBUG if route in QUIET and status < 400 else logging.INFO
        _LOG.log(
            level,
            "%s %s %s",
            method,
            scope["path"],
            status or "cut",
            extra={
                "method": method,
                "path": scope["path"],
                "status": status or None,  # None: the client was gone before the answer began
                "seconds": round(seconds, 4),
                "user": identity.user if isinstance(identity, Identity) else None,
                "client": (scope.get("client") or [None])[0],
            },
        )
