"""From the command line's options to the specifications of a run's studies; nothing is written, nothing started."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lodo.registry
import tasks.registry
from tasks.registry import TaskEntry
from tuner import strategies
from tuner.core.errors import UsageError, check_at_least_one
from tuner.core.seeds import MAX_SEED
from tuner.core.study import SearchSpec, StudySpec
from tuner.core.trial import Workload
from tuner.studies import machine
from tuner.studies.spaces import search_spaces_of
from tuner.studies.task_options import task_options
from tuner.training.tensorflow import load_tensorflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asked for; None is 'not said'."""

    task: str
    optimizers: tuple[str, ...] | None = None
    preset: str = "paper"
    generations: int | None = None
    population: int | None = None
    steps: tuple[int, ...] | None = None
    sigmas: tuple[float, ...] | None = None
    strategy: str = "paper"
    seed: int = 0
    name: str | None = None
    cpus_per_candidate: int = 1
    search_spaces: tuple[Path, ...] = ()
    precision: str | None = None
    options: tuple[str, ...] = ()  # "NAME=VALUE"


@dataclass(frozen=True, slots=True)
class Plan:
    """The studies of a run, in order, and what people should know before it starts."""

    specs: tuple[StudySpec, ...]
    remarks: tuple[str, ...]


def plan(request: Request) -> Plan:
    """Return the specifications of a run's studies; their run is yet to be named if the request does not.

    Args:
        request: What was asked for.

    Raises:
        UsageError: Something unknown or out of range was asked for.
        ValueError: A task, an optimizer, a search-space file or a data set cannot be used; one line each.
    """
    if request.seed < 0:
        raise UsageError(f"--seed is a whole number, at least 0. Received: {request.seed}")
    if request.seed > MAX_SEED:
        raise UsageError(f"--seed is at most {MAX_SEED}. Received: {request.seed}")
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    task = absolute(request.task)
    entry = task_entry(task)
    if request.preset not in entry.presets:
        raise UsageError(f"--preset is one of {', '.join(entry.presets)} for this task. Received: {request.preset!r}")
    if request.precision is not None and entry.precisions is not None and request.precision not in entry.precisions:
        raise UsageError(
            f"--precision is one of {', '.join(entry.precisions)} for this task. Received: {request.precision!r}"
        )
    preset = entry.presets[request.preset]
    timing = strategies.kind(request.strategy).schedule(
        preset,
        generations=request.generations,
        population=request.population,
        sigmas=request.sigmas,
        steps=request.steps,
    )
    names, remarks = _line_up(request.optimizers, preset.optimizers)
    data, note = data_fingerprint(entry)
    options = task_options(task, request.options, preset.options)
    spaces, derived = search_spaces_of(names, request.search_spaces, variable_shapes(task, names, options))
    versions, hardware = machine.versions(), machine.hardware()
    specs = tuple(
        SearchSpec(
            run=request.name or "",
            workload=Workload(
                task=task,
                optimizer=name,
                cohort_size=entry.cohort_size,
                threads=request.cpus_per_candidate,
                precision=request.precision,
                options=options,
                data=data,
            ),
            strategy=request.strategy,
            seed=request.seed,
            generations=timing.generations,
            population=timing.population,
            parameters=timing.parameters,
            steps=timing.steps,
            fresh_seeds=preset.fresh_seeds,
            space=spaces[name].to_dict(),
            versions=versions,
            hardware=hardware,
        )
        for name in names
    )
    return Plan(specs, (*remarks, *derived, *([note] if note else [])))


def absolute(task: str) -> str:
    """Return a task's name as a worker elsewhere understands it: a user's file by its full path."""
    place, colon, name = task.rpartition(":")
    return f"{Path(place).expanduser().resolve()}:{name}" if colon and place.endswith(".py") else task


def task_entry(task: str) -> TaskEntry:
    """Return what is known of a task.

    Raises:
        ValueError: There is none of this name, or a user's own cannot be used.
    """
    if tasks.registry.is_own(task):
        load_tensorflow()  # a task of the user's own does it otherwise, and not quietly
    return tasks.registry.entry(task)


def check_optimizer(option: str, name: str) -> str:
    """Return an optimizer's name if there is one of this name.

    Raises:
        UsageError: There is none; the option is named.
    """
    if lodo.registry.is_of_keras(name):
        load_tensorflow()  # Keras does it otherwise, and not quietly
    try:
        return lodo.registry.check(name)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def variable_shapes(task: str, optimizers: Sequence[str], options: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the variables that a task trains, where an optimizer of Keras' is to know them.

    Raises:
        ValueError: The task cannot be made.
    """
    if not any(map(lodo.registry.is_of_keras, optimizers)):
        return ()
    from lodo.keras_adapter import VECTOR_SHAPES

    shapes: tuple[tuple[int, ...], ...] | None = getattr(tasks.registry.load(task)(**options), "variable_shapes", None)
    return shapes or VECTOR_SHAPES


def run_name(task: str, taken: Sequence[str]) -> str:
    """Return a name for a run of a task: the task's, with a number where that is taken already."""
    place, _, name = task.rpartition(":")
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", name if place else task).strip("-._")[:56] or "run"
    numbered = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)


def data_fingerprint(entry: TaskEntry) -> tuple[dict[str, Any] | None, str]:
    """Return the fingerprint of a task's data, None where it has none, and a remark on it for people.

    Raises:
        ValueError: The data is missing or broken.
    """
    if entry.dataset is None:
        return None, ""
    import tasks.datasets

    return tasks.datasets.facts(entry.dataset)


def described(data: Mapping[str, Any] | None) -> str:
    """Return a fingerprint as people read it."""
    return "none" if data is None else f"{data['name']} {data['sizes']} with sha256 {data['sha256'][:12]}…"


def set_data_dir(folder: Path | None) -> None:
    """Make a folder the place where data is looked for, here and in the workers.

    Raises:
        UsageError: There is no such folder.
    """
    if folder is None:
        return
    if not folder.is_dir():
        raise UsageError(f"--data-dir: there is no folder {folder}")
    os.environ["LODO_DATA_DIR"] = str(folder.resolve())


def _line_up(asked: tuple[str, ...] | None, own: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the optimizers to tune, and a remark on those of the task's line-up that do not exist here."""
    if asked is not None:
        return list(dict.fromkeys(check_optimizer("--optimizers", name) for name in asked)), []
    names = [name for name in own if name in lodo.registry.OPTIMIZERS]
    absent = [name for name in own if name not in lodo.registry.OPTIMIZERS]
    return names, [f"not available yet and left out of the line-up: {', '.join(absent)}"] if absent else []
