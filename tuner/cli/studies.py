"""`lodo-tune studies`: the studies of a database, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuner.cli.flags import database_of, database_option, debug_option, json_option
from tuner.cli.server import server_option, service_of
from tuner.cli.table import raise_first

if TYPE_CHECKING:
    from tuner.storage import Damaged


@click.command(epilog="Example: lodo-tune studies")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@server_option
@debug_option
def studies(format: str, as_json: bool, database: str | None, server: str | None, debug: bool) -> None:
    """List the studies of the database, or of a service, one line each."""
    if (service := service_of(server, database)) is not None:
        from tuner.cli.remote import print_output

        print_output(service, "studies", format="json" if as_json else format)
        return
    damaged: list[Damaged] = []
    click.echo(database_of(database).listing("json" if as_json else format, damaged=damaged))
    raise_first(damaged)
