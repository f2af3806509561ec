"""`lodo-tune export`: a tuned configuration in the format of another tool."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option
from tuner.cli.server import server_option, service_of
from tuner.core.errors import InvalidRequest


@click.command(epilog="Example: lodo-tune export bowl/Adam --format keras --output adam.json")
@click.argument("study")
@click.option("--format", default="json", show_default=True, help="json, yaml, keras, torch, optax, algoperf or hydra.")
@click.option("--output", type=PATH, metavar="FILE", help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@database_option
@server_option
@debug_option
def export(
    study: str, format: str, output: Path | None, force: bool, database: str | None, server: str | None, debug: bool
) -> None:
    """Print the tuned configuration of the study STUDY (RUN/OPTIMIZER)."""
    from tuner.core import files

    if (service := service_of(server, database)) is not None:
        from tuner.cli import remote

        text = remote.output(service, "export", study=study, format=format).body.decode()
    else:
        studies = database_of(database).run(study).studies
        if len(studies) != 1:
            names = ", ".join(each.name for each in studies)
            raise InvalidRequest("study", f": {study} is a run; export one of {names}")
        text = studies[0].export(format)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        files.write(output, text, overwrite=force)
