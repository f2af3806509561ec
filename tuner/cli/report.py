"""`lodo-tune report`: an HTML page on the runs of a database."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option, margin_option
from tuner.cli.server import server_option, service_of


@click.command(epilog="Example: lodo-tune report bowl bowl-comparison --output bowl.html")
@click.argument("study", nargs=-1)
@click.option("--output", type=PATH, default="report.html", show_default=True, metavar="FILE", help="An HTML file.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@margin_option
@database_option
@server_option
@debug_option
def report(
    study: tuple[str, ...],
    output: Path,
    force: bool,
    margin: str | None,
    database: str | None,
    server: str | None,
    debug: bool,
) -> None:
    """Write a page on the runs or studies STUDY, or on all: tables, figures, failures and costs.

    It is one file that needs no network; the database is only read.
    """
    if (service := service_of(server, database)) is not None:
        from tuner.cli import remote

        size = remote.write_report(service, study, output, overwrite=force, margin=margin)
        click.echo(f"{output}: {size / 1e6:.1f} MB", err=True)
        return
    from tuner.api.report import write_report
    from tuner.cli.repeat_command import repeat_command
    from tuner.execution.resources import usable_cores

    write_report(
        database_of(database),
        study,
        output,
        overwrite=force,
        margin=margin,
        command=repeat_command,
        processes=usable_cores(),
    )
    click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB", err=True)
