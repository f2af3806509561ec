"""`lodo-tune resume`: continue a run, and print its table."""

from __future__ import annotations

from typing import Any

import click

from tuner.cli.flags import accept_changes_option, database_of, machine_options, outcome_options
from tuner.cli.server import MACHINE, refuse_here, server_option, service_of


@click.command(epilog="Example: lodo-tune resume bowl")
@click.argument("study")
@click.option("--task", metavar="NAME", help="Where the task is now, if its file was moved. Default: where it was.")
@accept_changes_option
@machine_options
@outcome_options
@server_option
def resume(study: str, **options: Any) -> None:
    """Continue the run or study STUDY where it stopped, to the same result."""
    if (service := service_of(options["server"], options["database"])) is not None:
        refuse_here(options, *MACHINE, "timeout", "max_attempts", "task")
        from tuner.cli.remote import print_run
        from tuner.cli.running import check_folders

        check_folders(options)
        if service.submitted(study).state != "complete":
            service.resume(study)
        print_run(options, service, study)
        return
    from tuner.api.resuming import run_resume
    from tuner.cli.running import resources_of, run_and_print

    resources, database = resources_of(options), database_of(options["database"])
    run_and_print(
        options,
        database,
        lambda progress: run_resume(
            study,
            resources,
            database,
            task=options["task"],
            accept_changes=options["accept_changes"],
            wait=options["wait"],
            progress=progress,
        ),
    )
