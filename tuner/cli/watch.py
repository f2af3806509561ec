"""`lodo-tune watch STUDY`: follow a study by reading its database.

It runs on any machine that reaches the database.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from tuner.cli.flags import database_of, database_option, debug_option
from tuner.cli.server import server_option, service_of
from tuner.core.errors import InvalidRequest

if TYPE_CHECKING:
    from tuner.api.database import Database
    from tuner.api.watching import WatchedStudy

MAX_INTERVAL = 86_400  # seconds between two readings
IDLE_READINGS = 3  # without a running study, after which watching ends; between two studies of a run there are fewer


@click.command(epilog="Example: lodo-tune watch bowl --database postgresql://lodo@server/studies")
@click.argument("study")
@click.option(
    "--interval", type=float, default=2.0, show_default=True, metavar="SECONDS", help="Time between two readings."
)
@database_option
@server_option
@debug_option
def watch(study: str, interval: float, database: str | None, server: str | None, debug: bool) -> None:
    """Follow the run or study STUDY until no driver holds it. The database is only read."""
    if (service := service_of(server, database)) is not None:
        from tuner.cli.remote import watch as watch_service

        watch_service(service, study, interval)
        return
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
    from tuner.api.stored_database import PATIENCE
    from tuner.api.watching import watched
    from tuner.cli.interruption import resume_command

    check_interval(interval)
    with database.reading(PATIENCE) as store:
        studies = show(lambda: watched(store, name), lambda: sleep(interval))
        print_end(studies, resume_command(name, store.url))


def check_interval(interval: float) -> None:
    """Check the seconds between two readings.

    Raises:
        InvalidRequest: They are out of range.
    """
    if not 0 < interval <= MAX_INTERVAL:
        raise InvalidRequest("interval", f"is a positive number of seconds, at most {MAX_INTERVAL}", interval)


def show(
    look: Callable[[], Sequence[WatchedStudy]], wait: Callable[[], None], is_over: Callable[[], bool] | None = None
) -> Sequence[WatchedStudy]:
    """Show studies until none of them is running; return them as they were last.

    Args:
        look: Returns the studies as they are now.
        wait: Waits until the next reading.
        is_over: Returns whether it is known that no study will run. Default: as many readings without one say so.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from tuner.api.watching import Printed, changes, table_of

    console = Console(stderr=True)
    printed, idle, ended = Printed(), 0, False
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    if live is not None:
        live.start()
    try:
        while not ended:
            studies = look()
            idle = 0 if any(study.runs for study in studies) else idle + 1
            ended = idle >= IDLE_READINGS if is_over is None else is_over()
            ended = ended or (bool(studies) and all(study.is_complete for study in studies))
            if live is not None:
                live.update(Text(table_of(studies)), refresh=True)
            else:
                for line in changes(studies, printed):
                    click.echo(line)
                    sys.stdout.flush()
            if not ended:
                wait()
    finally:
        if live is not None:
            live.stop()
    if live is not None:
        click.echo(table_of(studies))
    return studies


def print_end(studies: Sequence[WatchedStudy], resume: str) -> None:
    """Say which studies are not complete, and how they are continued."""
    unfinished = ", ".join(study.name for study in studies if not study.is_complete)
    if unfinished:
        click.echo(f"no driver holds {unfinished}; continue with: {resume}", err=True)
