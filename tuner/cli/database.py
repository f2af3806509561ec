"""`lodo-tune database …`: maintenance of a database.

Checks, upgrades, copies, exports, imports and backups, and the deletion of a study.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option, objective_option
from tuner.cli.group import Group
from tuner.core.errors import LodoTuneError

if TYPE_CHECKING:
    from tuner.api.importing_searches import OutsideSearch


class Unsound(LodoTuneError):  # noqa: N818 (states what is the case)
    """The check of a database found faults, which have been printed."""


class NotConfirmed(LodoTuneError):  # noqa: N818
    """The user did not confirm a deletion."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is, so that temporary files are removed."""

    exit_code = 128 + signal.SIGTERM


def terminate(*_: object) -> None:
    """Handle SIGTERM.

    Raises:
        Terminated: Always.
    """
    raise Terminated("terminated")


@click.group("database", cls=Group, epilog="Example: lodo-tune database check --database results.db")
@click.pass_context
def database_group(context: click.Context) -> None:
    """Check, upgrade, back up, copy or export a database, import runs, or delete a study."""
    before = signal.signal(signal.SIGTERM, terminate)
    context.call_on_close(lambda: signal.signal(signal.SIGTERM, before))


@database_group.command(epilog="Example: lodo-tune database check")
@database_option
@debug_option
def check(database: str | None, debug: bool) -> None:
    """Read everything in the database, and report all faults."""
    from tuner.results.tables.numbers import counted

    db = database_of(database)
    soundness = db.check()
    contents = ", ".join(
        (
            f"{soundness.studies:,} stud{'y' if soundness.studies == 1 else 'ies'}",
            counted(soundness.candidates, "candidate"),
            counted(soundness.results, "result"),
            f"{soundness.losses:,} losses",
        )
    )
    click.echo(f"{db.url}: {contents}")
    for fault in soundness.faults:
        click.echo(f"  {fault}")
    if soundness.faults:
        raise Unsound(f"{db.url} is not sound: {soundness.faults[0]}")
    click.echo("sound")


@database_group.command(epilog="Example: lodo-tune database upgrade --database old.db")
@database_option
@debug_option
def upgrade(database: str | None, debug: bool) -> None:
    """Upgrade the database to the newest schema; a copy of an older SQLite file is kept beside it."""
    db = database_of(database)
    old = db.schema
    copy = db.upgrade()
    new = db.schema
    if old == new:
        click.echo(f"{db.url} has schema {new}, the newest")
    else:
        kept = f"; the file with schema {old} is kept as {copy}" if copy else ""
        click.echo(f"{db.url} was upgraded from schema {old} to {new}{kept}")


@database_group.command(epilog="Example: lodo-tune database copy lodo-tune.db postgresql://lodo@server/studies bowl")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.argument("study", nargs=-1)
@debug_option
def copy(source: str, target: str, study: tuple[str, ...], debug: bool) -> None:
    """Copy the runs or studies STUDY, or all, to another database, SQLite or PostgreSQL, and compare the copies.

    A study that a driver holds is not copied (exit code 73). One that the target already has is compared with it.
    """
    from tuner.api.database import Database
    from tuner.results.tables.numbers import counted
    from tuner.storage import StudyOwned

    driven: list[StudyOwned] = []
    for name, copied in Database(source).copy_to(Database(target), *study):
        if isinstance(copied, StudyOwned):
            driven.append(copied)
        else:
            click.echo(f"{name}: {'copied and compared' if copied else 'already there, and identical'}")
    if driven:
        others = f" (and {counted(len(driven) - 1, 'other')})" if len(driven) > 1 else ""
        raise StudyOwned(f"{driven[0]}{others}")


@database_group.command(
    epilog="\b\nExample: lodo-tune database export --tensorboard runs\n"
    "Example: lodo-tune database export --optuna optuna.db bowl\n"
    "Example: lodo-tune database export --mlflow http://localhost:5000 bowl",
)
@click.argument("study", nargs=-1)
@click.option("--tensorboard", type=PATH, metavar="DIR", help="Log folder, for 'tensorboard --logdir DIR'.")
@click.option(
    "--optuna", metavar="URL", help="Storage, for 'optuna-dashboard URL': a file or a URL, but not this database."
)
@click.option(
    "--mlflow",
    metavar="URI",
    help="Tracking server of MLflow, or its database: a file or a URL, but not this database.",
)
@database_option
@debug_option
def export(
    study: tuple[str, ...],
    tensorboard: Path | None,
    optuna: str | None,
    mlflow: str | None,
    database: str | None,
    debug: bool,
) -> None:
    """Export the runs or studies STUDY, or all, to TensorBoard, Optuna or MLflow, complete or not."""
    from tuner.results.tables.numbers import counted
    from tuner.storage import maintenance

    if tensorboard is None and optuna is None and mlflow is None:
        raise click.UsageError(
            "database export takes --tensorboard DIR, --optuna URL or --mlflow URI, or several. Received: none"
        )
    db = database_of(database)
    if tensorboard is not None:
        for name, count in db.to_tensorboard(tensorboard, *study):
            click.echo(f"{name}: {counted(count, 'run')} for TensorBoard in {tensorboard}")
    if optuna is not None:
        for name, count in db.to_optuna(optuna, *study):
            click.echo(f"{name}: {counted(count, 'trial')} for Optuna in {maintenance.shown(optuna)}")
    if mlflow is not None:
        for name, count in db.to_mlflow(mlflow, *study):
            click.echo(f"{name}: {counted(count, 'new run')} for MLflow")


