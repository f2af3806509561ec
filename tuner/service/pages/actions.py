"""Pages that change something: new runs, verbs, tokens; and the queue.

They need no script.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from tuner.core.errors import InvalidRequest
from tuner.service.forms import ComparisonForm, TokenForm
from tuner.service.pages import form_views, request_views
from tuner.service.pages.routes import page
from tuner.service.planning import Planner
from tuner.service.problems import Contradiction, errors_of
from tuner.service.routes.access import Administrator, Submitter
from tuner.service.routes.resources import Reader
from tuner.service.settings import ServiceSettings
from tuner.service.submitting import VERBS, Validated, steer, submit, validated
from tuner.service.tokens import SCOPES, hashed, included, new_token
from tuner.storage import StudyExists

router = APIRouter(include_in_schema=False)

Fields = dict[str, list[str]]


async def form_of(request: Request) -> Fields:
    """Return the fields of a form that a page has sent; the guard limits its size."""
    body = await request.body()
    return parse_qs(body.decode("utf-8", "replace"), max_num_fields=1_000)


Form = Annotated[Fields, Depends(form_of)]


def _first(form: Fields, field: str) -> str:
    return form.get(field, [""])[0].strip()


def _to(request: Request, path: str) -> Response:
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}{path}", 303)


@router.get("/new")
def new_run(request: Request, user: Submitter, task: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Show the form of a new run."""
    values = form_views.new_run(request.app.state.settings.catalogue, {"task": [task]} if task else {}, None, "")
    return page(request, "new.html", title="New run", **values)


@router.post("/new")
async def submit_run(request: Request, reader: Reader, user: Submitter, form: Form) -> Response:
    """Check a new run, and say what it costs; or submit it, and show it."""
    name = _first(form, "name")
    found = await validated(reader, *_means(request), form_views.body_of(form), name or None)
    submitted = await _submitted(request, reader, form, name, found)
    if isinstance(submitted, Response):
        return submitted
    values = form_views.new_run(request.app.state.settings.catalogue, form, found, name)
    return page(request, "new.html", code=submitted, title="New run", **values)


@router.get("/compare")
def new_comparison(
    request: Request, reader: Reader, user: Submitter, search: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Show the form of a new comparison."""
    form = {"search": [search]} if search else {}
    values = form_views.new_comparison(reader, request.app.state.settings.catalogue, form, None, "")
    return page(request, "compare.html", title="New comparison", **values)


@router.post("/compare")
async def submit_comparison(request: Request, reader: Reader, user: Submitter, form: Form) -> Response:
    """Check a new comparison, and say what it costs; or submit it, and show it."""
    name = _first(form, "name")
    try:
        body = await run_in_threadpool(form_views.comparison_body, reader, form)
        found = await validated(reader, *_means(request), body, name or None, kind=ComparisonForm)
    except InvalidRequest as error:
        found = Validated(None, [{"field": error.field, "message": str(error)}])
    submitted = await _submitted(request, reader, form, name, found)
    if isinstance(submitted, Response):
        return submitted
    catalogue = request.app.state.settings.catalogue
    values = await run_in_threadpool(form_views.new_comparison, reader, catalogue, form, found, name)
    return page(request, "compare.html", code=submitted, title="New comparison", **values)


def _means(request: Request) -> tuple[Planner, ServiceSettings]:
    return request.app.state.planner, request.app.state.settings


async def _submitted(request: Request, reader: Reader, form: Fields, name: str, found: Validated) -> Response | int:
    """Submit what a form asks for, if it does and is valid: the way to its page; otherwise the status of the form.

    What is wrong with the submission is added to the errors that were found.
    """
    if _first(form, "action") != "submit" or found.form is None:
        return 422 if found.errors else 200
    try:
        if not name:
            raise InvalidRequest("name", ": give the run a name")
        record, _ = await submit(reader, *_means(request), name, found.form)
    except (InvalidRequest, Contradiction, StudyExists) as error:
        found.errors.append({"field": "name", "message": str(error)})
        return 422 if isinstance(error, InvalidRequest) else 409
    return _to(request, f"/runs/{quote(record.run, safe='')}")


@router.post("/runs/{name}/verbs")
async def ask(request: Request, reader: Reader, user: Submitter, name: str, form: Form) -> Response:
    """Do what a user asks of a run, and show it."""
    verb = _first(form, "verb")
    if verb not in VERBS:
        raise InvalidRequest("verb", f"is one of {', '.join(VERBS)}", verb)
    await run_in_threadpool(steer, reader, name, verb)
    return _to(request, f"/runs/{quote(name, safe='')}")


@router.get("/queue")
def queue(request: Request, reader: Reader) -> Response:
    """Show the queue."""
    return page(request, "queue.html", title="Queue", **request_views.queue(reader, request.app.state.settings.workers))


@router.get("/tokens")
def tokens(request: Request, user: Administrator) -> Response:
    """Show the tokens."""
    return _tokens(request)


@router.post("/tokens")
async def create_token(request: Request, user: Administrator, form: Form) -> Response:
    """Create a token and show it this once, or say what is wrong."""
    days, weight = _first(form, "days"), _first(form, "weight")
    body: dict[str, Any] = {"user": _first(form, "user"), "note": _first(form, "note")}
    try:
        body |= {"scope": _first(form, "scope") or "submit"}
        body |= {"days": float(days)} if days else {}
        body |= {"weight": float(weight)} if weight else {}
        made = TokenForm.model_validate(body)
    except ValidationError as error:
        first = errors_of(error.errors(include_url=False))[0]
        said = f"{first['field']}: {first['message']}"
        return await run_in_threadpool(_tokens, request, code=422, problem=said)
    except ValueError:
        return await run_in_threadpool(_tokens, request, code=422, problem="days and weight are numbers")
    token = new_token()

    def create() -> Response:
        request.app.state.store.create_token(
            user=made.user,
            sha256=hashed(token),
            scopes=included(made.scope),
            by=user.user,
            weight=made.weight,
            note=made.note,
            days=made.days,
        )
        return _tokens(request, code=201, token=token, its_user=made.user)

    response = await run_in_threadpool(create)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post("/tokens/{token}/revoke")
def revoke_token(request: Request, user: Administrator, token: int) -> Response:
    """Revoke a token, and show the others."""
    request.app.state.store.revoke_token(token, by=user.user)
    request.app.state.sessions.forget()
    return _to(request, "/tokens")


def _tokens(request: Request, *, code: int = 200, **values: Any) -> Response:
    store = request.app.state.store
    return page(
        request,
        "tokens.html",
        code=code,
        title="Tokens",
        tokens=store.tokens(),
        trail=store.trail(limit=50),
        scopes=SCOPES,
        **{"token": "", "its_user": "", "problem": "", **values},
    )
