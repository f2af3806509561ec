"""`lodo-tune serve`: look at the runs of a database in a browser."""

from __future__ import annotations

import importlib.util
import os

import click

from tuner.cli.flags import database_of, database_option, debug_option

TOKEN_VARIABLE = "LODO_TUNE_TOKEN"  # noqa: S105 - the name of a variable
MIN_TOKEN = 32  # characters


@click.command(
    epilog="""\b
Examples:
  lodo-tune serve
  lodo-tune serve --database postgresql://lodo@server/studies --port 0
  lodo-tune serve --host 0.0.0.0 --behind-proxy tune.example.org --root-path /tune
"""
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Interface to listen on.")
@click.option("--port", type=int, default=8080, show_default=True, metavar="N", help="TCP port; 0 takes a free one.")
@click.option(
    "--behind-proxy",
    multiple=True,
    metavar="NAME",
    help="Name by which users reach a proxy in front of the service, which terminates TLS. Repeatable.",
)
@click.option("--root-path", default="", metavar="PATH", help="Path under which the proxy offers it, such as /tune.")
@database_option
@debug_option
def serve(
    host: str, port: int, behind_proxy: tuple[str, ...], root_path: str, database: str | None, debug: bool
) -> None:
    """Show the runs of a database in a browser, live, until Ctrl-C.

    The database is only read. The service prints its address and a token, which a browser is asked for once.
    """
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn")):
        raise click.ClickException("the service needs the extra 'service': pip install 'lodo-tune[service]'")
    from tuner.service.serving import serve as run
    from tuner.service.settings import ServiceSettings
    from tuner.service.tokens import new_token

    settings = ServiceSettings(database_of(database).source, host, port, root_path.rstrip("/"), behind_proxy)
    given = os.environ.get(TOKEN_VARIABLE)
    if given is not None and len(given) < MIN_TOKEN:
        raise click.UsageError(f"{TOKEN_VARIABLE} has at least {MIN_TOKEN} characters, all of them random")
    token = given or new_token()

    def ready(address: str) -> None:
        click.echo(f"lodo-tune serves {address} (Ctrl-C ends it)", err=True)
        if given is None:
            click.echo(f"Token: {token}", err=True)

    run(settings, token, ready)
