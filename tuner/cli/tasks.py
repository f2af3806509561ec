"""`lodo-tune tasks` and `lodo-tune tasks check`.

They list the tasks, and check whether a task meets its requirements.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.flags import data_dir_option, debug_option, only_json_option
from tuner.cli.group import Group
from tuner.cli.streams import prints_to_stderr

if TYPE_CHECKING:
    from tasks.registry import TaskEntry
    from tuner.checks.check import Finding
    from tuner.checks.probe import Probe

DEFAULT_PRESET = "quick"  # its options make a task small


@click.group(
    "tasks",
    cls=Group,
    invoke_without_command=True,
    epilog="\b\nExample: lodo-tune tasks\nExample: lodo-tune tasks check my_task.py:MyTask",
)
@only_json_option
@debug_option
@click.pass_context
def tasks_group(context: click.Context, as_json: bool, debug: bool) -> None:
    """List the built-in tasks and those of installed packages; or check one."""
    import tasks.registry

    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} come after it; move --json")
        return
    plugins = {name: f"of an installed package: {where}" for name, where in tasks.registry.plugins().items()}
    if as_json:
        listed = [_listed(name, entry) for name, entry in tasks.registry.TASKS.items()]
        listed += [{"name": name, "summary": summary} for name, summary in plugins.items()]
        click.echo(json.dumps(listed))
        return
    lines = {name: entry.summary for name, entry in tasks.registry.TASKS.items()} | plugins
    width = max(map(len, lines))
    for name, summary in lines.items():
        click.echo(f"{name:{width}}  {summary}")


@tasks_group.command(epilog="Example: lodo-tune tasks check my_task.py:MyTask")
@click.argument("name")
@click.option("--preset", metavar="NAME", help="Whose options the task gets. Default: 'quick' if there is one.")
@data_dir_option
@only_json_option
@debug_option
def check(name: str, preset: str | None, data_dir: Path | None, as_json: bool, debug: bool) -> None:
    """Check whether the task NAME fulfils the protocol of a task; exit code 1 if it does not.

    NAME is as --task takes it. Shapes, gradient, seeds, lanes and evaluation are tested, one line each. A search and
    'train' test the most important of these themselves before they start on a task of your own.
    """
    from tuner.api.data_folder import using_data

    with using_data(data_dir):
        _check(name, preset, as_json)


def _check(name: str, preset: str | None, as_json: bool) -> None:
    """Put a task through the conformance suite, and print the result of each check."""
    from tuner.cli.watchdog import Watchdog
    from tuner.core.errors import InvalidRequest
    from tuner.studies.lookup import absolute, task_entry
    from tuner.training.tensorflow import load_tensorflow

    task = absolute(name)
    with prints_to_stderr():
        entry = task_entry(task)
    if preset is not None and preset not in entry.presets:
        raise InvalidRequest("preset", f"is one of {', '.join(entry.presets)} for this task", preset)
    chosen = preset or (DEFAULT_PRESET if DEFAULT_PRESET in entry.presets else None)
    options = dict(entry.presets[chosen].options) if chosen else {}
    load_tensorflow()
    from tuner.checks.users_task import probes

    with Watchdog(None), _without_warnings():
        with prints_to_stderr():
            of_the_task = probes(task, options)
        if not as_json:
            click.echo(_heading(name, chosen, options, of_the_task))
        findings = list(_examined(of_the_task, name, print_each=not as_json))
    if as_json:
        click.echo(_json(name, chosen, options, of_the_task, findings))
    failed = [finding.check.name for finding in findings if finding.verdict == "failed"]
    if failed:
        raise click.ClickException(f"{name}: {len(failed)} of {len(findings)} checks failed: {', '.join(failed)}")


def _examined(of_the_task: Sequence[Probe], name: str, *, print_each: bool) -> Iterator[Finding]:
    """Examine a task, and print each finding as it comes."""
    from tuner.checks.suite import CHECKS, examine

    width = max(len(check.name) for check in CHECKS)
    findings = examine(of_the_task)
    for number, check in enumerate(CHECKS, 1):
        with _progress(f"{name}: {check.name} ({number} of {len(CHECKS)})"), prints_to_stderr():
            finding = next(findings)
        if print_each:
            click.echo(_line(finding, width))
        yield finding


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress the warnings of TensorFlow about functions that are traced again, as many checks require."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _progress(text: str) -> Iterator[None]:
    """Show what is under way on a line of its own; nothing outside a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    click.echo(f"\r\x1b[K{text}", nl=False, err=True)
    try:
        yield
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def _line(finding: Finding, width: int) -> str:
    """Return a line on a finding, and one below it on what is wrong or remarkable."""
    if finding.verdict == "skipped":
        return f"-      {finding.check.name:{width}}  {finding.note}"
    verdict = "ok" if finding.verdict == "passed" else "WRONG"
    said = f"{verdict:5}  {finding.check.name:{width}}  {finding.check.demand}"
    return f"{said}\n       {'':{width}}  {finding.note}" if finding.note else said


def _heading(name: str, preset: str | None, options: Mapping[str, Any], of_the_task: Sequence[Probe]) -> str:
    given = ", ".join(f"{option} {value}" for option, value in options.items()) or "none"
    of = f"options of preset {preset!r}: {given}" if preset else "without options"
    return f"{name} in {' and '.join(_dtypes(of_the_task))}, cohorts of {of_the_task[-1].lanes}; {of}"


def _dtypes(of_the_task: Sequence[Probe]) -> list[str]:
    return [str(getattr(probe.task, "dtype", None)) for probe in of_the_task]


def _json(
    name: str,
    preset: str | None,
    options: Mapping[str, Any],
    of_the_task: Sequence[Probe],
    findings: Sequence[Finding],
) -> str:
    checks = [
        {
            "name": finding.check.name,
            "demand": finding.check.demand,
            "verdict": str(finding.verdict),
            "note": finding.note,
        }
        for finding in findings
    ]
    document = {
        "task": name,
        "preset": preset,
        "options": dict(options),
        "dtypes": _dtypes(of_the_task),
        "lanes": of_the_task[-1].lanes,
        "passed": all(finding.verdict != "failed" for finding in findings),
        "checks": checks,
    }
    return json.dumps(document, allow_nan=False, default=str)


def _listed(name: str, entry: TaskEntry) -> dict[str, Any]:
    return {
        "name": name,
        "summary": entry.summary,
        "dataset": entry.dataset,
        "cohort_size": entry.cohort_size,
        "line_up": list(entry.line_up),
        "presets": list(entry.presets),
    }
