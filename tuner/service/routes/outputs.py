"""GET of tables, figures, reports and exports.

Their content is what the command line writes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from tuner.api.reading import summary_of, table_by_budget, table_of
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.results import exports
from tuner.results.figures import kinds_for
from tuner.results.tables.table import FORMATS as TABLE_FORMATS
from tuner.service.caching import headers, not_modified, state_of, tag
from tuner.service.drawing import Drawer
from tuner.service.reading import Reading
from tuner.service.rendering import Output, Rendered
from tuner.service.routes.resources import Reader

router = APIRouter(prefix="/api/v1", tags=["outputs"])

MEDIA_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "sqlite": "application/vnd.sqlite3",
}
FAULT = "Lodo-Tune-Fault"
"""Header that says, percent-encoded, what could not be read, of what is shown otherwise."""

_TEXT = "text/plain; charset=utf-8"
# A document from here runs no script of this origin, whatever names it holds.
_SANDBOX = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
ANY_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {kind.partition(";")[0]: {} for kind in (*MEDIA_TYPES.values(), _TEXT)},
        "description": "the file, of the media type of its format",
    },
    204: {"description": "there is nothing to show yet"},
    304: {"description": "not modified"},
}
"""Answers of a resource whose content is a file."""


@router.get("/runs/{name}/table", response_class=Response, responses=ANY_FILE)
def get_table(
    request: Request,
    reader: Reader,
    name: str,
    format: Annotated[str, Query(description=", ".join(TABLE_FORMATS))] = "json",
    by_budget: bool = False,
) -> Response:
    """Return the table of a run, as `lodo-tune table` prints it."""
    if format not in TABLE_FORMATS:
        raise InvalidRequest("format", f"is one of {', '.join(TABLE_FORMATS)}", format)
    records = reader.run(name)
    state = state_tag(reader, records, "table", format, by_budget)
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    text = (table_by_budget if by_budget else table_of)(reader.store, records).to_format(format)
    return _file(f"{text}\n".encode(), format, state)


@router.get("/runs/{name}/figures/{figure}", response_class=Response, responses=ANY_FILE)
async def get_figure(
    request: Request, reader: Reader, name: str, figure: str, format: Literal["svg", "png", "pdf"] = "svg"
) -> Response:
    """Return a figure of a run, as `lodo-tune figures` draws it; 204 while there is nothing to draw."""
    from fastapi.concurrency import run_in_threadpool

    records, state = await run_in_threadpool(_run_and_state, reader, name, figure, format)
    names = [kind.name for kind in kinds_for(is_search=records[0].is_search)]
    if figure not in names:
        raise InvalidRequest("figure", f"is one of {', '.join(names)}", figure)
    return await drawn(request, Output.of("figure", name, figure=figure, format=format), format, state)


@router.get("/runs/{name}/report", response_class=Response, responses=ANY_FILE)
async def get_report(request: Request, reader: Reader, name: str) -> Response:
    """Return the report of a run, as `lodo-tune report` writes it: one HTML file."""
    from fastapi.concurrency import run_in_threadpool

    _, state = await run_in_threadpool(_run_and_state, reader, name, "report", "html")
    response = await drawn(request, Output.of("report", name), "html", state)
    response.headers["Content-Disposition"] = "attachment; filename=report.html"
    return response


@router.get("/studies/{study}/export", response_class=Response, responses=ANY_FILE)
def get_export(
    request: Request,
    reader: Reader,
    study: int,
    format: Annotated[str, Query(description=", ".join(exports.FORMATS))] = "json",
) -> Response:
    """Return the tuned configuration of a search, as `lodo-tune export` prints it."""
    record = reader.study(study)
    if format not in exports.FORMATS:
        raise InvalidRequest("format", f"is one of {', '.join(exports.FORMATS)}", format)
    if not record.is_search:
        raise InvalidRequest("study", f": {record.spec.name} is part of a comparison, which tunes nothing")
    state = state_tag(reader, [record], "export", format)
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    text = exports.export(record, format, summary_of(reader.store, record))
    return _file(f"{text}\n".encode(), format, state)


def _run_and_state(reader: Reading, name: str, what: str, format: str) -> tuple[list[StudyRecord], str]:
    records = reader.run(name)
    return records, state_tag(reader, records, what, format)


def state_tag(reader: Reading, records: list[StudyRecord], *what: object) -> str:
    """Return what identifies the state that an output of some studies shows."""
    return tag(*what, state_of(records, reader.store.changes()))


async def drawn(request: Request, output: Output, format: str, state: str) -> Response:
    """Return an output as a file, or that the client has it already; 204 if there is nothing to show yet.

    Args:
        request: The request.
        output: What is to be made.
        format: Its format, of which there is a media type.
        state: What identifies the state that it shows.
    """
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    drawer: Drawer = request.app.state.drawer
    made: Rendered = await drawer.draw(output, state)
    answer = Response(status_code=204) if made.content is None else _file(made.content, format, state)
    if made.fault:
        answer.headers[FAULT] = quote(made.fault, safe=" ,:;()/'")
    return answer


def _file(content: bytes, format: str, state: str) -> Response:
    kind = MEDIA_TYPES.get(format, _TEXT)
    return Response(
        content, media_type=kind, headers={**headers(state), **_SANDBOX, "X-Content-Type-Options": "nosniff"}
    )
