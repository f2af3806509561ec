"""Shared parts of the verbs that run studies.

Progress, interruptions, the table at the end, and the folders of results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from tuner.api.database import Database
from tuner.api.run import Comparison, Run
from tuner.cli.interruption import Interruptions, advice_on_error, resume_command
from tuner.cli.progress import TerminalProgress
from tuner.cli.streams import for_users_code
from tuner.core.errors import LodoTuneError
from tuner.core.folders import check_writable
from tuner.core.outputs import Outputs
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.execution.resources import Resources
from tuner.storage import StudyExists, StudyOwned
from tuner.studies.batch import EveryCandidateFailed


class NoResult(LodoTuneError):  # noqa: N818 (states what is the case)
    """Every candidate of a study failed or timed out."""

    exit_code = 1


def resources_of(options: dict[str, Any]) -> Resources:
    """Return what the options of `flags.machine_options` request."""
    names = (
        "workers", "cpus_per_candidate", "gpus_per_candidate", "memory_per_candidate", "timeout", "max_attempts",
        "address", "data_dir", "checkpoint_dir",
    )  # fmt: skip
    return Resources(**{name: options[name] for name in names}, dashboard=not options["no_dashboard"])


def run_and_print(
    options: dict[str, Any], database: Database, call: Callable[[TerminalProgress], Run | Comparison]
) -> None:
    """Call a function of the API that runs studies, and print the table.

    Args:
        options: Those of `flags.outcome_options`.
        database: Database that records the studies.
        call: Runs the studies with a progress, and returns the run.

    Raises:
        LodoTuneError: Raised by the call; also NoResult, if a study has none.
        Interrupted: By Ctrl-C or SIGTERM.
    """
    check_folders(options)
    failure = None
    with advised(options, database) as progress:
        try:
            with for_users_code():
                run = call(progress)
        except EveryCandidateFailed as error:
            failure, run = error, database.run(str(progress.run))
    outputs = Outputs()
    if failure is None or any(study.status == StudyStatus.COMPLETE for study in run):
        with outputs.attempt("the table"):
            click.echo(run.table().to_format("json" if options["as_json"] else "text"))
        write_folders(outputs, run, options["output"], options.get("tensorboard"))
    if failure is not None:
        raise failure
    outputs.check(recorded(run.name, database))
    check_some_result(run)


@contextlib.contextmanager
def advised(options: dict[str, Any], database: Database) -> Iterator[TerminalProgress]:
    """Yield the progress of a run, and add to interruptions and errors the command that continues it.

    Args:
        options: Options of the command.
        database: Database that records the run.
    """

    def resume() -> str | None:
        return None if progress.run is None else resume_command(progress.run, progress.database)

    interruptions = Interruptions(resume)
    progress = TerminalProgress(interruptions.executor_started)
    try:
        with advice_on_error(resume), interruptions:
            yield progress
    except StudyExists as error:
        wait = " --wait" if options["wait"] else ""
        error.args = (f"{error} (--name NAME, or {resume_command(options['name'], database.url)}{wait})",)
        raise
    except StudyOwned as error:
        if progress.run is None:
            error.args = (f"{error}; --wait waits until that driver releases it",)
        raise


def check_folders(options: dict[str, Any]) -> None:
    """Check that results can be written to the requested folders.

    Raises:
        InvalidRequest: They cannot be written there.
    """
    check_writable("output", options["output"])
    check_writable("tensorboard", options.get("tensorboard"))


def write_folders(
    outputs: Outputs, run: Run | Comparison, output: Path | None, tensorboard: Path | None = None
) -> None:
    """Write tables, configurations and figures, and event files for TensorBoard, where requested."""
    if output is not None:
        with outputs.attempt(str(output)):
            run.save(output)
    if tensorboard is not None:
        with outputs.attempt(str(tensorboard)):
            for _ in run.database.to_tensorboard(tensorboard, run.name):
                pass


def recorded(name: str, database: Database) -> str:
    """Return a sentence on where the results of a run are."""
    return f"The results are recorded in {database.url}: lodo-tune table {name}"


def check_some_result(run: Run | Comparison) -> None:
    """Check that some candidate of each study finished or diverged.

    Raises:
        NoResult: All candidates of a study failed or timed out.
    """
    for study in run:
        check_counts(study.name, study.record.counts, is_search=study.record.is_search)


def check_counts(study: str, counts: Mapping[Status, int] | Mapping[str, int], *, is_search: bool) -> None:
    """Check that some candidate of a study finished or diverged.

    Args:
        study: Name of the study.
        counts: Its candidates by status.
        is_search: Whether it is a search.

    Raises:
        NoResult: All candidates failed or timed out.
    """
    by_status = {str(status): count for status, count in counts.items()}
    if not by_status.get(Status.FINISHED, 0) and not by_status.get(Status.DIVERGED, 0):
        what = "individual" if is_search else "run"
        raise NoResult(
            f"{study}: no {what} finished; {by_status.get(Status.FAILED, 0)} failed and "
            f"{by_status.get(Status.TIMED_OUT, 0)} timed out (lodo-tune show {study} says why)"
        )
