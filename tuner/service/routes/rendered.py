"""GET of what verbs of the command line print or write of runs and studies."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from tuner.api.watching import WatchedStudy
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.results.exports import FORMATS as EXPORT_FORMATS
from tuner.results.tables.table import FORMATS as TABLE_FORMATS
from tuner.service.drawing import Drawer
from tuner.service.reading import Reading
from tuner.service.rendering import Output
from tuner.service.resources import FollowedResource
from tuner.service.routes.outputs import ANY_FILE, drawn, state_tag
from tuner.service.routes.resources import Reader
from tuner.storage import Damaged, UnknownStudy

router = APIRouter(prefix="/api/v1", tags=["outputs"])

Names = Annotated[
    list[Annotated[str, Query(max_length=300)]],
    Query(max_length=500, description="name of a run, or of a study as RUN/OPTIMIZER; repeatable. Default: all"),
]
Name = Annotated[str, Query(max_length=300, description="name of a run, or of a study as RUN/OPTIMIZER")]
Text = Annotated[str | None, Query(max_length=2_000)]
MarginText = Annotated[str | None, Query(max_length=50, description="smallest gain that matters, such as 0.05 or 2%")]
Words = Annotated[list[Annotated[str, Query(max_length=300)]], Query(max_length=100)]
_TEXT_OR_JSON = "text or json"


@router.get("/outputs/studies", response_class=Response, responses=ANY_FILE)
async def list_all(
    request: Request, reader: Reader, format: Annotated[str, Query(description=_TEXT_OR_JSON)] = "json"
) -> Response:
    """Return the list of all studies, as `lodo-tune studies` prints it."""
    return await _made(request, reader, "studies", [], format, {"format": format})


@router.get("/outputs/show", response_class=Response, responses=ANY_FILE)
async def show(
    request: Request, reader: Reader, study: Name, format: Annotated[str, Query(description=_TEXT_OR_JSON)] = "json"
) -> Response:
    """Return the records of studies, as `lodo-tune show` prints them."""
    return await _made(request, reader, "show", [study], format, {"format": format})


@router.get("/outputs/table", response_class=Response, responses=ANY_FILE)
async def table(
    request: Request,
    reader: Reader,
    study: Names = [],  # noqa: B006 - FastAPI copies it
    format: Annotated[str, Query(description=", ".join(TABLE_FORMATS))] = "json",
    details: bool = False,
    by_budget: bool = False,
    profile: bool = False,
    margin: MarginText = None,
    layout: Annotated[str | None, Query(max_length=50, description="one, hyperparameters or paper")] = None,
    columns: Words = [],  # noqa: B006
    precision: int = 2,
    label: Text = None,
    caption: Text = None,
    rename: Annotated[Words, Query(description="A=B, each name once")] = [],  # noqa: B006
    siunitx: bool = False,
) -> Response:
    """Return the tables of runs and studies, as `lodo-tune table` prints them."""
    options: dict[str, Any] = {"format": format}
    if layout is None:
        options |= {"details": details, "by_budget": by_budget, "profile": profile, "margin": margin}
    else:
        named = [tuple(one.split("=", 1)) for one in rename]
        if any(len(one) != 2 or not all(one) for one in named) or len({one[0] for one in named}) < len(named):
            raise InvalidRequest("rename", "takes A=B, each name once", ", ".join(rename))
        options |= {"layout": layout, "columns": columns or None, "precision": precision, "label": label}
        options |= {"caption": caption, "rename": named, "siunitx": siunitx}
    return await _made(request, reader, "table", study, format, options)


@router.get("/outputs/trials", response_class=Response, responses=ANY_FILE)
async def trials(
    request: Request,
    reader: Reader,
    study: Names = [],  # noqa: B006
    format: Annotated[str, Query(description="csv, json or parquet")] = "json",
) -> Response:
    """Return every candidate, as `lodo-tune trials` prints it."""
    return await _made(request, reader, "trials", study, format, {"format": format})


@router.get("/outputs/export", response_class=Response, responses=ANY_FILE)
async def export(
    request: Request,
    reader: Reader,
    study: Name,
    format: Annotated[str, Query(description=", ".join(EXPORT_FORMATS))] = "json",
) -> Response:
    """Return the tuned configuration of a study, as `lodo-tune export` writes it."""
    records, _ = await run_in_threadpool(_found, reader, [study])
    if len(records) != 1:
        names = ", ".join(record.spec.name for record in records)
        raise InvalidRequest("study", f": {study} is a run; export one of {names}")
    return await _made(request, reader, "export", [study], format, {"format": format})


@router.get("/outputs/report", response_class=Response, responses=ANY_FILE)
async def report(
    request: Request,
    reader: Reader,
    study: Names = [],  # noqa: B006
    margin: MarginText = None,
) -> Response:
    """Return a page on runs and studies, as `lodo-tune report` writes it: one HTML file."""
    answer = await _made(request, reader, "report", study, "html", {"margin": margin})
    answer.headers["Content-Disposition"] = "attachment; filename=report.html"
    return answer


_Formats = Annotated[Words, Query(alias="format", description="png, pdf or svg; repeatable. Default: png")]
_Only = Annotated[Words, Query(description="names of figures. Default: all")]
_Width = Annotated[float | None, Query(description="inches")]
_Smooth = Annotated[int | None, Query(description="evaluations per point of a learning curve")]


@router.get("/outputs/figures")
async def figure_files(
    request: Request,
    reader: Reader,
    study: Names = [],  # noqa: B006
    formats: _Formats = [],  # noqa: B006
    only: _Only = [],  # noqa: B006
    width: _Width = None,
    log_y: bool = False,
    smooth: _Smooth = None,
    targets: Text = None,
    by_budget: bool = False,
    profile: bool = False,
) -> list[str]:
    """Return the names of the files that `lodo-tune figures` writes, of figures with nothing to show as well."""
    options = _figure_options(formats, only, width, log_y, smooth, targets, by_budget, profile)
    drawer: Drawer = request.app.state.drawer
    output, state = await run_in_threadpool(_output, reader, "figures", study, options)
    made = await drawer.draw(output, state)
    names: list[str] = json.loads(made.content or b"[]")
    return names


@router.get("/outputs/figures/{file}", response_class=Response, responses=ANY_FILE)
async def figure_file(
    request: Request,
    reader: Reader,
    file: str,
    study: Names = [],  # noqa: B006
    formats: _Formats = [],  # noqa: B006
    only: _Only = [],  # noqa: B006
    width: _Width = None,
    log_y: bool = False,
    smooth: _Smooth = None,
    targets: Text = None,
    by_budget: bool = False,
    profile: bool = False,
) -> Response:
    """Return one of the files of `/outputs/figures`, of the same parameters; 204 while there is nothing to show."""
    options = _figure_options(formats, only, width, log_y, smooth, targets, by_budget, profile)
    return await _made(request, reader, "figures", study, file.rpartition(".")[2], {**options, "file": file})


@router.get("/outputs/logs", response_class=Response, responses=ANY_FILE)
def logs(
    reader: Reader,
    study: Name,
    candidate: Annotated[str, Query(max_length=100, description="such as g03/s07, default/0 or tuned/0")],
) -> Response:
    """Return what the training function of a candidate printed, as `lodo-tune logs` prints it."""
    from tuner.core.candidate_names import key_of

    records, _ = _found(reader, [study])
    key = key_of(candidate)
    text = "".join(reader.store.output(record.id, key) for record in records)
    return Response(text, media_type="text/plain; charset=utf-8")


@router.get("/outputs/watch")
def watch(reader: Reader, study: Name) -> FollowedResource:
    """Return what `lodo-tune watch` shows of a run or a study at this moment."""
    asked = reader.request(study.partition("/")[0])
    try:
        records, _ = _found(reader, [study])
    except UnknownStudy:
        if asked is None or "/" in study:
            raise
        records = []
    return FollowedResource.of([_followed(reader, record) for record in records], asked)


def _followed(reader: Reading, record: StudyRecord) -> WatchedStudy:
    if len(record.spec.workloads) > 1:  # whose scores are of all tasks together
        return WatchedStudy.of(reader.store, record)
    return WatchedStudy.of_totals(reader.totals(record.id))


@router.get("/runs/{name}/database", response_class=Response, responses=ANY_FILE)
async def snapshot(request: Request, reader: Reader, name: str) -> Response:
    """Return a SQLite database of lodo-tune with the rows of a run, curves included, as they are at one moment.

    `tuner.open_database` reads it.
    """
    await run_in_threadpool(reader.run, name)
    answer = await _made(request, reader, "snapshot", [name], "sqlite", {})
    answer.headers["Content-Disposition"] = "attachment; filename=run.db"
    return answer


def _figure_options(
    formats: list[str],
    only: list[str],
    width: float | None,
    log_y: bool,
    smooth: int | None,
    targets: str | None,
    by_budget: bool,
    profile: bool,
) -> dict[str, Any]:
    return {
        "formats": formats or ["png"],
        "only": only or None,
        "width": width,
        "log_y": log_y,
        "smooth": smooth,
        "targets": targets,
        "by_budget": by_budget,
        "profile": profile,
    }


async def _made(
    request: Request, reader: Reading, verb: str, names: list[str], format: str, options: dict[str, Any]
) -> Response:
    output, state = await run_in_threadpool(_output, reader, verb, names, options)
    return await drawn(request, output, format, state)


def _output(reader: Reading, verb: str, names: list[str], options: dict[str, Any]) -> tuple[Output, str]:
    """Return the output that a user may see, and what identifies its state."""
    records, chosen = _found(reader, names)
    output = Output.of(verb, *chosen, **options)
    return output, state_tag(reader, records, output)


def _found(reader: Reading, names: list[str]) -> tuple[list[StudyRecord], list[str]]:
    """Return the studies that are named, and names that stand for them; without a name, for all that may be seen.

    Raises:
        UnknownStudy: A name is not that of a run or study, or is hidden.
        InvalidRequest: There is no study.
    """
    if names:
        return [record for name in names for record in reader.named(name)], names
    damaged: list[Damaged] = []
    records = [one for one in reader.store.studies(damaged) if one.spec.run not in reader.hidden]
    if not records and not damaged:
        raise InvalidRequest("study", ": there is no study yet")
    return records, list(dict.fromkeys(one.spec.run for one in records)) if reader.hidden else []
