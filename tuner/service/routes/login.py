"""The page to log in: a browser shows the token once, and has a session then."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from tuner.service.guard import COOKIE, session_of
from tuner.service.pages.routes import page
from tuner.service.tokens import SESSION_SECONDS, Sessions

router = APIRouter(include_in_schema=False)

MAX_BODY = 10_000  # bytes


@router.get("/login")
def form(request: Request, next: Annotated[str, Query(max_length=2_000)] = "/") -> Response:
    """Show the form."""
    return page(request, "login.html", title="Log in", next=_own_path(next), problem="")


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session for a browser that sends the token, and show the page that it wanted."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return page(
                request,
                "login.html",
                code=413,
                title="Log in",
                next="/",
                problem="The token is too long; paste only the token.",
            )
    fields = parse_qs(body.decode("utf-8", "replace"))
    sessions: Sessions = request.app.state.sessions
    wanted = _own_path(fields.get("next", ["/"])[0])
    identity = await run_in_threadpool(sessions.identity, fields.get("token", [""])[0].strip())
    if identity is None:
        said = "This is not a token of this service, or it has ended. The first one is printed when the service starts."
        return page(request, "login.html", code=401, title="Log in", next=wanted, problem=said)
    root = request.scope.get("root_path", "").rstrip("/")
    answer = RedirectResponse(f"{root}{wanted}", 303)
    answer.set_cookie(
        COOKIE,
        sessions.begin(identity),
        max_age=int(SESSION_SECONDS),
        path=root or "/",
        secure=request.headers.get("origin", "").startswith("https:"),
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
def log_out(request: Request) -> Response:
    """End the session."""
    if (session := session_of(request.headers)) is not None:
        request.app.state.sessions.end(session)
    root = request.scope.get("root_path", "").rstrip("/")
    answer = RedirectResponse(f"{root}/login", 303)
    answer.delete_cookie(COOKIE, path=root or "/")
    return answer


def _own_path(text: str) -> str:
    """Return a path of this service: no other host, and nothing that a browser could read as one."""
    is_own = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_own else "/"
