"""The command line: options and verbs. What they do is imported when it is called, so that `--help` answers at once."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from tuner.commands.database_group import upkeep
from tuner.commands.flags import (
    PATH,
    cpus_option,
    data_dir_option,
    database_option,
    debug_option,
    json_option,
    list_of,
    machine_options,
    only_json_option,
    outcome_options,
    precision_option,
    task_option,
)

RUN_EXAMPLES = """\b
Examples:
  lodo-tune --task rosenbrock
  lodo-tune --task pixelcnn --preset quick --output results
  lodo-tune --task noisy-quadratic-bowl --optimizers LODO,Adam --seed 1 --name bowl
  lodo-tune --task my_task.py:MyTask --generations 5 --population 16 --steps 100,200,400,400,400

A task of your own is code that runs with your rights, on every machine of the cluster.
"""


def main() -> None:
    """Run the command line; every error is one line on standard error and an exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    gc.set_threshold(50_000)  # the records of a large database are many, and none of them is garbage
    debug = "--debug" in sys.argv
    try:
        code = commands.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort as abort:  # what click makes of a KeyboardInterrupt
        interruption = abort.__cause__
        _fail(str(interruption or "") or "interrupted", getattr(interruption, "exit_code", 130), debug)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context is not None else ""
        _fail(error.format_message().replace("\n", " ") + hint, error.exit_code, debug)
    except KeyboardInterrupt:  # before click was reached, or after
        _fail("interrupted", 130, debug)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        from tuner.commands.quiet import silence

        silence(sys.stdout)
        sys.exit(0)
    except Exception as error:
        known = hasattr(error, "exit_code") or isinstance(error, ValueError | OSError)
        message = str(error) if known else f"{type(error).__name__}: {error} (--debug shows where)"
        code = 2 if isinstance(error, ValueError) else 1
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = 74
            message = f"{error.strerror}: {error.filename or 'standard output, or a temporary file'}"
            if error.filename is None:  # what is still to be written would fail once more as Python ends
                from tuner.commands.quiet import silence

                silence(sys.stdout)
        _fail(" ".join(message.split()), getattr(error, "exit_code", code), debug)


