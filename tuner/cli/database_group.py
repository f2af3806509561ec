"""`lodo-tune database …` on the command line: options and verbs; what they do is in `tuner.cli.upkeep`."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from tuner.cli.flags import PATH, database_option, debug_option


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken the way Ctrl-C is taken, so that temporary files are removed."""

    exit_code = 128 + signal.SIGTERM


def _terminate(*_: object) -> None:
    raise Terminated("terminated")


@click.group("database", epilog="Example: lodo-tune database check --database results.db")
@click.pass_context
def upkeep(context: click.Context) -> None:
    """Check, back up, copy, export or bring up to date a database, or delete a study."""
    before = signal.signal(signal.SIGTERM, _terminate)
    context.call_on_close(lambda: signal.signal(signal.SIGTERM, before))


@upkeep.command("check", epilog="Example: lodo-tune database check")
@database_option
@debug_option
def check_database(database: str | None, debug: bool) -> None:
    """Read all that the database holds, and say what is wrong with it."""
    from tuner.cli import upkeep
    from tuner.cli.database import database as which

    upkeep.check(which(database))


@upkeep.command("upgrade", epilog="Example: lodo-tune database upgrade --database old.db")
@database_option
@debug_option
def upgrade_database(database: str | None, debug: bool) -> None:
    """Bring the database to the newest schema; a file as it was is kept beside it."""
    from tuner.cli import upkeep
    from tuner.cli.database import database as which

    upkeep.upgrade(which(database))


@upkeep.command("copy", epilog="Example: lodo-tune database copy lodo-tune.db postgresql://lodo@server/studies bowl")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("study", nargs=-1)
@debug_option
def copy_database(source: str, target: str, study: tuple[str, ...], debug: bool) -> None:
    """Copy the runs or studies STUDY, or all, between databases of either kind; each is compared.

    A study that is being driven is left out (exit code 73); one that was copied before is compared again.
    """
    from tuner.cli import upkeep

    upkeep.copy(source, target, study)


@upkeep.command(
    "export",
    epilog="\b\nExample: lodo-tune database export --tensorboard runs\n"
    "Example: lodo-tune database export --optuna optuna.db bowl",
)
@click.argument("study", nargs=-1)
@click.option("--tensorboard", type=PATH, metavar="DIR", help="What 'tensorboard --logdir DIR' shows.")
@click.option("--optuna", metavar="URL", help="What 'optuna-dashboard URL' shows: a file, or a URL. Not this database.")
@database_option
@debug_option
def export_studies(
    study: tuple[str, ...], tensorboard: Path | None, optuna: str | None, database: str | None, debug: bool
) -> None:
    """Write the runs or studies STUDY, or all, for TensorBoard or for Optuna; finished or not."""
    from tuner.cli import outside
    from tuner.cli.database import database as which

    outside.export(which(database), study, tensorboard=tensorboard, optuna=optuna)


@upkeep.command("backup", epilog="Example: lodo-tune database backup monday.db")
@click.argument("file", type=PATH)
@database_option
@debug_option
def back_up_database(file: Path, database: str | None, debug: bool) -> None:
    """Copy the database into the new SQLite FILE; a driver may go on writing.

    It is one moment of it. In a backup of PostgreSQL no study has a driver: what ran waits.
    """
    from tuner.cli import upkeep
    from tuner.cli.database import database as which

    upkeep.back_up(which(database), file)


@upkeep.command("delete-study", epilog="Example: lodo-tune database delete-study bowl/Adam --yes")
@click.argument("study")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database_option
@debug_option
def delete_study(study: str, yes: bool, database: str | None, debug: bool) -> None:
    """Delete the study STUDY, or all of a run, for good; nothing of a run that is being driven."""
    from tuner.cli import upkeep
    from tuner.cli.database import database as which

    upkeep.delete_study(which(database), study, yes=yes)
