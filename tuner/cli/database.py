"""`lodo-tune database …`: maintenance of a database.

Checks, upgrades, copies, exports and backups, and the deletion of a study.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option
from tuner.cli.group import Group
from tuner.core.errors import LodoTuneError


class Unsound(LodoTuneError):  # noqa: N818 (states what is the case)
    """A database contradicts itself; what is wrong was printed."""


class NotConfirmed(LodoTuneError):  # noqa: N818
    """A question was not answered with yes."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is, so that temporary files are removed."""

    exit_code = 128 + signal.SIGTERM


def _terminate(*_: object) -> None:
    raise Terminated("terminated")


@click.group("database", cls=Group, epilog="Example: lodo-tune database check --database results.db")
@click.pass_context
def database_group(context: click.Context) -> None:
    """Check, back up, copy, export or bring up to date a database, or delete a study."""
    before = signal.signal(signal.SIGTERM, _terminate)
    context.call_on_close(lambda: signal.signal(signal.SIGTERM, before))


@database_group.command(epilog="Example: lodo-tune database check")
@database_option
@debug_option
def check(database: str | None, debug: bool) -> None:
    """Read everything in the database, and report what is wrong with it."""
    from tuner.results.tables.numbers import counted

    place = database_of(database)
    found = place.check()
    holds = ", ".join(
        (
            f"{found.studies:,} stud{'y' if found.studies == 1 else 'ies'}",
            counted(found.candidates, "candidate"),
            counted(found.results, "result"),
            f"{found.losses:,} losses",
        )
    )
    click.echo(f"{place.url}: {holds}")
    for fault in found.faults:
        click.echo(f"  {fault}")
    if found.faults:
        raise Unsound(f"{place.url} is not sound: {found.faults[0]}")
    click.echo("sound")


@database_group.command(epilog="Example: lodo-tune database upgrade --database old.db")
@database_option
@debug_option
def upgrade(database: str | None, debug: bool) -> None:
    """Bring the database to the newest schema; a file as it was is kept beside it."""
    place = database_of(database)
    before = place.schema
    kept = place.upgrade()
    now = place.schema
    if before == now:
        click.echo(f"{place.url} has schema {now}, the newest")
    else:
        was = f"; {kept} is as it was" if kept else ""
        click.echo(f"{place.url} was brought from schema {before} to {now}{was}")


@database_group.command(epilog="Example: lodo-tune database copy lodo-tune.db postgresql://lodo@server/studies bowl")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("study", nargs=-1)
@debug_option
def copy(source: str, target: str, study: tuple[str, ...], debug: bool) -> None:
    """Copy the runs or studies STUDY, or all, between databases of either kind; each is compared.

    A study with a driver is left out (exit code 73); one that was copied before is compared again.
    """
    from tuner.api.database import Database
    from tuner.results.tables.numbers import counted
    from tuner.storage import StudyOwned

    driven: list[StudyOwned] = []
    for name, copied in Database(source).copy_to(Database(target), *study):
        if isinstance(copied, StudyOwned):
            driven.append(copied)
        else:
            click.echo(f"{name}: {'copied and compared' if copied else 'is there already, and is the same'}")
    if driven:
        others = f" (and {counted(len(driven) - 1, 'other')})" if len(driven) > 1 else ""
        raise StudyOwned(f"{driven[0]}{others}")


@database_group.command(
    epilog="\b\nExample: lodo-tune database export --tensorboard runs\n"
    "Example: lodo-tune database export --optuna optuna.db bowl",
)
@click.argument("study", nargs=-1)
@click.option("--tensorboard", type=PATH, metavar="DIR", help="What 'tensorboard --logdir DIR' shows.")
@click.option("--optuna", metavar="URL", help="What 'optuna-dashboard URL' shows: a file, or a URL. Not this database.")
@database_option
@debug_option
def export(
    study: tuple[str, ...], tensorboard: Path | None, optuna: str | None, database: str | None, debug: bool
) -> None:
    """Write the runs or studies STUDY, or all, for TensorBoard or for Optuna; finished or not."""
    from tuner.results.tables.numbers import counted
    from tuner.storage import maintenance

    if tensorboard is None and optuna is None:
        raise click.UsageError("database export takes --tensorboard DIR, --optuna URL, or both. Received: neither")
    place = database_of(database)
    if tensorboard is not None:
        for name, count in place.to_tensorboard(tensorboard, *study):
            click.echo(f"{name}: {counted(count, 'run')} for TensorBoard in {tensorboard}")
    if optuna is not None:
        for name, count in place.to_optuna(optuna, *study):
            click.echo(f"{name}: {counted(count, 'trial')} for Optuna in {maintenance.shown(optuna)}")


@database_group.command(epilog="Example: lodo-tune database backup monday.db")
@click.argument("file", type=PATH)
@database_option
@debug_option
def backup(file: Path, database: str | None, debug: bool) -> None:
    """Copy the database into the new SQLite FILE; drivers may continue to write.

    The copy is of one moment. In a backup of PostgreSQL no study has a driver: what was running waits.
    """
    place = database_of(database)
    place.back_up(file)
    click.echo(f"{place.url} is copied to {file}")


@database_group.command("delete-study", epilog="Example: lodo-tune database delete-study bowl/Adam --yes")
@click.argument("study")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
@debug_option
def delete_study(study: str, yes: bool, database: str | None, debug: bool) -> None:
    """Delete the study STUDY, or all of a run, for good; a run with a driver is left as it is."""
    from tuner.results.tables.numbers import counted

    place = database_of(database)
    with place.writing(create=False):
        pass  # an older database is upgraded before it is read
    for each in place.run(study):
        done = sum(count for status, count in each.record.counts.items() if status.is_final)
        click.echo(f"{each.name}: {each.status}, {counted(done, 'result')} of the search", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("delete-study asks before it deletes: give --yes where nobody can answer")
        if not click.confirm(f"Delete for good from {place.url}?", err=True):
            raise NotConfirmed("nothing was deleted")
    for name in place.delete(study):
        click.echo(f"{name}: deleted")
