"""`lodo-tune tasks` and `lodo-tune tasks check`: list the tasks, and check one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.findings import examined, listed, raise_if_any_failed
from tuner.cli.flags import data_dir_option, debug_option, only_json_option
from tuner.cli.group import Group
from tuner.cli.streams import for_users_code

if TYPE_CHECKING:
    from tasks.registry import TaskEntry
    from tuner.checks.check import Finding
    from tuner.checks.probe import Probe

DEFAULT_PRESET = "quick"  # has options that make a task small


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
    """List the built-in tasks and those of installed packages, or check a task."""
    import tasks.registry

    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} must follow it; move --json")
        return
    plugins = {name: f"from an installed package: {target}" for name, target in tasks.registry.plugins().items()}
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
@click.option(
    "--preset", metavar="NAME", help="Preset whose options the task gets. Default: 'quick' if the task has it."
)
@data_dir_option
@only_json_option
@debug_option
def check(name: str, preset: str | None, data_dir: Path | None, as_json: bool, debug: bool) -> None:
    """Check whether the task NAME fulfils the protocol of a task; exit code 1 if it does not.

    NAME has the form of --task. Shapes, gradient, seeds, lanes and evaluation are tested, with one line per check.
    Searches and 'train' run the most important checks on a task of your own before they start.
    """
    from tuner.api.data_folder import using_data

    with using_data(data_dir):
        _check(name, preset, as_json)


def _check(name: str, preset: str | None, as_json: bool) -> None:
    """Run the conformance suite on a task, and print the result of each check."""
    from tuner.cli.watchdog import Watchdog
    from tuner.core.errors import InvalidRequest
    from tuner.studies.lookup import absolute, task_entry
    from tuner.training.tensorflow import load_tensorflow, without_retracing_warnings

    task = absolute(name)
    with for_users_code():
        entry = task_entry(task)
    if preset is not None and preset not in entry.presets:
        raise InvalidRequest("preset", f"is one of {', '.join(entry.presets)} for this task", preset)
    chosen = preset or (DEFAULT_PRESET if DEFAULT_PRESET in entry.presets else None)
    if entry.is_function:
        _check_function(name, task, chosen or next(iter(entry.presets)), as_json)
        return
    options = dict(entry.presets[chosen].options) if chosen else {}
    load_tensorflow()
    from tuner.checks.suite import CHECKS
    from tuner.checks.users_task import probes

    with Watchdog(None), without_retracing_warnings():
        with for_users_code():
            task_probes = probes(task, options)
        if not as_json:
            click.echo(_heading(name, chosen, options, task_probes))
        findings = list(examined(task_probes, CHECKS, name, print_each=not as_json))
    if as_json:
        click.echo(_json(name, chosen, options, task_probes, findings))
    raise_if_any_failed(name, findings)


def _check_function(name: str, task: str, preset: str, as_json: bool) -> None:
    """Run the suite of training functions on one, and print the result of each check."""
    from tuner.api.functions import function_probe
    from tuner.checks.function_suite import CHECKS
    from tuner.cli.watchdog import Watchdog

    with for_users_code():
        probe = function_probe(task, preset)
    if not as_json:
        click.echo(f"{name}, a training function, with its defaults and a budget of {probe.budget}")
    with Watchdog(None):
        findings = list(examined([probe], CHECKS, name, print_each=not as_json))
    if as_json:
        document = {"task": name, "preset": preset, "options": {}, "dtypes": [], "lanes": 1, **listed(findings)}
        click.echo(json.dumps(document, allow_nan=False))
    raise_if_any_failed(name, findings)


def _heading(name: str, preset: str | None, options: Mapping[str, Any], task_probes: Sequence[Probe]) -> str:
    values = ", ".join(f"{option} {value}" for option, value in options.items()) or "none"
    settings = f"options of preset {preset!r}: {values}" if preset else "without options"
    return f"{name} in {' and '.join(_dtypes(task_probes))}, cohorts of {task_probes[-1].lanes}; {settings}"


def _dtypes(task_probes: Sequence[Probe]) -> list[str]:
    return [str(getattr(probe.task, "dtype", None)) for probe in task_probes]


def _json(
    name: str,
    preset: str | None,
    options: Mapping[str, Any],
    task_probes: Sequence[Probe],
    findings: Sequence[Finding],
) -> str:
    document = {
        "task": name,
        "preset": preset,
        "options": dict(options),
        "dtypes": _dtypes(task_probes),
        "lanes": task_probes[-1].lanes,
        **listed(findings),
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
