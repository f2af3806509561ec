"""Specifications of a run of searches, from a request.

Planning writes and starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lodo.registry
from search_spaces.space import SearchSpace
from tuner import strategies
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.objective import Objective
from tuner.core.objective_text import parse_several
from tuner.core.seeds import MAX_SEED
from tuner.core.study import SearchSpec, StudyRecord, StudySpec, TaskPart
from tuner.core.trial import Workload
from tuner.strategies.schedule import Schedule, ScheduleRequest
from tuner.studies import machine
from tuner.studies.best_known import best_known
from tuner.studies.coordinates import check_searched
from tuner.studies.exact import is_exact
from tuner.studies.function_planner import plan_function
from tuner.studies.lookup import check_precision, data_fingerprint, task_entry, task_names
from tuner.studies.objectives import check_objective, check_several, objective_of, remarks_on
from tuner.studies.optimizers import Chosen, choose_all, shapes_for
from tuner.studies.pruning import with_pruning
from tuner.studies.search_seeds import check_search_seeds, repeated
from tuner.studies.several_tasks import options_of, schedules_of
from tuner.studies.spaces import search_spaces_of
from tuner.studies.task_hyperparameters import check_arguments, remarks_on_arguments
from tuner.studies.task_options import task_options

MAX_FRESH_SEEDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """Which optimizers are tuned on which task, and how; the attributes are the arguments of `tuner.tune`."""

    task: str  # several with commas
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
    fresh_seeds: int | None = None  # of the defaults and the tuned point at the end; None: the preset's
    search_seeds: int = 1  # searches per optimizer, with the seeds seed, seed + 1, …
    name: str | None = None
    cpus_per_candidate: int = 1
    search_spaces: tuple[Path, ...] = ()
    precision: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    space: SearchSpace | None = None  # of a training function, or of the only optimizer, in place of a file


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
    check_search_seeds(request.search_seeds, request.seed)
    if request.fresh_seeds is not None and not 1 <= request.fresh_seeds <= MAX_FRESH_SEEDS:
        raise InvalidRequest("fresh_seeds", f"is a whole number from 1 to {MAX_FRESH_SEEDS:,}", request.fresh_seeds)
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    names = task_names(request.task)
    entries = [task_entry(name) for name in names]
    for name, entry in zip(names, entries, strict=True):
        if request.preset not in entry.presets:
            known = ", ".join(entry.presets)
            raise InvalidRequest("preset", f"is one of {known} for {_this(name, names)}", request.preset)
        if not entry.is_function:
            check_precision(request.precision, entry)
    asked = ScheduleRequest(
        generations=request.generations,
        population=request.population,
        sigmas=request.sigma,
        steps=request.steps,
        budget=request.budget,
    )
    if any(entry.is_function for entry in entries):
        if len(names) > 1:
            raise InvalidRequest("task", ": a training function is tuned alone; name no other task", request.task)
        spec = plan_function(request, entries[0].where, entries[0], asked)
        specs = repeated([spec], request.search_seeds)
        return Plan(specs, tuple(_unusual(request, spec, entries[0].presets[request.preset].generations)), names[0])
    presets = [entry.presets[request.preset] for entry in entries]
    preset = presets[0]
    objectives = [
        objective_of(request.objective, each.objective, entry.objective, parsed=parse_several)
        for each, entry in zip(presets, entries, strict=True)
    ]
    for objective, entry in zip(objectives, entries, strict=True):
        check_several(objective, entry.cohort_size, len(names))
    usual = strategies.SEVERAL_OBJECTIVES if objectives[0].further else strategies.default_of(request.preset)
    strategy = request.strategy or usual
    strategies.check_objectives(strategy, len(objectives[0].each))
    schedules = schedules_of(strategies.kind(strategy).schedule, presets, asked)
    schedule = schedules[0]
    line_up = [name for name in preset.optimizers if all(name in other.optimizers for other in presets)]
    if not line_up and request.optimizers is None:
        raise InvalidRequest("optimizers", f": {', '.join(names)} have none in common that are tuned by default")
    chosen, remarks = _optimizers(request.optimizers, line_up)
    options = options_of(names, request.options)
    planned, notes = [], []
    for name, entry, its_preset, its_options, objective in zip(
        names, entries, presets, options, objectives, strict=True
    ):
        data, note = data_fingerprint(entry)
        full = task_options(name, its_options, its_preset.options)
        for each in objective.each:
            check_objective(each, name, full, request.precision, entry.cohort_size)
        planned.append(_Planned(name, entry.cohort_size, full, data, objective))
        notes += [*remarks_on(objective), *([note] if note else [])]
    spaces, derived = _spaces(request, chosen, planned)
    for space in spaces.values():
        check_searched(strategy, space)
        for task, its_options in zip(planned, options, strict=True):
            check_arguments(space, task.task, task.options, its_options, request.precision)
        notes += remarks_on_arguments(space)
    measured = [(entry, task.objective) for entry, task in zip(entries, planned, strict=True)]
    versions, hardware = machine.versions(), machine.hardware()
    once = [
        SearchSpec(
            run=request.name or "",
            workload=planned[0].workload(one, request),
            further=tuple(
                TaskPart(task.workload(one, request), its.steps)
                for task, its in zip(planned[1:], schedules[1:], strict=True)
            ),
            strategy=strategy,
            seed=request.seed,
            generations=schedule.generations,
            population=schedule.population,
            parameters=with_pruning(
                strategy,
                schedule.parameters,
                tasks=len(names),
                cohort_size=entries[0].cohort_size,
                objective=objectives[0],
            ),
            steps=schedule.steps,
            fresh_seeds=preset.fresh_seeds if request.fresh_seeds is None else request.fresh_seeds,
            is_exact=is_exact(measured, one),
            best_known=_best_known(planned, request.precision, one),
            space=spaces[one.name].to_dict(),
            versions=versions,
            hardware=hardware,
        )
        for one in chosen
    ]
    specs = repeated(once, request.search_seeds)
    unusual = _unusual(request, schedule, preset.generations)
    base = names[0] if len(names) == 1 else "-".join(name.rpartition(":")[2] for name in names)
    return Plan(specs, tuple(dict.fromkeys((*remarks, *unusual, *derived, *notes))), base)


@dataclass(frozen=True, slots=True)
class _Planned:
    """What workloads of one task have in common."""

    task: str
    cohort_size: int
    options: Mapping[str, Any]
    data: Mapping[str, Any] | None
    objective: Objective

    def workload(self, optimizer: Chosen, request: SearchRequest) -> Workload:
        """Return the workload of an optimizer."""
        return Workload(
            task=self.task,
            optimizer=optimizer.name,
            optimizer_place=optimizer.place,
            cohort_size=self.cohort_size,
            threads=request.cpus_per_candidate,
            precision=request.precision,
            options=self.options,
            data=self.data,
            objective=self.objective,
        )


def _best_known(planned: Sequence[_Planned], precision: str | None, optimizer: Chosen) -> tuple[float | None, ...]:
    """Return the best known value of the objective on each task; empty if it is known on none."""
    found = tuple(best_known(one.task, one.options, precision, one.objective, optimizer) for one in planned)
    return found if any(value is not None for value in found) else ()


def _this(name: str, names: Sequence[str]) -> str:
    return "this task" if len(names) == 1 else name


def _spaces(
    request: SearchRequest, chosen: Sequence[Chosen], tasks: Sequence[_Planned]
) -> tuple[dict[str, SearchSpace], list[str]]:
    """Return the search space of each optimizer, which is the same on all tasks, and remarks.

    Raises:
        InvalidRequest: An optimizer has other hyperparameters on another task.
    """
    found = [
        search_spaces_of(chosen, request.search_spaces, shapes_for(chosen, task.task, task.options), request.space)
        for task in tasks
    ]
    spaces, derived = found[0]
    for task, (others, _) in zip(tasks, found, strict=True):
        for name, space in others.items():
            if space.to_dict() != spaces[name].to_dict():
                raise InvalidRequest(
                    "optimizers",
                    f": {name} has other hyperparameters on {task.task} ({', '.join(space.names)}) than on"
                    f" {tasks[0].task} ({', '.join(spaces[name].names)}); give {{search_spaces}} with those of both",
                )
    return spaces, derived


def _unusual(request: SearchRequest, schedule: Schedule | SearchSpec, generations: int) -> Iterator[str]:
    """Yield remarks on a schedule that may not be what was meant."""
    if request.generations is None and request.budget is None and schedule.generations != generations:
        given = " and ".join(name for name in ("steps", "sigma") if len(getattr(request, name) or ()) > 1)
        yield (
            f"{schedule.generations} generations, one per value of {given}; "
            f"the preset {request.preset!r} has {generations}"
        )
    if schedule.population == 1:
        yield "a population of 1: there is nothing to select from, so that the tuned point is a random draw"


def _optimizers(requested: tuple[str, ...] | None, own: Sequence[str]) -> tuple[list[Chosen], list[str]]:
    """Return the optimizers to tune, and a remark on those of the task's line-up that are not available."""
    if requested is not None:
        return choose_all("optimizers", requested), []
    names = [Chosen(name) for name in own if name in lodo.registry.OPTIMIZERS]
    absent = [name for name in own if name not in lodo.registry.OPTIMIZERS]
    return names, [f"not available yet and left out of the line-up: {', '.join(absent)}"] if absent else []
