"""`lodo-tune train`: one configuration of one optimizer, on one seed or several, without a search."""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import lodo.registry
import tasks.registry
from tuner.cli.observed import Observed, run_observed, write_run
from tuner.cli.observed import as_json as observed_as_json
from tuner.cli.observed import as_text as observed_as_text
from tuner.cli.output import check_free, check_output
from tuner.cli.tracked import Tracked, run_tracked
from tuner.cli.tracked import as_json as tracked_as_json
from tuner.cli.tracked import as_text as tracked_as_text
from tuner.cli.users_task import check_users_task
from tuner.cli.watch import Watch
from tuner.core.errors import UsageError, check_at_least_one, check_timeout
from tuner.core.numbers import finite_or_none
from tuner.core.seeds import MAX_SEED
from tuner.core.trial import Evaluation, Key, Progress, Role, Status, Trial, Workload
from tuner.results.tables.numbers import counted
from tuner.strategies.schedule import MAX_STEPS
from tuner.studies.planner import absolute, check_optimizer, data_fingerprint, task_entry, variable_shapes
from tuner.studies.spaces import Shapes, default_space, numbers_beside
from tuner.studies.task_options import task_options
from tuner.training.tensorflow import configure, load_tensorflow

MOST_SEEDS = 10_000
MOST_OF_A_NETWORK = 1024  # layers, or rows of a block
MOST_LANES = 32  # seeds trained in lockstep at most; beyond, memory costs more than lockstep saves


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What the command line asked for."""

    task: str
    optimizer: str
    settings: tuple[str, ...] = ()  # "NAME=VALUE"
    options: tuple[str, ...] = ()  # likewise, of the task
    steps: int
    seeds: Sequence[int] = (0,)  # rising
    precision: str | None = None
    threads: int = 1
    track: str | None = None  # "hessian-error"
    validate_every: int | None = None  # gradient evaluations
    output: Path | None = None  # a folder
    force: bool = False  # whether it may hold something already
    timeout: float | None = None


def train(request: TrainRequest, *, curve: bool, as_json: bool) -> None:
    """Train in this process and print what came of it; exit code 1 if a run failed.

    Raises:
        UsageError, ValueError: Something that was asked for cannot be.
    """
    check_at_least_one("cpus_per_candidate", request.threads)
    check_at_least_one("steps", request.steps)
    check_at_least_one("validate_every", request.validate_every)
    check_timeout(request.timeout)
    observing = request.validate_every is not None or request.output is not None
    if request.track is not None and observing:
        raise UsageError("--track goes with neither --validate-every nor --output")
    check_output(request.output)
    check_free(request.output, force=request.force)
    if request.steps > MAX_STEPS:
        raise UsageError(f"--steps is at most {MAX_STEPS}. Received: {request.steps}")
    if not request.seeds or request.seeds[0] < 0 or request.seeds[-1] > MAX_SEED or len(request.seeds) > MOST_SEEDS:
        raise UsageError(f"--seed is a whole number from 0 to {MAX_SEED}, and --seeds one from 1 to {MOST_SEEDS}")
    task = absolute(request.task)
    if tasks.registry.is_own(task) or lodo.registry.is_of_keras(request.optimizer):
        _begin_tensorflow(request.threads)  # looking at these uses it
    entry = task_entry(task)
    check_optimizer("--optimizer", request.optimizer)
    data, note = data_fingerprint(entry)
    _begin_tensorflow(request.threads)
    options = task_options(task, request.options, {})
    shapes = variable_shapes(task, [request.optimizer], options)
    hyperparameters, settings = _given(request.optimizer, request.settings, shapes)
    if note:
        click.echo(note, err=True)
    check_users_task(task, options, request.precision, request.timeout)
    lanes = 1 if entry.cohort_size == 1 else min(len(request.seeds), MOST_LANES)
    workload = Workload(
        task=task,
        optimizer=request.optimizer,
        cohort_size=lanes,
        threads=request.threads,
        precision=request.precision,
        options=options,
        settings=settings,
        data=data,
    )
    trials = [
        Trial(Key(Role.SEARCH, 0, at), hyperparameters, seed, request.steps) for at, seed in enumerate(request.seeds)
    ]
    tracked: list[Tracked] = []
    observed: list[Observed] = []
    with Watch(request.timeout), _progress(request) as progress:
        if request.track is not None:
            tracked = run_tracked(workload, trials, progress)
            done = [one.learning for one in tracked]
        elif observing:
            observed = run_observed(workload, trials, request.validate_every, progress)
            done = [one.evaluation for one in observed]
        else:
            done = sorted(_evaluations(workload, trials, request, progress), key=lambda evaluation: evaluation.key)
    dtype = request.precision or tasks.registry.load(task)(**options).dtype
    more = [tracked_as_json(one, curve=curve) for one in tracked] or [observed_as_json(one) for one in observed]

    def document(*, curve: bool) -> dict[str, Any]:
        return _document(request, hyperparameters | settings, done, more, dtype, curve=curve)

    if request.output is not None:
        write_run(request.output, document(curve=True), workload, trials, observed)
    if as_json:
        click.echo(json.dumps(document(curve=curve), allow_nan=False))
    else:
        parts = [_text(request, hyperparameters | settings, done, curve=curve)]
        if tracked:
            parts.append(tracked_as_text(tracked, request.seeds, request.steps))
        if observed:
            parts.append(observed_as_text(observed, request.seeds))
        click.echo("\n\n".join(filter(None, parts)))
    failed = [evaluation for evaluation in done if evaluation.status in (Status.FAILED, Status.TIMED_OUT)]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(done)} runs failed: {failed[0].reason}")


def _begin_tensorflow(threads: int) -> None:
    """Load TensorFlow with its settings, which come too late once anything has been computed; once is enough."""
    load_tensorflow()
    configure(threads)


def _given(optimizer: str, settings: Sequence[str], shapes: Shapes) -> tuple[dict[str, float], dict[str, int]]:
    """Return the hyperparameters, defaults with what --set says, and the whole numbers of the constructor it names."""
    space, _ = default_space(optimizer, shapes)
    others, whole = numbers_beside(space, shapes), lodo.registry.SETTINGS.get(optimizer, {})
    given = _numbers(settings, example=space.names[0])
    for name, value in given.items():
        if name in others and value < 0:
            raise UsageError(f"--set: {name} must be at least 0. Received: {value!r}")
        if name in whole and not (value >= 1 and value.is_integer() and value <= MOST_OF_A_NETWORK):
            raise UsageError(f"--set: {name} must be a whole number from 1 to {MOST_OF_A_NETWORK}. Received: {value!r}")
    values = space.defaults() | {name: value for name, value in given.items() if name not in whole}
    try:
        space.encode({name: value for name, value in values.items() if name not in others})
    except ValueError as error:
        also = f". Also accepted: {', '.join((*others, *whole))}" if others or whole else ""
        raise UsageError(f"--set: {error}{also}") from None
    return values, {name: int(value) for name, value in given.items() if name in whole}


def _numbers(settings: Sequence[str], *, example: str) -> dict[str, float]:
    """Read NAME=VALUE, each name once."""
    given: dict[str, float] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not equals or not math.isfinite(value):
            raise UsageError(
                f"--set takes NAME=VALUE with a finite number, such as {example}=0.1. Received: {setting!r}"
            )
        if name in given:
            raise UsageError(f"--set names {name} twice. Received: {' and '.join(map(repr, settings))}")
        given[name] = value
    return given


@contextlib.contextmanager
def _progress(request: TrainRequest) -> Iterator[Callable[[float], None]]:
    """Yield what shows the share of the work that is done, on a line of its own; nothing outside a terminal."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    label = f"{request.task}/{request.optimizer}"
    try:
        yield lambda share: click.echo(f"\r\x1b[K{label}: {share:.0%}", nl=False, err=True)
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _evaluations(
    workload: Workload, trials: Sequence[Trial], request: TrainRequest, progress: Callable[[float], None]
) -> Iterator[Evaluation]:
    """Train, cohort by cohort; whatever happens to a run is its evaluation."""
    from tuner.execution.in_process import InProcessExecutor

    total, finished = len(trials) * request.steps, 0
    with InProcessExecutor(timeout=request.timeout) as executor:
        for event in executor.evaluate(workload, trials, label=f"{request.task}/{request.optimizer}"):
            if isinstance(event, Evaluation):
                finished += request.steps
                yield event
            elif isinstance(event, Progress):
                progress((finished + event.steps_done * len(event.keys)) / total)


