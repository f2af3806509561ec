"""The JSON of requests, of the queue, of the catalogue, and of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from tuner.api.submission import Catalogue, optimizer_facts, space_facts, task_facts
from tuner.core.requests import AuditRecord, Cost, RequestRecord, TokenRecord
from tuner.service.settings import ServiceSettings
from tuner.service.submitting import Validated


class CostResource(BaseModel):
    """What a run takes."""

    studies: int
    candidates: int = Field(description="of all studies, those on fresh seeds included")
    evaluations: int = Field(description="gradient evaluations of all candidates, if none ends early")
    cohorts_at_a_time: int = Field(description="workers that it can use")

    @classmethod
    def of(cls, cost: Cost) -> CostResource:
        """Return the resource of a cost."""
        return cls(
            studies=cost.studies,
            candidates=cost.candidates,
            evaluations=cost.evaluations,
            cohorts_at_a_time=cost.width,
        )


class RequestResource(BaseModel):
    """A run that was submitted: what is wanted of it, and what was reached."""

    run: str
    submitted_by: str
    is_private: bool
    weight: float
    specification: dict[str, Any] = Field(description="as it was submitted")
    cost: CostResource
    requested: str = Field(description='"run", "pause", "stop" or "cancel"')
    state: str = Field(
        description='"queued", "starting", "running", "paused", "complete", "stopped", "cancelled" or "failed"'
    )
    reason: str = Field(description="why it waits, or how it has ended")
    expected_in: float | None = Field(description="seconds until it is expected to start; null: not known")
    workers: int = Field(description="that its driver uses")
    granted: int = Field(description="workers that its driver may use")
    drivers: int = Field(description="that were started for it so far")
    failures: int = Field(description="drivers in a row that died or failed")
    last_error: str
    created_at: str
    changed_at: str

    @classmethod
    def of(cls, record: RequestRecord) -> RequestResource:
        """Return the resource of a request."""
        return cls(
            run=record.run,
            submitted_by=record.submitted_by,
            is_private=record.is_private,
            weight=record.weight,
            specification=dict(record.fields),
            cost=CostResource.of(record.cost),
            requested=record.desired.value,
            state=record.state.value,
            reason=record.reason,
            expected_in=record.waits or record.expected_in,
            workers=record.using,
            granted=record.granted,
            drivers=record.epoch,
            failures=record.failures,
            last_error=record.last_error,
            created_at=record.created_at,
            changed_at=record.changed_at,
        )


class QueueResource(BaseModel):
    """The runs that have not ended."""

    workers: int = Field(description="of the service")
    used: int = Field(description="workers that drivers use")
    items: list[RequestResource]

    @classmethod
    def of(cls, workers: int, records: Sequence[RequestRecord]) -> QueueResource:
        """Return the resource of a queue."""
        return cls(
            workers=workers,
            used=sum(record.using for record in records),
            items=[RequestResource.of(record) for record in records],
        )


class FieldError(BaseModel):
    """What is wrong with a field."""

    field: str
    message: str
    accepted: str | None = Field(
        None, description="the message after the name of the field, with the names of other fields in braces"
    )


class ValidationResource(BaseModel):
    """What a request would start, or what is wrong with it."""

    valid: bool
    errors: list[FieldError]
    cost: CostResource | None
    remarks: list[str]
    resolved: dict[str, Any] = Field(description="values of the fields that were left to defaults")
    name: str | None = Field(description="a name for the run that is free; null unless the request is valid")
    training_seconds: float | None = Field(description="on all workers; null: nothing was measured on this task yet")
    expected_in: float | None = Field(description="seconds until it would start; null: not known")

    @classmethod
    def of(cls, found: Validated) -> ValidationResource:
        """Return the resource of a validation."""
        preview = found.preview
        return cls(
            valid=preview is not None,
            errors=[FieldError(**error) for error in found.errors],
            cost=None if preview is None else CostResource.of(preview.cost),
            remarks=[] if preview is None else list(preview.remarks),
            resolved={} if preview is None else dict(preview.resolved),
            name=found.name,
            training_seconds=found.training_seconds,
            expected_in=found.expected_in,
        )


class TaskResource(BaseModel):
    """A task of the catalogue."""

    name: str
    summary: str
    optimizers: list[str] = Field(description="that are tuned by default")
    presets: list[str]
    precisions: list[str]

    @classmethod
    def all_of(cls, catalogue: Catalogue) -> list[TaskResource]:
        """Return the tasks of a catalogue."""
        return [cls(**facts) for facts in task_facts(catalogue)]


class OptimizerResource(BaseModel):
    """An optimizer of the catalogue."""

    name: str
    hyperparameters: list[str] = Field(description="that are tuned; empty where an installed package declares them")

    @classmethod
    def all_of(cls, catalogue: Catalogue) -> list[OptimizerResource]:
        """Return the optimizers of a catalogue."""
        return [cls(**facts) for facts in optimizer_facts(catalogue)]


class SpaceResource(BaseModel):
    """The search space of an optimizer that ships."""

    optimizer: str
    space: dict[str, Any] = Field(description="as a request takes it in `search_spaces`")

    @classmethod
    def all_of(cls, catalogue: Catalogue) -> list[SpaceResource]:
        """Return the search spaces of a catalogue."""
        return [cls(**facts) for facts in space_facts(catalogue)]


class ClusterResource(BaseModel):
    """Where the runs of the service are trained."""

    workers: int = Field(description="of all runs together; 0 of a service that only shows runs")
    used: int = Field(description="workers that drivers use")
    free: int
    cpus_per_worker: int
    gpus_per_worker: float
    ray: str = Field(description='"cluster" that drivers join, or "own" of each driver on the machine of the service')
    supervisor: str | None = Field(description='"host:pid" of the service that starts drivers; null without one')

    @classmethod
    def of(cls, settings: ServiceSettings, records: Sequence[RequestRecord], supervisor: str | None) -> ClusterResource:
        """Return the resource of a service."""
        used = sum(record.using for record in records)
        return cls(
            workers=settings.workers,
            used=used,
            free=max(0, settings.workers - used),
            cpus_per_worker=settings.cpus_per_candidate,
            gpus_per_worker=settings.gpus_per_candidate,
            ray="own" if settings.address is None else "cluster",
            supervisor=supervisor,
        )


class TokenResource(BaseModel):
    """A token of a user."""

    id: int
    user: str
    scopes: list[str]
    weight: float
    note: str
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None

    @classmethod
    def of(cls, record: TokenRecord) -> TokenResource:
        """Return the resource of a token."""
        return cls(**{name: getattr(record, name) for name in TokenResource.model_fields})


class NewTokenResource(TokenResource):
    """A token that was just created, with the token itself."""

    token: str = Field(description="is shown this once, and not stored")

    @classmethod
    def with_token(cls, record: TokenRecord, token: str) -> NewTokenResource:
        """Return the resource of a new token."""
        return cls(**TokenResource.of(record).model_dump(), token=token)


class AuditResource(BaseModel):
    """Something that a user has changed."""

    id: int
    at: str
    user: str
    action: str
    subject: str
    detail: str

    @classmethod
    def of(cls, record: AuditRecord) -> AuditResource:
        """Return the resource of a line of the audit trail."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})
