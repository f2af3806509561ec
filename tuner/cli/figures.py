"""`lodo-tune figures`: figures of what a database holds, drawn into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, database_of, database_option, debug_option, list_of
from tuner.core.errors import InvalidRequest


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
    """Draw the runs or studies STUDY, or all: how the search went, and how the tuned optimizers compare.

    Files are named RUN-FIGURE; a figure with nothing to show is left out.
    """
    from tuner.core import files
    from tuner.core.folders import check_writable

    check_writable("output", output)
    place = database_of(database)
    drawn = {output / name: content for name, content in place.figures(*study, formats=formats).items()}
    if not drawn:
        raise InvalidRequest("database", f": {', '.join(study) or place.url} holds nothing to draw yet")
    taken = [path for path in drawn if path.exists()]
    if taken and not force:
        advice = f"name another folder, or give {{force}} to replace {len(taken)} such files"
        raise InvalidRequest("output", f": {taken[0]} exists; {advice}")
    output.mkdir(parents=True, exist_ok=True)
    for path, content in drawn.items():
        files.write(path, content, overwrite=force)
        click.echo(path)
