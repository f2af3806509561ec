"""`tuner.train`: train one configuration of one optimizer on given seeds.

Training runs in this process and uses no database.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lodo.registry
import tasks.registry
from tuner.api.data_folder import using_data
from tuner.api.measured import Advance, tracked, validated
from tuner.api.progress import Progress, progress_of
from tuner.api.requests import Optimizer, Task, optimizer_name, sequence, task_name
from tuner.api.train_result import TrainedRun, TrainResult, run_of
from tuner.core.errors import InvalidRequest, check_at_least_one, check_timeout
from tuner.core.events import Progress as TrialProgress
from tuner.core.files import NotWritten
from tuner.core.folders import check_empty, check_writable
from tuner.core.outputs import OutputsFailed
from tuner.core.seeds import MAX_SEED
from tuner.core.task_arguments import PREFIX, is_of_task
from tuner.core.trial import Evaluation, Key, Role, Trial, Workload
from tuner.strategies.schedule import MAX_STEPS
from tuner.studies.added import check_values
from tuner.studies.comparison_planner import MAX_COHORT_SIZE, MAX_SEEDS
from tuner.studies.fingerprints import fingerprint_here, with_fingerprint
from tuner.studies.lookup import absolute, check_precision, data_fingerprint, task_entry
from tuner.studies.memory import check_state
from tuner.studies.optimizers import Chosen, choose, shapes_for
from tuner.studies.own_spaces import Shapes
from tuner.studies.spaces import default_space, own_arguments
from tuner.studies.task_options import task_options
from tuner.training.keras_settings import unused_backend
from tuner.training.tensorflow import configure, load_tensorflow
from tuner.training.tensorflow_variables import unused_variables
from tuner.training.xla_settings import unused_flags

if TYPE_CHECKING:
    from tuner.training.loop import Carry

MAX_NETWORK = 1024  # layers, or rows of a block


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Runs of one optimizer with given hyperparameters, on given seeds; the attributes are the arguments of `train`."""

    task: str
    optimizer: str
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int
    seeds: Sequence[int] = (0,)
    precision: str | None = None
    cpus_per_candidate: int = 1
    track: str | None = None
    validate_every: int | None = None
    output: Path | None = None
    force: bool = False
    timeout: float | None = None
    data_dir: Path | None = None


def train(
    task: Task,
    optimizer: Optimizer,
    *,
    steps: int,
    hyperparameters: Mapping[str, float] | None = None,
    seeds: int | Sequence[int] = 0,
    validate_every: int | None = None,
    track: str | None = None,
    output: str | Path | None = None,
    force: bool = False,
    timeout: float | None = None,
    precision: str | None = None,
    options: Mapping[str, Any] | None = None,
    cpus_per_candidate: int = 1,
    data_dir: str | Path | None = None,
    progress: bool | Callable[[str], None] | Progress | None = False,
) -> TrainResult:
    """Train one configuration in this process, without a search and without a database.

    Args:
        task: See `tune`.
        optimizer: A name or a class; see `tune`.
        steps: Gradient evaluations per run.
        hyperparameters: Values by name; also additions such as cosine_final, and depth and block_size of LODO. Others
            have their defaults.
        seeds: One seed, or several in rising order.
        validate_every: Gradient evaluations between two validations. Default: no validation.
        track: "hessian-error" measures how far LODO's preconditioner is from the inverse Hessian, and repeats each run
            with the learned preconditioner, frozen.
        output: Folder for losses, weights and pictures, which `evaluate` reads.
        force: Whether to remove the files of an earlier run from the folder. Default False.
        timeout: Seconds after which a run (or cohort) is ended; checked between two chunks of losses.
        precision: "float32", "float64", or "bfloat16" where a task supports it. Default: the task's own.
        options: Keyword arguments of the task, such as batch_size.
        cpus_per_candidate: Threads of TensorFlow, which are set once per process. Default 1.
        data_dir: Folder with the data sets.
        progress: See `tune`.

    Returns:
        The result of each run, with its losses as an array. A run that diverged or failed has a status and a reason.

    Raises:
        InvalidRequest: An argument is unknown or out of range.
        ValueError: The task or the data cannot be used, or the task has no validation set or no Hessian.
        OutputsFailed: A file of the folder could not be written; the exception has the `result`.

    Example:
        >>> result = tuner.train("rosenbrock", "Momentum", steps=200, hyperparameters={"learning_rate": 0.02})
        >>> result.runs[0].status
        'finished'
        >>> result.runs[0].losses.shape
        (200,)
    """
    request = TrainRequest(
        task=task_name(task),
        optimizer=optimizer_name(optimizer),
        hyperparameters=hyperparameters or {},
        options=options or {},
        steps=steps,
        seeds=sequence(seeds) or (),
        precision=precision,
        cpus_per_candidate=cpus_per_candidate,
        track=track,
        validate_every=validate_every,
        output=None if output is None else Path(output),
        force=force,
        timeout=timeout,
        data_dir=None if data_dir is None else Path(data_dir),
    )
    return run_training(request, progress=progress)


