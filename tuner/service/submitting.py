"""Submission of runs and the verbs that steer them.

The HTTP API and the pages use the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from tuner.api.submission import Preview, run_name
from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.requests import Desired, RequestRecord, State
from tuner.service.forms import ComparisonForm, RunForm, differences
from tuner.service.own_process import Busy
from tuner.service.planning import Planner
from tuner.service.problems import Contradiction, Forbidden, accepted_by, errors_of
from tuner.service.reading import Reading
from tuner.service.settings import ServiceSettings
from tuner.service.supervisor.schedule import expected_starts
from tuner.storage import ServiceStore, StorageError, UnknownStudy, check_run_name

VERBS: Mapping[str, Callable[[ServiceStore, str, str], RequestRecord]] = {
    "pause": lambda store, run, user: store.ask(run, Desired.PAUSE, by=user),
    "resume": lambda store, run, user: store.ask(run, Desired.RUN, by=user),
    "stop": lambda store, run, user: store.ask(run, Desired.STOP, by=user),
    "cancel": lambda store, run, user: store.ask(run, Desired.CANCEL, by=user),
    "retry-failed": lambda store, run, user: store.retry(run, by=user),
}
"""What users can ask of a run: the name of the verb, and what it does with the store, the run and the user."""

POSSIBLE: Mapping[str, tuple[str, ...]] = {
    State.QUEUED: ("retry-failed", "pause", "cancel"),
    State.STARTING: ("pause", "resume", "stop", "cancel"),
    State.RUNNING: ("pause", "resume", "stop", "cancel"),
    State.PAUSED: ("resume", "cancel"),
    State.FAILED: ("retry-failed", "cancel"),
}
"""Verbs that a page offers, by the state of the request; in the other states there is none."""


Form = RunForm | ComparisonForm


@dataclass(frozen=True, slots=True)
class Validated:
    """What is known of a request before it is submitted.

    Attributes:
        form: The request; None if it is not valid.
        errors: Fields and messages; empty if it is valid.
        preview: What it would start; None if it is not valid.
        training_seconds: Seconds of training on all workers; None: not known.
        expected_in: Seconds until it would start; None: not known.
        name: A name for the run that is free; None if it is not valid.
    """

    form: Form | None
    errors: list[dict[str, str]] = field(default_factory=list)
    preview: Preview | None = None
    training_seconds: float | None = None
    expected_in: float | None = None
    name: str | None = None


async def validated(
    reader: Reading,
    planner: Planner,
    settings: ServiceSettings,
    body: Any,
    name: str | None = None,
    kind: type[Form] = RunForm,
) -> Validated:
    """Check a request, and say what it costs, without writing anything.

    Args:
        reader: The database as the user sees it.
        planner: Plans the run.
        settings: Of the service.
        body: The request, as JSON.
        name: Name of the run. Default: none.
        kind: What the request is for. Default: a run of searches.

    Raises:
        Busy: The plan is not ready in time.
        StorageError: The database cannot be read.
    """
    try:
        form = body if isinstance(body, RunForm | ComparisonForm) else kind.model_validate(body)
    except ValidationError as error:
        return Validated(None, errors_of(error.errors(include_url=False)))
    try:
        if name is not None:
            check_run_name(name)
        if isinstance(form, ComparisonForm) and form.search is not None:
            await run_in_threadpool(_check_seen, reader, form.search)
        preview = await planner.preview(name, form.fields())
    except InvalidRequest as error:
        return Validated(None, [{"field": error.field, "message": str(error), **accepted_by(error)}])
    except Busy:
        raise
    except (LodoTuneError, ValueError) as error:
        field = "name" if isinstance(error, StorageError) else "request"
        return Validated(None, [{"field": field, "message": str(error)}])
    training, expected = await run_in_threadpool(_times, reader, settings, preview)
    free = name or await run_in_threadpool(_free_name, reader.store, preview.base)
    return Validated(form, [], preview, training, expected, free)


def _check_seen(reader: Reading, search: str) -> None:
    """Check that a user may see the run whose tuned values are compared.

    Raises:
        InvalidRequest: There is no such run, or it is hidden.
    """
    try:
        reader.run(search)
    except UnknownStudy as error:
        raise InvalidRequest("search", f": {error}") from None


def _free_name(store: ServiceStore, base: str) -> str:
    return run_name(base, [*store.runs(), *(one.run for one in store.requests())])


def _times(reader: Reading, settings: ServiceSettings, preview: Preview) -> tuple[float | None, float | None]:
    """Return the seconds of training, and those until the start."""
    queue = [one for one in reader.store.requests() if not one.state.is_ended and one.desired is Desired.RUN]
    tasks = [workload.partition("/")[0] for one in queue for workload in one.cost.rounds]
    tasks += [workload.partition("/")[0] for workload in preview.cost.rounds]
    pace = reader.store.pace(tasks)
    workers = max(1, settings.workers)
    training = preview.cost.seconds(pace, workers)
    running = [one for one in queue if one.state.has_driver]
    if settings.workers and len({one.submitted_by for one in running}) < settings.workers:
        own = [one for one in queue if one.submitted_by == reader.identity.user]
        if not own:  # another user's driver gives a worker back at the end of a cohort
            return training, 0.0
    ends = [one.cost.seconds(pace, max(1, one.granted)) for one in running]
    before = [one.cost.seconds(pace, 1) for one in queue if one.state is State.QUEUED]
    free = max(0, settings.workers - sum(max(one.using, one.granted) for one in running))
    return training, expected_starts(ends, [*before, training], free)[-1]


async def submit(
    reader: Reading, planner: Planner, settings: ServiceSettings, name: str, form: Form
) -> tuple[RequestRecord, bool]:
    """Store a request for a run; return it, and whether it is new.

    Raises:
        InvalidRequest: It is not valid.
        Contradiction: There is a run of this name with another specification, or the user has too many.
        Busy: The plan is not ready in time.
        StorageError: The database cannot be used.
    """
    store, user = reader.store, reader.identity.user
    known = await run_in_threadpool(store.request, name)
    if known is None:
        found = await validated(reader, planner, settings, form, name)
        if found.preview is None:
            first = found.errors[0]
            if "accepted" in first:
                raise InvalidRequest(first["field"], first["accepted"])
            raise _Refused(first["field"], first["message"])
        cost = found.preview.cost
        await run_in_threadpool(_check_quota, store, settings, user)

        def store_it() -> tuple[RequestRecord, bool]:
            return store.submit(
                name, by=user, fields=form.fields(), cost=cost, is_private=form.is_private, weight=form.weight
            )

        stored, is_new = await run_in_threadpool(store_it)
        if is_new:
            return stored, True
        known = stored
    may_know = known.submitted_by == user or reader.identity.may("operate")
    if known.run in reader.hidden or not may_know:
        raise Contradiction(f"the name {name} is taken; give the run another name")
    if different := differences(dict(known.fields), form.fields()):
        raise Contradiction(f"there is a run {name} with another specification: {', '.join(different)}", different)
    return known, False


class _Refused(InvalidRequest):
    """A field of a request is not accepted, in words that are complete."""

    def text(self, name_of: Callable[[str], str]) -> str:
        """See `InvalidRequest.text`."""
        return self.accepted


def _check_quota(store: ServiceStore, settings: ServiceSettings, user: str) -> None:
    """Check that a user may submit another run.

    Raises:
        Contradiction: The user has as many as the quota permits.
    """
    most = settings.quota.queued
    if most is None:
        return
    states = [state for state in State if not state.is_ended and state is not State.FAILED]
    count = sum(one.submitted_by == user for one in store.requests(states))
    if count >= most:
        raise Contradiction(f"{user} has {count} runs that wait or run; the quota is {most}")


def steer(reader: Reading, run: str, verb: str) -> RequestRecord:
    """Do what a user asks of a run; return its request.

    Raises:
        UnknownStudy: The run was not submitted, or is hidden.
        Forbidden: The run belongs to another user.
        NotPossible: It cannot be asked in the state that it has reached.
    """
    from tuner.service.routes.access import steered

    if not reader.identity.may("submit"):
        raise Forbidden("steering runs needs a token with the scope 'submit'")
    steered(reader, run)
    return VERBS[verb](reader.store, run, reader.identity.user)
