"""Specifications of a comparison's studies, from a request.

The database is only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lodo.registry
import tasks.registry
from tasks.registry import TaskEntry
from tuner.core.errors import InvalidRequest, check_at_least_one
from tuner.core.objective import Objective
from tuner.core.study import ComparisonSpec, Point, StudyRecord
from tuner.core.text import nearest
from tuner.core.trial import Measurement, Workload
from tuner.strategies.schedule import MAX_STEPS
from tuner.studies import machine
from tuner.studies.best_known import best_known
from tuner.studies.lookup import (
    absolute,
    check_precision,
    data_fingerprint,
    task_entry,
)
from tuner.studies.objectives import check_objective, objective_of, remarks_on
from tuner.studies.optimizers import Chosen, choose, choose_all, shapes_for
from tuner.studies.planner import Plan
from tuner.studies.sweeps import OPTIMIZER, SWEEPS
from tuner.studies.task_hyperparameters import check_point
from tuner.studies.task_options import task_options
from tuner.studies.tuned_points import Config, Tuned, defaults, own_of_searches, read_config, searched
from tuner.training.tensorflow import load_tensorflow

MAX_SEEDS = 10_000
MAX_COHORT_SIZE = 32  # seeds trained in lockstep; beyond, memory costs more than lockstep saves


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What is compared, on how many seeds and for how long; the attributes are the arguments of `tuner.compare`."""

    task: str
    optimizers: tuple[str, ...] | None = None
    search: str | None = None
    configs: tuple[Path, ...] = ()
    defaults: bool = False
    halve_learning_rate: bool = False
    sweep: str | None = None
    objective: str | None = None
    seeds: int = 8
    steps: int | None = None
    seconds: float | None = None
    validate_every: int | None = None
    test_examples: int | None = None
    name: str | None = None
    cpus_per_candidate: int = 1
    precision: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def plan_comparison(request: CompareRequest, database: str) -> Plan:
    """Return the specifications of a comparison's studies; the run is unnamed if the request does not name it.

    Raises:
        InvalidRequest: A requested value is unknown or out of range.
        ValueError: A task, an optimizer or a data set cannot be used; one line each.
        StorageError: The database cannot be read.
    """
    _check_numbers(request)
    task = absolute(request.task)
    entry = task_entry(task)
    searches, compared, remarks = _compared(request, task, entry, database)
    search = searches[0].search if searches else None
    tuned_on = None if search is None else search.part_on(task).workload
    options = task_options(task, request.options, {} if tuned_on is None else tuned_on.options)
    precision = request.precision or (None if tuned_on is None else tuned_on.precision)
    check_precision(precision, entry)
    data, note = data_fingerprint(entry)
    preset = entry.comparison
    objective = _objective(request, tuned_on, entry)
    alone = entry.cohort_size == 1 or request.seconds is not None
    cohort_size = 1 if alone else min(request.seeds, MAX_COHORT_SIZE)
    check_objective(objective, task, options, precision, cohort_size)
    steps = request.steps or preset.steps
    usual = preset.validate_every
    if objective.validates:  # often enough for the objective
        usual = objective.every or min(usual or steps, objective.interval(steps))
    measurement = Measurement(
        validate_every=_validate_every(request, task, usual),
        seconds=request.seconds,
        test_examples=request.test_examples,
    )
    versions, hardware = machine.versions(), machine.hardware()
    specs = []
    for tuned in compared:
        check_point("search", tuned.hyperparameters, task, options, request.options, precision)
        sweep = None if request.sweep is None else SWEEPS[request.sweep]
        points = (Point(tuned.hyperparameters),) if sweep is None else sweep(tuned.hyperparameters)
        specs.append(
            ComparisonSpec(
                run=request.name or "",
                workload=Workload(
                    task=task,
                    optimizer=tuned.optimizer,
                    optimizer_place=tuned.place,
                    cohort_size=cohort_size,
                    threads=request.cpus_per_candidate,
                    precision=precision,
                    options=options,
                    data=data,
                    objective=objective,
                ),
                seed=0,
                seeds=request.seeds,
                steps=steps,
                space=tuned.space,
                versions=versions,
                hardware=hardware,
                points=points,
                measurement=measurement,
                source=tuned.source,
                sweep=request.sweep,
                best_known=best_known(task, options, precision, objective, Chosen(tuned.optimizer, tuned.place)),
            )
        )
    base = task.rpartition(":")[2] if search is None else search.run
    base = f"{base[:40]}-{f'sweep-{request.sweep}' if request.sweep else 'comparison'}"
    found = (*remarks, *remarks_on(objective), *([note] if note else []))
    return Plan(tuple(specs), found, base, searches[0] if searches else None)


def _objective(request: CompareRequest, tuned_on: Workload | None, entry: TaskEntry) -> Objective:
    """Return the requested objective, or that of the search, or the task's."""
    if request.objective is None and tuned_on is not None:
        return tuned_on.objective.each[0]  # of several the first
    return objective_of(request.objective, entry.objective)


