"""`lodo-tune compare`: tuned optimizers trained for long, each on the same seeds, and the table of how they did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tasks.registry
from tasks.registry import TaskEntry
from tuner.cli.output import check_output
from tuner.cli.run import Machines, begin
from tuner.cli.train import MOST_LANES, MOST_SEEDS
from tuner.core.errors import UsageError, check_at_least_one
from tuner.core.study import ComparisonSpec, Point, StudyRecord
from tuner.core.text import nearest
from tuner.core.trial import Measurement, Workload
from tuner.storage import check_run_name
from tuner.strategies.schedule import MAX_STEPS
from tuner.studies import machine
from tuner.studies.planner import (
    Plan,
    absolute,
    check_optimizer,
    data_fingerprint,
    described,
    task_entry,
    variable_shapes,
)
from tuner.studies.sweeps import OPTIMIZER, SWEEPS
from tuner.studies.task_options import task_options
from tuner.studies.tuned_points import Config, Tuned, defaults, read_config, searched
from tuner.training.tensorflow import load_tensorflow


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """What the command line asked for; None is 'not said'."""

    task: str
    optimizers: tuple[str, ...] | None = None
    search: str | None = None  # --from
    configs: tuple[Path, ...] = ()
    defaults: bool = False
    halve_learning_rate: bool = False
    sweep: str | None = None
    seeds: int = 8
    steps: int | None = None
    seconds: float | None = None
    validate_every: int | None = None
    test_examples: int | None = None
    name: str | None = None
    cpus_per_candidate: int = 1
    precision: str | None = None
    options: tuple[str, ...] = ()  # "NAME=VALUE"


def start(
    request: CompareRequest, machines: Machines, database: str, *, format: str | None, output: Path | None
) -> None:
    """Create the studies of a comparison, run them, and print its table unless `format` is None.

    Raises:
        UsageError, ValueError: Something that was asked for cannot be.
        StorageError, ClusterUnavailable: The database or the machines fail.
        Interrupted: By Ctrl-C or SIGTERM.
        NoResult: No run of an optimizer finished or diverged.
    """
    machines.check()
    if machines.timeout is not None and request.seconds is not None and machines.timeout <= request.seconds:
        raise UsageError(
            f"--timeout is longer than --time. Received: {machines.timeout:g} s and {request.seconds:g} s of training"
        )
    if request.name is not None:
        check_run_name(request.name)
    check_output(output)
    if output is not None and output.is_dir() and any(output.iterdir()):
        raise UsageError(f"--output: {output} is not empty; name another folder")
    planned, base = plan(request, database)
    begin(planned, request.name, base, machines, database, lambda *_: True, format=format, output=output)


def plan(request: CompareRequest, database: str) -> tuple[Plan, str]:
    """Return the studies of a comparison, yet to be named, and what their run may be called.

    Raises:
        UsageError: Something unknown or out of range was asked for.
        ValueError: A task, an optimizer or a data set cannot be used; one line each.
        StorageError: The database cannot be read.
    """
    _check_numbers(request)
    task = absolute(request.task)
    entry = task_entry(task)
    found, compared, remarks = _compared(request, task, entry, database)
    of = found[0].spec.workload if found else None
    options = task_options(task, request.options, {} if of is None else of.options)
    precision = request.precision or (None if of is None else of.precision)
    if precision is not None and entry.precisions is not None and precision not in entry.precisions:
        raise UsageError(f"--precision is one of {', '.join(entry.precisions)} for this task. Received: {precision!r}")
    data, note = data_fingerprint(entry)
    if of is not None and (None if of.data is None else dict(of.data)) != data:
        remarks.append(f"{found[0].spec.run} was tuned on other data: {described(of.data)}; here is {described(data)}")
    preset = entry.comparison
    measurement = Measurement(
        validate_every=_validation(request, task, preset.validate_every),
        seconds=request.seconds,
        test_examples=request.test_examples,
    )
    alone = entry.cohort_size == 1 or request.seconds is not None
    versions, hardware = machine.versions(), machine.hardware()
    specs = []
    for tuned in compared:
        sweep = None if request.sweep is None else SWEEPS[request.sweep]
        points = (Point(tuned.hyperparameters),) if sweep is None else sweep(tuned.hyperparameters)
        specs.append(
            ComparisonSpec(
                run=request.name or "",
                workload=Workload(
                    task=task,
                    optimizer=tuned.optimizer,
                    cohort_size=1 if alone else min(request.seeds, MOST_LANES),
                    threads=request.cpus_per_candidate,
                    precision=precision,
                    options=options,
                    data=data,
                ),
                seed=0,
                seeds=request.seeds,
                steps=request.steps or preset.steps,
                space=tuned.space,
                versions=versions,
                hardware=hardware,
                points=points,
                measurement=measurement,
                source=tuned.source,
                sweep=request.sweep,
            )
        )
    base = found[0].spec.run if found else task.rpartition(":")[2]
    base = f"{base[:40]}-{f'sweep-{request.sweep}' if request.sweep else 'comparison'}"
    return Plan(tuple(specs), (*remarks, *([note] if note else []))), base


def _check_numbers(request: CompareRequest) -> None:
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    for option, value, most in (
        ("--seeds", request.seeds, MOST_SEEDS),
        ("--steps", request.steps, MAX_STEPS),
        ("--validate-every", request.validate_every, MAX_STEPS),
        ("--test-examples", request.test_examples, MAX_STEPS),
    ):
        check_at_least_one(option, value)
        if value is not None and value > most:
            raise UsageError(f"{option} is at most {most}. Received: {value}")
    if request.seconds is not None and not 0 < request.seconds < float("inf"):
        raise UsageError(f"--time is a positive number of seconds. Received: {request.seconds:g}")
    if request.defaults and request.search is not None:
        raise UsageError("--defaults and --from exclude each other")
    if request.sweep is None:
        return
    if request.sweep not in SWEEPS:
        raise UsageError(
            f"--sweep is one of {', '.join(SWEEPS)}{nearest(request.sweep, tuple(SWEEPS))}. Received: {request.sweep!r}"
        )
    if request.optimizers not in (None, (OPTIMIZER,)):
        raise UsageError(
            f"--sweep is of {OPTIMIZER} alone. Received: --optimizers {','.join(request.optimizers or ())}"
        )


def _compared(
    request: CompareRequest, task: str, entry: TaskEntry, database: str
) -> tuple[list[StudyRecord], list[Tuned], list[str]]:
    """Return the searches that were used, what is compared, and remarks.

    An optimizer's hyperparameters are those of its --config; else the defaults, if --defaults was said; else those that
    a search has found.
    """
    configs = _configs(request)
    asked = request.optimizers if request.sweep is None else (OPTIMIZER,)
    names = None if asked is None else tuple(dict.fromkeys(check_optimizer("--optimizers", name) for name in asked))
    for config in configs.values():
        if names is not None and config.optimizer not in names:
            raise UsageError(
                f"--config {config.file}: it is for {config.optimizer}, which is not compared here ({', '.join(names)})"
            )
    remarks = [
        f"{config.file} was tuned on {config.task}" for config in configs.values() if config.task not in ("", task)
    ]
    found: list[tuple[StudyRecord, Tuned]] = []
    if request.defaults:
        names = names or tuple(dict.fromkeys((*(name for name in entry.line_up if _exists(name)), *configs)))
    elif not configs or request.search is not None or (names is not None and not set(names) <= configs.keys()):
        left = None if names is None else [name for name in names if name not in configs]
        if left is None or left:
            found = searched(database, task, request.search, left)
    by_name = {tuned.optimizer: tuned for _, tuned in found}
    names = names or tuple(dict.fromkeys((*by_name, *configs)))
    shapes = variable_shapes(task, names, {}) if set(names) - by_name.keys() else ()
    compared = []
    for name in names:
        if name in configs:
            tuned = configs[name].tuned(shapes)
        elif name in by_name:
            tuned = by_name[name]
        else:
            tuned = defaults(name, shapes)
        compared.append(tuned.halved() if request.halve_learning_rate else tuned)
    return [study for study, _ in found], compared, remarks


def _configs(request: CompareRequest) -> dict[str, Config]:
    configs: dict[str, Config] = {}
    for file in request.configs:
        config = read_config(file)
        if config.optimizer in configs:
            raise UsageError(f"--config {file}: there is another file for {config.optimizer}")
        configs[config.optimizer] = config
    return configs


def _exists(name: str) -> bool:
    try:
        check_optimizer("--optimizers", name)
    except UsageError:
        return False
    return True


def _validation(request: CompareRequest, task: str, preset: int | None) -> int | None:
    """Return how often to validate; a task that cannot is refused if it was asked for, and else not validated."""
    if request.validate_every is None and task in tasks.registry.TASKS:
        return preset
    load_tensorflow()
    kind: Any = tasks.registry.load(task)
    if hasattr(kind, "evaluate") and hasattr(kind, "examples"):
        return request.validate_every or preset
    if request.validate_every is not None:
        raise UsageError(f"--validate-every: {task} has no validation set")
    return None
