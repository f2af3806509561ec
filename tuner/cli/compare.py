"""`lodo-tune compare`: train tuned optimizers on the same seeds and compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tuner.cli.flags import (
    PATH,
    TASK_HELP,
    accept_changes_option,
    database_of,
    list_of,
    machine_options,
    objective_option,
    outcome_options,
    precision_option,
    task_option,
    task_options_of,
)
from tuner.cli.server import MACHINE, check_private, private_option, refuse_here, server_option, service_of

if TYPE_CHECKING:
    from tuner.api.remote.service import Service

FIELDS = (
    "task", "optimizers", "search", "configs", "defaults", "halve_learning_rate", "sweep", "objective", "seeds",
    "steps", "seconds", "validate_every", "test_examples", "name", "cpus_per_candidate", "precision",
)  # fmt: skip


@click.command(epilog="Example: lodo-tune compare --task noisy-quadratic-bowl --from bowl --name bowl-comparison")
@click.option("--task", required=True, metavar="NAME", help=TASK_HELP)
@click.option(
    "--optimizers",
    metavar="A,B",
    callback=list_of(str, "names"),
    help="Optimizers to compare. Default: all of the search, or of the files.",
)
@click.option(
    "--from", "search", metavar="RUN", help="Search whose tuned hyperparameters are used. Default: the task's newest."
)
@click.option(
    "--config",
    "configs",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Use the hyperparameters of an exported file instead; repeatable.",
)
@click.option("--defaults", is_flag=True, help="Use the default hyperparameters instead.")
@click.option("--halve-learning-rate", is_flag=True, help="Halve every learning rate, as for long runs.")
@click.option("--sweep", metavar="NAME", help="Vary one parameter of LODO alone: momentum, depth or block-size.")
@objective_option("Default: that of the search.")
@click.option("--seeds", type=int, default=8, show_default=True, metavar="N", help="Train each on the seeds 0 to N-1.")
@click.option("--steps", type=int, metavar="N", help="Gradient evaluations per run. Default: the paper's.")
@click.option(
    "--time", "seconds", type=float, metavar="SECONDS", help="Train each run alone, and for at least this long."
)
@click.option(
    "--validate-every",
    type=int,
    metavar="N",
    help="Gradient evaluations between two validations. Default: the paper's.",
)
@click.option("--test-examples", type=int, metavar="N", help="Number of test examples, drawn at random. Default: all.")
@click.option("--name", metavar="RUN", help="Name of the run. Default: the search's or the task's, with -comparison.")
@accept_changes_option
@task_option
@precision_option
@machine_options
@outcome_options
@server_option
@private_option
def compare(**options: Any) -> None:
    """Train tuned optimizers with a long budget on the same seeds, and print how they compare.

    The validation set is measured during training, the test set at the end. Everything is recorded in the database,
    and 'resume' continues a comparison as it does a search.
    """
    if (service := service_of(options["server"], options["database"])) is not None:
        _compare_on(service, options)
        return
    check_private(options)
    from tuner.api.comparing import run_comparison
    from tuner.cli.running import resources_of, run_and_print
    from tuner.core.folders import check_empty
    from tuner.studies.comparison_planner import CompareRequest

    check_empty("output", options["output"])
    fields = {name: options[name] for name in FIELDS}
    request = CompareRequest(**fields, options=task_options_of(options["task_options"]))
    resources, database = resources_of(options), database_of(options["database"])
    run_and_print(
        options,
        database,
        lambda progress: run_comparison(
            request,
            resources,
            database,
            accept_changes=options["accept_changes"],
            wait=options["wait"],
            progress=progress,
        ),
    )


def _compare_on(service: Service, options: dict[str, Any]) -> None:
    """Compare on a service."""
    refuse_here(options, *(option for option in MACHINE if option != "accept_changes"))
    from tuner.cli.remote import submit_and_print
    from tuner.core.folders import check_empty

    check_empty("output", options["output"])
    names = ("accept_changes", "timeout", "max_attempts", *FIELDS)
    fields = {name: options[name] for name in names if name != "cpus_per_candidate"}
    submit_and_print(
        options,
        service,
        lambda: service.submit_comparison(
            **fields, options=task_options_of(options["task_options"]), is_private=options["private"]
        ),
    )