@database_group.command(
    "import",
    epilog="\b\nExample: lodo-tune database import theirs.csv --task cifar --steps 5000\n"
    "Example: lodo-tune database import --optuna optuna.db --study width\n"
    "Example: lodo-tune database import --ray-tune ~/ray_results/width --objective validation.loss",
)
@click.argument("file", type=PATH, required=False)
@click.option("--optuna", metavar="URL", help="Storage of Optuna, a file or a URL, whose studies are imported.")
@click.option("--study", multiple=True, metavar="NAME", help="Study of this storage; may be given again. Default: all.")
@click.option("--ray-tune", type=PATH, metavar="DIR", help="Folder of an experiment of Ray Tune, which is imported.")
@click.option("--task", metavar="NAME", help="Name of the task. Needed for a CSV; by default that of the search.")
@click.option("--name", metavar="RUN", help="Name of the run. Default: that of the file, or of the search.")
@click.option(
    "--steps", type=int, metavar="N", help="Gradient evaluations per run, of a CSV without a column 'budget'."
)
@objective_option(
    "What was optimised. Default: training-loss of a CSV, validation.value of Optuna; needed for Ray Tune."
)
@database_option
@debug_option
def import_(
    file: Path | None,
    optuna: str | None,
    study: tuple[str, ...],
    ray_tune: Path | None,
    task: str | None,
    name: str | None,
    steps: int | None,
    objective: str | None,
    database: str | None,
    debug: bool,
) -> None:
    """Import what was trained elsewhere: a CSV FILE, studies of Optuna, or an experiment of Ray Tune.

    A line of a CSV is a run of a comparison. Columns: optimizer, seed, fitness (the value of the objective) and one per
    hyperparameter; and, as they apply, status, budget, steps_done, seconds, validation.METRIC and test.METRIC. All
    optimizers have the same seeds and budget. What 'lodo-tune trials' writes of a comparison is accepted.

    A study or an experiment becomes a search of one generation, whose tuned point is its best trial. Everything is
    marked as imported.
    """
    given = [each for each in (file, optuna, ray_tune) if each is not None]
    if len(given) != 1:
        raise click.UsageError(
            f"database import takes one of FILE.csv, --optuna URL and --ray-tune DIR. Received: {len(given)} of them"
        )
    if study and optuna is None:
        raise click.UsageError("--study belongs to --optuna URL")
    db = database_of(database)
    if file is not None:
        if task is None:
            raise click.UsageError("Missing option '--task', the name of the task that the runs were trained on")
        for each in db.import_runs(file, task=task, name=name, steps=steps, objective=objective):
            click.echo(f"{each}: imported from {file}")
        return
    if steps is not None:
        raise click.UsageError("--steps belongs to a CSV")
    searches = _searches(optuna, study, ray_tune, objective)
    if name is not None and len(searches) > 1:
        raise click.UsageError(f"--name names one study. Received: {len(searches)} studies; choose one by --study")
    for search in searches:
        click.echo(f"{db.import_search(search, name=name, task=task)}: imported from {search.source}")


def _searches(
    optuna: str | None, study: tuple[str, ...], ray_tune: Path | None, objective: str | None
) -> list[OutsideSearch]:
    """Return the searches to import."""
    if optuna is not None:
        from tuner.integrations.optuna_studies import read_studies

        return read_studies(optuna, study, objective=objective)
    from tuner.integrations.ray_tune_results import read_experiment

    assert ray_tune is not None  # noqa: S101 - one of the two is given
    return [read_experiment(ray_tune, objective=objective)]


@database_group.command(epilog="Example: lodo-tune database backup monday.db")
@click.argument("file", type=PATH)
@database_option
@debug_option
def backup(file: Path, database: str | None, debug: bool) -> None:
    """Copy the database into the new SQLite FILE; drivers may continue to write.

    The copy is a consistent snapshot. In a backup of PostgreSQL no study has a driver; studies that were running are
    interrupted there, and can be resumed.
    """
    db = database_of(database)
    db.back_up(file)
    click.echo(f"{db.url} is copied to {file}")


@database_group.command("delete-study", epilog="Example: lodo-tune database delete-study bowl/Adam --yes")
@click.argument("study")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@database_option
@debug_option
def delete_study(study: str, yes: bool, database: str | None, debug: bool) -> None:
    """Delete the study STUDY, or all studies of a run, permanently; a run that a driver holds is not deleted."""
    from tuner.results.tables.numbers import counted

    db = database_of(database)
    with db.writing(create=False):
        pass  # an older database is upgraded before it is read
    for member in db.run(study):
        done = sum(count for status, count in member.record.counts.items() if status.is_final)
        click.echo(f"{member.name}: {member.status}, {counted(done, 'result')} of the search", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("delete-study asks for confirmation: give --yes where there is no terminal")
        if not click.confirm(f"Delete permanently from {db.url}?", err=True):
            raise NotConfirmed("nothing was deleted")
    for name in db.delete(study):
        click.echo(f"{name}: deleted")
