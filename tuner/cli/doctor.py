"""`lodo-tune doctor`: an examination of this machine for a bug report."""

from __future__ import annotations

import json
import os
import sys
from itertools import groupby
from typing import TYPE_CHECKING

import click

from tuner.cli.flags import database_of, database_option, debug_option, only_json_option
from tuner.core.errors import LodoTuneError

if TYPE_CHECKING:
    from tuner.api.doctor import Diagnosis


@click.command(epilog="Example: lodo-tune doctor --json > doctor.json")
@database_option
@only_json_option
@debug_option
def doctor(database: str | None, as_json: bool, debug: bool) -> None:
    """Examine this machine for a bug report, and report likely problems.

    Versions, cores and quotas, memory, GPU, folders, database, encoding and the variables that matter; without
    passwords and tokens. It takes seconds, starts no Ray and writes nothing.
    """
    variables = dict(os.environ)  # before the settings of libraries are changed
    from tuner.api.database import Database
    from tuner.api.doctor import diagnose

    place: Database | Exception
    try:
        place = database_of(database)
    except (LodoTuneError, ValueError) as error:
        place = error
    diagnosis = diagnose(place, variables, sys.stdout.encoding or "unknown")
    click.echo(json.dumps(diagnosis.to_dict()) if as_json else _text(diagnosis))


def _text(diagnosis: Diagnosis) -> str:
    width = max(len(fact.name) for fact in diagnosis.facts)
    lines = []
    for section, facts in groupby(diagnosis.facts, key=lambda fact: fact.section):
        lines.append(section)
        for fact in facts:
            lines.append(f"  {fact.name:{width}}  {fact.value}".rstrip())
            if fact.trouble:
                lines.append(f"! {'':{width}}  {fact.trouble}")
    troubles = diagnosis.troubles
    lines += ["", f"troubles: {len(troubles)}" + (" (the lines with !)" if troubles else "")]
    return "\n".join(lines)
