"""Checks before all routes: Host, Origin, authentication and method.

It is plain ASGI, since Starlette's base class for middleware holds streams back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tuner.service.problems import answer, problem
from tuner.service.settings import ServiceSettings
from tuner.service.tokens import Identity, Sessions
from tuner.service.turns import begin_to_wait
from tuner.storage import StorageError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "lodo_tune_session"
OPEN = ("/login", "/health", "/ready")  # and what is below /static/
SAFE = ("GET", "HEAD")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")  # no route takes other methods, which says so
MAX_BODY = 2 * 2**20  # bytes of a request
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Middleware that checks Host, Origin and authentication.

    - Host must be a name of this service. A page elsewhere that has its own name resolved to this machine has another.
    - A request that is not GET or HEAD needs an Origin of this service, or a token as `Authorization: Bearer`, which
      no other page can send. One with another Origin is refused in any case. Below `/api/` it needs the media type of
      JSON, which no form of another page can send. Its body is at most MAX_BODY bytes.
    - All but the page to log in, its style and `/health` and `/ready` need a token or a session.

    Who asks is put into the state of the request, as `identity`.

    Args:
        app: The application behind it.
        settings: Of the service.
        sessions: Recognises the token and sessions.
    """

    def __init__(self, app: App, settings: ServiceSettings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # there are no web sockets
        root = scope["root_path"] = self._settings.root_path
        if root and scope["path"] != root and not scope["path"].startswith(f"{root}/"):
            scope["path"] = root + scope["path"]  # behind a proxy that takes the root path off

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = await self._refusal(scope, Headers(scope=scope))
        except StorageError as error:  # in which the tokens are
            refused = answer(Request(scope), 503, str(error))
        begin_to_wait()  # anew: who asks may have been looked up
        await (self._app if refused is None else refused)(scope, receive, with_headers)

    async def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the response to a request that is not let through."""
        path = _path(scope)
        if _name(headers.get("host", "")) not in self._settings.accepted_hosts:
            return problem(
                421,
                "Unknown host",
                "the Host header is not a name of this service; use the address that it has printed",
            )
        is_open = path in OPEN or path.startswith("/static/")
        bearer = await self._by_token(headers)
        if scope["method"] not in SAFE and (
            refused := self._refused_change(scope["method"], path, headers, bearer is not None)
        ):
            return refused
        identity = bearer
        if identity is None and not is_open:
            identity = await self._by_session(headers)
        if identity is not None:
            scope.setdefault("state", {})["identity"] = identity
        if identity is not None or is_open:
            return None
        if path.startswith("/api/") or path == "/metrics":
            return problem(
                401,
                "No token",
                "Send a valid token as `Authorization: Bearer TOKEN`.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        wanted = path + (f"?{query}" if (query := scope.get("query_string", b"").decode("latin-1")) else "")
        return RedirectResponse(f"{self._settings.root_path}/login?next={quote(wanted, safe='')}", 303)

    def _refused_change(self, method: str, path: str, headers: Headers, has_token: bool) -> Response | None:
        """Return the response to a request that would change something and is not let through."""
        if not self._is_own_origin(headers) and ("origin" in headers or not has_token):
            return problem(
                403,
                "Another origin",
                "the request does not come from a page of this service; send a token as `Authorization: Bearer TOKEN`",
            )
        if method not in CHANGING:
            return None
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal():
            return problem(411, "No length", "the request must say how long its body is (Content-Length)")
        if int(length[:12]) > MAX_BODY:
            return problem(413, "Too large", f"the body of a request is at most {MAX_BODY:,} bytes")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if path.startswith("/api/") and kind != "application/json":
            return problem(415, "Not JSON", "the request needs Content-Type: application/json, also without a body")
        return None

    async def _by_token(self, headers: Headers) -> Identity | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        return await asyncio.to_thread(self._sessions.identity, token.strip())

    async def _by_session(self, headers: Headers) -> Identity | None:
        session = session_of(headers)
        return None if session is None else await asyncio.to_thread(self._sessions.identity_of_session, session)

    def _is_own_origin(self, headers: Headers) -> bool:
        parts = urlsplit(headers.get("origin", ""))
        return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()


def session_of(headers: Headers) -> str | None:
    """Return the session that a browser sends, whether or not it has ended."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def _path(scope: Scope) -> str:
    """Return the path of a request below the root path."""
    return str(scope["path"]).removeprefix(str(scope.get("root_path", ""))) or "/"


def _name(host: str) -> str:
    """Return the name in a Host, without the port, in lower case."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() and not host.endswith("]") else host.lower()
