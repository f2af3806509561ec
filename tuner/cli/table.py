"""`lodo-tune table`: the tables of searches and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.cli.flags import (
    by_budget_option,
    database_of,
    database_option,
    debug_option,
    json_option,
    list_of,
    margin_option,
    named_values,
    profile_option,
)
from tuner.cli.server import server_option, service_of
from tuner.core.errors import InvalidRequest

if TYPE_CHECKING:
    from tuner.api.database import Database
    from tuner.api.remote.service import Service
    from tuner.results.tables.wide_table import Printing
    from tuner.storage import Damaged


@click.command(
    epilog="\b\nExample: lodo-tune table bowl --format markdown\n"
    "Example: lodo-tune table bowl bowl-seed-1 --by-budget\n"
    "Example: lodo-tune table a.db:valley b.db:valley --side-by-side --format latex --label tab:valley"
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
@margin_option
@click.option("--layout", metavar="NAME", help="Instead: one table of all these runs: one, hyperparameters or paper.")
@click.option("--side-by-side", is_flag=True, help="The same as --layout one.")
@click.option(
    "--columns",
    metavar="A,B",
    callback=list_of(str, "names"),
    help="With --layout one: of searches tuned, default, gain, 'relative gain', 'best seen', verdict, diverged,"
    " evaluations; of comparisons value, interval, diverged, p, standing.",
)
@click.option("--precision", type=int, metavar="N", help="With --layout: digits of uncertainties. Default: 2.")
@click.option("--label", metavar="TEXT", help="With --layout: label in LaTeX.")
@click.option("--caption", metavar="TEXT", help="With --layout: caption, in LaTeX as it is.")
@click.option(
    "--rename",
    multiple=True,
    metavar="A=B",
    help="With --layout: another name of an optimizer, run, column or hyperparameter; repeatable.",
)
@click.option("--siunitx", is_flag=True, help="With --layout and LaTeX: numbers for the package siunitx.")
@json_option
@database_option
@server_option
@debug_option
def table(
    study: tuple[str, ...],
    format: str,
    details: bool,
    by_budget: bool,
    profile: bool,
    margin: str | None,
    layout: str | None,
    side_by_side: bool,
    columns: tuple[str, ...] | None,
    precision: int | None,
    label: str | None,
    caption: str | None,
    rename: tuple[str, ...],
    siunitx: bool,
    as_json: bool,
    database: str | None,
    server: str | None,
    debug: bool,
) -> None:
    """Print the tables of the runs or studies STUDY, or of all: tuned values, and comparisons.

    With --layout, all are in one table, for a paper; STUDY may then be in another database, as FILE:STUDY.
    """
    chosen = "one" if side_by_side and layout is None else layout
    service = service_of(server, database)
    if chosen is not None:
        refuse_together(
            {"details": details, "by_budget": by_budget, "profile": profile, "margin": margin is not None}
            | {"as_json": as_json}
        )
        from tuner.results.tables.wide_table import Printing

        names = named_values("rename", rename, _text, "takes A=B, each name once")
        digits = 2 if precision is None else precision
        printing = Printing(chosen, columns, digits, label, caption, names, siunitx)
        if service is None:
            click.echo(_one_table(study, database, format, printing))
        else:
            _print_of_service(service, study, format, printing)
        return
    extras = {"columns": columns, "precision": precision, "label": label, "caption": caption}
    extras |= {"rename": rename or None, "siunitx": siunitx or None}
    for name, value in extras.items():
        if value is not None:
            raise InvalidRequest(name, "is for a table with {layout}")
    if service is not None:
        from tuner.cli.remote import print_output

        chosen_format = "json" if as_json else format
        query = {"details": details, "by_budget": by_budget, "profile": profile, "margin": margin}
        print_output(service, "table", study=study, format=chosen_format, **query)
        return
    damaged: list[Damaged] = []
    tables = database_of(database).table(
        *study, details=details, by_budget=by_budget, profile=profile, margin=margin, damaged=damaged
    )
    if tables.searches or tables.comparisons or tables.by_budget or tables.profile:
        click.echo(tables.to_format("json" if as_json else format))
    raise_first(damaged)


def refuse_together(chosen: Mapping[str, bool]) -> None:
    """Raise an error for an option that excludes --layout.

    Raises:
        InvalidRequest: One is given.
    """
    for name, is_given in chosen.items():
        if is_given:
            raise InvalidRequest("layout", f"and {{{'json' if name == 'as_json' else name}}} exclude each other")


def _print_of_service(service: Service, names: tuple[str, ...], format: str, printing: Printing) -> None:
    from dataclasses import asdict

    from tuner.cli.remote import print_output

    query = asdict(printing) | {"rename": [f"{name}={new}" for name, new in printing.rename.items()]}
    print_output(service, "table", study=names, format=format, **query)


def _one_table(names: tuple[str, ...], database: str | None, format: str, printing: Printing) -> str:
    from tuner.api.paper_tables import paper_table

    sources = [_source(name, database) for name in names] or [(database_of(database), None)]
    return paper_table(sources, printing, format)


def _source(name: str, database: str | None) -> tuple[Database, str | None]:
    """Return the database and the name of FILE:STUDY or URL:STUDY, or of a STUDY in the database of the command."""
    from tuner.api.database import Database

    for at in range(len(name) - 1, 0, -1):  # of several colons the last one before a name: "a.db:run/keras:Adam"
        place, study = name[:at], name[at + 1 :]
        if name[at] == ":" and (Path(place).is_file() or ("://" in place and not study.startswith("//"))):
            return Database(place), study
    return database_of(database), name


def _text(value: str) -> str:
    """Return the new name of --rename, which is not empty.

    Raises:
        ValueError: It is empty.
    """
    if not value:
        raise ValueError("empty")
    return value


def raise_first(damaged: list[Damaged]) -> None:
    """Raise an error for studies that could not be read, after all others have been printed.

    Raises:
        Damaged: There is such a study.
    """
    from tuner.results.tables.numbers import counted

    if damaged:
        others = f" (and {counted(len(damaged) - 1, 'other')}: lodo-tune database check)" if len(damaged) > 1 else ""
        raise type(damaged[0])(f"{damaged[0]}{others}")
