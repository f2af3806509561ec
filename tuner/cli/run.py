"""`lodo-tune --task …` and `lodo-tune resume …`: a run's studies, side by side, and the table at the end."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuner.cli.database import PATIENCE
from tuner.cli.going_on import resume_command, saying_how
from tuner.cli.output import check_output
from tuner.cli.outside import write_tensorboard
from tuner.cli.progress import Report
from tuner.cli.results_folder import write_results
from tuner.cli.show import print_table
from tuner.cli.users_task import check_users_task
from tuner.core.errors import UsageError
from tuner.core.study import SearchSpec, StudyRecord, StudySpec, StudyStatus
from tuner.core.trial import Status
from tuner.execution.executor import Executor
from tuner.execution.resources import Resources
from tuner.storage import Store, StudyExists, StudyOwned, check_run_name, maintenance, this_process
from tuner.studies import machine
from tuner.studies.callbacks import CallbackList
from tuner.studies.planner import Plan, Request, absolute, data_fingerprint, described, plan, run_name, task_entry

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)  # what asks us to stop, beside Ctrl-C


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines(Resources):
    """What a run may use of the machines, and what is asked at the terminal."""

    wait: bool = False  # for another driver to give the study up
    yes: bool = False  # do not ask before a long search


class Interrupted(KeyboardInterrupt):
    """The command was asked to stop; what is finished is kept.

    Attributes:
        exit_code: 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for a terminal that was closed.
    """

    def __init__(self, command: str | None, exit_code: int) -> None:
        kept = f"what is finished is kept. Go on with: {command}" if command else "nothing was begun"
        super().__init__(f"interrupted; {kept}")
        self.exit_code = exit_code


class NoResult(Exception):  # noqa: N818 (what is the case)
    """A whole search came to nothing but failures and timeouts; the table says so, and so does the exit code."""

    exit_code = 1


def start(
    request: Request,
    machines: Machines,
    database: str,
    *,
    format: str | None,
    output: Path | None,
    tensorboard: Path | None = None,
) -> None:
    """Create the studies of a run, run them, and print the table unless `format` is None.

    Raises:
        UsageError, ValueError: Something that was asked for cannot be.
        StorageError, ClusterUnavailable: The database or the machines fail.
        Interrupted: By Ctrl-C or SIGTERM.
        NoResult: Nothing of a search finished or diverged.
    """
    machines.check()
    if request.name is not None:
        check_run_name(request.name)
    check_output(output)
    check_output(tensorboard, "--tensorboard")
    planned = plan(request)  # what is wrong with the request is found before a database is made

    def agreed(executor: Executor, slots: int, report: Report) -> bool:
        return _agreed(request, planned.specs, machines, executor, slots, report)

    begin(
        planned,
        request.name,
        request.task,
        machines,
        database,
        agreed,
        format=format,
        output=output,
        tensorboard=tensorboard,
    )


def begin(
    planned: Plan,
    name: str | None,
    base: str,
    machines: Machines,
    database: str,
    agreed: Callable[[Executor, int, Report], bool],
    *,
    format: str | None,
    output: Path | None,
    tensorboard: Path | None = None,
) -> None:
    """Create a run's studies as they are planned, run them, and print the table.

    Args:
        planned: The studies, their run yet to be named.
        name: The run's; None makes one.
        base: What it is made from: a task's name, or a name.
        machines: Where to train.
        database: Where to store.
        agreed: Takes the executor, how many cohorts it trains at a time, and the report; False leaves it at that.
        format: Of the table; None prints none.
        output: A folder for results; None is none.
        tensorboard: A folder for event files; None is none.

    Raises:
        As `start`.
    """
    workload = planned.specs[0].workload
    check_users_task(workload.task, workload.options, workload.precision, machines.timeout)
    with Store.open(database, patience=PATIENCE) as store:
        taken = store.runs()
        run = name or run_name(base, taken)
        if run in taken:
            raise StudyExists(
                f"there is a run {run!r} in {store.url}: go on with it ({resume_command(run, store)}"
                f"{' --wait' if machines.wait else ''}), or give another --name"
            )
        specs = [replace(spec, run=run) for spec in planned.specs]
        studies: list[StudyRecord] = []

        def go_on() -> str | None:
            return resume_command(studies[0].spec.run, store) if studies else None

        with saying_how(go_on), _interruptions(go_on) as again, Report(specs) as report:
            for remark in planned.remarks:
                report.say(remark)
            with _executor(machines, specs, report.say) as (executor, slots):
                again()
                if not agreed(executor, slots, report):
                    raise Interrupted(None, 130)
                studies += _create(store, specs, None if name else base)
                stopped = _run_all(store, studies, executor, report, wait=machines.wait)
        finished = store.find(studies[0].spec.run)
        if stopped is None or any(study.status == StudyStatus.COMPLETE for study in finished):
            _show(store, finished, format, output, tensorboard)
        if stopped is not None:
            raise stopped
        _check_some_result(finished)


def resume(
    name: str,
    machines: Machines,
    database: str,
    *,
    format: str | None,
    output: Path | None,
    tensorboard: Path | None = None,
) -> None:
    """Go on with a run, or with one of its studies, and print the table unless `format` is None.

    Raises:
        As `start`; UnknownStudy: there is none of this name.
    """
    machines.check()
    check_output(output)
    check_output(tensorboard, "--tensorboard")
    maintenance.version(database)  # which makes no database where there is none
    with Store.open(database, patience=PATIENCE) as store:
        studies = store.find(name)
        left = [study for study in studies if study.status != StudyStatus.COMPLETE]
        threads = {study.spec.workload.threads for study in left}
        if threads - {machines.cpus_per_candidate}:
            raise UsageError(
                f"--cpus-per-candidate is {threads.pop()} for {name}: it decides the last bits of what was found"
            )
        if not machines.wait:
            _refuse_owned(left)  # before Ray starts; whoever is faster after this is refused by the store
        go_on = resume_command(name, store)
        with (
            saying_how(lambda: go_on),
            _interruptions(lambda: go_on) as again,
            Report([study.spec for study in left]) as report,
        ):
            for study in left:
                _check_data(study.spec)
                _remark_versions(study.spec, report)
            stopped = None
            if not left:
                report.say(f"{name} is complete")
            else:
                with _executor(machines, [study.spec for study in left], report.say) as (executor, _):
                    again()
                    stopped = _run_all(store, left, executor, report, wait=machines.wait)
        finished = store.find(name)
        if stopped is None or any(study.status == StudyStatus.COMPLETE for study in finished):
            _show(store, finished, format, output, tensorboard)
        if stopped is not None:
            raise stopped
        _check_some_result(finished)


def _agreed(
    request: Request,
    specs: Sequence[StudySpec],
    machines: Machines,
    executor: Executor,
    slots: int,
    report: Report,
) -> bool:
    """Tell whoever sits at the terminal how long a long search will take, and ask whether to begin it."""
    if machines.yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    from tuner.studies.estimate import long_run

    def others() -> Iterator[tuple[str, Sequence[SearchSpec]]]:
        shorter = replace(request, generations=None, population=None, steps=None, sigmas=None)
        for preset in task_entry(absolute(request.task)).presets:
            if preset != request.preset:
                yield preset, _searches(plan(replace(shorter, preset=preset)).specs)

    lines = long_run(executor, _searches(specs), others, slots, report.say)
    return not lines or report.ask(lines, "Begin?")


def _searches(specs: Sequence[StudySpec]) -> list[SearchSpec]:
    return [spec for spec in specs if isinstance(spec, SearchSpec)]


def _create(store: Store, specs: Sequence[StudySpec], task: str | None) -> list[StudyRecord]:
    """Create the studies of a run; one that is named after its task takes the next number if its name is taken by now.

    Raises:
        StudyExists: The user's own name was taken by another run meanwhile.
    """
    while True:
        try:
            return store.create_run(specs)
        except StudyExists:
            if task is None:
                raise
            run = run_name(task, store.runs())
            specs = [replace(spec, run=run) for spec in specs]


def _run_all(
    store: Store, studies: Sequence[StudyRecord], executor: Executor, report: Report, *, wait: bool
) -> Exception | None:
    """Run all studies to their ends; return why one was stopped, if any was. An interruption ends what runs."""
    from tuner.execution.ray.metrics import Metrics
    from tuner.studies.batch import EveryCandidateFailed
    from tuner.studies.driver import run_studies

    with Metrics() as metrics:

        def listener() -> CallbackList:
            return CallbackList(report.listener(), metrics.study())

        try:
            run_studies(store, studies, executor, listener, owner=this_process(), wait=wait)
        except EveryCandidateFailed as error:
            return error
    return None


def _show(
    store: Store, studies: Sequence[StudyRecord], format: str | None, output: Path | None, tensorboard: Path | None
) -> None:
    """Print the table of a run unless `format` is None, and write what its folders are to hold."""
    if format is not None:
        print_table(store, studies, format)
    write_results(store, studies, output)
    write_tensorboard(store, studies, tensorboard)


@contextlib.contextmanager
def _interruptions(resume_command: Callable[[], str | None]) -> Iterator[Callable[[], None]]:
    """Take SIGTERM and SIGHUP the way Ctrl-C is taken, and make of each an `Interrupted` that says how to go on.

    What was caught is kept apart, because Ray makes a KeyboardInterrupt of its own of whatever a signal handler raises
    while it waits, and code that it calls may swallow one. So this yields what raises it again if that has happened.
    """
    caught: list[int] = []

    def interrupt(number: int, _: object) -> None:
        caught.append(number)
        raise KeyboardInterrupt

    def again() -> None:
        if caught:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield again
    except KeyboardInterrupt:
        # The process ends now; asked once more while the database is closed, it would not say how to go on.
        for number in (*_SIGNALS, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted(resume_command(), 128 + caught[0] if caught else 130) from None
    except BaseException:
        _restore(before)
        raise
    _restore(before)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _executor(
    machines: Machines, specs: Sequence[StudySpec], say: Callable[[str], None]
) -> contextlib.AbstractContextManager[tuple[Executor, int]]:
    """Return an executor for a run's studies."""
    from tuner.execution.ray.executor import open_executor

    return open_executor(machines, [spec.workload.task for spec in specs], say=say)


