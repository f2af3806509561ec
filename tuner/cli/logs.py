"""`lodo-tune logs`: what a training function printed for a candidate."""

from __future__ import annotations

import click

from tuner.cli.flags import database_of, database_option, debug_option
from tuner.cli.server import server_option, service_of


@click.command(epilog="\b\nExample: lodo-tune logs digits/train g03/s07\nExample: lodo-tune logs digits/train tuned/0")
@click.argument("study")
@click.argument("candidate")
@database_option
@server_option
@debug_option
def logs(study: str, candidate: str, database: str | None, server: str | None, debug: bool) -> None:
    """Print the output of CANDIDATE in STUDY: what its training function printed in its last attempt.

    CANDIDATE is its generation and slot, such as g03/s07, or default/0 or tuned/0 of those on fresh seeds.
    """
    if (service := service_of(server, database)) is not None:
        from tuner.cli.remote import print_output

        has_output = print_output(service, "logs", study=study, candidate=candidate)
    else:
        texts = [one.output(candidate) for one in database_of(database).run(study)]
        click.echo("".join(texts), nl=False)
        has_output = any(texts)
    if not has_output:
        click.echo(f"{candidate} has printed nothing, or has not ended", err=True)
