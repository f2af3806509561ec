"""Submission of runs, the queue, and the verbs that steer runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from tuner.core.requests import State
from tuner.service import problems, submitting
from tuner.service.forms import ComparisonForm, RunForm
from tuner.service.request_resources import (
    ClusterResource,
    OptimizerResource,
    QueueResource,
    RequestResource,
    SpaceResource,
    TaskResource,
    ValidationResource,
)
from tuner.service.routes.access import Submitter
from tuner.service.routes.resources import Reader
from tuner.service.submitting import VERBS

router = APIRouter(prefix="/api/v1", tags=["submission"])

_CHANGES = problems.OF_CHANGES


@router.get("/tasks")
def list_tasks(request: Request) -> list[TaskResource]:
    """Return the tasks of the catalogue."""
    return TaskResource.all_of(request.app.state.settings.catalogue)


@router.get("/optimizers")
def list_optimizers(request: Request) -> list[OptimizerResource]:
    """Return the optimizers of the catalogue."""
    return OptimizerResource.all_of(request.app.state.settings.catalogue)


@router.get("/spaces")
def list_spaces(request: Request) -> list[SpaceResource]:
    """Return the search spaces of the optimizers of the catalogue that ship."""
    return SpaceResource.all_of(request.app.state.settings.catalogue)


@router.get("/cluster")
def get_cluster(request: Request, reader: Reader) -> ClusterResource:
    """Return the workers of the service, and who starts drivers on them."""
    states = [state for state in State if state.has_driver]
    store = reader.store
    return ClusterResource.of(request.app.state.settings, store.requests(states), store.supervisor())


@router.get("/queue")
def get_queue(request: Request, reader: Reader) -> QueueResource:
    """Return the runs that wait, are paused, have failed or have a driver, in the order of submission."""
    return QueueResource.of(request.app.state.settings.workers, reader.queue())


def _body(form: str) -> dict[str, Any]:
    """Return the description of a body that is validated by hand."""
    schema = {"$ref": f"#/components/schemas/{form}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/runs:validate", responses=_CHANGES, openapi_extra=_body("RunForm"))
async def validate_run(
    request: Request, reader: Reader, user: Submitter, body: Annotated[Any, Body()]
) -> ValidationResource:
    """Say what a request would start and what it costs, or what is wrong with it; nothing is stored."""
    state = request.app.state
    return ValidationResource.of(await submitting.validated(reader, state.planner, state.settings, body))


@router.put(
    "/runs/{name}",
    status_code=201,
    responses={200: {"description": "there is this run already", "model": RequestResource}, **_CHANGES},
)
async def put_run(
    request: Request, response: Response, reader: Reader, user: Submitter, name: str, form: RunForm
) -> RequestResource:
    """Submit a run; again with the same specification it changes nothing."""
    state = request.app.state
    record, is_new = await submitting.submit(reader, state.planner, state.settings, name, form)
    response.status_code = 201 if is_new else 200
    return RequestResource.of(record)


@router.post("/comparisons:validate", responses=_CHANGES, openapi_extra=_body("ComparisonForm"))
async def validate_comparison(
    request: Request, reader: Reader, user: Submitter, body: Annotated[Any, Body()]
) -> ValidationResource:
    """Say what a comparison would start and what it costs, or what is wrong with it; nothing is stored."""
    state = request.app.state
    found = await submitting.validated(reader, state.planner, state.settings, body, kind=ComparisonForm)
    return ValidationResource.of(found)


@router.put(
    "/comparisons/{name}",
    status_code=201,
    responses={200: {"description": "there is this comparison already", "model": RequestResource}, **_CHANGES},
)
async def put_comparison(
    request: Request, response: Response, reader: Reader, user: Submitter, name: str, form: ComparisonForm
) -> RequestResource:
    """Submit a comparison, which is a run as well; again with the same specification it changes nothing."""
    state = request.app.state
    record, is_new = await submitting.submit(reader, state.planner, state.settings, name, form)
    response.status_code = 201 if is_new else 200
    return RequestResource.of(record)


def _add(verb: str, summary: str) -> None:
    @router.post(
        f"/runs/{{name}}:{verb}",
        status_code=202,
        responses=_CHANGES,
        summary=summary,
        operation_id=f"{verb.replace('-', '_')}_run",
    )
    def ask(reader: Reader, user: Submitter, name: str) -> RequestResource:
        return RequestResource.of(submitting.steer(reader, name, verb))


for _verb, _summary in {
    "pause": "Begin no further candidates; those that are trained are finished",
    "resume": "Continue a run that is paused",
    "stop": "Finish the candidates that are trained, and end the run",
    "cancel": "End the run at once; finished candidates are kept",
    "retry-failed": "Try a run again that has failed, at once",
}.items():
    assert _verb in VERBS  # noqa: S101 - a verb without an effect would be a fault of this file
    _add(_verb, _summary)
