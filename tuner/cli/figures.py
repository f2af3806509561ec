"""`lodo-tune figures`: figures of the runs of a database, written to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tuner.cli.flags import PATH, by_budget_option, database_of, database_option, debug_option, list_of, profile_option
from tuner.cli.server import server_option, service_of
from tuner.core.errors import InvalidRequest


@click.command(
    epilog="\b\nExample: lodo-tune figures bowl bowl-comparison --output figures --format png,pdf\n"
    "Example: lodo-tune figures bowl-comparison --only learning-by-steps --width 3.3 --format pdf --output paper"
)
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
@click.option(
    "--only",
    metavar="NAME[,NAME…]",
    callback=list_of(str, "names"),
    help="Only these figures, such as search,validation.",
)
@click.option(
    "--width", type=float, metavar="INCHES", help="Such as 3.3, for a column of a paper. Default: the figure's own."
)
@click.option("--log-y", is_flag=True, help="Draw losses on a logarithmic axis, whatever their range.")
@click.option(
    "--smooth", type=int, metavar="N", help="Evaluations per point of a learning curve. Default: a 200th of the budget."
)
@click.option("--style", type=PATH, metavar="FILE", help="Settings of Matplotlib, in the form of matplotlibrc.")
@click.option(
    "--targets",
    metavar="TEXT",
    help="Targets of comparisons, such as 'validation.accuracy>=0.7,0.8,0.9', in quotes: also draw the profile of the"
    " times to them, and write these as CSV.",
)
@by_budget_option
@profile_option
@click.option("--force", is_flag=True, help="Replace existing files.")
@database_option
@server_option
@debug_option
def figures(
    study: tuple[str, ...],
    output: Path,
    formats: tuple[str, ...],
    only: tuple[str, ...] | None,
    width: float | None,
    log_y: bool,
    smooth: int | None,
    style: Path | None,
    targets: str | None,
    by_budget: bool,
    profile: bool,
    force: bool,
    database: str | None,
    server: str | None,
    debug: bool,
) -> None:
    """Draw figures of the runs or studies STUDY, or of all: searches, and comparisons of tuned optimizers.

    Files are named RUN-FIGURE; a figure with nothing to show is left out. Each is written when it is drawn.
    """
    from tuner.api.figures import FigureRequest, draw_figures, figure_names
    from tuner.core import files
    from tuner.core.folders import check_writable
    from tuner.core.outputs import Outputs
    from tuner.results.figures import Look

    check_writable("output", output)
    service = service_of(server, database)
    if service is not None and style is None:
        from tuner.cli.remote import write_figures

        query: dict[str, Any] = {"format": formats, "only": only, "width": width, "log_y": log_y, "smooth": smooth}
        query |= {"targets": targets, "by_budget": by_budget, "profile": profile}
        write_figures(service, output, force=force, study=study, **query)
        return
    if service is None:
        db = database_of(database)
        where, source = db.url, db.reading()
    else:
        from tuner.api.remote.run_database import copied

        # A style is a file of this machine: figures are drawn here, of a copy of the rows.
        where, source = service.url, copied(service, study)
    outputs, written = Outputs(), 0
    look = Look.of(width, log_y, smooth, style)
    request = FigureRequest(study, formats, targets, by_budget, profile, only, look)
    with source as store:
        existing = [name for name in figure_names(store, request) if (output / name).exists()]
        if existing and not force:
            advice = f"name another folder, or give {{force}} to replace {len(existing)} such files"
            raise InvalidRequest("output", f": {output / existing[0]} exists; {advice}")
        for name, draw in draw_figures(store, request):
            content = None
            with outputs.attempt(str(output / name)):
                content = draw()
                if content is not None:
                    output.mkdir(parents=True, exist_ok=True)
                    files.write(output / name, content, overwrite=force)
            if content is not None:
                written += 1
                click.echo(output / name)
    outputs.check()
    if not written:
        raise InvalidRequest("database", f": {', '.join(study) or where} has nothing to draw yet")
