"""`lodo-tune trials`: every candidate of a run as CSV, JSON or Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option, json_option
from tuner.cli.server import server_option, service_of
from tuner.core.errors import InvalidRequest


@click.command(
    epilog="\b\nExample: lodo-tune trials bowl --output bowl.csv\n"
    "Example: lodo-tune trials bowl/Adam --format parquet --output adam.parquet"
)
@click.argument("study", nargs=-1)
@click.option("--format", default="csv", show_default=True, help="csv, json, or parquet (needs pyarrow, and --output).")
@click.option("--output", type=PATH, metavar="FILE", help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_option
@database_option
@server_option
@debug_option
def trials(
    study: tuple[str, ...],
    format: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    database: str | None,
    server: str | None,
    debug: bool,
) -> None:
    """Print every candidate of the runs or studies STUDY, or of all, one row each, with its hyperparameters.

    The columns are those of Python's Run.trials(). Searches and comparisons may be in one file: "role" tells which.
    """
    from tuner.core import files

    chosen = "json" if as_json else format
    if chosen == "parquet" and output is None:
        raise InvalidRequest("format", "parquet is not text: name a file by {output}")
    if (service := service_of(server, database)) is not None:
        from tuner.cli import remote

        content = remote.output(service, "trials", study=study, format=chosen).body
    else:
        content = database_of(database).trials_file(*study, format=chosen)
    if output is None:
        click.echo(content.decode(), nl=False)
    else:
        files.write(output, content, overwrite=force)
