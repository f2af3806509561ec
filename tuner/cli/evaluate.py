"""`lodo-tune evaluate DIR`: measure trained networks on the data of their task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.flags import PATH, data_dir_option, debug_option, only_json_option

if TYPE_CHECKING:
    from tuner.api.evaluation import EvaluatedRun, EvaluateResult


@click.command(epilog="Example: lodo-tune evaluate digits --split test --examples 100")
@click.argument("folder", metavar="DIR", type=PATH)
@click.option(
    "--split", type=click.Choice(["validation", "test"]), default="test", show_default=True, help="Set to measure."
)
@click.option("--examples", type=int, metavar="N", help="Number of examples, drawn at random. Default: all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draw of examples.")
@click.option("--cpus-per-candidate", type=int, help="TensorFlow threads. Default: those of the training.")
@data_dir_option
@only_json_option
@debug_option
def evaluate(folder: Path, **options: Any) -> None:
    """Measure the networks that 'lodo-tune train --output DIR' has saved, on the test set of their task.

    Measured examples are kept in DIR, so that an interrupted evaluation continues where it stopped.
    """
    from tuner.api.evaluation import EvaluateRequest, run_evaluation
    from tuner.cli.progress import ExamplesProgress
    from tuner.cli.streams import for_users_code

    names = ("split", "examples", "seed", "cpus_per_candidate", "data_dir")
    request = EvaluateRequest(folder=folder, **{name: options[name] for name in names})
    try:
        with for_users_code():
            result = run_evaluation(request, progress=ExamplesProgress())
    except KeyboardInterrupt as error:
        kept = [f"{note}; the same command continues" for note in getattr(error, "__notes__", ())]
        raise KeyboardInterrupt("; ".join(["interrupted", *kept])) from None
    click.echo(json.dumps(result.to_dict(), allow_nan=False) if options["as_json"] else _text(result))


def _text(result: EvaluateResult) -> str:
    from tuner.results.tables.numbers import mean_and_spread
    from tuner.results.tables.text_table import TextTable

    data = f" of {result.data}" if result.data else ""
    metrics = result.runs[0].metrics
    rows = [
        [str(run.seed), *(mean_and_spread(run.mean(name), run.standard_error(name)) for name in metrics)]
        for run in result.runs
    ]
    return (
        f"{result.optimizer} on {result.task}, {result.steps:,} gradient evaluations: {result.split} set{data}, "
        f"{_sample(result, result.runs[0])}\n"
        f"{TextTable(['seed', *metrics], rows, left=(0,)).text()}\n"
        "± is the standard error of the mean over these examples"
    )


def _sample(result: EvaluateResult, run: EvaluatedRun) -> str:
    measured = len(run.values)
    if measured == run.available:
        return f"all {measured:,} examples"
    return f"a random {measured:,} of {run.available:,} examples, seed {result.order_seed}"
