"""GET of runs, studies, candidates and curves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from tuner.core.aggregates import CandidateFilter
from tuner.core.trial import Role, Status
from tuner.service.caching import headers, not_modified, state_of, tag
from tuner.service.reading import Reading
from tuner.service.resources import (
    AttemptResource,
    CandidateDetail,
    CandidateResource,
    CandidatesResource,
    CurveResource,
    GenerationResource,
    Listed,
    ReasonResource,
    RunResource,
    StudyResource,
)

router = APIRouter(prefix="/api/v1", tags=["reading"])

MAX_POINTS = 5000
Cursor = Annotated[str | None, Query(max_length=300, description="a cursor of another part of this list")]
Limit = Annotated[int, Query(ge=1, le=1000)]


def reading(request: Request) -> Reading:
    """Return the database as the user of a request sees it; the application says how, in `state.reading`."""
    found: Reading = request.app.state.reading(request)
    return found


Reader = Annotated[Reading, Depends(reading)]


@router.get("/runs")
def list_runs(
    reader: Reader,
    task: Annotated[str | None, Query(max_length=300)] = None,
    status: Annotated[str | None, Query(pattern="^(running|interrupted|stopped|complete)$")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[RunResource]:
    """Return a part of the runs, the newest first."""
    page, _ = reader.runs(task=task, status=status, cursor=cursor, limit=limit)
    return Listed[RunResource](
        items=[RunResource.of(records) for records in page.rows], next=page.next, previous=page.previous
    )


@router.get("/runs/{name}", response_model=RunResource, responses={304: {"description": "not modified"}})
def get_run(request: Request, response: Response, reader: Reader, name: str) -> RunResource | Response:
    """Return a run with its studies."""
    records, asked = reader.run_or_request(name)
    state = tag("run", state_of(records, reader.store.changes()), asked)
    response.headers.update(headers(state))
    if (unchanged := not_modified(request, state)) is not None:
        return unchanged
    return RunResource.of(records, asked) if records or asked is None else RunResource.not_begun(asked)


@router.get("/runs/{name}/studies")
def list_studies(reader: Reader, name: str) -> list[StudyResource]:
    """Return the studies of a run, in order."""
    return [StudyResource.of(record) for record in reader.run(name)]


@router.get("/studies/{study}", response_model=StudyResource, responses={304: {"description": "not modified"}})
def get_study(request: Request, response: Response, reader: Reader, study: int) -> StudyResource | Response:
    """Return a study."""
    record = reader.study(study)
    state = tag("study", state_of([record], reader.store.changes()))
    response.headers.update(headers(state))
    return not_modified(request, state) or StudyResource.of(record)


@router.get("/studies/{study}/generations")
def list_generations(reader: Reader, study: int) -> list[GenerationResource]:
    """Return the totals of each generation that has candidates, in order."""
    totals = reader.totals(study)
    return [GenerationResource.of(totals.record, one) for one in totals.generations]


@router.get("/studies/{study}/reasons")
def list_reasons(reader: Reader, study: int) -> list[ReasonResource]:
    """Return why candidates did not finish, the most frequent first."""
    return [ReasonResource.of(one) for one in reader.reasons(study)]


@router.get("/studies/{study}/candidates")
def list_candidates(
    reader: Reader,
    study: int,
    status: Status | None = None,
    role: Role | None = None,
    generation: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    sort: Annotated[str, Query(description='"id", "fitness", "seconds" or "steps"; "-" in front reverses')] = "id",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> CandidatesResource:
    """Return a part of the candidates of a study, without curves and tracebacks."""
    record = reader.study(study)
    shown = CandidateFilter(role, status, generation)
    page, total = reader.candidates(study, sort=sort, shown=shown, cursor=cursor, limit=limit)
    return CandidatesResource(
        items=[CandidateResource.of(record, row) for row in page.rows],
        next=page.next,
        previous=page.previous,
        total=total,
    )


@router.get("/candidates/{candidate}")
def get_candidate(reader: Reader, candidate: int) -> CandidateDetail:
    """Return a candidate with its traceback and its attempts."""
    record, row = reader.candidate(candidate)
    return CandidateDetail(
        **CandidateResource.of(record, row).model_dump(),
        genome=list(row.record.genome),
        error=row.record.error,
        attempt_list=[AttemptResource.of(one) for one in reader.attempts(row)],
    )


@router.get("/candidates/{candidate}/curve")
def get_curve(
    reader: Reader, candidate: int, points: Annotated[int, Query(ge=4, le=MAX_POINTS)] = 500
) -> CurveResource:
    """Return the losses of a candidate; of a long curve the least and the greatest of each part."""
    _, row = reader.candidate(candidate)
    return CurveResource.of(reader.store.curve(row.study_id, row.record.key), points)
