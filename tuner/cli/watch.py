"""`lodo-tune watch STUDY`: follow a study by reading its database.

It runs on any machine that reaches the database.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from tuner.cli.flags import database_of, database_option, debug_option
from tuner.core.errors import InvalidRequest
from tuner.core.study import Outcome, StudyRecord, StudyStatus
from tuner.core.trial import Status

if TYPE_CHECKING:
    from tuner.api.database import Database
    from tuner.results.analysis.generations import Generation
    from tuner.storage import Store

MAX_INTERVAL = 86_400  # seconds between two readings
IDLE_READINGS = 3  # without a running study, after which watching ends; between two studies of a run there are fewer


@dataclass
class _Printed:
    """The generations and statuses that have been printed."""

    generations: set[tuple[str, int]] = field(default_factory=set)
    statuses: dict[str, str] = field(default_factory=dict)


@click.command(epilog="Example: lodo-tune watch bowl --database postgresql://lodo@server/studies")
@click.argument("study")
@click.option(
    "--interval", type=float, default=2.0, show_default=True, metavar="SECONDS", help="Time between two readings."
)
@database_option
@debug_option
def watch(study: str, interval: float, database: str | None, debug: bool) -> None:
    """Follow the run or study STUDY until no driver holds it. The database is only read."""
    follow(database_of(database), study, interval)


def follow(database: Database, name: str, interval: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Follow a study, or all studies of a run, until none of them is running.

    Print a table that is updated at a terminal, and a line per completed generation and changed status elsewhere.

    Args:
        database: The database, which is only read.
        name: RUN/OPTIMIZER, or RUN.
        interval: Seconds between two readings.
        sleep: Waits for a number of seconds.

    Raises:
        InvalidRequest: The interval is out of range.
        StorageError: The database cannot be read, or there is no such study.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from tuner.api.database import PATIENCE
    from tuner.cli.interruption import resume_command

    if not 0 < interval <= MAX_INTERVAL:
        raise InvalidRequest("interval", f"is a positive number of seconds, at most {MAX_INTERVAL}", interval)
    console = Console(stderr=True)
    printed, idle = _Printed(), 0
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    with database.reading(PATIENCE) as store:
        if live is not None:
            live.start()
        try:
            while idle < IDLE_READINGS:
                studies = store.find(name)
                idle = 0 if any(_runs(study) for study in studies) else idle + 1
                if all(study.status == StudyStatus.COMPLETE for study in studies):
                    idle = IDLE_READINGS
                states = [(study, _generations(store, study)) for study in studies]
                if live is not None:
                    live.update(Text(_table(states)), refresh=True)
                else:
                    for line in _changes(states, printed):
                        click.echo(line)
                        sys.stdout.flush()
                if idle < IDLE_READINGS:
                    sleep(interval)
        finally:
            if live is not None:
                live.stop()
        if live is not None:
            click.echo(_table(states))
        _print_end(resume_command(name, store.url), studies)


def _runs(study: StudyRecord) -> bool:
    """Return whether a driver holds the study and renews its lease."""
    return bool(study.lease_left)


def _generations(store: Store, study: StudyRecord) -> tuple[Generation[Outcome], ...]:
    from tuner.results.analysis.generations import by_generation
    from tuner.results.analysis.several_tasks import whole

    study, outcomes = whole(study, store.outcomes(study.id))
    return by_generation(study.spec, outcomes)


def _status(study: StudyRecord) -> str:
    if study.status == StudyStatus.RUNNING and not _runs(study):
        return "driver lost"
    if study.status == StudyStatus.INTERRUPTED and not sum(study.counts.values()):
        return "waiting"  # no driver has started it
    return study.status


def _last_started(generations: tuple[Generation[Outcome], ...]) -> Generation[Outcome] | None:
    """Return the last generation that has started."""
    started = [generation for generation in generations if sum(generation.counts.values())]
    return started[-1] if started else None


def _table(states: list[tuple[StudyRecord, tuple[Generation[Outcome], ...]]]) -> str:
    from tuner.results.tables.numbers import NOTHING, number
    from tuner.results.tables.text_table import TextTable

    rows = []
    for study, generations in states:
        last = _last_started(generations)
        planned = sum(generation.population for generation in generations)
        done = planned - sum(generation.left for generation in generations)
        failed = sum(
            generation.counts[status]
            for generation in generations
            for status in (Status.DIVERGED, Status.FAILED, Status.TIMED_OUT)
        )
        rows.append(
            [
                study.spec.name,
                _status(study),
                NOTHING if last is None else f"{last.number + 1} of {len(generations)}",
                f"{done:,} of {planned:,}",
                number(last.best if last else None),
                number(last.median if last else None),
                f"{failed:,}",
            ]
        )
    header = ["study", "status", "generation", "individuals", "best", "median", "diverged or failed"]
    return TextTable(header, rows, left=(0, 1)).text()


def _changes(states: list[tuple[StudyRecord, tuple[Generation[Outcome], ...]]], printed: _Printed) -> list[str]:
    """Return a line for each completed generation and each changed status that has not been printed yet."""
    lines = []
    for study, generations in states:
        name = study.spec.name
        for generation in generations:
            if not generation.left and (name, generation.number) not in printed.generations:
                printed.generations.add((name, generation.number))
                what = "generation" if study.is_search else "point"
                lines.append(f"{name}  {what} {_result_of(generation)}")
        status = _status(study)
        if printed.statuses.get(name) != status:
            printed.statuses[name] = status
            lines.append(f"{name}  {status}")
    return lines


def _result_of(generation: Generation[Outcome]) -> str:
    from tuner.results.tables.numbers import number

    counts = ", ".join(
        f"{generation.counts[status]} {status}" for status in Status if status.is_final and generation.counts[status]
    )
    return (
        f"{generation.number} ({generation.steps:,} evaluations each): {counts}, "
        f"best {number(generation.best)}, median {number(generation.median)}"
    )


def _print_end(resume: str, studies: list[StudyRecord]) -> None:
    unfinished = ", ".join(study.spec.name for study in studies if study.status != StudyStatus.COMPLETE)
    if unfinished:
        click.echo(f"no driver holds {unfinished}; continue with: {resume}", err=True)