def run_training(
    request: TrainRequest, *, progress: bool | Callable[[str], None] | Progress | None = False
) -> TrainResult:
    """Run a request for a training; see `train`."""
    _check(request)
    with using_data(request.data_dir):
        return _trained(request, progress_of(progress))


def _check(request: TrainRequest) -> None:
    check_at_least_one("cpus_per_candidate", request.cpus_per_candidate)
    check_at_least_one("steps", request.steps)
    check_at_least_one("validate_every", request.validate_every)
    check_timeout(request.timeout)
    if request.track is not None:
        if request.track != "hessian-error":
            raise InvalidRequest("track", "is 'hessian-error'", request.track)
        if request.validate_every is not None or request.output is not None:
            raise InvalidRequest("track", "excludes {validate_every} and {output}")
    if request.output is not None:
        check_writable("output", request.output)
        if not request.force:
            check_empty("output", request.output, advice=", or give {force} to empty it first")
    if request.steps > MAX_STEPS:
        raise InvalidRequest("steps", f"is at most {MAX_STEPS}", request.steps)
    seeds = request.seeds
    if not seeds or seeds[0] < 0 or seeds[-1] > MAX_SEED or len(seeds) > MAX_SEEDS:
        raise InvalidRequest("seed", f"is a whole number from 0 to {MAX_SEED}, and {{seeds}} one from 1 to {MAX_SEEDS}")


def _trained(request: TrainRequest, progress: Progress) -> TrainResult:
    threads, seeds = request.cpus_per_candidate, request.seeds
    task = absolute(request.task)
    if tasks.registry.is_own(task) or request.optimizer not in lodo.registry.OPTIMIZERS:
        _start_tensorflow(threads)  # looking these up uses it
    entry = task_entry(task)
    check_precision(request.precision, entry)
    chosen = choose("optimizer", request.optimizer)
    data, note = data_fingerprint(entry)
    _start_tensorflow(threads)
    options = task_options(task, request.options, {})
    shapes = shapes_for([chosen], task, options)
    hyperparameters, settings, derived = _values(chosen, request.hyperparameters, shapes)
    of_place = derived if chosen.place is not None else ""
    for line in filter(None, (note, of_place, unused_flags(), unused_variables())):
        progress.say(line)
    workload = Workload(
        task=task,
        optimizer=chosen.name,
        optimizer_place=chosen.place,
        cohort_size=1 if entry.cohort_size == 1 else min(len(seeds), MAX_COHORT_SIZE),
        threads=threads,
        precision=request.precision,
        options=options,
        settings=settings,
        data=data,
    )
    if task not in tasks.registry.TASKS:
        from tuner.checks.users_task import check_users_task

        if remark := unused_backend():
            progress.say(remark)
        with progress.guard(request.timeout):
            remarks = check_users_task(task, options, request.precision)
        for remark in remarks:
            progress.say(remark)
        workload = with_fingerprint(workload, fingerprint_here(workload))
    if chosen.place is not None:
        from tuner.checks.users_optimizer import check_users_optimizer

        with progress.guard(request.timeout):
            check_users_optimizer(workload, hyperparameters)
    own_task = tasks.registry.load(task)(dtype=request.precision, **options) if tasks.registry.is_own(task) else None
    check_state("optimizer", workload, list(hyperparameters), own_task)
    trials = [Trial(Key(Role.SEARCH, 0, at), hyperparameters, seed, request.steps) for at, seed in enumerate(seeds)]
    label = f"{request.task}/{chosen.name}"

    def advance(done: int) -> None:
        progress.advance(label, done, len(trials) * request.steps)

    ends: list[Carry] = []
    with progress, progress.guard(request.timeout):
        runs = _runs(request, workload, trials, advance, ends)
    dtype = request.precision or tasks.registry.load(task)(**options).dtype
    result = TrainResult(
        task=request.task,
        optimizer=chosen.name,
        hyperparameters=hyperparameters | settings,
        steps=request.steps,
        dtype=dtype,
        runs=tuple(replace(run, seed=seed) for run, seed in zip(runs, seeds, strict=True)),
    )
    if request.output is not None:
        from tuner.api.train_folder import write_run

        try:
            write_run(request.output, result, workload, trials, ends)
        except (NotWritten, OutputsFailed) as error:
            raise OutputsFailed(str(error), error.exit_code, result) from error
    return result


