"""The entry point of the command line: the group of verbs, and exit codes."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import threading
import traceback
import warnings
from typing import Any

import click

from tuner.cli.compare import compare
from tuner.cli.database import database_group
from tuner.cli.doctor import doctor
from tuner.cli.evaluate import evaluate
from tuner.cli.export import export
from tuner.cli.figures import figures
from tuner.cli.flags import (
    PATH,
    TASK_HELP,
    flag_of,
    list_of,
    machine_options,
    objective_option,
    options_of_tasks,
    outcome_options,
    precision_option,
)
from tuner.cli.group import Group
from tuner.cli.logs import logs
from tuner.cli.optimizers import optimizers_group
from tuner.cli.paper import paper
from tuner.cli.report import report
from tuner.cli.resume import resume
from tuner.cli.serve import serve
from tuner.cli.server import private_option, server_option
from tuner.cli.show import show
from tuner.cli.steer import cancel, pause, queue, retry_failed, stop
from tuner.cli.streams import OutputClosed, leave_output, prepare_streams
from tuner.cli.studies import studies
from tuner.cli.submit import submit
from tuner.cli.table import table
from tuner.cli.tasks import tasks_group
from tuner.cli.threads import await_threads
from tuner.cli.train import train
from tuner.cli.trials import trials
from tuner.cli.watch import watch
from tuner.core.errors import InvalidRequest

RUN_EXAMPLES = """\b
Examples:
  lodo-tune --task rosenbrock
  lodo-tune --task pixelcnn --preset quick --output results
  lodo-tune --task noisy-quadratic-bowl --optimizers LODO,Adam --seed 1 --name bowl
  lodo-tune --task my_task.py:MyTask --generations 5 --population 16 --steps 100,200,400,400,400

A task of your own is code that runs with your permissions, on every machine of the cluster.
"""


def main() -> None:
    """Run the command line; every error is one line on standard error and an exit code."""
    prepare_streams()
    prepare_process()
    threads = threading.enumerate()
    try:
        _run("--debug" in sys.argv)
    finally:
        leave_output()
        await_threads(threads)


def _run(debug: bool) -> None:
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
    except OutputClosed as closed:  # quietly, as other programs
        from tuner.cli.silence import silence

        with contextlib.suppress(OSError):  # a stream without a file
            silence(sys.stdout)
        sys.exit(closed.exit_code)
    except Exception as error:
        known = hasattr(error, "exit_code") or isinstance(error, ValueError | OSError)
        message = str(error) if known else f"{type(error).__name__}: {error} (--debug shows where)"
        if isinstance(error, InvalidRequest):
            message = error.text(flag_of)
        code = 2 if isinstance(error, ValueError) else 1
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = 74
            message = f"{error.strerror}: {error.filename or 'standard output, or a temporary file'}"
            if error.filename is None:  # flushing the rest would fail again at exit
                from tuner.cli.silence import silence

                silence(sys.stdout)
        if isinstance(error, FileNotFoundError) and error.filename is None and not _is_in_a_folder():
            message = "the working directory was deleted; change into another folder"
        _fail(" ".join(message.split()), getattr(error, "exit_code", code), debug)


def prepare_process() -> None:
    """Set what every process of the command line needs before it loads a library."""
    _use_default_warnings()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    gc.set_threshold(50_000)  # collect less often: the many records of a large database are not garbage


def _use_default_warnings() -> None:
    """Show warnings as Python does by default: with PYTHONWARNINGS=error the first one of a library would end us."""
    if os.environ.pop("PYTHONWARNINGS", ""):
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)


def _is_in_a_folder() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _fail(message: str, code: int, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    from tuner.core.text import one_line

    click.echo(f"lodo-tune: {one_line(message)}", err=True)
    if code > 128:  # end at once: Ray, interrupted while it starts, may abort at exit and change the exit code
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


@click.group(cls=Group, invoke_without_command=True, epilog=RUN_EXAMPLES, context_settings={"max_content_width": 110})
@click.version_option(package_name="lodo-tune", prog_name="lodo-tune")
@click.option(
    "--task",
    metavar="NAME[,NAME…]",
    help=f"{TASK_HELP} Several: each optimizer is tuned for one setting on all of them.",
)
@click.option(
    "--optimizers",
    metavar="A,B",
    callback=list_of(str, "names"),
    help="Optimizers of lodo-tune, keras:NAME, module:NAME or [NAME=]file.py:NAME. Default: the task's line-up.",
)
@click.option("--preset", default="paper", show_default=True, help="Schedule of the search: 'paper' or 'quick'.")
@click.option("--generations", type=int, help="Number of generations. Default: the preset's.")
@click.option("--population", type=int, help="Individuals per generation. Default: the preset's.")
@click.option(
    "--steps",
    metavar="N[,N…]",
    callback=list_of(int, "whole numbers"),
    help="Gradient evaluations per individual: one number, or one per generation. Default: the preset's.",
)
@click.option(
    "--sigma",
    metavar="S[,S…]",
    callback=list_of(float, "numbers"),
    help="Standard deviation of the draws: one number, or one per generation. Default: the preset's.",
)
@click.option(
    "--budget", type=int, metavar="N", help="Total gradient evaluations per optimizer, instead of --generations."
)
@click.option(
    "--strategy",
    metavar="NAME",
    help="Search strategy: genetic, cma-es, random, nsga2 or paper. Default: paper for the preset paper, otherwise"
    " genetic.",
)
@objective_option(
    "Two or three with commas, such as validation.loss,parameters or validation.loss,seconds-per-step, where candidates"
    " train one by one. Default: the preset's or the task's, or training-loss, the paper's."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random numbers.")
@click.option(
    "--fresh-seeds",
    type=int,
    metavar="N",
    help="Seeds on which defaults and tuned point are compared at the end. Default: the preset's.",
)
@click.option(
    "--search-seeds",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Search N times for each optimizer, with N seeds: results with their spread over searches.",
)
@click.option("--name", metavar="RUN", help="Name of the run. Default: the task's name, with a number if it is taken.")
@click.option(
    "--search-space", type=PATH, multiple=True, metavar="FILE", help="A search space of your own (YAML); repeatable."
)
@options_of_tasks(" TASK.NAME=VALUE: of one of several tasks.")
@click.option("--yes", is_flag=True, help="Start a long search without asking at the terminal.")
@precision_option
@machine_options
@outcome_options
@server_option
@private_option
@click.pass_context
def commands(context: click.Context, /, **options: Any) -> None:
    """Tune the hyperparameters of optimizers on a task, fairly, with a genetic algorithm on Ray.

    Without a command: search, record everything in a database, and print the tuned table.
    """
    if context.invoked_subcommand is not None:
        given = [name for name in options if _was_given(context, name)]
        if given:
            raise click.UsageError(f"options of {context.invoked_subcommand!r} must follow it; move {_flags(given)}")
        return
    if options["task"] is None:
        if len(sys.argv) == 1:
            click.echo(context.get_help())
            return
        raise click.UsageError("--task is missing; 'lodo-tune tasks' lists the tasks", context)
    from tuner.cli.search import search_and_print

    search_and_print(options)


def _was_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _flags(names: list[str]) -> str:
    return ", ".join("--" + name.removeprefix("as_").replace("_", "-") for name in names)


for verb in (
    resume, compare, paper, submit, train, evaluate, tasks_group, optimizers_group, table, figures, trials, studies,
    show, logs, watch, export, report, serve, pause, stop, cancel, retry_failed, queue, database_group, doctor,
):  # fmt: skip
    commands.add_command(verb)
