"""`lodo-tune report`: one HTML file on the runs of a database, with their figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from tuner.cli import repeat
from tuner.cli.figures import drawable
from tuner.cli.show import by_run, found
from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.study import StudyRecord
from tuner.execution.resources import usable_cores
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import Picture, PictureDrawer, picture_drawer
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.storage import Store
from tuner.studies import machine


def report(database: str, names: Sequence[str], output: Path, *, force: bool) -> None:
    """Write a report on the named runs and studies, or on all.

    Raises:
        UsageError: There is no study, the file exists and may not be replaced, or its folder is missing.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: The file cannot be written; an existing file is unchanged.
    """
    check_file(output, force=force)
    write_report(database, names, output, overwrite=force)
    click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB", err=True)


def check_file(output: Path, *, force: bool) -> None:
    """Check the path of a file before the work on its content.

    Raises:
        UsageError: The file exists and may not be replaced, or its folder is missing.
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
        studies = found(store, names)
        if not studies:
            raise UsageError(f"{store.url} holds no study yet")
        searches = sum(study.is_search for study in studies)
        with picture_drawer(usable_cores(), searches) as drawer:
            begun = [_begun(store, of_run, drawer) for of_run in by_run(studies).values()]
            runs = [replace(run, pictures=wait()) for run, wait in begun]
        page = document(
            runs,
            source=store.url,
            version=machine.versions()["lodo-tune"],
            written_at=datetime.now(UTC).isoformat(),
        )
    files.write(output, page, overwrite=overwrite)


def _begun(
    store: Store, studies: Sequence[StudyRecord], drawer: PictureDrawer
) -> tuple[SearchRun | ComparisonRun, Callable[[], tuple[Picture, ...]]]:
    """Return a run without its figures, which are begun, and what waits for these."""
    command = repeat.command([study.spec for study in studies])
    of = drawable(store, studies)
    wait = drawer.draw(of)
    if isinstance(of, Comparison):
        return ComparisonRun(_without_losses(of), tuple(studies), command), wait
    return SearchRun(of, command), wait


def _without_losses(comparison: Comparison) -> Comparison:
    """Return a comparison without what only figures need: the losses of one on the bowl take 58 MB."""
    contenders = tuple(
        replace(one, runs=tuple(replace(run, losses=None) for run in one.runs)) for one in comparison.contenders
    )
    return replace(comparison, contenders=contenders)
