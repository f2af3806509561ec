"""`lodo-tune pause`, `stop`, `cancel`, `retry-failed` and `queue` of a service."""

from __future__ import annotations

import click

from tuner.cli.flags import debug_option, only_json_option
from tuner.cli.server import needed_service, server_option


def _verb(verb: str, text: str) -> click.Command:
    @click.command(verb, help=text, epilog=f"Example: lodo-tune {verb} bowl --server http://127.0.0.1:8080")
    @click.argument("run", nargs=-1, required=True)
    @only_json_option
    @server_option
    @debug_option
    def steer(run: tuple[str, ...], as_json: bool, server: str | None, debug: bool) -> None:
        service = needed_service(server)
        from tuner.cli.remote import print_submitted

        print_submitted([service.ask(name, verb) for name in run], as_json=as_json)

    return steer


pause = _verb("pause", "Begin no further candidates of the runs RUN, and finish those that are trained.")
stop = _verb("stop", "Finish the candidates of the runs RUN that are trained, and end the runs.")
cancel = _verb("cancel", "End the runs RUN at once; finished candidates are kept.")
retry_failed = _verb("retry-failed", "Try the runs RUN, which have failed, again at once.")


@click.command(epilog="Example: lodo-tune queue --server http://127.0.0.1:8080")
@only_json_option
@server_option
@debug_option
def queue(as_json: bool, server: str | None, debug: bool) -> None:
    """List the runs of a service that have not ended, and why each waits."""
    service = needed_service(server)
    from tuner.cli.remote import print_submitted

    print_submitted(service.queue(), as_json=as_json)