def _document(
    request: TrainRequest,
    hyperparameters: Mapping[str, float],
    done: Sequence[Evaluation],
    more: Sequence[Mapping[str, Any]],
    dtype: str,
    *,
    curve: bool,
) -> dict[str, Any]:
    """Return all that was found, as JSON takes it. `more` is what there is to add to each run's entry, if anything."""
    runs = []
    for seed, evaluation, added in zip(request.seeds, done, more or [{}] * len(done), strict=True):
        run: dict[str, Any] = {
            "seed": seed,
            "status": str(evaluation.status),
            "fitness": finite_or_none(evaluation.fitness),
            "steps_done": evaluation.steps_done,
            "seconds": evaluation.seconds,
        }
        if evaluation.reason:
            run["reason"] = evaluation.reason
        if curve:
            run["losses"] = [finite_or_none(float(loss)) for loss in evaluation.losses]
        runs.append({**run, **added})
    return {
        "task": request.task,
        "optimizer": request.optimizer,
        "hyperparameters": dict(hyperparameters),
        "steps": request.steps,
        "dtype": dtype,
        "runs": runs,
    }


def _text(
    request: TrainRequest, hyperparameters: Mapping[str, float], done: Sequence[Evaluation], *, curve: bool
) -> str:
    settings = ", ".join(f"{name} {value:.6g}" for name, value in hyperparameters.items())
    budget = counted(request.steps, "gradient evaluation")
    lines = [f"{request.optimizer} on {request.task}, {budget}: {settings}"]
    for seed, evaluation in zip(request.seeds, done, strict=True):
        outcome = f"fitness {evaluation.fitness:.6g}" if evaluation.status is Status.FINISHED else evaluation.reason
        lines.append(f"seed {seed}: {evaluation.status}, {outcome}, {evaluation.seconds:.3g} s")
        if curve:
            lines += [f"  {at} {loss:.17g}" for at, loss in enumerate(evaluation.losses)]
    finite = [evaluation.fitness for evaluation in done if evaluation.status is Status.FINISHED]
    if len(finite) > 1:
        lines.append(f"mean {statistics.mean(finite):.6g}, standard deviation {statistics.stdev(finite):.3g}")
    return "\n".join(lines)
