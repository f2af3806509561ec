"""Execution of the studies of a run: creation, training on Ray, recording."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import tasks.registry
from search_spaces.space import SearchSpace
from tasks import importing
from tuner.api.progress import Progress
from tuner.core.errors import RESUMABLE, InvalidRequest, StudyRefused
from tuner.core.study import StudyRecord, StudySpec, StudyStatus
from tuner.core.task_arguments import of_optimizer
from tuner.execution.executor import DEFAULT_TRAIN, FUNCTION_TRAIN, Executor
from tuner.execution.resources import Resources
from tuner.storage import StorageError, Store, StudyExists, StudyOwned, this_process
from tuner.studies import machine, step_times
from tuner.studies.callbacks import Callback, CallbackList
from tuner.studies.control import Control
from tuner.studies.fingerprints import resumed
from tuner.studies.lookup import run_name, task_names
from tuner.studies.planner import Plan
from tuner.training.keras_settings import unused_backend
from tuner.training.tensorflow import load_tensorflow
from tuner.training.tensorflow_variables import unused_variables
from tuner.training.xla_settings import unused_flags


class NotBegun(KeyboardInterrupt):
    """The estimate of a long search was declined; nothing was started."""


def begin(
    plan: Plan,
    name: str | None,
    resources: Resources,
    store: Store,
    progress: Progress,
    *,
    callbacks: Callable[[], Callback] | None = None,
    confirm: Callable[[Executor, int], bool] | None = None,
    wait: bool = False,
    control: Control | None = None,
) -> str:
    """Create the studies of a plan and complete them; return the name of the run.

    Args:
        plan: The studies.
        name: Name of the run. None: a free name, made from the plan's.
        resources: Resources for training.
        store: Open database, which records the studies.
        progress: Receives what is reported.
        callbacks: Returns a further callback for each study. Default: none.
        confirm: Takes the executor, and the number of cohorts that it trains at a time, before anything is created;
            returns whether to continue. Default: continue.
        wait: Whether to wait for a study that another driver takes meanwhile. Default False.
        control: Says how many workers may be used, and ends the run early. Default: none.

    Raises:
        NotBegun: `confirm` returned False.
        StudyExists: There is a run of this name.
        StorageError, ClusterUnavailable: The database or the machines fail.
        EveryCandidateFailed: All candidates of a generation raised the same error; the other studies have run.
        KeyboardInterrupt: The run was interrupted; a note says how to continue it.
    """
    existing = store.taken_names()
    run = name or run_name(plan.base, existing)
    if run in existing:
        raise StudyExists(f"there is a run {run!r} in {store.url} already; resume it, or give another name")
    specs = [step_times.on_machine(replace(spec, run=run), resources.gpus_per_candidate) for spec in plan.specs]
    with _note_on_error(progress), progress:
        progress.begin(specs)
        for remark in filter(None, (store.remark, unused_flags(), unused_variables())):
            progress.say(remark)
        for remark in plan.remarks:
            progress.say(remark)
        with (
            _checkpoints(resources, store, run, specs) as checkpoints,
            _executor(resources, specs, progress, checkpoints) as (executor, slots),
        ):
            progress.executor_started()
            if confirm is not None and not confirm(executor, slots):
                raise NotBegun
            if control is not None:
                control.check(executor)
            studies = create(store, specs, None if name else plan.base)
            progress.created(studies[0].spec.run, store.url)
            try:
                _run(store, studies, executor, progress, callbacks, wait, control)
            except StudyRefused:
                _discard(store, studies, progress)
                raise
    return studies[0].spec.run


def _discard(store: Store, studies: Sequence[StudyRecord], progress: Progress) -> None:
    """Delete a run that the workers refused, unless a candidate has ended: its name is free again."""
    run = studies[0].spec.run
    with contextlib.suppress(StorageError):
        if not any(count for study in store.find(run) for status, count in study.counts.items() if status.is_final):
            store.delete(*(study.id for study in studies))
            progress.discarded()


def continue_run(
    name: str,
    resources: Resources,
    store: Store,
    progress: Progress,
    *,
    task: str | None = None,
    accept_changes: bool = False,
    callbacks: Callable[[], Callback] | None = None,
    wait: bool = False,
    control: Control | None = None,
) -> None:
    """Complete the remaining studies of a run, or one study.

    Args:
        name: Name of the run or the study.
        resources: Resources for training.
        store: Open database, which records the studies.
        progress: Receives what is reported.
        task: Where the task is now. Default: where it was.
        accept_changes: Whether the task's code or data may have changed. Default False.
        callbacks: Returns a further callback for each study. Default: none.
        wait: Whether to wait for a study that another driver holds. Default False.
        control: See `begin`.

    Raises:
        As `begin`; also UnknownStudy, if there is none of this name, and InvalidRequest, if the resources, the code or
        the data are not those that the study was begun with.
    """
    studies = store.find(name)
    remaining = [study for study in studies if study.status != StudyStatus.COMPLETE]
    threads = {study.spec.workload.threads for study in remaining}
    if threads - {resources.cpus_per_candidate}:
        raise InvalidRequest(
            "cpus_per_candidate",
            f"is {threads.pop()} for {name}, since the number of threads changes the last bits of the results",
            resources.cpus_per_candidate,
        )
    if not wait:
        _refuse_owned(remaining)  # before Ray starts; the store refuses a driver that comes later
    progress.created(name, store.url)
    with _note_on_error(progress), progress:
        progress.begin([study.spec for study in remaining])
        if not remaining:
            progress.say(f"{name} is complete")
            return
        for remark in filter(None, (store.remark, unused_flags(), unused_variables())):
            progress.say(remark)
        places = None if task is None else task_names(task)
        _check_places(remaining[0], places)
        remaining = [_resumed(study, store, places, accept_changes, progress) for study in remaining]
        specs = [study.spec for study in remaining]
        for remark in filter(None, (step_times.moved(spec, resources.gpus_per_candidate) for spec in specs)):
            progress.say(remark)
        with (
            _checkpoints(resources, store, specs[0].run, specs) as checkpoints,
            _executor(resources, specs, progress, checkpoints) as (executor, _),
        ):
            progress.executor_started()
            _run(store, remaining, executor, progress, callbacks, wait, control)


def check_users_code(specs: Sequence[StudySpec], timeout: float | None, progress: Progress) -> None:
    """Check what is not built in for what would spoil every candidate, before anything is started or written.

    Raises:
        ValueError: The task or an optimizer is broken; one line.
    """
    workloads = specs[0].workloads
    theirs = [each for each in workloads if each.task not in tasks.registry.TASKS and not each.is_function]
    own = [spec for spec in specs if spec.workload.optimizer_place is not None and spec.seed == specs[0].seed]
    if not theirs and not own:
        return
    load_tensorflow()
    from tuner.checks.users_optimizer import check_users_optimizer
    from tuner.checks.users_task import check_users_task

    if remark := unused_backend():
        progress.say(remark)
    with progress.guard(timeout):
        remarks = []
        for workload in theirs:
            remarks += check_users_task(workload.task, workload.options, workload.precision)
        for spec in own:
            for workload in spec.workloads:
                check_users_optimizer(workload, of_optimizer(SearchSpace.from_dict(spec.space).defaults()))
    for remark in remarks:
        progress.say(remark)


def _check_places(study: StudyRecord, places: Sequence[str] | None) -> None:
    """Check that each of a study's tasks is where it was, or is a user's own, which may be elsewhere now.

    Raises:
        InvalidRequest: One is neither, or there are not as many places as tasks.
    """
    stored = [workload.task for workload in study.spec.workloads]
    if places is not None and len(places) != len(stored):
        raise InvalidRequest("task", f" of {study.spec.run} is {study.spec.task}", ",".join(places))
    for task, place in zip(stored, places or stored, strict=True):
        file = task.rpartition(":")[0]
        if places is None and file.endswith(".py") and not Path(file).is_file():
            raise InvalidRequest(
                "task", f": {study.spec.run} was begun with {task}, which is gone; say where it is now"
            )
        if place != task and not (tasks.registry.is_own(place) and ":" in task):
            raise InvalidRequest("task", f" of {study.spec.run} is {task}", place)


def _resumed(
    study: StudyRecord, store: Store, places: Sequence[str] | None, accept_changes: bool, progress: Progress
) -> StudyRecord:
    """Return a study as it goes on, after what has changed of its task was stored and reported."""
    now, note = resumed(study, places=places, accept_changes=accept_changes)
    if now is not study:
        store.amend(study.id, now.spec, note)
    if note:
        progress.say(f"{study.spec.name}: {note}")
    _remark_versions(study.spec, progress)
    return now


def create(store: Store, specs: Sequence[StudySpec], base: str | None) -> list[StudyRecord]:
    """Create the studies of a run.

    Args:
        store: Open database.
        specs: Specifications of the studies of one run.
        base: Name to which a number is added if another run has taken the name meanwhile. None: the name was given, and
            is not changed.

    Raises:
        StudyExists: Another run has the given name.
    """
    while True:
        try:
            return store.create_run(specs)
        except StudyExists:
            if base is None:
                raise
            run = run_name(base, store.taken_names())
            specs = [replace(spec, run=run) for spec in specs]


def _run(
    store: Store,
    studies: Sequence[StudyRecord],
    executor: Executor,
    progress: Progress,
    callbacks: Callable[[], Callback] | None,
    wait: bool,
    control: Control | None,
) -> None:
    """Complete all studies."""
    from tuner.execution.ray.metrics import Metrics
    from tuner.studies.driver import run_studies

    with Metrics() as metrics:

        def callback() -> CallbackList:
            others = () if callbacks is None else (callbacks(),)
            return CallbackList(progress.callback(), metrics.study(), *others)

        run_studies(store, studies, executor, callback, owner=this_process(), wait=wait, control=control)
        if control is not None:
            control.end()


def _executor(
    resources: Resources, specs: Sequence[StudySpec], progress: Progress, checkpoints: Path | None
) -> contextlib.AbstractContextManager[tuple[Executor, int]]:
    """Return an executor for the studies of a run; classes that no module holds are sent to its workers by value."""
    resources.check_for(is_function=specs[0].workload.is_function)
    from tuner.execution.ray.executor import open_executor

    places = {place for spec in specs for each in spec.workloads for place in each.places}
    of_session = [place for place in places if place.startswith(importing.SESSION)]
    by_value = {place: importing.imported(place, "class") for place in of_session}
    train = FUNCTION_TRAIN if specs[0].workload.is_function else DEFAULT_TRAIN
    return open_executor(resources, places, train=train, objects=by_value, checkpoints=checkpoints, say=progress.say)


@contextlib.contextmanager
def _checkpoints(resources: Resources, store: Store, run: str, specs: Sequence[StudySpec]) -> Iterator[Path | None]:
    """Yield the folder for checkpoints of training functions, the same whenever a run goes on; None without functions.

    It is deleted with all that is left in it once the run is complete.
    """
    if not any(spec.workload.is_function for spec in specs):
        yield None
        return
    user = getpass.getuser() if resources.checkpoint_dir is None else ""
    root = resources.checkpoint_dir or Path(tempfile.gettempdir()) / f"lodo-tune-{user}"
    folder = root / f"{run}-{hashlib.sha256(f'{store.url} {run}'.encode()).hexdigest()[:12]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # not after an error, with which the run can be resumed


@contextlib.contextmanager
def _note_on_error(progress: Progress) -> Iterator[None]:
    """Add a note to an interruption, or to an error after which the run can be resumed: how to continue it."""
    try:
        yield
    except BaseException as error:
        is_resumable = isinstance(error, KeyboardInterrupt) or getattr(error, "exit_code", None) in RESUMABLE
        if is_resumable and progress.run is not None:
            error.add_note(
                "Finished candidates are kept. "
                f"Continue with tuner.resume({progress.run!r}, database={progress.database!r})"
            )
        raise


def _refuse_owned(studies: Sequence[StudyRecord]) -> None:
    for study in studies:
        if study.lease_left:
            error = StudyOwned(f"{study.spec.name} is owned by another driver, {study.owner}")
            error.add_note("wait=True waits until that driver releases it.")
            raise error


def _remark_versions(spec: StudySpec, progress: Progress) -> None:
    now = machine.versions()
    changed = [f"{name} {was} → {now.get(name)}" for name, was in spec.versions.items() if now.get(name) != was]
    if changed:
        progress.say(
            f"{spec.name} was started with other versions, results may differ in their last bits: {', '.join(changed)}"
        )
