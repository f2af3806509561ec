"""The JSON of resources that are read.

Keys are never renamed; new ones may be added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from tuner.api.watching import WatchedStudy
from tuner.core.aggregates import CandidateRow, GenerationTotals, ReasonTotals
from tuner.core.numbers import finite_or_none
from tuner.core.requests import RequestRecord
from tuner.core.study import SearchSpec, StudyRecord
from tuner.core.trial import Status
from tuner.results.analysis.decimation import decimated
from tuner.results.tables.listing import done
from tuner.service.request_resources import RequestResource
from tuner.storage import AttemptRecord

Item = TypeVar("Item")


class Listed(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(description="cursor of the next part; null at the end")
    previous: str | None = Field(description="cursor of the previous part; null at the beginning")


class StudyResource(BaseModel):
    """A study: one search of one optimizer, or its part of a comparison."""

    id: int
    name: str = Field(description="RUN/OPTIMIZER")
    run: str
    optimizer: str
    task: str
    kind: str = Field(description='"search" or "comparison"')
    strategy: str | None
    seed: int
    generations: int = Field(description="of a comparison, the number of its points")
    population: int = Field(description="candidates per generation; of a comparison, seeds per point")
    steps: list[int] = Field(description="budget of a candidate in gradient evaluations, by generation")
    objective: str
    status: str = Field(description='"running", "interrupted", "stopped" or "complete"')
    done: int = Field(description="candidates of the search or comparison that are final")
    due: int = Field(description="candidates of the whole search or comparison")
    counts: dict[str, int] = Field(description="candidates of the search or comparison by status")
    tuned: dict[str, Any] | None
    created_at: str
    finished_at: str | None
    notes: list[str]

    @classmethod
    def of(cls, record: StudyRecord) -> StudyResource:
        """Return the resource of a study."""
        spec = record.spec
        return cls(
            id=record.id,
            name=spec.name,
            run=spec.run,
            optimizer=spec.workload.optimizer,
            task=spec.task_label,
            kind=str(spec.kind),
            strategy=spec.strategy if isinstance(spec, SearchSpec) else None,
            seed=spec.seed,
            generations=spec.batches,
            population=spec.batch_size,
            steps=list(spec.budgets),
            objective=spec.workload.objective.text,
            status=record.status,
            done=done(record),
            due=spec.due,
            counts={status.value: record.counts[status] for status in Status},
            tuned=None if record.tuned is None else dict(record.tuned),
            created_at=record.created_at,
            finished_at=record.finished_at,
            notes=list(record.notes),
        )


class RunResource(BaseModel):
    """Studies that were started together."""

    name: str
    kind: str
    task: str
    status: str = Field(
        description='"running" if a study is; else "stopped", "interrupted" or "complete"; the state of its request '
        "before it has studies"
    )
    done: int
    due: int
    created_at: str
    studies: list[StudyResource]
    request: RequestResource | None = Field(None, description="of a run that was submitted to the service")

    @classmethod
    def not_begun(cls, request: RequestRecord) -> RunResource:
        """Return the resource of a run that was submitted and has no studies yet."""
        return cls(
            name=request.run,
            kind=str(request.fields.get("kind", "search")),
            task=", ".join(request.fields["task"]),
            status=request.state,
            done=0,
            due=request.cost.candidates,
            created_at=request.created_at,
            studies=[],
            request=RequestResource.of(request),
        )

    @classmethod
    def of(
        cls, records: list[StudyRecord] | tuple[StudyRecord, ...], request: RequestRecord | None = None
    ) -> RunResource:
        """Return the resource of a run."""
        studies = [StudyResource.of(record) for record in records]
        return cls(
            name=studies[0].run,
            kind=studies[0].kind,
            task=studies[0].task,
            status=status_of(records),
            done=sum(study.done for study in studies),
            due=sum(study.due for study in studies),
            created_at=min(study.created_at for study in studies),
            studies=studies,
            request=None if request is None else RequestResource.of(request),
        )


def status_of(records: list[StudyRecord] | tuple[StudyRecord, ...]) -> str:
    """Return the status of a run: the first of running, stopped, interrupted and complete that a study has."""
    statuses = {record.status for record in records}
    return next((one for one in ("running", "stopped", "interrupted") if one in statuses), "complete")


class FollowedGeneration(BaseModel):
    """One generation of a run that is followed, or one point of a comparison."""

    number: int
    steps: int = Field(description="budget of a candidate in gradient evaluations")
    population: int
    counts: dict[str, int] = Field(description="candidates by status")
    best: float | None
    median: float | None


class FollowedStudy(BaseModel):
    """One study of a run that is followed."""

    name: str
    is_search: bool
    status: str = Field(description='as of a study; "driver lost" or "waiting" where that is known')
    runs: bool = Field(description="whether a driver holds it")
    generations: list[FollowedGeneration]


class FollowedResource(BaseModel):
    """A run that is followed."""

    studies: list[FollowedStudy] = Field(description="none before a submitted run has begun")
    request: RequestResource | None = Field(description="of a run that was submitted to the service")

    @classmethod
    def of(cls, studies: Sequence[WatchedStudy], request: RequestRecord | None) -> FollowedResource:
        """Return the resource of the studies of a run."""
        return cls(
            studies=[FollowedStudy.model_validate(asdict(study)) for study in studies],
            request=None if request is None else RequestResource.of(request),
        )


class GenerationResource(BaseModel):
    """Totals of one generation, or of one point of a comparison."""

    number: int = Field(description="of a search on several tasks, one for each generation and task, in turn")
    task: str
    steps: int
    population: int
    counts: dict[str, int]
    best: float | None = Field(description="best value of the objective; null if no candidate finished")
    best_candidate: int | None
    median: float | None
    evaluations: int = Field(description="gradient evaluations done")
    seconds: float = Field(description="of training, summed over candidates")

    @classmethod
    def of(cls, record: StudyRecord, totals: GenerationTotals) -> GenerationResource:
        """Return the resource of a generation."""
        spec = record.spec
        workload, steps = spec.workload_of(totals.number), spec.steps_of(totals.number)
        objective = workload.objective
        return cls(
            number=totals.number,
            task=workload.task_label,
            steps=steps,
            population=spec.batch_size,
            counts={status.value: count for status, count in totals.counts.items()},
            best=objective.shown(totals.best, steps),
            best_candidate=totals.best_id,
            median=objective.shown_median(totals.median, totals.upper, steps),
            evaluations=totals.evaluations,
            seconds=totals.seconds,
        )


class ReasonResource(BaseModel):
    """Candidates that ended with the same status and reason, without finishing."""

    status: str
    reason: str
    count: int
    first_candidate: int

    @classmethod
    def of(cls, totals: ReasonTotals) -> ReasonResource:
        """Return the resource of a reason."""
        return cls(
            status=totals.status.value, reason=totals.reason, count=totals.count, first_candidate=totals.first_id
        )


class CandidateResource(BaseModel):
    """A candidate and its result."""

    id: int
    study: int
    role: str
    generation: int
    slot: int
    status: str
    value: float | None = Field(description="of the objective; null unless it finished, and if it missed the target")
    hyperparameters: dict[str, Any]
    seed: int = Field(description="below 2**63: more than the 53 bits that JavaScript's numbers hold")
    steps: int = Field(description="its budget in gradient evaluations")
    steps_done: int
    seconds: float
    attempts: int
    node: str
    device: str
    reason: str

    @classmethod
    def of(cls, study: StudyRecord, row: CandidateRow) -> CandidateResource:
        """Return the resource of a candidate."""
        record = row.record
        return cls(
            id=row.id,
            study=row.study_id,
            role=record.key.role.value,
            generation=record.key.generation,
            slot=record.key.slot,
            status=record.status.value,
            value=study.spec.workload_of(record.key.generation).objective.shown(record.fitness, record.steps),
            hyperparameters=dict(record.hyperparameters),
            seed=record.seed,
            steps=record.steps,
            steps_done=record.steps_done,
            seconds=record.seconds,
            attempts=record.attempts,
            node=record.node,
            device=record.device,
            reason=record.reason,
        )


class CandidatesResource(Listed[CandidateResource]):
    """A part of the candidates of a study."""

    total: int = Field(description="candidates of the whole list")


class AttemptResource(BaseModel):
    """An attempt of a worker to train a candidate."""

    epoch: int
    number: int
    node: str
    pid: int
    started_at: str
    ended_at: str | None
    outcome: str | None
    reason: str
    error: str

    @classmethod
    def of(cls, record: AttemptRecord) -> AttemptResource:
        """Return the resource of an attempt."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class CandidateDetail(CandidateResource):
    """A candidate with its traceback and attempts."""

    genome: list[float]
    error: str
    attempt_list: list[AttemptResource]


class CurveResource(BaseModel):
    """The losses of a candidate, or some of them."""

    length: int = Field(description="number of losses that are stored, one per gradient evaluation")
    evaluations: list[int] = Field(description="gradient evaluations at which the losses below were measured, from 1")
    losses: list[float | None] = Field(description="null where a loss is not finite")

    @classmethod
    def of(cls, losses: npt.NDArray[Any], points: int) -> CurveResource:
        """Return the resource of a curve, decimated to at most a number of points."""
        places = decimated(losses, points)
        return cls(
            length=len(losses),
            evaluations=[int(place) + 1 for place in places],
            losses=[finite_or_none(float(loss)) for loss in np.asarray(losses)[places]],
        )
