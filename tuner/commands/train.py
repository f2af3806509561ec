"""`lodo-tune train`: one configuration of one optimizer, on one seed or several, without a search."""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

import tasks.registry
from tuner.candidate import Evaluation, Key, Progress, Role, Status, Trial, Workload
from tuner.commands.plan import absolute, check_optimizer, data_fingerprint, task_entry
from tuner.commands.quiet import load_tensorflow
from tuner.commands.schedule import MOST_SEED, MOST_STEPS
from tuner.commands.spaces import default_space, numbers_beside
from tuner.commands.usage import UsageError, check_at_least_one, check_timeout
from tuner.commands.watch import Watch

MOST_SEEDS = 10_000
MOST_LANES = 32  # seeds trained in lockstep at most; beyond, memory costs more than lockstep saves


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the command line asked for."""

    task: str
    optimizer: str
    settings: tuple[str, ...] = ()  # "NAME=VALUE"
    steps: int
    seeds: Sequence[int] = (0,)  # rising
    precision: str | None = None
    threads: int = 1
    timeout: float | None = None


def train(request: TrainRequest, *, curve: bool, as_json: bool) -> None:
    """Train in this process and print what came of it; exit code 1 if a run failed.

    Raises:
        UsageError, ValueError: Something that was asked for cannot be.
    """
    check_at_least_one("--cpus-per-candidate", request.threads)
    check_at_least_one("--steps", request.steps)
    check_timeout(request.timeout)
    if request.steps > MOST_STEPS:
        raise UsageError(f"--steps is at most {MOST_STEPS}. Received: {request.steps}")
    if not request.seeds or request.seeds[0] < 0 or request.seeds[-1] > MOST_SEED or len(request.seeds) > MOST_SEEDS:
        raise UsageError(f"--seed is a whole number from 0 to {MOST_SEED}, and --seeds one from 1 to {MOST_SEEDS}")
    task = absolute(request.task)
    entry = task_entry(task)
    check_optimizer(request.optimizer)
    hyperparameters = _hyperparameters(request.optimizer, request.settings)
    data, note = data_fingerprint(entry)
    if note:
        click.echo(note, err=True)
    load_tensorflow()
    lanes = 1 if entry.cohort_size == 1 else min(len(request.seeds), MOST_LANES)
    workload = Workload(
        task=task,
        optimizer=request.optimizer,
        cohort_size=lanes,
        threads=request.threads,
        precision=request.precision,
        data=data,
    )
    trials = [
        Trial(Key(Role.SEARCH, 0, at), hyperparameters, seed, request.steps) for at, seed in enumerate(request.seeds)
    ]
    with Watch(request.timeout):
        done = sorted(_evaluations(workload, trials, request), key=lambda evaluation: evaluation.key)
    dtype = request.precision or tasks.registry.load(task)().dtype
    if as_json:
        click.echo(_json(request, hyperparameters, done, dtype, curve=curve))
    else:
        click.echo(_text(request, hyperparameters, done, curve=curve))
    failed = [evaluation for evaluation in done if evaluation.status in (Status.FAILED, Status.TIMED_OUT)]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(done)} runs failed: {failed[0].reason}")


def _hyperparameters(optimizer: str, settings: Sequence[str]) -> dict[str, float]:
    """Return the defaults with what --set says."""
    space, _ = default_space(optimizer)
    others = numbers_beside(space)
    values = space.defaults()
    given: set[str] = set()
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not equals or not math.isfinite(value):
            raise UsageError(
                f"--set takes NAME=VALUE with a finite number, such as {space.names[0]}=0.1. Received: {setting!r}"
            )
        if name in given:
            raise UsageError(f"--set names {name} twice. Received: {' and '.join(map(repr, settings))}")
        given.add(name)
        values[name] = value
        if name in others and value < 0:
            raise UsageError(f"--set: {name} must be at least 0. Received: {value!r}")
    try:
        space.encode({name: value for name, value in values.items() if name not in others})
    except ValueError as error:
        raise UsageError(f"--set: {error}") from None
    return values


def _evaluations(workload: Workload, trials: Sequence[Trial], request: TrainRequest) -> Iterator[Evaluation]:
    """Train, with a line of progress in a terminal."""
    from tuner.execution.in_process import InProcessExecutor

    total = len(trials) * request.steps
    finished = 0
    live = sys.stderr.isatty()
    with InProcessExecutor(timeout=request.timeout) as executor, contextlib.ExitStack() as cleared:
        if live:
            cleared.callback(click.echo, "\r\x1b[K", nl=False, err=True)
        for event in executor.evaluate(workload, trials, label=f"{request.task}/{request.optimizer}"):
            if isinstance(event, Evaluation):
                finished += request.steps
                yield event
            elif isinstance(event, Progress) and live:
                share = (finished + event.steps_done * len(event.keys)) / total
                click.echo(f"\r\x1b[K{request.task}/{request.optimizer}: {share:.0%}", nl=False, err=True)


def _json(
    request: TrainRequest, hyperparameters: Mapping[str, float], done: Sequence[Evaluation], dtype: str, *, curve: bool
) -> str:
    runs = []
    for seed, evaluation in zip(request.seeds, done, strict=True):
        run: dict[str, Any] = {
            "seed": seed,
            "status": str(evaluation.status),
            "fitness": _finite(evaluation.fitness),
            "steps_done": evaluation.steps_done,
            "seconds": evaluation.seconds,
        }
        if evaluation.reason:
            run["reason"] = evaluation.reason
        if curve:
            run["losses"] = [_finite(float(loss)) for loss in evaluation.losses]
        runs.append(run)
    document = {
        "task": request.task,
        "optimizer": request.optimizer,
        "hyperparameters": dict(hyperparameters),
        "steps": request.steps,
        "dtype": dtype,
        "runs": runs,
    }
    return json.dumps(document, allow_nan=False)


def _text(
    request: TrainRequest, hyperparameters: Mapping[str, float], done: Sequence[Evaluation], *, curve: bool
) -> str:
    settings = ", ".join(f"{name} {value:.6g}" for name, value in hyperparameters.items())
    lines = [f"{request.optimizer} on {request.task}, {request.steps} gradient evaluations: {settings}"]
    for seed, evaluation in zip(request.seeds, done, strict=True):
        outcome = f"fitness {evaluation.fitness:.6g}" if evaluation.status is Status.FINISHED else evaluation.reason
        lines.append(f"seed {seed}: {evaluation.status}, {outcome}, {evaluation.seconds:.3g} s")
        if curve:
            lines += [f"  {at} {loss:.17g}" for at, loss in enumerate(evaluation.losses)]
    finite = [evaluation.fitness for evaluation in done if evaluation.status is Status.FINISHED]
    if len(finite) > 1:
        lines.append(f"mean {statistics.mean(finite):.6g}, standard deviation {statistics.stdev(finite):.3g}")
    return "\n".join(lines)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
