"""`lodo-tune serve`: pages and an HTTP API to submit, watch and steer runs."""

from __future__ import annotations

import importlib.util
import os
import signal
from typing import Any

import click

from tuner.cli.database import terminate
from tuner.cli.flags import PATH, TOKEN_VARIABLE, database_of, database_option, debug_option

MIN_TOKEN = 32  # characters


@click.command(
    epilog="""\b
Examples:
  lodo-tune serve
  lodo-tune serve --database postgresql://lodo@server/studies --address 10.0.0.5:6379 --workers 32
  lodo-tune serve --workers 0 --port 0
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
@click.option(
    "--workers", type=int, metavar="N", help="Workers of all runs together; 0 only shows. Default: one per core."
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Ray cluster to train on, as 'auto' that of RAY_ADDRESS; needs --workers. Default: a Ray per run, here.",
)
@click.option("--cpus-per-candidate", type=int, default=1, show_default=True, metavar="N", help="Cores of a worker.")
@click.option("--gpus-per-candidate", type=float, default=0.0, show_default=True, metavar="X", help="GPUs of a worker.")
@click.option(
    "--catalogue", type=PATH, metavar="FILE", help="Names of installed packages' tasks and optimizers to offer (YAML)."
)
@click.option("--max-workers", type=int, metavar="N", help="Workers of one user's runs together. Default: no limit.")
@click.option("--max-running", type=int, metavar="N", help="Runs of one user that train. Default: no limit.")
@click.option("--max-queued", type=int, metavar="N", help="Runs of one user that wait or train. Default: no limit.")
@click.option(
    "--log-format", default="text", show_default=True, help="text: warnings and errors; json: each request as well."
)
@database_option
@debug_option
def serve(database: str | None, debug: bool, **options: Any) -> None:
    """Submit, watch and steer runs in a browser and over HTTP, until Ctrl-C.

    The service prints its address and a token, which a browser is asked for once. Each run is trained by a process of
    its own, which goes on when the service ends; the next one finds it again.
    """
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "prometheus_client")):
        raise click.ClickException("the service needs the extra 'service': pip install 'lodo-tune[service]'")
    from tuner.api.submission import Catalogue
    from tuner.cli.repeat_command import repeat_command
    from tuner.execution.resources import usable_cores
    from tuner.service.catalogue_file import read_catalogue
    from tuner.service.serving import serve as run
    from tuner.service.settings import Quota, ServiceSettings
    from tuner.service.tokens import new_token

    workers = options["workers"]
    if workers is None:
        if options["address"] is not None:
            raise click.UsageError("--address needs --workers: how many of the cluster's the service may use")
        workers = max(1, usable_cores() // max(1, options["cpus_per_candidate"]))
    settings = ServiceSettings(
        database_of(database).source,
        options["host"],
        options["port"],
        options["root_path"].rstrip("/"),
        options["behind_proxy"],
        workers=workers,
        address=options["address"],
        cpus_per_candidate=options["cpus_per_candidate"],
        gpus_per_candidate=options["gpus_per_candidate"],
        catalogue=Catalogue.of() if options["catalogue"] is None else read_catalogue(options["catalogue"]),
        quota=Quota(options["max_workers"], options["max_running"], options["max_queued"]),
        repeat_command=repeat_command,
    )
    given = os.environ.get(TOKEN_VARIABLE)
    if given is not None and len(given) < MIN_TOKEN:
        raise click.UsageError(f"{TOKEN_VARIABLE} has at least {MIN_TOKEN} characters, all of them random")
    token = given or new_token()

    def ready(address: str) -> None:
        click.echo(f"lodo-tune serves {address} (Ctrl-C ends it)", err=True)
        if given is None:
            click.echo(f"Token: {token}", err=True)

    # uvicorn has its own handlers while it serves, and sends itself the signal again when it has ended.
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        run(settings, token, ready, options["log_format"])
    finally:
        signal.signal(signal.SIGTERM, before)
