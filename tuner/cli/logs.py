"""`lodo-tune logs`: what a training function printed for a candidate."""

from __future__ import annotations

import click

from tuner.cli.flags import database_of, database_option, debug_option


@click.command(epilog="\b\nExample: lodo-tune logs digits/train g03/s07\nExample: lodo-tune logs digits/train tuned/0")
@click.argument("study")
@click.argument("candidate")
@database_option
@debug_option
def logs(study: str, candidate: str, database: str | None, debug: bool) -> None:
    """Print the output of CANDIDATE in STUDY: what its training function printed in its last attempt.

    CANDIDATE is its generation and slot, such as g03/s07, or default/0 or tuned/0 of those on fresh seeds.
    """
    for one in database_of(database).run(study):
        click.echo(one.output(candidate), nl=False)
