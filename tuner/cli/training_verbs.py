"""Verbs that train or measure without a database: train, evaluate, tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tuner.cli.flags import (
    PATH,
    cpus_option,
    data_dir_option,
    debug_option,
    only_json_option,
    precision_option,
    task_option,
)
from tuner.cli.group import Group


@click.command(
    epilog="Example: lodo-tune train --task rosenbrock --optimizer LODO --set momentum=0.5 --steps 200 --seeds 3"
)
@click.option("--task", required=True, metavar="NAME")
@click.option("--optimizer", required=True, metavar="NAME", help="One of lodo-tune's, or keras:NAME.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A hyperparameter, or LODO's depth or block_size; others at default.",
)
@task_option
@click.option("--steps", type=int, required=True, help="Gradient evaluations.")
@click.option("--seed", type=int, help="One seed. Default: 0.")
@click.option("--seeds", type=int, help="The seeds 0 to N-1.")
@click.option("--curve", is_flag=True, help="Print every loss.")
@click.option(
    "--track",
    type=click.Choice(["hessian-error"]),
    help="How near LODO's preconditioner comes to the inverse Hessian, and the run once more with it frozen.",
)
@click.option(
    "--validate-every", type=int, metavar="N", help="Measure the validation set every N gradient evaluations."
)
@click.option(
    "--output", type=PATH, metavar="DIR", help="Write losses, weights and pictures there, for 'lodo-tune evaluate'."
)
@click.option("--force", is_flag=True, help="Let --output replace an earlier run.")
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop after this long.")
@precision_option
@cpus_option
@data_dir_option
@only_json_option
@debug_option
def train(**options: Any) -> None:
    """Train one configuration, without a search and without a database."""
    from tuner.cli.train import TrainRequest
    from tuner.cli.train import train as run_train
    from tuner.studies import planner

    if options["seed"] is not None and options["seeds"] is not None:
        raise click.UsageError("--seed and --seeds exclude each other")
    planner.set_data_dir(options["data_dir"])
    seeds = range(options["seeds"]) if options["seeds"] is not None else (options["seed"] or 0,)
    request = TrainRequest(
        task=options["task"],
        optimizer=options["optimizer"],
        settings=options["settings"],
        options=options["task_options"],
        steps=options["steps"],
        seeds=seeds,
        track=options["track"],
        validate_every=options["validate_every"],
        output=options["output"],
        force=options["force"],
        precision=options["precision"],
        threads=options["cpus_per_candidate"],
        timeout=options["timeout"],
    )
    run_train(request, curve=options["curve"], as_json=options["as_json"])


@click.command(epilog="Example: lodo-tune evaluate digits --split test --examples 100")
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--split", type=click.Choice(["validation", "test"]), default="test", show_default=True)
@click.option("--examples", type=int, metavar="N", help="So many, drawn at random. Default: all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides which are drawn.")
@click.option("--cpus-per-candidate", type=int, help="TensorFlow threads. Default: as it was trained with.")
@data_dir_option
@only_json_option
@debug_option
def evaluate(folder: Path, **options: Any) -> None:
    """Measure what 'lodo-tune train --output DIR' has trained on its task's test set.

    What was measured is kept in DIR: an evaluation that was cut off goes on where it was.
    """
    from tuner.cli.evaluate import EvaluateRequest
    from tuner.cli.evaluate import evaluate as run_evaluate
    from tuner.studies import planner

    planner.set_data_dir(options["data_dir"])
    request = EvaluateRequest(
        folder=folder,
        split=options["split"],
        examples=options["examples"],
        seed=options["seed"],
        threads=options["cpus_per_candidate"],
    )
    run_evaluate(request, as_json=options["as_json"])


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog="\b\nExample: lodo-tune tasks\nExample: lodo-tune tasks check my_task.py:MyTask",
)
@only_json_option
@debug_option
@click.pass_context
def tasks(context: click.Context, as_json: bool, debug: bool) -> None:
    """List the tasks that ship and those that installed packages offer; or check one."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} come after it; move --json")
        return
    from tuner.cli.tasks import print_tasks

    print_tasks(as_json=as_json)


@tasks.command("check", epilog="Example: lodo-tune tasks check my_task.py:MyTask")
@click.argument("name")
@click.option("--preset", metavar="NAME", help="Whose options the task gets. Default: 'quick' if there is one.")
@data_dir_option
@only_json_option
@debug_option
def check_task(name: str, preset: str | None, data_dir: Path | None, as_json: bool, debug: bool) -> None:
    """Check whether the task NAME keeps the promises of a task; exit code 1 if it does not.

    NAME is as --task takes it. Shapes, gradient, seeds, lanes and evaluation are put to the test, a line each. A search
    and 'train' look at the most important of these themselves before they start on a task of your own.
    """
    from tuner.cli.tasks import check_task as check
    from tuner.studies import planner

    planner.set_data_dir(data_dir)
    check(name, preset=preset, as_json=as_json)


TRAINING = (train, evaluate, tasks)
