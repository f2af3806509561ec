"""`lodo-tune train`: one configuration of one optimizer, on one seed or several, without a search."""

from __future__ import annotations

import contextlib
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

import lodo.registry
import tasks.registry
from tuner.candidate import Evaluation, Key, Progress, Role, Status, Trial, Workload
from tuner.commands.plan import absolute, check_optimizer, data_fingerprint, task_entry, variable_shapes
from tuner.commands.quiet import load_tensorflow
from tuner.commands.schedule import MOST_SEED, MOST_STEPS
from tuner.commands.spaces import Shapes, default_space, numbers_beside
from tuner.commands.tracked import as_json as tracked_as_json
from tuner.commands.tracked import as_text, finite, run_tracked
from tuner.commands.usage import UsageError, check_at_least_one, check_timeout
from tuner.commands.watch import Watch
from tuner.results.numerals import counted

if TYPE_CHECKING:
    from tuner.tracking import Tracked

MOST_SEEDS = 10_000
MOST_OF_A_NETWORK = 1024  # layers, or rows of a block
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
    track: str | None = None  # "hessian-error"
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
    if tasks.registry.is_own(task) or lodo.registry.is_of_keras(request.optimizer):
        _begin_tensorflow(request.threads)  # looking at these uses it
    entry = task_entry(task)
    check_optimizer("--optimizer", request.optimizer)
    shapes = variable_shapes(task, [request.optimizer], {})
    hyperparameters, settings = _given(request.optimizer, request.settings, shapes)
    data, note = data_fingerprint(entry)
    if note:
        click.echo(note, err=True)
    _begin_tensorflow(request.threads)
    lanes = 1 if entry.cohort_size == 1 else min(len(request.seeds), MOST_LANES)
    workload = Workload(
        task=task,
        optimizer=request.optimizer,
        cohort_size=lanes,
        threads=request.threads,
        precision=request.precision,
        settings=settings,
        data=data,
    )
    trials = [
        Trial(Key(Role.SEARCH, 0, at), hyperparameters, seed, request.steps) for at, seed in enumerate(request.seeds)
    ]
    tracked: list[Tracked] = []
    with Watch(request.timeout), _progress(request) as progress:
        if request.track is None:
            done = sorted(_evaluations(workload, trials, request, progress), key=lambda evaluation: evaluation.key)
        else:
            tracked = run_tracked(workload, trials, progress)
            done = [one.learning for one in tracked]
    dtype = request.precision or tasks.registry.load(task)().dtype
    if as_json:
        click.echo(_json(request, hyperparameters | settings, done, tracked, dtype, curve=curve))
    else:
        click.echo(_text(request, hyperparameters | settings, done, curve=curve))
        if tracked:
            click.echo("\n" + as_text(tracked, request.seeds, request.steps))
    failed = [evaluation for evaluation in done if evaluation.status in (Status.FAILED, Status.TIMED_OUT)]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(done)} runs failed: {failed[0].reason}")


def _begin_tensorflow(threads: int) -> None:
    """Load TensorFlow with its settings, which come too late once anything has been computed; once is enough."""
    load_tensorflow()
    from tuner.tensorflow_settings import configure

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


def _json(
    request: TrainRequest,
    hyperparameters: Mapping[str, float],
    done: Sequence[Evaluation],
    tracked: Sequence[Tracked],
    dtype: str,
    *,
    curve: bool,
) -> str:
    runs = []
    for seed, evaluation, one in zip_longest(request.seeds, done, tracked):
        run: dict[str, Any] = {
            "seed": seed,
            "status": str(evaluation.status),
            "fitness": finite(evaluation.fitness),
            "steps_done": evaluation.steps_done,
            "seconds": evaluation.seconds,
        }
        if evaluation.reason:
            run["reason"] = evaluation.reason
        if curve:
            run["losses"] = [finite(float(loss)) for loss in evaluation.losses]
        if one is not None:
            run |= tracked_as_json(one, curve=curve)
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
