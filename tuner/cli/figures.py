"""`lodo-tune figures`: figures of the runs of a database, written to a folder."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.flags import PATH, by_budget_option, database_of, database_option, debug_option, list_of, profile_option
from tuner.core.errors import InvalidRequest


@click.command(epilog="Example: lodo-tune figures bowl bowl-comparison --output figures --format png,pdf")
@click.argument("study", nargs=-1)
@click.option("--output", type=PATH, required=True, metavar="DIR", help="Folder of the figures.")
@click.option(
    "--format",
    "formats",
    default="png",
    show_default=True,
    metavar="F[,F…]",
    callback=list_of(str, "names"),
    help="png, pdf or svg.",
)
@by_budget_option
@profile_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@database_option
@debug_option
def figures(
    study: tuple[str, ...],
    output: Path,
    formats: tuple[str, ...],
    by_budget: bool,
    profile: bool,
    force: bool,
    database: str | None,
    debug: bool,
) -> None:
    """Draw figures of the runs or studies STUDY, or of all: searches, and comparisons of tuned optimizers.

    Files are named RUN-FIGURE; a figure with nothing to show is left out.
    """
    from tuner.core import files
    from tuner.core.folders import check_writable

    check_writable("output", output)
    db = database_of(database)
    drawn = db.figures(*study, formats=formats, by_budget=by_budget, profile=profile)
    contents = {output / name: content for name, content in drawn.items()}
    if not contents:
        raise InvalidRequest("database", f": {', '.join(study) or db.url} has nothing to draw yet")
    existing = [path for path in contents if path.exists()]
    if existing and not force:
        advice = f"name another folder, or give {{force}} to replace {len(existing)} such files"
        raise InvalidRequest("output", f": {existing[0]} exists; {advice}")
    output.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        files.write(path, content, overwrite=force)
        click.echo(path)
