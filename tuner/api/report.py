"""An HTML page on runs: tables, figures, failures and costs, in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tuner.api.database import Database
from tuner.api.finding import by_run, find
from tuner.api.reading import drawable
from tuner.core import files
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord, StudySpec
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.margins import Margin
from tuner.results.figures import Picture, PictureDrawer, picture_drawer
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.storage import Store
from tuner.studies import machine

Command = Callable[[Sequence[StudySpec]], str]
"""Returns the command that repeats a run, from the specifications of its studies."""


def write_report(
    database: Database,
    names: Sequence[str],
    path: Path,
    *,
    overwrite: bool = False,
    margin: str | float | None = None,
    command: Command = lambda specs: "",
    processes: int = 1,
) -> None:
    """Write a report of the named runs and studies, or of all.

    Args:
        database: The database, which is only read.
        names: Names of runs and studies.
        path: The file.
        overwrite: Whether to replace an existing file. Default False.
        margin: The smallest gain that matters, see `Database.table`.
        command: Returns the command that repeats a run, which is shown in its section. Default: none is shown.
        processes: Number of processes that draw figures. With more than 1, a script must guard its main module.
            Default 1.

    Raises:
        InvalidRequest: The file exists and may not be replaced, its folder is missing, there is no study,
            or the margin is not one.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: The file cannot be written; an existing file is unchanged.
    """
    smallest = None if margin is None else Margin.parse(margin)
    check_report_file(path, overwrite=overwrite)
    with database.reading() as store:
        records = find(store, names)
        searches = sum(record.is_search for record in records)
        with picture_drawer(processes, searches) as drawer:
            started = [_start(store, members, drawer, command) for members in by_run(records).values()]
            runs = [replace(run, pictures=wait()) for run, wait in started]
        page = document(
            runs,
            source=store.url,
            version=machine.versions()["lodo-tune"],
            written_at=datetime.now(UTC).isoformat(),
            margin=smallest,
        )
    files.write(path, page, overwrite=overwrite)


def check_report_file(path: Path, *, overwrite: bool) -> None:
    """Check that a report can be written to a file, before its content is made.

    Raises:
        InvalidRequest: The file exists and may not be replaced, or its folder is missing.
    """
    if path.is_dir():
        raise InvalidRequest("output", f"is a file, such as report.html. Received: the folder {path}")
    if path.exists() and not overwrite:
        raise InvalidRequest("output", f": {path} exists; name another file, or give {{force}} to replace it")
    if not path.absolute().parent.is_dir():
        raise InvalidRequest("output", f": there is no folder {path.absolute().parent}")


def _start(
    store: Store, records: Sequence[StudyRecord], drawer: PictureDrawer, command: Command
) -> tuple[SearchRun | ComparisonRun, Callable[[], tuple[Picture, ...]]]:
    """Start to draw the figures of a run; return the run without them, and a function that waits for them."""
    repeat = command([record.spec for record in records])
    results = drawable(store, records)
    wait = drawer.draw(results)
    if isinstance(results, Comparison):
        return ComparisonRun(_without_losses(results), tuple(records), repeat), wait
    return SearchRun(results, repeat), wait


def _without_losses(comparison: Comparison) -> Comparison:
    """Return a comparison without its losses, which only figures need: those of one on the bowl take 58 MB."""
    contenders = tuple(
        replace(contender, runs=tuple(replace(run, losses=None) for run in contender.runs))
        for contender in comparison.contenders
    )
    return replace(comparison, contenders=contenders)
