"""`lodo-tune report`: reads a database, draws its figures, and writes one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tuner.cli import repeat
from tuner.cli.pictures import Drawing, drawing, drawn
from tuner.cli.show import comparisons
from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.study import StudyRecord
from tuner.results.analysis.comparison import Comparison
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.storage import Store
from tuner.studies import machine


def report(database: str, names: Sequence[str], output: Path, *, force: bool) -> None:
    """Write a report of the named runs and studies, or of all that there are.

    Raises:
        UsageError: There is no study, or the file is there and may not be replaced, or its folder is missing.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: The file cannot be written; what was there before is untouched.
    """
    check_file(output, force=force)
    write_report(database, names, output, overwrite=force)
    click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB", err=True)


def check_file(output: Path, *, force: bool) -> None:
    """Refuse a place for a file before the work on what is to stand there.

    Raises:
        UsageError: It is taken, or its folder is missing.
    """
    if output.is_dir():
        raise UsageError(f"--output is a file, such as report.html. Received: the folder {output}")
    if output.exists() and not force:
        raise UsageError(f"--output: {output} is there already; name another file, or say --force to replace it")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"--output: there is no folder {output.absolute().parent}")


def write_report(database: str, names: Sequence[str], output: Path, *, overwrite: bool) -> None:
    """Write a report; see `report`."""
    with Store.open(database, read_only=True) as store:
        studies = [study for name in names for study in store.find(name)] if names else store.studies()
        if not studies:
            raise UsageError(f"{store.url} holds no study yet")
        runs: dict[str, dict[int, StudyRecord]] = {}
        for study in studies:
            runs.setdefault(study.spec.run, {})[study.id] = study
        searches = sum(study.is_search for study in studies)
        with drawing(searches) as draw:
            begun = [_begun(store, tuple(of_run.values()), draw) for of_run in runs.values()]
            found = [replace(run, pictures=drawn(figures)) for run, figures in begun]
        page = document(
            found,
            source=store.url,
            version=machine.versions()["lodo-tune"],
            written_at=datetime.now(UTC).isoformat(),
        )
    files.write(output, page, overwrite=overwrite)


def _begun(store: Store, studies: tuple[StudyRecord, ...], draw: Drawing) -> tuple[SearchRun | ComparisonRun, Any]:
    """Return a run as it stands, without its figures, and these as far as they are drawn."""
    command = repeat.command([study.spec for study in studies])
    if studies[0].is_search:
        searches = tuple((study, store.candidates(study.id)) for study in studies)
        return SearchRun(searches, command), draw.of_search(searches)
    (compared,) = comparisons(store, studies, curves=True)
    return ComparisonRun(_without_losses(compared), studies, command), draw.of_comparison(compared)


def _without_losses(comparison: Comparison) -> Comparison:
    """Let go of what only figures want: the losses of one comparison on the bowl are 58 MB."""
    contenders = tuple(
        replace(one, runs=tuple(replace(run, losses=None) for run in one.runs)) for one in comparison.contenders
    )
    return replace(comparison, contenders=contenders)
