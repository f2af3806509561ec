"""`lodo-tune show`: the record of a study."""

from __future__ import annotations

import click

from tuner.cli.flags import database_of, database_option, debug_option, json_option
from tuner.cli.server import server_option, service_of


@click.command(epilog="Example: lodo-tune show bowl/LODO")
@click.argument("study")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@server_option
@debug_option
def show(study: str, format: str, as_json: bool, database: str | None, server: str | None, debug: bool) -> None:
    """Show a study's settings, the results of each generation, and why candidates failed."""
    if (service := service_of(server, database)) is not None:
        from tuner.cli.remote import print_output

        print_output(service, "show", study=study, format="json" if as_json else format)
        return
    click.echo(database_of(database).run(study).details("json" if as_json else format))
