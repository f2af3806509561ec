"""Options that several verbs share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_FLAGS = {
    "sigmas": "--sigma",
    "search": "--from",
    "configs": "--config",
    "seconds": "--time",
    "settings": "--set",
    "options": "--option",
    "search_spaces": "--search-space",
    "task_options": "--option",
}
"""Flags of fields that are called otherwise in Python."""

Command = TypeVar("Command", bound=Callable[..., Any])


def list_of(kind: Callable[[str], Any], what: str) -> Callable[..., Any]:
    """Return a callback that reads 'A,B,C'."""

    def read(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Any, ...] | None:
        if value is None:
            return None
        parts = [part.strip() for part in value.split(",")]
        if all(parts):
            with contextlib.suppress(ValueError):
                return tuple(kind(part) for part in parts)
        raise click.BadParameter(f"takes {what}, separated by commas. Received: {value!r}")

    return read


def flag_of(field: str) -> str:
    """Return the flag of a field: "--max-attempts" of "max_attempts"."""
    return field if field.startswith("--") else _FLAGS.get(field, "--" + field.replace("_", "-"))


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command several options, in order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class Place(click.Path):
    """A path; of an empty one click makes the folder we are in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty path."""
        if value == "":
            self.fail("is empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = Place(path_type=Path)
database_option = click.option(
    "--database", metavar="URL", help="A file, or a URL. Default: $LODO_TUNE_DATABASE, or lodo-tune.db in this folder."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
only_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for scripts instead of text for people."
)
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
data_dir_option = click.option(
    "--data-dir", type=PATH, help="Where mnist.npz and cifar10.npz lie. Default: $LODO_DATA_DIR."
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "float64", "bfloat16"]),
    metavar="TYPE",
    help="float32, float64, or bfloat16 where a task takes it. Default: the task's own.",
)
task_option = click.option(
    "--option",
    "task_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of the task, such as batch_size=64. Default: the preset's, or the task's own.",
)
cpus_option = click.option(
    "--cpus-per-candidate", type=int, default=1, show_default=True, help="Cores, and TensorFlow threads, a candidate."
)
machine_options = together(
    click.option("--workers", type=int, help="Candidates (or cohorts of them) at a time. Default: as many as fit."),
    click.option("--gpus-per-candidate", type=float, default=0.0, show_default=True, help="GPUs a candidate, or 0.25."),
    cpus_option,
    click.option("--timeout", type=float, metavar="SECONDS", help="Ends a candidate (or cohort) after this long."),
    click.option(
        "--max-attempts", type=int, default=3, show_default=True, help="How often a candidate may lose its worker."
    ),
    click.option("--address", metavar="HOST:PORT", help="Join this Ray cluster instead of starting one."),
    click.option("--no-dashboard", is_flag=True, help="Without Ray's dashboard."),
    click.option("--wait", is_flag=True, help="Wait while another driver holds the study."),
)
outcome_options = together(
    click.option("--output", type=PATH, metavar="DIR", help="Write tables, tuned configurations and figures there."),
    click.option(
        "--tensorboard", type=PATH, metavar="DIR", help="At the end, write the studies for TensorBoard there."
    ),
    only_json_option,
    database_option,
    data_dir_option,
    debug_option,
)
