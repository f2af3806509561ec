"""`--server`: verbs that work on a service of lodo-tune instead of a database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.flags import SERVER_VARIABLE, TOKEN_VARIABLE, flag_of

if TYPE_CHECKING:
    from tuner.api.remote.service import Service

server_option = click.option(
    "--server",
    metavar="URL",
    help=f"Instead of a database: a service (lodo-tune serve). Default: ${SERVER_VARIABLE}. Token: ${TOKEN_VARIABLE}.",
)

private_option = click.option("--private", is_flag=True, help="With --server: hide the run from other users.")


def service_of(server: str | None, database: str | None) -> Service | None:
    """Return the service that a verb works on; None if it works on a database.

    Args:
        server: The option --server.
        database: The option --database, which comes before the variable of the environment.

    Raises:
        click.UsageError: Both are given, or there is no token.
        InvalidRequest: The address or the token has another form.
    """
    if server is not None and database is not None:
        raise click.UsageError("--server and --database exclude each other")
    url = server if server is not None else os.environ.get(SERVER_VARIABLE) if database is None else None
    if not url and server is None:
        return None
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise click.UsageError(f"{TOKEN_VARIABLE} is not set: the token of the service, which 'serve' prints")
    from tuner.api.remote.service import connect

    return connect(url or "", token=token)


def check_private(options: dict[str, Any]) -> None:
    """Refuse --private of a verb that works on a database.

    Raises:
        click.UsageError: It is given.
    """
    if options["private"]:
        raise click.UsageError("--private is for a service: give --server URL as well")


def needed_service(server: str | None) -> Service:
    """Return the service of a verb that works on nothing else.

    Raises:
        click.UsageError: None is named.
    """
    service = service_of(server, None)
    if service is None:
        verb = click.get_current_context().info_name
        raise click.UsageError(f"{verb} works on a service: give --server URL, or set {SERVER_VARIABLE}")
    return service


def refuse_here(options: dict[str, Any], *names: str) -> None:
    """Refuse options that say where or how this machine trains, if they are given.

    Raises:
        click.UsageError: One is given.
    """
    context = click.get_current_context()
    for name in names:
        if name in options and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag_of(name)} is decided by the service, and not taken with --server")


MACHINE = (
    "workers", "gpus_per_candidate", "cpus_per_candidate", "memory_per_candidate", "address", "checkpoint_dir",
    "no_dashboard", "wait", "data_dir", "accept_changes", "yes",
)  # fmt: skip
"""Options of this machine, or of a driver on it."""


def again(verb: str, service: Service, *words: str) -> str:
    """Return a command on a service, without its token."""
    import shlex

    server = [] if os.environ.get(SERVER_VARIABLE) == service.url else ["--server", service.url]
    return shlex.join(["lodo-tune", verb, *words, *server])
