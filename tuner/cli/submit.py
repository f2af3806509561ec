"""`lodo-tune submit`: run the driver on a cluster, independent of this machine."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click

from tuner.cli.flags import debug_option

VERBS = ("resume",)  # that may be submitted; a search has no verb


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: lodo-tune submit --address http://head:8265 -- --task pixelcnn"
    " --database postgresql://lodo@server/studies",
)
@click.option("--address", required=True, metavar="URL", help="URL of the cluster's dashboard, http://HOST:8265.")
@click.option("--detach", is_flag=True, help="Return once the job is submitted.")
@click.option(
    "--code",
    metavar="FILE.py:NAME",
    help="Code that is sent with the job, several separated by commas. Default: the search's.",
)
@debug_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- ARGUMENTS")
def submit(address: str, detach: bool, code: str | None, debug: bool, arguments: tuple[str, ...]) -> int:
    """Run a search, or 'resume', as a job on a Ray cluster; the arguments after -- are those of lodo-tune there.

    A submitted job does not depend on this machine. The code of a task of your own is sent with it; for 'resume', name
    the task with --code. lodo-tune must be installed on the nodes of the cluster. The exit code is that of the job.
    """
    return submit_job(address, arguments, detach=detach, code=code)


def submit_job(address: str, arguments: Sequence[str], *, detach: bool, code: str | None = None) -> int:
    """Submit a search or a resumption to a cluster as a job, and follow its output.

    A task of the user's own keeps the name that it has here, so that one cluster can resume a run of another.

    Args:
        address: Address of the cluster's dashboard, "http://HOST:8265".
        arguments: The arguments of `lodo-tune` there.
        detach: Whether to return once the job is submitted, instead of following it.
        code: The task and optimizers whose code is sent with the job, `path/to/file.py:NAME`, separated by commas.
            Default: those of --task and --optimizers.

    Returns:
        The exit code of the driver there, or 0 with `detach`.

    Raises:
        click.UsageError: An argument is not valid on another machine.
        InvalidRequest: The code in the task's folder is too large.
        ClusterUnavailable: The cluster does not answer.
    """
    if not address.startswith(("http://", "https://")):
        raise click.UsageError(
            f"--address of submit is the URL of a dashboard, such as http://HOST:8265. Received: {address!r}"
        )
    check(arguments)
    from tasks.importing import TASK_FOLDER
    from tuner.execution.ray.jobs import Jobs
    from tuner.studies.lookup import task_names

    sent = list(arguments)
    variables = {"TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
    with tempfile.TemporaryDirectory(prefix="lodo-submit-") as name:
        folder = Path(name) / "code"
        task, optimizers = value_of(sent, "--task"), value_of(sent, "--optimizers")
        places = [_own_place(each) for each in (optimizers or "").split(",")]
        if task is not None:
            _replace(sent, "--task", ",".join(task_names(task)))
        if optimizers is not None:
            _replace(sent, "--optimizers", ",".join(map(_with_full_path, optimizers.split(","))))
        of_tasks = [("--task", each) for each in (() if task is None else task_names(task))]
        given = of_tasks if code is None else [("--code", each.strip()) for each in code.split(",")]
        for option, place in (*given, *(("--optimizers", at) for at in places)):
            if origin := _collect(option, place, folder):
                variables[TASK_FOLDER] = str(origin)
        for file in _values(sent, "--search-space"):
            folder.mkdir(exist_ok=True)
            if (folder / Path(file).name).exists():
                raise click.UsageError(f"--search-space: two files to be sent are called {Path(file).name}; rename one")
            (folder / Path(file).name).write_bytes(_read(file))
            _replace(sent, "--search-space", Path(file).name, file)
        jobs = Jobs(address)
        command = ["lodo-tune", *sent, "--address", "auto", "--yes"]
        if sent[0] in VERBS:
            command.remove("--yes")
        job = jobs.submit(command, folder if folder.exists() else None, variables)
    click.echo(f"submitted as {job}; Ctrl-C leaves it running. To see its state: {_status_command(sent)}", err=True)
    if detach:
        return 0
    return jobs.follow(job, lambda text: click.echo(text, nl=False))


def check(arguments: Sequence[str]) -> None:
    """Check that the arguments are valid on another machine, and reveal no password.

    Raises:
        click.UsageError: They are not.
    """
    if not arguments or not (arguments[0].startswith("-") or arguments[0] in VERBS):
        raise click.UsageError("submit takes a search (-- --task T …) or a resumption (-- resume STUDY …)")
    if value_of(arguments, "--address") is not None:
        raise click.UsageError(
            "--address of a submitted search is always the cluster's own: give it to submit only, before --"
        )
    database = value_of(arguments, "--database")
    if database is None or not _is_reachable_there(database):
        raise click.UsageError(
            "a submitted search needs --database: a server's URL, or a file's full path on the cluster's head"
        )
    from tuner.storage.urls import holds_a_password

    if holds_a_password(database):
        raise click.UsageError(
            "--database contains a password, which Ray shows in its dashboard: keep it in the file .pgpass of the"
            " cluster's user, or in PGPASSFILE there"
        )
    for option in ("--output", "--data-dir", "--tensorboard"):
        folder = value_of(arguments, option)
        if folder is not None and not Path(folder).is_absolute():
            raise click.UsageError(
                f"{option} of a submitted search is a full path on the cluster. Received: {folder!r}"
            )


def _is_reachable_there(database: str) -> bool:
    """Return whether a database is on a server, or a file with its full path."""
    from tuner.storage import urls

    url = urls.parse(database)
    path = urls.sqlite_path(url) if url.get_backend_name() == "sqlite" else None
    return url.get_backend_name() != "sqlite" or (path is not None and path.is_absolute())


def value_of(arguments: Sequence[str], option: str) -> str | None:
    """Return the value of an option, None if it was not given."""
    return next(iter(_values(arguments, option)), None)


def _values(arguments: Sequence[str], option: str) -> list[str]:
    separate = [value for word, value in pairwise(arguments) if word == option]
    return [*separate, *(word.partition("=")[2] for word in arguments if word.startswith(f"{option}="))]


def _replace(arguments: list[str], option: str, value: str, old: str | None = None) -> None:
    for index, word in enumerate(arguments):
        if word == option and index + 1 < len(arguments) and old in (None, arguments[index + 1]):
            arguments[index + 1] = value
        elif word.startswith(f"{option}=") and old in (None, word.partition("=")[2]):
            arguments[index] = f"{option}={value}"


def _own_place(optimizer: str) -> str | None:
    """Return the place of an optimizer of the user's own; None of another one."""
    from lodo.names import is_of_keras

    place = optimizer.strip().rpartition("=")[2]
    return place if ":" in place and not is_of_keras(place) else None


