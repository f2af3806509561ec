"""The paper's protocol: a search and a comparison of its results, at any scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tasks.registry import TaskEntry
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.study import StudyRecord, StudySpec
from tuner.core.trial import Workload
from tuner.storage import check_run_name
from tuner.studies.comparison_planner import CompareRequest
from tuner.studies.lookup import absolute, run_name, task_entry, task_names
from tuner.studies.planner import SearchRequest

MIN_STEPS, MIN_POPULATION = 20, 8  # of a rehearsal; a tenth of the steps is 2, half of the candidates is 4
MAX_VALIDATIONS, MAX_TEST_EXAMPLES = 10, 100  # of a rehearsal

_SAME = (
    "population", "generations", "steps", "parameters", "seed", "strategy", "workload", "fresh_seeds", "space",
    "points", "seeds", "measurement", "source", "sweep",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRequest:
    """The paper's whole protocol on a task; the attributes are the arguments of `tuner.paper`."""

    task: str
    optimizers: tuple[str, ...] | None = None
    scale: float = 1.0
    objective: str | None = None
    seed: int = 0
    name: str | None = None
    cpus_per_candidate: int = 1
    precision: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def paper_requests(request: PaperRequest) -> tuple[SearchRequest, CompareRequest]:
    """Return the search and the comparison of the protocol, both named.

    Raises:
        InvalidRequest: The scale is out of range, or the task has no preset "paper".
        ValueError: There is no such task.
        BadName: The name is not valid for a run.
    """
    if not 0 < request.scale <= 1:
        raise InvalidRequest("scale", "is above 0 and at most 1", request.scale)
    if len(task_names(request.task)) > 1:
        raise InvalidRequest(
            "task",
            "is one here: the paper tunes and compares on one task at a time; start a run for each",
            request.task,
        )
    entry = task_entry(absolute(request.task))
    if "paper" not in entry.presets:
        raise InvalidRequest("task", f": {request.task} has no preset 'paper', but {', '.join(entry.presets)}")
    name = request.name or f"{run_name(request.task, ())[:32]}-{'paper' if request.scale == 1 else 'rehearsal'}"
    compared = f"{name}-comparison"
    check_run_name(compared)
    return _search(request, entry, name), _comparison(request, entry, name, compared)


def check_same(stored: Sequence[StudyRecord], planned: Sequence[StudySpec]) -> None:
    """Refuse to continue a run with other settings; its machine and package versions may differ.

    Raises:
        InvalidRequest: The settings differ.
    """
    run = stored[0].spec.run
    theirs, ours = ([spec.workload.optimizer for spec in specs] for specs in ([each.spec for each in stored], planned))
    if theirs != ours:
        raise InvalidRequest(
            "name",
            f": there is a run {run!r} with other optimizers, {', '.join(theirs)}; here {', '.join(ours)}: give another"
            " name",
        )
    for record, spec in zip(stored, planned, strict=True):
        for name in _SAME:
            part, was, now = name, *(getattr(each, name, None) for each in (record.spec, spec))
            if isinstance(was, Workload) and isinstance(now, Workload):
                part, was, now = _difference(was, now)
            if was != now:
                raise InvalidRequest(
                    "name",
                    f": there is a run {run!r} with other settings ({part} of {spec.workload.optimizer}): give the"
                    f" original settings, or another name. Received: {now!s:.120}, where it has {was!s:.120}",
                )


def _difference(was: Workload, now: Workload) -> tuple[str, Any, Any]:
    """Return the name and both values of a part of workloads that differs, if one does.

    Code is left out: whoever goes on with the run compares it.
    """
    for part in fields(Workload):
        one, other = getattr(was, part.name), getattr(now, part.name)
        if part.name != "code" and one != other:
            return part.name, _in_words(one), _in_words(other)
    return "workload", None, None


def _in_words(value: Any) -> Any:
    return value.text if isinstance(value, Objective) else value


def _search(request: PaperRequest, entry: TaskEntry, name: str) -> SearchRequest:
    """Return the search, with the paper's schedule at this scale."""
    search = SearchRequest(
        task=request.task,
        optimizers=request.optimizers,
        objective=request.objective,
        seed=request.seed,
        name=name,
        cpus_per_candidate=request.cpus_per_candidate,
        precision=request.precision,
        options=request.options,
    )
    if request.scale == 1:
        return search
    preset = entry.presets["paper"]
    population = max(MIN_POPULATION, round(preset.population * math.sqrt(request.scale)))
    return replace(
        search,
        population=min(preset.population, population),
        steps=tuple(_shorter(steps, request.scale) for steps in preset.steps),
    )


def _comparison(request: PaperRequest, entry: TaskEntry, search: str, name: str) -> CompareRequest:
    """Return the comparison of the search's results, with the paper's budget at this scale."""
    preset = entry.comparison
    comparison = CompareRequest(
        task=request.task,
        search=search,
        name=name,
        halve_learning_rate=preset.halve_learning_rate,
        cpus_per_candidate=request.cpus_per_candidate,
    )
    if request.scale == 1:
        return comparison
    steps = _shorter(preset.steps, request.scale)
    validate_every = preset.validate_every
    if validate_every is not None:
        validate_every = min(max(round(validate_every * request.scale), math.ceil(steps / MAX_VALIDATIONS)), steps)
    return replace(comparison, steps=steps, validate_every=validate_every, test_examples=MAX_TEST_EXAMPLES)


def _shorter(steps: int, scale: float) -> int:
    return min(steps, max(MIN_STEPS, round(steps * scale)))
