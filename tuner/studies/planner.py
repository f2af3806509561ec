"""Specifications of a run of searches, from a request.

Planning writes and starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lodo.registry
from tuner import strategies
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.seeds import MAX_SEED
from tuner.core.study import SearchSpec, StudyRecord, StudySpec
from tuner.core.trial import Workload
from tuner.strategies.schedule import Schedule, ScheduleRequest
from tuner.studies import machine
from tuner.studies.lookup import (
    absolute,
    check_precision,
    data_fingerprint,
    task_entry,
)
from tuner.studies.objectives import check_objective, objective_of, remarks_on
from tuner.studies.optimizers import Chosen, choose_all, shapes_for
from tuner.studies.spaces import search_spaces_of
from tuner.studies.task_options import task_options


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """Which optimizers are tuned on which task, and how; the attributes are the arguments of `tuner.tune`."""

    task: str
    optimizers: tuple[str, ...] | None = None
    preset: str = "paper"
    generations: int | None = None
    population: int | None = None
    steps: tuple[int, ...] | None = None
    sigma: tuple[float, ...] | None = None
    budget: int | None = None
    strategy: str | None = None
    objective: str | None = None
    seed: int = 0
    name: str | None = None
    cpus_per_candidate: int = 1
    search_spaces: tuple[Path, ...] = ()
    precision: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The studies of a run, in order, and remarks for users."""

    specs: tuple[StudySpec, ...]
    remarks: tuple[str, ...]
    base: str  # base of the run's name if none is requested
    tuned_on: StudyRecord | None = None  # a study of the search whose tuned points are compared


def plan_search(request: SearchRequest) -> Plan:
    """Return the specifications of a run's studies; the run is unnamed if the request does not name it.

    Raises:
        InvalidRequest: A requested value is unknown or out of range.
        ValueError: A task, an optimizer, a search-space file or a data set cannot be used; one line each.
    """
    if request.seed < 0:
        raise InvalidRequest("seed", "is a whole number, at least 0", request.seed)
    if request.seed > MAX_SEED:
        raise InvalidRequest("seed", f"is at most {MAX_SEED}", request.seed)
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    task = absolute(request.task)
    entry = task_entry(task)
    if request.preset not in entry.presets:
        raise InvalidRequest("preset", f"is one of {', '.join(entry.presets)} for this task", request.preset)
    check_precision(request.precision, entry)
    preset = entry.presets[request.preset]
    strategy = strategies.default_of(request.preset) if request.strategy is None else request.strategy
    asked = ScheduleRequest(
        generations=request.generations,
        population=request.population,
        sigmas=request.sigma,
        steps=request.steps,
        budget=request.budget,
    )
    schedule = strategies.kind(strategy).schedule(preset, asked)
    objective = objective_of(request.objective, preset.objective, entry.objective)
    chosen, remarks = _optimizers(request.optimizers, preset.optimizers)
    data, note = data_fingerprint(entry)
    options = task_options(task, request.options, preset.options)
    check_objective(objective, task, options, request.precision, entry.cohort_size)
    spaces, derived = search_spaces_of(chosen, request.search_spaces, shapes_for(chosen, task, options))
    versions, hardware = machine.versions(), machine.hardware()
    specs = tuple(
        SearchSpec(
            run=request.name or "",
            workload=Workload(
                task=task,
                optimizer=one.name,
                optimizer_place=one.place,
                cohort_size=entry.cohort_size,
                threads=request.cpus_per_candidate,
                precision=request.precision,
                options=options,
                data=data,
                objective=objective,
            ),
            strategy=strategy,
            seed=request.seed,
            generations=schedule.generations,
            population=schedule.population,
            parameters=schedule.parameters,
            steps=schedule.steps,
            fresh_seeds=preset.fresh_seeds,
            space=spaces[one.name].to_dict(),
            versions=versions,
            hardware=hardware,
        )
        for one in chosen
    )
    unusual = [*remarks_on(objective), *_unusual(request, schedule, preset.generations)]
    all_remarks = (*remarks, *unusual, *derived, *([note] if note else []))
    return Plan(specs, all_remarks, task)


def _unusual(request: SearchRequest, schedule: Schedule, generations: int) -> Iterator[str]:
    """Yield remarks on a schedule that may not be what was meant."""
    if request.generations is None and schedule.generations != generations:
        given = " and ".join(name for name in ("steps", "sigma") if len(getattr(request, name) or ()) > 1)
        yield (
            f"{schedule.generations} generations, one per value of {given}; "
            f"the preset {request.preset!r} has {generations}"
        )
    if schedule.population == 1:
        yield "a population of 1: there is nothing to select from, so that the tuned point is a random draw"


def _optimizers(requested: tuple[str, ...] | None, own: tuple[str, ...]) -> tuple[list[Chosen], list[str]]:
    """Return the optimizers to tune, and a remark on those of the task's line-up that are not available."""
    if requested is not None:
        return choose_all("optimizers", requested), []
    names = [Chosen(name) for name in own if name in lodo.registry.OPTIMIZERS]
    absent = [name for name in own if name not in lodo.registry.OPTIMIZERS]
    return names, [f"not available yet and left out of the line-up: {', '.join(absent)}"] if absent else []
