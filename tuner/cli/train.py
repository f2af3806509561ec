"""`lodo-tune train`: train one configuration of one optimizer, without a search."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from tuner.cli.flags import (
    PATH,
    TASK_HELP,
    cpus_option,
    data_dir_option,
    debug_option,
    named_values,
    only_json_option,
    precision_option,
    task_option,
    task_options_of,
)

if TYPE_CHECKING:
    from tuner.api.train_result import TrainedRun, TrainResult


@click.command(
    epilog="Example: lodo-tune train --task rosenbrock --optimizer LODO --set momentum=0.5 --steps 200 --seeds 3"
)
@click.option("--task", required=True, metavar="NAME", help=TASK_HELP)
@click.option(
    "--optimizer",
    required=True,
    metavar="NAME",
    help="An optimizer of lodo-tune, keras:NAME, module:NAME or file.py:NAME.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a hyperparameter, an addition such as cosine_final, or LODO's depth or block_size. Others keep their "
    "defaults.",
)
@task_option
@click.option("--steps", type=int, required=True, help="Gradient evaluations per run.")
@click.option("--seed", type=int, help="Train on one seed. Default: 0.")
@click.option("--seeds", type=int, metavar="N", help="Train on the seeds 0 to N-1.")
@click.option("--curve", is_flag=True, help="Print every loss.")
@click.option(
    "--track",
    type=click.Choice(["hessian-error"]),
    help="Measure how far LODO's preconditioner is from the inverse Hessian, and repeat the run with it frozen.",
)
@click.option(
    "--validate-every", type=int, metavar="N", help="Measure the validation set every N gradient evaluations."
)
@click.option(
    "--output", type=PATH, metavar="DIR", help="Write losses, weights and pictures there, for 'lodo-tune evaluate'."
)
@click.option("--force", is_flag=True, help="Replace an earlier run in the folder of --output.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a run (or cohort) after this long.")
@precision_option
@cpus_option
@data_dir_option
@only_json_option
@debug_option
def train(**options: Any) -> None:
    """Train one configuration, without a search and without a database."""
    from tuner.api.training import TrainRequest, run_training
    from tuner.cli.progress import LineProgress
    from tuner.cli.streams import for_users_code
    from tuner.core.outputs import OutputsFailed

    if options["seed"] is not None and options["seeds"] is not None:
        raise click.UsageError("--seed and --seeds exclude each other")
    seeds = range(options["seeds"]) if options["seeds"] is not None else (options["seed"] or 0,)
    accepted = "takes NAME=VALUE with a finite number, such as learning_rate=0.1"
    names = (
        "task", "optimizer", "steps", "track", "validate_every", "output", "force", "precision", "cpus_per_candidate",
        "timeout", "data_dir",
    )  # fmt: skip
    request = TrainRequest(
        **{name: options[name] for name in names},
        hyperparameters=named_values("hyperparameters", options["settings"], _finite, accepted),
        options=task_options_of(options["task_options"]),
        seeds=seeds,
    )
    incomplete = None
    try:
        with for_users_code():
            result = run_training(request, progress=LineProgress())
    except OutputsFailed as error:
        result, incomplete = cast("TrainResult", error.result), error
    if options["as_json"]:
        click.echo(json.dumps(result.to_dict(curve=options["curve"]), allow_nan=False))
    else:
        click.echo("\n\n".join(_text(result, curve=options["curve"])))
    if incomplete is not None:
        raise incomplete
    failed = [run for run in result.runs if run.status in ("failed", "timed out")]
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(result.runs)} runs failed: {failed[0].reason}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _text(result: TrainResult, *, curve: bool) -> list[str]:
    """Return the paragraphs of the text output."""
    runs = result.runs
    parts = [_heading(result, curve=curve)]
    if runs[0].frozen is not None:
        parts.append(hessian_errors(runs, result.steps))
    for metric in runs[0].validation:
        values = [run.validation[metric] for run in runs]
        table = _by_seed([run.validation_points for run in runs], values, runs)
        parts.append(f"Mean {metric} over the validation set\n{table}")
    return parts


def _heading(result: TrainResult, *, curve: bool) -> str:
    from tuner.results.tables.numbers import counted

    values = ", ".join(f"{name} {value:.6g}" for name, value in result.hyperparameters.items())
    budget = counted(result.steps, "gradient evaluation")
    lines = [f"{result.optimizer} on {result.task}, {budget}: {values}"]
    for run in result.runs:
        outcome = f"fitness {run.fitness:.6g}" if run.status == "finished" else run.reason
        lines.append(f"seed {run.seed}: {run.status}, {outcome}, {run.seconds:.3g} s")
        if curve:
            lines += [f"  {step} {loss:.17g}" for step, loss in enumerate(run.losses)]
    finished = [run.fitness for run in result.runs if run.status == "finished"]
    if len(finished) > 1:
        lines.append(f"mean {statistics.mean(finished):.6g}, standard deviation {statistics.stdev(finished):.3g}")
    return "\n".join(lines)


def hessian_errors(runs: Sequence[TrainedRun], budget: int) -> str:
    """Return two tables: the error by evaluations, and the losses of each run and of its repetition, frozen."""
    from tuner.results.tables.text_table import TextTable

    errors = _by_seed([run.error_points for run in runs], [run.errors for run in runs], runs)
    rows = [
        [str(run.seed), name, _first_tenth(trained, budget), _last_tenth(trained)]
        for run in runs
        for name, trained in (("learning", run), ("frozen", run.frozen))
        if trained is not None
    ]
    losses = TextTable(["seed", "preconditioner", "first tenth", "last tenth"], rows, left=(0, 1))
    return (
        "Error of the preconditioner, ‖I - G H‖_F / √n: 0 where it is the inverse Hessian\n"
        f"{errors}\n\n"
        "Mean loss of the run, and of the same run repeated with the learned preconditioner, frozen\n"
        f"{losses.text()}"
    )


def _first_tenth(run: TrainedRun, budget: int) -> str:
    """Return the mean loss of the budget's first tenth; a dash where the run ended or overflowed within it."""
    from tuner.results.tables.numbers import measured

    losses = [float(loss) for loss in run.losses[: max(1, budget // 10)]]
    complete = len(losses) == max(1, budget // 10) and all(map(math.isfinite, losses))
    return measured(statistics.fmean(losses) if complete else None)


def _last_tenth(run: TrainedRun) -> str:
    from tuner.results.tables.numbers import measured

    return measured(run.fitness) if run.status == "finished" else run.reason


def _by_seed(points: Sequence[Sequence[int]], values: Sequence[Sequence[float]], runs: Sequence[TrainedRun]) -> str:
    from tuner.results.tables.series import by_seed

    return by_seed(points, values, [run.seed for run in runs]).text()
