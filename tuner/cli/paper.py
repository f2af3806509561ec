"""`lodo-tune paper`: search, comparison and report with the paper's settings.

A run that is complete under the same name in the same database is not repeated, so the same command continues where
it stopped.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from tuner.cli.flags import (
    TASK_HELP,
    database_of,
    list_of,
    machine_options,
    objective_option,
    outcome_options,
    precision_option,
    task_option,
    task_options_of,
)
from tuner.core.errors import InvalidRequest

SEARCH, COMPARISON, REPORT = "search", "comparison", "report.html"  # names in the folder


@click.command(epilog="Example: lodo-tune paper --task noisy-quadratic-bowl --scale 0.01 --output rehearsal")
@click.option("--task", required=True, metavar="NAME", help=TASK_HELP)
@click.option(
    "--optimizers",
    metavar="A,B",
    callback=list_of(str, "names"),
    help="Optimizers to tune. Default: the task's line-up.",
)
@click.option(
    "--scale",
    type=float,
    default=1.0,
    show_default=True,
    metavar="S",
    help="Below 1, a rehearsal: budgets times S (at least 20 steps), population times √S (at least 8).",
)
@objective_option("Default: the preset's or the task's, or training-loss, the paper's.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the search.")
@click.option("--name", metavar="RUN", help="Name of the search. Default: the task's name with -paper, or -rehearsal.")
@task_option
@precision_option
@machine_options
@outcome_options
def paper(**options: Any) -> None:
    """Search, compare and report with the paper's settings, in one command; --output is required.

    The same command continues where it stopped: a run that is complete is not repeated.
    """
    from tuner.api.paper import run_paper
    from tuner.api.report import write_report
    from tuner.cli.interruption import Interruptions, advice_on_error
    from tuner.cli.progress import TerminalProgress
    from tuner.cli.repeat_command import repeat_command
    from tuner.cli.running import check_some_result, recorded, resources_of, write_folders
    from tuner.cli.streams import for_users_code
    from tuner.core.outputs import Outputs
    from tuner.execution.resources import usable_cores
    from tuner.studies.paper_protocol import PaperRequest

    output: Path | None = options["output"]
    if output is None:
        raise click.UsageError("--output is missing: the folder for tables, figures and report.html")
    _check_folder(output)
    fields = ("task", "optimizers", "scale", "objective", "seed", "name", "cpus_per_candidate", "precision")
    values = {name: options[name] for name in fields}
    request = PaperRequest(**values, options=task_options_of(options["task_options"]))
    resources, database = resources_of(options), database_of(options["database"])
    same = shlex.join(["lodo-tune", *sys.argv[1:]])  # users' code runs without these arguments
    interruptions = Interruptions(lambda: same)
    with advice_on_error(lambda: same), interruptions, for_users_code():
        runs = run_paper(
            request,
            resources,
            database,
            wait=options["wait"],
            progress=lambda: TerminalProgress(interruptions.executor_started),
        )
    search, comparison = runs
    names, outputs = (search.name, comparison.name), Outputs()
    with outputs.attempt("the table"):
        click.echo(database.table(*names).to_format("json" if options["as_json"] else "text"))
    write_folders(outputs, search, output / SEARCH)
    write_folders(outputs, comparison, output / COMPARISON)
    with outputs.attempt(REPORT):
        output.mkdir(parents=True, exist_ok=True)
        write_report(database, names, output / REPORT, overwrite=True, command=repeat_command, processes=usable_cores())
        click.echo(f"{output / REPORT} has the tables and figures of both runs", err=True)
    outputs.check(recorded(" ".join(names), database))
    for run in runs:
        check_some_result(run)


def _check_folder(output: Path) -> None:
    """Refuse a folder that cannot be written, or that contains files that this command does not write."""
    from tuner.core.folders import check_writable

    check_writable("output", output)
    foreign = sorted({path.name for path in output.iterdir()} - {SEARCH, COMPARISON, REPORT}) if output.is_dir() else []
    if foreign:
        raise InvalidRequest("output", f": {output} contains other files, such as {foreign[0]!r}; name another folder")
