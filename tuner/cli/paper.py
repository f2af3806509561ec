"""`lodo-tune paper`: search, comparison and report by the paper's settings, one after the other.

What is done already, under the same names in the same database, is not done again; so the same command goes on where it
was stopped.
"""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tasks.registry import TaskEntry
from tuner.cli import compare, run
from tuner.cli.output import check_output
from tuner.cli.report import write_report
from tuner.cli.results_folder import write_results
from tuner.cli.run import Interrupted, Machines, NoResult
from tuner.cli.show import print_table
from tuner.core.errors import UsageError
from tuner.core.study import StudyRecord, StudySpec, StudyStatus
from tuner.storage import NoDatabase, Store, UnknownStudy, check_run_name
from tuner.studies.planner import Plan, Request, absolute, plan, run_name, task_entry

FEWEST_STEPS, FEWEST_INDIVIDUALS = 20, 8  # of a rehearsal: a tenth of the steps is 2, half of the individuals is 4
VALIDATIONS, TEST_EXAMPLES = 10, 100  # likewise at most: looks at the validation set, and images of the test set
SEARCH, COMPARISON, REPORT = "search", "comparison", "report.html"  # what is written into the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRequest:
    """What the command line asked for; None is 'not said'."""

    task: str
    optimizers: tuple[str, ...] | None = None
    scale: float = 1.0
    seed: int = 0
    name: str | None = None
    cpus_per_candidate: int = 1
    precision: str | None = None
    options: tuple[str, ...] = ()  # "NAME=VALUE"


def paper(request: PaperRequest, machines: Machines, database: str, *, format: str, output: Path) -> None:
    """Search, compare and report, print both tables, and fill a folder with them.

    Args:
        request: What to do.
        machines: Where to train.
        database: Where to store; what is there of this name already counts.
        format: Of the tables that are printed.
        output: A folder, for `search/`, `comparison/` and `report.html`.

    Raises:
        UsageError, ValueError: Something that was asked for cannot be, or the names hold runs of other settings.
        StorageError, ClusterUnavailable: The database or the machines fail.
        Interrupted: By Ctrl-C or SIGTERM; says how to go on.
        NoResult: Nothing of an optimizer's search finished or diverged; the rest is done nevertheless.
    """
    machines.check()
    if not 0 < request.scale <= 1:
        raise UsageError(f"--scale is above 0 and at most 1. Received: {request.scale:g}")
    entry = task_entry(absolute(request.task))
    if "paper" not in entry.presets:
        raise UsageError(f"--task: {request.task} has no preset 'paper', but {', '.join(entry.presets)}")
    name = request.name or f"{run_name(request.task, ())[:32]}-{'paper' if request.scale == 1 else 'rehearsal'}"
    compared = f"{name}-comparison"
    check_run_name(compared)
    _check_folder(output)
    search, contest = _search(request, entry, name), _comparison(request, entry, name, compared)
    troubles: list[NoResult] = []

    def begin_search() -> None:
        run.start(search, machines, database, format=None, output=None)

    def begin_comparison() -> None:
        compare.start(contest, machines, database, format=None, output=None)

    try:
        _once(database, name, lambda: plan(search), begin_search, machines, troubles)
        _once(database, compared, lambda: compare.plan(contest, database)[0], begin_comparison, machines, troubles)
    except Interrupted as error:
        raise Interrupted(_again(), error.exit_code) from None
    output.mkdir(parents=True, exist_ok=True)
    with Store.open(database, read_only=True) as store:
        studies = [store.find(each) for each in (name, compared)]
        print_table(store, [study for of_run in studies for study in of_run], format)
        for of_run, folder in zip(studies, (SEARCH, COMPARISON), strict=True):
            write_results(store, of_run, output / folder)
    write_report(database, (name, compared), output / REPORT, overwrite=True)
    click.echo(f"{output / REPORT} holds all of it", err=True)
    if troubles:
        raise troubles[0]


