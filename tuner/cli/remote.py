"""Verbs on a service: what they print and write, as on a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from tuner.api.remote.connection import Answer, quoted
from tuner.api.remote.errors import ServiceRefused
from tuner.api.remote.following import Followed, Follower, SubmittedRun, follow
from tuner.api.remote.service import Service
from tuner.cli.interruption import Interruptions
from tuner.cli.running import NoResult, check_counts, check_folders, write_folders
from tuner.cli.server import again
from tuner.core.errors import InvalidRequest, LodoTuneError
from tuner.core.outputs import Outputs
from tuner.storage import Damaged

FAULT = "lodo-tune-fault"  # header: what could not be read, of what is shown otherwise


def output(service: Service, verb: str, **query: Any) -> Answer:
    """Return what a verb prints or writes, which the service makes."""
    return service.connection.get(f"/outputs/{verb}", **query)


def print_output(service: Service, verb: str, **query: Any) -> bool:
    """Print what a verb prints; return whether it is anything.

    Raises:
        Damaged: Some of it could not be read; the rest is printed.
        LodoTuneError: The service refuses, or cannot be reached.
    """
    answer = output(service, verb, **query)
    if answer.body:
        click.echo(answer.body.decode(), nl=False)
    if fault := answer.headers.get(FAULT):
        raise Damaged(unquote(fault))
    return bool(answer.body)


def write_report(service: Service, study: Sequence[str], file: Path, *, overwrite: bool, margin: str | None) -> int:
    """Write a report to a file; return its bytes."""
    from tuner.api.report import check_report_file
    from tuner.core import files

    check_report_file(file, overwrite=overwrite)
    content = output(service, "report", study=study, margin=margin).body
    files.write(file, content, overwrite=overwrite)
    return len(content)


def write_figures(service: Service, folder: Path, *, force: bool, **query: Any) -> None:
    """Write figures to a folder, each when it is drawn, and print their names."""
    from tuner.core import files

    names: Sequence[str] = output(service, "figures", **query).json()
    for name in names:
        if name != Path(name).name or name.startswith("."):
            raise ServiceRefused(f"{service.url} names a figure {name!r:.100}, which is no name of a file", 200)
    existing = [name for name in names if (folder / name).exists()]
    if existing and not force:
        advice = f"name another folder, or give {{force}} to replace {len(existing)} such files"
        raise InvalidRequest("output", f": {folder / existing[0]} exists; {advice}")
    outputs, written = Outputs(), 0
    for name in names:
        content = b""
        with outputs.attempt(str(folder / name)):
            content = output(service, f"figures/{quoted(name)}", **query).body
            if content:
                folder.mkdir(parents=True, exist_ok=True)
                files.write(folder / name, content, overwrite=force)
        if content:
            written += 1
            click.echo(folder / name)
    outputs.check()
    if not written:
        named = ", ".join(query.get("study") or ()) or service.url
        raise InvalidRequest("study", f": {named} has nothing to draw yet")


def watch(service: Service, name: str, interval: float) -> None:
    """Follow a run or a study until it does not go on, and say how it is continued.

    Raises:
        InvalidRequest: The interval is out of range.
        LodoTuneError: There is no such run, or the service is away for long.
    """
    from tuner.cli.watch import IDLE_READINGS, check_interval, print_end, show

    check_interval(interval)
    idle, last = 0, ""
    with Follower(service.connection, name, interval) as follower, _going_on(service, name):
        found = Followed((), None)

        def look() -> Any:
            nonlocal found, idle, last
            found = follower.look()
            idle = 0 if any(study.runs for study in found.studies) else idle + 1
            line = "" if found.request is None else found.request.line()
            if line != last and not found.studies:  # what the studies do not show
                click.echo(line)
                sys.stdout.flush()
            last = line
            return found.studies

        def is_over() -> bool:
            if found.request is None:
                return idle >= IDLE_READINGS
            return found.request.has_ended or (found.request.state == "paused" and idle >= IDLE_READINGS)

        studies = show(look, follower.wait, is_over)
    print_end(studies, again("resume", service, name.partition("/")[0]))
    if found.request is not None and found.request.state == "failed":
        raise NoResult(f"the run {found.request.run} has failed: {found.request.reason}")


def submit_and_print(options: dict[str, Any], service: Service, submit: Callable[[], SubmittedRun]) -> None:
    """Submit a run, wait until it is complete, and print its table.

    Args:
        options: Those of `flags.outcome_options`.
        service: The service.
        submit: Submits the run.

    Raises:
        LodoTuneError: The service refuses, or the run has not been completed.
        Interrupted: By Ctrl-C or SIGTERM; the run goes on.
    """
    check_folders(options)
    print_run(options, service, submit().run)


def print_run(options: dict[str, Any], service: Service, name: str) -> None:
    """Wait until a run is complete, and print its table and write its folders as on a database."""
    from tuner.cli.progress import TerminalProgress

    with _going_on(service, name) as interruptions, TerminalProgress(interruptions.executor_started) as progress:
        follow(service.connection, name, progress.say)
    outputs = Outputs()
    with outputs.attempt("the table"):
        print_output(service, "table", study=[name], format="json" if options["as_json"] else "text")
    if options["output"] is not None or options.get("tensorboard") is not None:  # which are made here, of its rows
        write_folders(outputs, service.run(name), options["output"], options.get("tensorboard"))
    outputs.check(f"The results are recorded at {service.url}: {again('table', service, name)}")
    for study in service.connection.get(f"/runs/{quoted(name)}/studies").json():
        check_counts(study["name"], study["counts"], is_search=study["kind"] == "search")


def print_submitted(found: Sequence[SubmittedRun], *, as_json: bool) -> None:
    """Print what is wanted of runs and what was reached, a line each."""
    from dataclasses import asdict

    if as_json:
        click.echo(json.dumps({"runs": [asdict(one) for one in found]}, indent=2))
        return
    for one in found:
        click.echo(one.line())


@contextmanager
def _going_on(service: Service, name: str) -> Iterator[Interruptions]:
    """Say of an interruption, or of a service that is away, that the run goes on."""
    watching = again("watch", service, name)
    try:
        with Interruptions(lambda: None) as interruptions:
            yield interruptions
    except KeyboardInterrupt as error:
        error.args = (f"interrupted; the run goes on at {service.url}. Follow it with: {watching}",)
        raise
    except LodoTuneError as error:
        if error.exit_code == 75:
            error.args = (f"{error}. What was submitted goes on. Follow it with: {watching}",)
        raise