def _refuse_owned(studies: Sequence[StudyRecord]) -> None:
    for study in studies:
        if study.lease_left:
            raise StudyOwned(
                f"{study.spec.name} is owned by another driver, {study.owner}: --wait goes on once it is given up"
            )


def _check_data(spec: StudySpec) -> None:
    """Refuse to go on with a study on other data than it was begun on."""
    found, _ = data_fingerprint(task_entry(spec.workload.task))
    begun = None if spec.workload.data is None else dict(spec.workload.data)
    if found != begun:
        raise UsageError(
            f"{spec.name} was begun on other data: {described(begun)}; here is {described(found)}: give --data-dir"
        )


def _remark_versions(spec: StudySpec, report: Report) -> None:
    now = machine.versions()
    changed = [f"{name} {was} → {now.get(name)}" for name, was in spec.versions.items() if now.get(name) != was]
    if changed:
        report.say(f"{spec.name} was begun with other versions, results may differ in their last bits: {changed}")


def _check_some_result(studies: Sequence[StudyRecord]) -> None:
    for study in studies:
        counts = study.counts
        if not counts[Status.FINISHED] and not counts[Status.DIVERGED]:
            what = "individual" if study.is_search else "run"
            raise NoResult(
                f"{study.spec.name}: no {what} finished; {counts[Status.FAILED]} failed and "
                f"{counts[Status.TIMED_OUT]} timed out (lodo-tune show {study.spec.name} says why)"
            )
