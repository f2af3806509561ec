"""Options that several verbs share."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tuner.core.errors import InvalidRequest

if TYPE_CHECKING:
    from tuner.api.database import Database

_FLAGS = {
    "search": "--from",
    "configs": "--config",
    "file": "FILE",
    "seconds": "--time",
    "hyperparameters": "--set",
    "options": "--option",
    "search_spaces": "--search-space",
    "folder": "DIR",
    "source": "FROM",
    "study": "STUDY",
    "candidate": "CANDIDATE",
    "target": "TO",
}
"""Flags and arguments whose fields have another name in Python."""

SERVER_VARIABLE = "LODO_TUNE_SERVER"
TOKEN_VARIABLE = "LODO_TUNE_TOKEN"  # noqa: S105 - the name of a variable

Command = TypeVar("Command", bound=Callable[..., Any])


def list_of(kind: Callable[[str], Any], what: str) -> Callable[..., Any]:
    """Return a callback that reads 'A,B,C' as a tuple.

    Args:
        kind: Reads one part; raises ValueError.
        what: Name of the parts for errors, such as "whole numbers".
    """

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
    return _FLAGS.get(field, "--" + field.replace("_", "-"))


def database_of(option: str | None) -> Database:
    """Return the database of --database, of the environment (LODO_TUNE_DATABASE), or lodo-tune.db in this folder.

    Raises:
        InvalidRequest: The option is empty, or the database is one in memory.
        BadUrl: It is not the URL of a database.
        click.UsageError: The environment names a service, on which the verb does not work.
    """
    if option is None and os.environ.get(SERVER_VARIABLE):
        verb = click.get_current_context().command_path.partition(" ")[2] or "this"
        raise click.UsageError(
            f"{verb} works on a database, not on a service: name one by --database, or unset {SERVER_VARIABLE}"
        )
    from tuner.api.database import Database
    from tuner.api.stored_database import DEFAULT_DATABASE

    chosen = os.environ.get("LODO_TUNE_DATABASE") or DEFAULT_DATABASE if option is None else option
    database = Database(chosen)
    if database.is_in_memory:
        accepted = ": a database in memory would be lost with this command; give a file or a URL of PostgreSQL"
        raise InvalidRequest("database", accepted, chosen)
    return database


def named_values(field: str, texts: Sequence[str], read: Callable[[str], Any], accepted: str) -> dict[str, Any]:
    """Return the values of an option that is given as NAME=VALUE, repeatedly.

    Args:
        field: Name of the option, for errors.
        texts: One NAME=VALUE each.
        read: Reads a value; raises ValueError.
        accepted: The accepted form, for errors.

    Raises:
        InvalidRequest: One is not of this form, or a name is given twice.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if name in values:
            raise InvalidRequest(field, f"names {name} twice. Received: {' and '.join(map(repr, texts))}")
        try:
            values[name] = read(value)
        except ValueError:
            equals = ""
        if not equals:
            raise InvalidRequest(field, accepted, text)
    return values


def task_options_of(texts: Sequence[str]) -> dict[str, Any]:
    """Return the values of --option; a value is read as JSON (numbers, true, false), or else as text."""
    return named_values("options", texts, _json_or_text, "takes NAME=VALUE, each name once")


def _json_or_text(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value  # NaN and infinity are not JSON


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command several options, in order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


class NonEmptyPath(click.Path):
    """A path that is not empty; `click.Path` reads an empty one as the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty path."""
        if value == "":
            self.fail("a path must not be empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = NonEmptyPath(path_type=Path)
TASK_HELP = "A task of 'lodo-tune tasks', module:NAME or file.py:NAME."
database_option = click.option(
    "--database", metavar="URL", help="A file, or a URL. Default: $LODO_TUNE_DATABASE, or lodo-tune.db in this folder."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
only_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for scripts instead of text for people."
)
by_budget_option = click.option(
    "--by-budget", is_flag=True, help="Instead: how good the best of k candidates is, by k, of all these searches."
)
profile_option = click.option(
    "--profile", is_flag=True, help="Instead: performance profiles over all these comparisons on several tasks."
)
margin_option = click.option(
    "--margin",
    metavar="N|N%",
    help="The smallest gain that matters, in units of the objective or in % of the default; of comparisons, the"
    " smallest distance from the best. What lies within it is called equivalent. Default: 1 % of the distance to the"
    " best known.",
)
debug_option = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
data_dir_option = click.option(
    "--data-dir", type=PATH, help="Folder with mnist.npz and cifar10.npz. Default: $LODO_DATA_DIR."
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "float64", "bfloat16"]),
    metavar="TYPE",
    help="float32, float64, or bfloat16 where a task supports it. Default: the task's own.",
)


def objective_option(default: str) -> Callable[[Command], Command]:
    """Return the option --objective; `default` is the sentence on its default."""
    return click.option(
        "--objective",
        metavar="TEXT",
        help="What is optimised: training-loss, validation.METRIC (with :best, :last=SHARE, :min or :max), or"
        f" 'evaluations-to:METRIC<=TARGET', in quotes, or >=, or seconds-to. {default}",
    )


accept_changes_option = click.option(
    "--accept-changes", is_flag=True, help="Continue although the task's code or data has changed; the results say so."
)


def options_of_tasks(further: str = "") -> Callable[[Command], Command]:
    """Return the option --option; `further` is a sentence for its help."""
    return click.option(
        "--option",
        "task_options",
        multiple=True,
        metavar="NAME=VALUE",
        help=f"Set an option of the task, such as batch_size=64.{further} Default: the preset's, or the task's own.",
    )


task_option = options_of_tasks()
cpus_option = click.option(
    "--cpus-per-candidate", type=int, default=1, show_default=True, help="Cores, and TensorFlow threads, per candidate."
)
machine_options = together(
    click.option("--workers", type=int, help="Candidates (or cohorts) trained at a time. Default: as many as fit."),
    click.option(
        "--gpus-per-candidate",
        type=float,
        default=0.0,
        show_default=True,
        help="GPUs per candidate (or cohort), or a share such as 0.25.",
    ),
    cpus_option,
    click.option(
        "--memory-per-candidate",
        type=float,
        metavar="GB",
        help="End a candidate of a training function that takes more memory, such as 4. Default: no limit.",
    ),
    click.option("--timeout", type=float, metavar="SECONDS", help="End a candidate (or cohort) after this long."),
    click.option(
        "--max-attempts",
        type=int,
        default=3,
        show_default=True,
        help="Attempts per candidate; it fails when its worker is lost in each.",
    ),
    click.option("--address", metavar="HOST:PORT", help="Join this Ray cluster instead of starting one."),
    click.option(
        "--checkpoint-dir",
        type=PATH,
        metavar="DIR",
        help="Folder for checkpoints of a training function, which all nodes share. Default: one for temporary files.",
    ),
    click.option("--no-dashboard", is_flag=True, help="Do not start Ray's dashboard."),
    click.option("--wait", is_flag=True, help="Wait while another driver holds the study."),
)
outcome_options = together(
    click.option("--output", type=PATH, metavar="DIR", help="Write tables, tuned configurations and figures there."),
    click.option(
        "--tensorboard", type=PATH, metavar="DIR", help="At the end, write event files for TensorBoard there."
    ),
    only_json_option,
    database_option,
    data_dir_option,
    debug_option,
)
