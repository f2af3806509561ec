"""`lodo-tune table`: the tables of searches and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuner.cli.flags import by_budget_option, database_of, database_option, debug_option, json_option, profile_option

if TYPE_CHECKING:
    from tuner.storage import Damaged


@click.command(
    epilog="\b\nExample: lodo-tune table bowl --format markdown\nExample: lodo-tune table bowl bowl-seed-1 --by-budget"
)
@click.argument("study", nargs=-1)
@click.option("--format", default="text", show_default=True, help="text, markdown, latex, csv or json.")
@click.option(
    "--details",
    is_flag=True,
    help="Also of searches: where tuned values lie, how exact they must be, what was lost.",
)
@by_budget_option
@profile_option
@json_option
@database_option
@debug_option
def table(
    study: tuple[str, ...],
    format: str,
    details: bool,
    by_budget: bool,
    profile: bool,
    as_json: bool,
    database: str | None,
    debug: bool,
) -> None:
    """Print the tables of the runs or studies STUDY, or of all: tuned values, and comparisons."""
    damaged: list[Damaged] = []
    tables = database_of(database).table(*study, details=details, by_budget=by_budget, profile=profile, damaged=damaged)
    if tables.searches or tables.comparisons or tables.by_budget or tables.profile:
        click.echo(tables.to_format("json" if as_json else format))
    raise_first(damaged)


def raise_first(damaged: list[Damaged]) -> None:
    """Raise an error for studies that could not be read, after all others have been printed.

    Raises:
        Damaged: There is such a study.
    """
    from tuner.results.tables.numbers import counted

    if damaged:
        others = f" (and {counted(len(damaged) - 1, 'other')}: lodo-tune database check)" if len(damaged) > 1 else ""
        raise type(damaged[0])(f"{damaged[0]}{others}")