def _once(
    database: str,
    name: str,
    planned: Callable[[], Plan],
    begin: Callable[[], None],
    machines: Machines,
    troubles: list[NoResult],
) -> None:
    """Do what is left of one of the two runs; one that came to nothing is kept for the end."""
    stored = _stored(database, name)
    try:
        if not stored:
            begin()
            return
        _check_same(stored, planned().specs)
        if all(study.status == StudyStatus.COMPLETE for study in stored):
            click.echo(f"{name} is complete", err=True)
            return
        run.resume(name, machines, database, format=None, output=None)
    except NoResult as error:
        troubles.append(error)


def _stored(database: str, name: str) -> Sequence[StudyRecord]:
    try:
        with Store.open(database, read_only=True) as store:
            return store.find(name)
    except (NoDatabase, UnknownStudy):
        return ()


def _check_same(stored: Sequence[StudyRecord], planned: Sequence[StudySpec]) -> None:
    """Refuse to go on with a run that was made by other settings. Where it was made, and with what, is free."""
    run_of = stored[0].spec.run
    theirs, ours = ([spec.workload.optimizer for spec in specs] for specs in ([each.spec for each in stored], planned))
    if theirs != ours:
        raise UsageError(
            f"there is a run {run_of!r} with other optimizers, {', '.join(theirs)}; here {', '.join(ours)}: give "
            "another --name"
        )
    for record, spec in zip(stored, planned, strict=True):
        for field in ("population", "generations", "steps", "sigmas", "seed", "strategy", "workload", "fresh_seeds",
                      "space", "comparison"):  # fmt: skip
            was, now = getattr(record.spec, field), getattr(spec, field)
            if was != now:
                raise UsageError(
                    f"there is a run {run_of!r} with other settings ({field} of {spec.workload.optimizer}): say what "
                    f"was said then, or give another --name. Received: {now!s:.120}, where it has {was!s:.120}"
                )


def _search(request: PaperRequest, entry: TaskEntry, name: str) -> Request:
    """Return the search, with the paper's schedule at this scale."""
    asked = Request(
        task=request.task,
        optimizers=request.optimizers,
        seed=request.seed,
        name=name,
        cpus_per_candidate=request.cpus_per_candidate,
        precision=request.precision,
        options=request.options,
    )
    if request.scale == 1:
        return asked
    preset = entry.presets["paper"]
    individuals = max(FEWEST_INDIVIDUALS, round(preset.population * math.sqrt(request.scale)))
    return replace(
        asked,
        population=min(preset.population, individuals),
        steps=tuple(_shorter(steps, request.scale) for steps in preset.steps),
    )


def _comparison(request: PaperRequest, entry: TaskEntry, search: str, name: str) -> compare.CompareRequest:
    """Return the comparison of what the search finds, with the paper's budget at this scale."""
    preset = entry.comparison
    asked = compare.CompareRequest(
        task=request.task,
        search=search,
        name=name,
        halve_learning_rate=preset.halve_learning_rate,
        cpus_per_candidate=request.cpus_per_candidate,
    )
    if request.scale == 1:
        return asked
    steps = _shorter(preset.steps, request.scale)
    validated = preset.validate_every
    if validated is not None:
        validated = min(max(round(validated * request.scale), math.ceil(steps / VALIDATIONS)), steps)
    return replace(asked, steps=steps, validate_every=validated, test_examples=TEST_EXAMPLES)


def _shorter(steps: int, scale: float) -> int:
    return min(steps, max(FEWEST_STEPS, round(steps * scale)))


def _check_folder(output: Path) -> None:
    """Refuse a folder that cannot be written, or that holds what is not of this command."""
    check_output(output)
    foreign = sorted({path.name for path in output.iterdir()} - {SEARCH, COMPARISON, REPORT}) if output.is_dir() else []
    if foreign:
        raise UsageError(f"--output: {output} holds something else, {foreign[0]!r}; name another folder")


def _again() -> str:
    """Return the command as it was given."""
    return shlex.join(["lodo-tune", *sys.argv[1:]])
