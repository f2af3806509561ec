"""Verbs that read a database and write nothing to it: table, figures, studies, show, export, report."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option, json_option, list_of


@click.command(epilog="Example: lodo-tune table bowl --format markdown")
@click.argument("study", nargs=-1)
@click.option("--format", default="text", show_default=True, help="text, markdown, latex, csv or json.")
@json_option
@database_option
@debug_option
def table(study: tuple[str, ...], format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """Print the tables of the runs or studies STUDY, or of all: what was tuned, and how it compares."""
    from tuner.cli import show

    show.print_tables(database_of(database).source, study, "json" if as_json else format)


@click.command(epilog="Example: lodo-tune figures bowl bowl-comparison --output figures --format png,pdf")
@click.argument("study", nargs=-1)
@click.option("--output", type=PATH, required=True, metavar="DIR", help="Write them there.")
@click.option(
    "--format",
    "formats",
    default="png",
    show_default=True,
    metavar="F[,F…]",
    callback=list_of(str, "names"),
    help="png, pdf or svg.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@database_option
@debug_option
def figures(
    study: tuple[str, ...], output: Path, formats: tuple[str, ...], force: bool, database: str | None, debug: bool
) -> None:
    """Draw the runs or studies STUDY, or all: how the search went, and how what was tuned compares.

    Files are named RUN-FIGURE; what there is nothing to draw for is left out.
    """
    from tuner.cli.figures import draw

    draw(database_of(database).source, study, output, formats, overwrite=force)


@click.command(epilog="Example: lodo-tune studies")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@debug_option
def studies(format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """List the studies of the database, a line each."""
    from tuner.cli import show

    show.print_studies(database_of(database).source, "json" if as_json else format)


@click.command("show", epilog="Example: lodo-tune show bowl/LODO")
@click.argument("study")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@debug_option
def show_study(study: str, format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """Show what a study was asked to do, how each generation went, and what failed why."""
    from tuner.cli import show

    show.print_study(database_of(database).source, study, "json" if as_json else format)


@click.command(epilog="Example: lodo-tune export bowl/Adam --format keras --output adam.json")
@click.argument("study")
@click.option("--format", default="json", show_default=True, help="json, yaml, keras, torch, optax, algoperf or hydra.")
@click.option("--output", type=PATH, metavar="FILE", help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@database_option
@debug_option
def export(study: str, format: str, output: Path | None, force: bool, database: str | None, debug: bool) -> None:
    """Print the tuned configuration of the study STUDY (RUN/OPTIMIZER)."""
    from tuner.cli import show

    show.export(database_of(database).source, study, format, output, overwrite=force)


@click.command(epilog="Example: lodo-tune report bowl bowl-comparison --output bowl.html")
@click.argument("study", nargs=-1)
@click.option("--output", type=PATH, default="report.html", show_default=True, metavar="FILE", help="An HTML file.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@database_option
@debug_option
def report(study: tuple[str, ...], output: Path, force: bool, database: str | None, debug: bool) -> None:
    """Write a page on the runs or studies STUDY, or on all: tables, figures, failures, and what it all cost.

    It is one file that needs no network; the database is only read.
    """
    from tuner.cli.report import report as write

    write(database_of(database).source, study, output, force=force)


READING = (table, figures, studies, show_study, export, report)
