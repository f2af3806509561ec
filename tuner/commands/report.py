"""`lodo-tune report`: reads a database, draws its figures, and writes one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from tuner.commands import machine, repeat
from tuner.commands.show import comparisons
from tuner.commands.usage import UsageError
from tuner.records import StudyRecord
from tuner.results import files
from tuner.results.comparison import Comparison
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, Kind, rendered
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.results.report.runs import Picture
from tuner.storage import Store

WIDE = 7.0  # inches, from which a figure is too much for a telephone's width

Of = TypeVar("Of")


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
        found = [_run(store, tuple(of_run.values())) for of_run in runs.values()]
        page = document(
            found,
            source=store.url,
            version=machine.versions()["lodo-tune"],
            written_at=datetime.now(UTC).isoformat(),
        )
    files.write(output, page, overwrite=overwrite)


def _run(store: Store, studies: tuple[StudyRecord, ...]) -> SearchRun | ComparisonRun:
    command = repeat.command([study.spec for study in studies])
    if studies[0].spec.comparison is None:
        searches = tuple((study, store.candidates(study.id)) for study in studies)
        return SearchRun(searches, command, _pictures(FIGURES_OF_SEARCH, searches))
    (compared,) = comparisons(store, studies, curves=True)
    pictures = _pictures(FIGURES_OF_COMPARISON, compared)
    return ComparisonRun(_without_losses(compared), studies, command, pictures)


def _pictures(kinds: Sequence[Kind[Of]], of: Of) -> tuple[Picture, ...]:
    found = []
    for kind in kinds:
        figure = kind.draw(of)
        if figure is not None:
            wide = figure.get_figwidth() > WIDE
            found.append(Picture(kind.title, kind.caption, rendered(figure, "svg"), wide))
    return tuple(found)


def _without_losses(comparison: Comparison) -> Comparison:
    """Let go of what only figures want: the losses of one comparison on the bowl are 58 MB."""
    contenders = tuple(
        replace(one, runs=tuple(replace(run, losses=None) for run in one.runs)) for one in comparison.contenders
    )
    return replace(comparison, contenders=contenders)