def _check_numbers(request: CompareRequest) -> None:
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    for field_, maximum in (
        ("seeds", MAX_SEEDS),
        ("steps", MAX_STEPS),
        ("validate_every", MAX_STEPS),
        ("test_examples", MAX_STEPS),
    ):
        value = getattr(request, field_)
        check_at_least_one(field_, value)
        if value is not None and value > maximum:
            raise InvalidRequest(field_, f"is at most {maximum}", value)
    if request.seconds is not None and not 0 < request.seconds < float("inf"):
        raise InvalidRequest("seconds", "is a positive number of seconds", request.seconds)
    if request.defaults and request.search is not None:
        raise InvalidRequest("defaults", "and {search} exclude each other")
    if request.sweep is None:
        return
    if request.sweep not in SWEEPS:
        raise InvalidRequest(
            "sweep", f"is one of {', '.join(SWEEPS)}{nearest(request.sweep, tuple(SWEEPS))}", request.sweep
        )
    if request.optimizers not in (None, (OPTIMIZER,)):
        received = ",".join(request.optimizers or ())
        raise InvalidRequest("sweep", f"is of {OPTIMIZER} alone. Received: {{optimizers}} {received}")


def _compared(
    request: CompareRequest, task: str, entry: TaskEntry, database: str
) -> tuple[list[StudyRecord], list[Tuned], list[str]]:
    """Return the searches used, the points to compare, and remarks.

    The hyperparameters of an optimizer are those of its file in `configs`; else the defaults, if `defaults` is set;
    else those of a search.
    """
    configs = _configs(request)
    chosen = _requested(request, configs, database)
    for config in configs.values():
        if chosen is not None and config.optimizer not in chosen:
            raise InvalidRequest(
                "configs",
                f"{config.file}: it is for {config.optimizer}, which is not compared here ({', '.join(chosen)})",
            )
    remarks = [
        f"{config.file} was tuned on {config.task}" for config in configs.values() if config.task not in ("", task)
    ]
    tuned_by_search: list[tuple[StudyRecord, Tuned]] = []
    if request.defaults:
        chosen = chosen or {name: Chosen(name) for name in entry.line_up if _exists(name)}
    elif not configs or request.search is not None or (chosen is not None and not set(chosen) <= configs.keys()):
        unconfigured = None if chosen is None else [one for name, one in chosen.items() if name not in configs]
        if unconfigured is None or unconfigured:
            tuned_by_search = searched(database, task, request.search, unconfigured)
    by_name = {tuned.optimizer: tuned for _, tuned in tuned_by_search}
    if chosen is None or request.defaults:
        of_searches = {name: Chosen(name, tuned.place) for name, tuned in by_name.items()}
        of_files = {name: config.chosen() for name, config in configs.items() if name not in (chosen or {})}
        chosen = (chosen or {}) | of_searches | of_files
    shapes = shapes_for([one for name, one in chosen.items() if name not in by_name], task, {})
    compared = []
    for name, one in chosen.items():
        if name in configs:
            tuned = configs[name].tuned(one, shapes)
        elif name in by_name:
            tuned = by_name[name]
        else:
            tuned = defaults(one, shapes)
        compared.append(tuned.halved() if request.halve_learning_rate else tuned)
    return [study for study, _ in tuned_by_search], compared, remarks


def _requested(request: CompareRequest, configs: Mapping[str, Config], database: str) -> dict[str, Chosen] | None:
    """Return the requested optimizers by name; None if none is requested.

    A name alone may also be that of a user's own optimizer that is in a file or that a search has tuned.
    """
    given = request.optimizers if request.sweep is None else (OPTIMIZER,)
    if given is None:
        return None
    known: dict[str, Chosen] = {}
    if any(name not in lodo.registry.OPTIMIZERS and ":" not in name for name in given):
        known = own_of_searches(database)
    known |= {name: config.chosen() for name, config in configs.items() if config.place is not None and name in given}
    texts = [str(known.get(name, name)) for name in given]
    return {one.name: one for one in choose_all("optimizers", texts)}


def _configs(request: CompareRequest) -> dict[str, Config]:
    configs: dict[str, Config] = {}
    for file in request.configs:
        config = read_config(file)
        if config.optimizer in configs:
            raise InvalidRequest("configs", f"{file}: there is another file for {config.optimizer}")
        configs[config.optimizer] = config
    return configs


def _exists(name: str) -> bool:
    try:
        choose("optimizers", name)
    except InvalidRequest:
        return False
    return True


def _validate_every(request: CompareRequest, task: str, preset: int | None) -> int | None:
    """Return the validation interval; None if the task has no validation set.

    Raises:
        InvalidRequest: The task has no validation set, and validation was requested.
    """
    if request.validate_every is None and task in tasks.registry.TASKS:
        return preset
    load_tensorflow()
    kind: Any = tasks.registry.load(task)
    if hasattr(kind, "evaluate") and hasattr(kind, "examples"):
        return request.validate_every or preset
    if request.validate_every is not None:
        raise InvalidRequest("validate_every", f": {task} has no validation set")
    return None
