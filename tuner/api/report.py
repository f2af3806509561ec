"""An HTML page on runs: tables, figures, failures and costs, in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tuner.api.database import Database
from tuner.api.reading import by_run, drawable, find
from tuner.core import files
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord, StudySpec
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import Picture, PictureDrawer, picture_drawer
from tuner.results.report import ComparisonRun, SearchRun, document
from tuner.storage import Store
from tuner.studies import machine

Command = Callable[[Sequence[StudySpec]], str]
"""Returns what repeats a run, for people."""


def write_report(
    database: Database,
    names: Sequence[str],
    path: Path,
    *,
    overwrite: bool = False,
    command: Command = lambda specs: "",
    processes: int = 1,
) -> None:
    """Write a report of the named runs and studies, or of all.

    Args:
        database: Is only read.
        names: Of runs and studies.
        path: The file.
        overwrite: Whether it may replace one that is there.
        command: What repeats a run, shown in its section; nothing is shown for "".
        processes: How many may be started to draw figures; with more than one, a script needs a guard.

    Raises:
        InvalidRequest: The file is there and may not be replaced, its folder is missing, or there is no study.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: The file cannot be written; what was there before is untouched.
    """
    _check_file(path, overwrite=overwrite)
    with database.reading() as store:
        records = find(store, names)
        searches = sum(record.is_search for record in records)
        with picture_drawer(processes, searches) as drawer:
            begun = [_begin(store, of_run, drawer, command) for of_run in by_run(records).values()]
            runs = [replace(run, pictures=wait()) for run, wait in begun]
        page = document(
            runs,
            source=store.url,
            version=machine.versions()["lodo-tune"],
            written_at=datetime.now(UTC).isoformat(),
        )
    files.write(path, page, overwrite=overwrite)


def _check_file(path: Path, *, overwrite: bool) -> None:
    """Check the place of a file before the work on its content."""
    if path.is_dir():
        raise InvalidRequest("output", f"is a file, such as report.html. Received: the folder {path}")
    if path.exists() and not overwrite:
        raise InvalidRequest("output", f": {path} is there already; name another file, or give {{force}} to replace it")
    if not path.absolute().parent.is_dir():
        raise InvalidRequest("output", f": there is no folder {path.absolute().parent}")


def _begin(
    store: Store, records: Sequence[StudyRecord], drawer: PictureDrawer, command: Command
) -> tuple[SearchRun | ComparisonRun, Callable[[], tuple[Picture, ...]]]:
    """Return a run without its figures, which are begun, and what waits for these."""
    repeat = command([record.spec for record in records])
    of = drawable(store, records)
    wait = drawer.draw(of)
    if isinstance(of, Comparison):
        return ComparisonRun(_without_losses(of), tuple(records), repeat), wait
    return SearchRun(of, repeat), wait


def _without_losses(comparison: Comparison) -> Comparison:
    """Return a comparison without what only figures need: the losses of one on the bowl take 58 MB."""
    contenders = tuple(
        replace(one, runs=tuple(replace(run, losses=None) for run in one.runs)) for one in comparison.contenders
    )
    return replace(comparison, contenders=contenders)
