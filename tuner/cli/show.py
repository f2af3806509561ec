"""`lodo-tune show`: the record of a study."""

from __future__ import annotations

import click

from tuner.cli.flags import database_of, database_option, debug_option, json_option


@click.command(epilog="Example: lodo-tune show bowl/LODO")
@click.argument("study")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@debug_option
def show(study: str, format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """Show a study's settings, the results of each generation, and why candidates failed."""
    click.echo(database_of(database).run(study).details("json" if as_json else format))
