"""`lodo-tune export`: a tuned configuration in the format of another tool."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option
from tuner.core.errors import InvalidRequest


@click.command(epilog="Example: lodo-tune export bowl/Adam --format keras --output adam.json")
@click.argument("study")
@click.option("--format", default="json", show_default=True, help="json, yaml, keras, torch, optax, algoperf or hydra.")
@click.option("--output", type=PATH, metavar="FILE", help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@database_option
@debug_option
def export(study: str, format: str, output: Path | None, force: bool, database: str | None, debug: bool) -> None:
    """Print the tuned configuration of the study STUDY (RUN/OPTIMIZER)."""
    from tuner.core import files

    studies = database_of(database).run(study).studies
    if len(studies) != 1:
        raise InvalidRequest("study", f": {study} is a run; export one of {', '.join(each.name for each in studies)}")
    text = studies[0].export(format)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        files.write(output, text, overwrite=force)