def _fail(message: str, code: int, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    click.echo(f"lodo-tune: {message}", err=True)
    if code > 128 and "ray" in sys.modules:  # cut off while it started, Ray may abort the process as this ends
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


class _Group(click.Group):
    """A group that suggests the nearest verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(
                f"no such command {args[0]!r}.{hint} Commands: {', '.join(sorted(self.commands))}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, invoke_without_command=True, epilog=RUN_EXAMPLES, context_settings={"max_content_width": 110})
@click.version_option(package_name="lodo-tune", prog_name="lodo-tune")
@click.option("--task", metavar="NAME", help="What to tune on: see 'lodo-tune tasks', or module:NAME, file.py:NAME.")
@click.option(
    "--optimizers", metavar="A,B", callback=list_of(str, "names"), help="Or keras:NAME. Default: the task's line-up."
)
@click.option("--preset", default="paper", show_default=True, help="Schedule: 'paper' or 'quick'.")
@click.option("--generations", type=int, help="Default: the preset's.")
@click.option("--population", type=int, help="Individuals a generation. Default: the preset's.")
@click.option(
    "--steps", metavar="N[,N…]", callback=list_of(int, "whole numbers"), help="Gradient evaluations, by generation."
)
@click.option(
    "--sigma", metavar="S[,S…]", callback=list_of(float, "numbers"), help="Spread of the draws, by generation."
)
@click.option("--strategy", default="paper", show_default=True, help="'paper' (the genetic algorithm) or 'random'.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides everything that is drawn.")
@click.option("--name", metavar="RUN", help="Default: the task's name, numbered where it is taken.")
@click.option("--search-space", type=PATH, multiple=True, metavar="FILE", help="A YAML of your own; repeatable.")
@task_option
@click.option("--yes", is_flag=True, help="Do not ask at the terminal before a long search.")
@precision_option
@machine_options
@outcome_options
@click.pass_context
def commands(context: click.Context, /, **options: Any) -> None:
    """Tune the hyperparameters of optimizers on a task, fairly, with a genetic algorithm on Ray.

    Without a command: search, keep everything in a database, and print the tuned table.
    """
    if context.invoked_subcommand is not None:
        given = [name for name in options if _was_given(context, name)]
        if given:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} come after it; move {_dashed(given)}")
        return
    if options["task"] is None:
        if len(sys.argv) == 1:
            click.echo(context.get_help())
            return
        raise click.UsageError("--task is missing: 'lodo-tune tasks' lists what there is", context)
    from tuner.commands import database, plan, run

    plan.set_data_dir(options["data_dir"])
    request = plan.Request(
        task=options["task"],
        optimizers=options["optimizers"],
        preset=options["preset"],
        generations=options["generations"],
        population=options["population"],
        steps=options["steps"],
        sigmas=options["sigma"],
        strategy=options["strategy"],
        seed=options["seed"],
        name=options["name"],
        cpus_per_candidate=options["cpus_per_candidate"],
        search_spaces=options["search_space"],
        precision=options["precision"],
        options=options["task_options"],
    )
    run.start(
        request,
        _read_machines(options),
        database.database(options["database"]),
        format="json" if options["as_json"] else "text",
        output=options["output"],
        tensorboard=options["tensorboard"],
    )


@commands.command(epilog="Example: lodo-tune resume bowl")
@click.argument("study")
@machine_options
@outcome_options
def resume(study: str, **options: Any) -> None:
    """Go on with the run or study STUDY where it stopped, to the same result."""
    from tuner.commands import database, plan, run

    plan.set_data_dir(options["data_dir"])
    run.resume(
        study,
        _read_machines(options),
        database.database(options["database"]),
        format="json" if options["as_json"] else "text",
        output=options["output"],
        tensorboard=options["tensorboard"],
    )


@commands.command(epilog="Example: lodo-tune compare --task noisy-quadratic-bowl --from bowl --name bowl-comparison")
@click.option("--task", required=True, metavar="NAME")
@click.option(
    "--optimizers", metavar="A,B", callback=list_of(str, "names"), help="Default: all of the search, or of the files."
)
@click.option(
    "--from", "search", metavar="RUN", help="The search whose tuned hyperparameters are used. Default: the newest."
)
@click.option("--config", "configs", type=PATH, multiple=True, metavar="FILE", help="Or an export's; repeatable.")
@click.option("--defaults", is_flag=True, help="Or the defaults.")
@click.option("--halve-learning-rate", is_flag=True, help="Every learning rate half as large, as for long runs.")
@click.option("--sweep", metavar="NAME", help="LODO alone, over momentum, depth or block-size.")
@click.option("--seeds", type=int, default=8, show_default=True, metavar="N", help="Each on the seeds 0 to N-1.")
@click.option("--steps", type=int, metavar="N", help="Gradient evaluations a run. Default: the paper's.")
@click.option(
    "--time", "seconds", type=float, metavar="SECONDS", help="Train on for so long, each run alone and timed."
)
@click.option("--validate-every", type=int, metavar="N", help="Gradient evaluations. Default: the paper's.")
@click.option("--test-examples", type=int, metavar="N", help="So many of the test set, at random. Default: all.")
@click.option("--name", metavar="RUN", help="Default: the search's or task's, with -comparison.")
@task_option
@precision_option
@machine_options
@outcome_options
def compare(**options: Any) -> None:
    """Train tuned optimizers for long, each on the same seeds, and print how they compare.

    Validation on the way, the test set at the very end; stored in the database, and resumed like a search.
    """
    from tuner.commands import database, plan
    from tuner.commands.compare import CompareRequest, start

    plan.set_data_dir(options["data_dir"])
    names = (
        "task", "optimizers", "search", "configs", "defaults", "halve_learning_rate", "sweep", "seeds", "steps",
        "seconds", "validate_every", "test_examples", "name", "cpus_per_candidate", "precision",
    )  # fmt: skip
    start(
        CompareRequest(**{name: options[name] for name in names}, options=options["task_options"]),
        _read_machines(options),
        database.database(options["database"]),
        format="json" if options["as_json"] else "text",
        output=options["output"],
    )


@commands.command(epilog="Example: lodo-tune paper --task noisy-quadratic-bowl --scale 0.01 --output rehearsal")
@click.option("--task", required=True, metavar="NAME")
@click.option("--optimizers", metavar="A,B", callback=list_of(str, "names"), help="Default: the task's line-up.")
@click.option(
    "--scale",
    type=float,
    default=1.0,
    show_default=True,
    metavar="S",
    help="A rehearsal: budgets times S (20 steps at least), individuals times its root (8 at least).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides everything that the search draws.")
@click.option("--name", metavar="RUN", help="Default: the task's name with -paper, or -rehearsal.")
@task_option
@precision_option
@machine_options
@outcome_options
def paper(**options: Any) -> None:
    """Search, compare and report by the paper's settings, in one go; --output is needed.

    The same command goes on where it was stopped: what is complete is not done again.
    """
    from tuner.commands import database, plan
    from tuner.commands.paper import PaperRequest
    from tuner.commands.paper import paper as run_paper

    if options["output"] is None:
        raise click.UsageError("--output is missing: the folder for tables, figures and report.html")
    plan.set_data_dir(options["data_dir"])
    names = ("task", "optimizers", "scale", "seed", "name", "cpus_per_candidate", "precision")
    run_paper(
        PaperRequest(**{name: options[name] for name in names}, options=options["task_options"]),
        _read_machines(options),
        database.database(options["database"]),
        format="json" if options["as_json"] else "text",
        output=options["output"],
    )


@commands.command(
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
    from tuner.commands import plan
    from tuner.commands.train import TrainRequest
    from tuner.commands.train import train as run_train

    if options["seed"] is not None and options["seeds"] is not None:
        raise click.UsageError("--seed and --seeds exclude each other")
    plan.set_data_dir(options["data_dir"])
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


@commands.command(epilog="Example: lodo-tune evaluate digits --split test --examples 100")
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
    from tuner.commands import plan
    from tuner.commands.evaluate import EvaluateRequest
    from tuner.commands.evaluate import evaluate as run_evaluate

    plan.set_data_dir(options["data_dir"])
    request = EvaluateRequest(
        folder=folder,
        split=options["split"],
        examples=options["examples"],
        seed=options["seed"],
        threads=options["cpus_per_candidate"],
    )
    run_evaluate(request, as_json=options["as_json"])


@commands.command(epilog="Example: lodo-tune table bowl --format markdown")
@click.argument("study", nargs=-1)
@click.option("--format", default="text", show_default=True, help="text, markdown, latex, csv or json.")
@json_option
@database_option
@debug_option
def table(study: tuple[str, ...], format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """Print the tables of the runs or studies STUDY, or of all: what was tuned, and how it compares."""
    from tuner.commands import show
    from tuner.commands.database import database as which

    show.print_tables(which(database), study, "json" if as_json else format)


@commands.command(epilog="Example: lodo-tune figures bowl bowl-comparison --output figures --format png,pdf")
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
    """Draw the runs or studies STUDY, or all: how the search went, and how what was tuned compares.

    Files are named RUN-FIGURE; what there is nothing to draw for is left out.
    """
    from tuner.commands.database import database as which
    from tuner.commands.figures import draw

    draw(which(database), study, output, formats, overwrite=force)


@commands.command(epilog="Example: lodo-tune studies")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@debug_option
def studies(format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """List the studies of the database, a line each."""
    from tuner.commands import show
    from tuner.commands.database import database as which

    show.print_studies(which(database), "json" if as_json else format)


@commands.command("show", epilog="Example: lodo-tune show bowl/LODO")
@click.argument("study")
@click.option("--format", default="text", show_default=True, help="text or json.")
@json_option
@database_option
@debug_option
def show_study(study: str, format: str, as_json: bool, database: str | None, debug: bool) -> None:
    """Show what a study was asked to do, how each generation went, and what failed why."""
    from tuner.commands import show
    from tuner.commands.database import database as which

    show.print_study(which(database), study, "json" if as_json else format)


@commands.command(epilog="Example: lodo-tune watch bowl --database postgresql://lodo@server/studies")
@click.argument("study")
@click.option("--interval", type=float, default=2.0, show_default=True, metavar="SECONDS", help="Between two looks.")
@database_option
@debug_option
def watch(study: str, interval: float, database: str | None, debug: bool) -> None:
    """Follow the run or study STUDY until nobody drives it any more; the database is only read."""
    from tuner.commands import follow
    from tuner.commands.database import database as which

    follow.watch(which(database), study, interval)


@commands.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: lodo-tune submit --address http://head:8265 -- --task pixelcnn"
    " --database postgresql://lodo@server/studies",
)
@click.option(
    "--address", required=True, metavar="URL", help="Of the cluster's dashboard, http://HOST:8265; with its token."
)
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--code", metavar="FILE.py:NAME", help="The task whose code to send along. Default: that of --task.")
@debug_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- ARGUMENTS")
def submit(address: str, detach: bool, code: str | None, debug: bool, arguments: tuple[str, ...]) -> int:
    """Run a search, or 'resume', on a Ray cluster as a job of its own: what follows -- is the command there.

    It needs nothing of this machine any more once it was taken. A task's own code is sent along; for 'resume' name it
    with --code. The cluster's nodes have lodo-tune installed. Its exit code is the search's.
    """
    from tuner.commands import submit as job

    return job.submit(address, arguments, detach=detach, code=code)


@commands.command(epilog="Example: lodo-tune export bowl/Adam --format keras --output adam.json")
@click.argument("study")
@click.option("--format", default="json", show_default=True, help="json, yaml, keras, torch, optax, algoperf or hydra.")
@click.option("--output", type=PATH, metavar="FILE", help="Default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@database_option
@debug_option
def export(study: str, format: str, output: Path | None, force: bool, database: str | None, debug: bool) -> None:
    """Print the tuned configuration of the study STUDY (RUN/OPTIMIZER)."""
    from tuner.commands import show
    from tuner.commands.database import database as which

    show.export(which(database), study, format, output, overwrite=force)


@commands.command(epilog="Example: lodo-tune report bowl bowl-comparison --output bowl.html")
@click.argument("study", nargs=-1)
@click.option("--output", type=PATH, default="report.html", show_default=True, metavar="FILE", help="An HTML file.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@database_option
@debug_option
def report(study: tuple[str, ...], output: Path, force: bool, database: str | None, debug: bool) -> None:
    """Write a page on the runs or studies STUDY, or on all: tables, figures, failures, and what it all cost.

    It is one file that needs no network; the database is only read.
    """
    from tuner.commands.database import database as which
    from tuner.commands.report import report as write

    write(which(database), study, output, force=force)


@commands.group(
    cls=_Group,
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
    from tuner.commands.tasks import print_tasks

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
    from tuner.commands import plan
    from tuner.commands.tasks import check_task as check

    plan.set_data_dir(data_dir)
    check(name, preset=preset, as_json=as_json)


def _read_machines(options: dict[str, Any]) -> Any:
    from tuner.commands.run import Machines

    names = (
        "workers", "cpus_per_candidate", "gpus_per_candidate", "timeout", "max_attempts", "address", "wait",
    )  # fmt: skip
    given = {name: options[name] for name in names}
    return Machines(**given, dashboard=not options["no_dashboard"], yes=options.get("yes", False))


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _dashed(names: list[str]) -> str:
    return ", ".join("--" + name.removeprefix("as_").replace("_", "-") for name in names)


commands.add_command(upkeep)

if __name__ == "__main__":
    main()
