"""`lodo-tune watch STUDY`: follow a study by reading its database.

It works from any machine that reaches the database, and does not disturb the study.
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
IDLE_READINGS = 3  # readings at which nothing runs, after which watching ends: a run goes from study to study


@dataclass
class _Followed:
    """What was said already."""

    generations: set[tuple[str, int]] = field(default_factory=set)
    statuses: dict[str, str] = field(default_factory=dict)


@click.command(epilog="Example: lodo-tune watch bowl --database postgresql://lodo@server/studies")
@click.argument("study")
@click.option("--interval", type=float, default=2.0, show_default=True, metavar="SECONDS", help="Between two readings.")
@database_option
@debug_option
def watch(study: str, interval: float, database: str | None, debug: bool) -> None:
    """Follow the run or study STUDY until no driver holds it any more; the database is only read."""
    follow(database_of(database), study, interval)


def follow(database: Database, name: str, interval: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Follow a study, or all studies of a run, until none of them runs any more.

    At a terminal a table that is kept up to date, elsewhere a line whenever a generation or a study ends.

    Args:
        database: Is only read.
        name: RUN/OPTIMIZER, or RUN.
        interval: Seconds between two readings.
        sleep: Waits for so many seconds.

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
    followed, idle = _Followed(), 0
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
                    for line in _news(states, followed):
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
    """Whether a driver holds the study and lives."""
    return bool(study.lease_left)


def _generations(store: Store, study: StudyRecord) -> tuple[Generation[Outcome], ...]:
    from tuner.results.analysis.generations import by_generation

    return by_generation(study.spec, store.outcomes(study.id))


def _status(study: StudyRecord) -> str:
    if study.status == StudyStatus.RUNNING and not _runs(study):
        return "driver lost"
    if study.status == StudyStatus.INTERRUPTED and not sum(study.counts.values()):
        return "waiting"  # no driver has taken it yet
    return study.status


def _begun(generations: tuple[Generation[Outcome], ...]) -> Generation[Outcome] | None:
    """Return the last generation of which anything is known."""
    known = [each for each in generations if sum(each.counts.values())]
    return known[-1] if known else None


def _table(states: list[tuple[StudyRecord, tuple[Generation[Outcome], ...]]]) -> str:
    from tuner.results.tables.numbers import NOTHING, number
    from tuner.results.tables.text_table import TextTable

    rows = []
    for study, generations in states:
        last = _begun(generations)
        done = sum(generation.population - generation.left for generation in generations)
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
                f"{done:,} of {study.spec.due:,}",
                number(last.best if last else None),
                number(last.median if last else None),
                f"{failed:,}",
            ]
        )
    header = ["study", "status", "generation", "individuals", "best", "median", "diverged or failed"]
    return TextTable(header, rows, left=(0, 1)).text()


def _news(states: list[tuple[StudyRecord, tuple[Generation[Outcome], ...]]], followed: _Followed) -> list[str]:
    """Return a line for each generation that ended and each study whose status changed since the last look."""
    lines = []
    for study, generations in states:
        name = study.spec.name
        for generation in generations:
            if not generation.left and (name, generation.number) not in followed.generations:
                followed.generations.add((name, generation.number))
                what = "generation" if study.is_search else "point"
                lines.append(f"{name}  {what} {_described(generation)}")
        status = _status(study)
        if followed.statuses.get(name) != status:
            followed.statuses[name] = status
            lines.append(f"{name}  {status}")
    return lines


def _described(generation: Generation[Outcome]) -> str:
    from tuner.results.tables.numbers import number

    counts = ", ".join(
        f"{generation.counts[status]} {status}" for status in Status if status.is_final and generation.counts[status]
    )
    return (
        f"{generation.number} ({generation.steps:,} evaluations each): {counts}, "
        f"best {number(generation.best)}, median {number(generation.median)}"
    )


def _print_end(resume: str, studies: list[StudyRecord]) -> None:
    left = [study for study in studies if study.status != StudyStatus.COMPLETE]
    if left:
        click.echo(f"nobody drives {', '.join(study.spec.name for study in left)}: {resume}", err=True)
