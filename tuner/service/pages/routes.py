"""Addresses of the pages that show runs, studies and candidates."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from tuner.core.aggregates import CandidateFilter
from tuner.core.trial import Key, Status
from tuner.results.report.pages import environment
from tuner.service.caching import headers, not_modified, state_of, tag
from tuner.service.pages import request_views, views
from tuner.service.routes.resources import Cursor, Reader

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STATIC = {"page.css": "text/css", "live.js": "text/javascript"}


def page(request: Request, template: str, *, code: int = 200, entity_tag: str | None = None, **values: Any) -> Response:
    """Return a page; every text in it is escaped.

    Args:
        request: The request, for the path under which the service is reached.
        template: Name of a file in `templates`.
        code: HTTP status. Default 200.
        entity_tag: What identifies the state that the page shows. Default: none.
        values: Variables of the template.
    """
    pages = environment(__package__, "tuner.results.report")
    text = pages.get_template(template).render(
        root=request.scope.get("root_path", "").rstrip("/"),
        here=request.url.path,
        path=_path,
        identity=getattr(request.state, "identity", None),
        **values,
    )
    extra = {} if entity_tag is None else headers(entity_tag)
    return HTMLResponse(text, code, {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", **extra})


def _path(*parts: object) -> str:
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Return the style sheet or a script."""
    if name not in STATIC:
        return Response(status_code=404)
    content = resources.files(__package__).joinpath("static", name).read_bytes()
    return Response(content, media_type=STATIC[name], headers={"Cache-Control": "public, max-age=300"})


@router.get("/")
def home(
    request: Request,
    reader: Reader,
    status: Annotated[str | None, Query(max_length=20)] = None,
    task: Annotated[str | None, Query(max_length=300)] = None,
    cursor: Cursor = None,
) -> Response:
    """Show the runs."""
    return page(
        request,
        "home.html",
        title="Runs",
        **views.home(reader, cursor=cursor, task=task or None, status=status or None),
    )


@router.get("/runs/{name}")
def run(request: Request, reader: Reader, name: str) -> Response:
    """Show a run."""
    records, asked = reader.run_or_request(name)
    state = tag("run page", state_of(records, reader.store.changes()), asked, request.scope.get("root_path"))
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    steering: dict[str, Any] = {"asked": None} if asked is None else request_views.steering(reader, asked)
    if not records:
        return page(request, "request.html", title=name, entity_tag=state, **steering)
    is_search = records[0].is_search
    if is_search and not views.is_on_several_tasks(records[0]):
        template, view = "run.html", views.search_run
    else:
        template = "tables_run.html"
        view = views.search_on_several_tasks if is_search else views.comparison_run
    return page(request, template, title=name, entity_tag=state, **view(reader, name), **steering)


@router.get("/runs/{name}/figures")
def figures(request: Request, reader: Reader, name: str) -> Response:
    """Show the figures of a run."""
    from tuner.results.figures import kinds_for

    records = reader.run(name)
    kinds = kinds_for(is_search=records[0].is_search)
    return page(request, "figures_page.html", title=f"Figures of {name}", name=name, kinds=kinds)


@router.get("/studies/{study}")
def study(request: Request, reader: Reader, study: int, all: bool = False) -> Response:
    """Show a study."""
    record = reader.study(study)
    state = tag("study page", state_of([record], reader.store.changes()), all, request.scope.get("root_path"))
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    values = views.study(reader, study, shows_all=all)
    return page(request, "study.html", title=record.spec.name, entity_tag=state, **values)


@router.get("/studies/{study}/candidates")
def candidates(
    request: Request,
    reader: Reader,
    study: int,
    status: Annotated[str, Query(max_length=20)] = "",
    generation: Annotated[str, Query(max_length=10, pattern=r"^\d*$")] = "",
    sort: Annotated[str, Query(max_length=20)] = "id",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Show a part of the candidates of a study."""
    record = reader.study(study)
    shown = CandidateFilter(
        status=Status(status) if status in views.STATUSES else None,
        generation=int(generation) if generation else None,
    )
    found, total = reader.candidates(study, sort=sort, shown=shown, cursor=cursor, limit=limit)
    return page(
        request,
        "candidates.html",
        title=f"Candidates of {record.spec.name}",
        record=record,
        page=found,
        total=total,
        query={"status": status, "generation": generation, "sort": sort, "limit": limit},
        statuses=views.STATUSES,
        sizes=views.PAGE_SIZES,
        **views.candidates(reader, record, found.rows),
    )


@router.get("/candidates/{candidate}")
def candidate(request: Request, reader: Reader, candidate: int) -> Response:
    """Show a candidate."""
    record, row = reader.candidate(candidate)
    key = row.record.key
    neighbours = {
        word: reader.candidate_id(row.study_id, Key(key.role, key.generation, key.slot + step))
        for word, step in (("previous", -1), ("next", 1))
    }
    values = views.candidate(reader, record, row)
    title = f"{values['label']} of {record.spec.name}"
    return page(request, "candidate.html", title=title, neighbours=neighbours, is_due=key.role.is_due, **values)