def _with_full_path(optimizer: str) -> str:
    """Return an optimizer of --optimizers as the cluster needs it: one of the user's own in a file by its full path."""
    from tuner.studies.lookup import absolute

    label, equals, place = optimizer.strip().rpartition("=")
    return f"{label}{equals}{absolute(place)}"


def _collect(option: str, task: str | None, folder: Path) -> Path | None:
    """Collect the code of a task or optimizer in `folder`; return the folder that its file is in, if it is a file."""
    from tuner.execution.user_code import collect_code
    from tuner.studies.lookup import absolute

    if task is None:
        return None
    file, colon, _ = task.rpartition(":")
    if colon and file.endswith(".py") and not Path(file).expanduser().is_file():
        raise click.UsageError(f"{option}: there is no file {file}")
    return collect_code([absolute(task)], folder)


def _status_command(arguments: Sequence[str]) -> str:
    """Return the command that shows the state of a submitted search, and where to run it."""
    database = value_of(arguments, "--database") or ""
    run = value_of(arguments, "--name") or (arguments[1] if arguments[0] in VERBS and len(arguments) > 1 else None)
    command = ["lodo-tune", *(["watch", run] if run else ["studies"]), "--database", database]
    on_head = "://" not in database or database.startswith("sqlite:")
    return shlex.join(command) + (", on the cluster's head" if on_head else "")


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"--search-space: {file} cannot be read: {error.strerror}") from None