def _runs(
    request: TrainRequest, workload: Workload, trials: Sequence[Trial], advance: Advance, ends: list[Carry]
) -> list[TrainedRun]:
    """Train all trials; if a folder is to be written, append the final state of each to `ends`."""
    if request.track is not None:
        return list(tracked(workload, trials, advance))
    if request.validate_every is not None or request.output is not None:
        runs = []
        for run, end in validated(workload, trials, request.validate_every, advance):
            runs.append(run)
            ends.append(end)
        return runs
    evaluations = sorted(_evaluations(workload, trials, request, advance), key=lambda evaluation: evaluation.key)
    return list(map(run_of, evaluations))


def _start_tensorflow(threads: int) -> None:
    """Load TensorFlow and set its threads, which has no effect after the first computation."""
    load_tensorflow()
    configure(threads)


def _values(chosen: Chosen, given: Mapping[str, float], shapes: Shapes) -> tuple[dict[str, float], dict[str, int], str]:
    """Return the hyperparameters, settings of the constructor, and a remark on a derived space.

    The hyperparameters are the defaults, with the given ones in their place.
    """
    space, remark = default_space(chosen, shapes)
    own, settings = own_arguments(chosen, shapes), lodo.registry.SETTINGS.get(chosen.name, {})
    others = [name for name in own if name not in space.names]
    for name, value in given.items():
        if is_of_task(name):
            own_name = name.removeprefix(PREFIX)
            raise InvalidRequest("hyperparameters", f": {own_name} of the task is given by {{options}}", name)
        if not math.isfinite(value):
            raise InvalidRequest("hyperparameters", f": {name} must be a finite number. Received: {value!r}")
        if name in others and value < 0:
            raise InvalidRequest("hyperparameters", f": {name} must be at least 0. Received: {value!r}")
        if name in settings and not (value >= 1 and float(value).is_integer() and value <= MAX_NETWORK):
            raise InvalidRequest(
                "hyperparameters", f": {name} must be a whole number from 1 to {MAX_NETWORK}. Received: {value!r}"
            )
    values = space.defaults() | {name: float(value) for name, value in given.items() if name not in settings}
    try:
        check_values(chosen, space, values, own, tuple(settings))
    except ValueError as error:
        raise InvalidRequest("hyperparameters", f": {error}") from None
    return values, {name: int(value) for name, value in given.items() if name in settings}, remark


def _evaluations(
    workload: Workload, trials: Sequence[Trial], request: TrainRequest, advance: Advance
) -> Iterator[Evaluation]:
    """Train cohort by cohort; yield one evaluation per run, also of a run that failed or timed out."""
    from tuner.execution.in_process import InProcessExecutor

    finished = 0
    with InProcessExecutor(timeout=request.timeout) as executor:
        for event in executor.evaluate(workload, trials, label=f"{request.task}/{workload.optimizer}"):
            if isinstance(event, Evaluation):
                finished += request.steps
                yield event
            elif isinstance(event, TrialProgress):
                advance(finished + event.steps_done * len(event.keys))
