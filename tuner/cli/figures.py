"""`lodo-tune figures`: figures of what a database holds, drawn into a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from tuner.cli.output import check_output
from tuner.cli.show import by_run, comparisons, found
from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.study import StudyRecord
from tuner.results.analysis.comparison import Comparison
from tuner.results.figures import FORMATS, Searches, figure_files
from tuner.results.tables.formats import check_format
from tuner.storage import Store


def drawable(store: Store, studies: Sequence[StudyRecord]) -> Searches | Comparison:
    """Return what the figures of one run are drawn from."""
    if studies[0].is_search:
        return tuple((study, store.candidates(study.id)) for study in studies)
    (compared,) = comparisons(store, studies, curves=True)
    return compared


def run_figures(store: Store, studies: Sequence[StudyRecord], formats: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each figure of one run that has something to show."""
    return figure_files(drawable(store, studies), formats)


def draw(database: str, names: Sequence[str], output: Path, formats: Sequence[str], *, overwrite: bool) -> None:
    """Draw the named studies and runs, or all that there are, and print the names of the files.

    Nothing is written before everything is drawn.

    Raises:
        UsageError: The folder cannot be written to or holds such a file that may not be replaced, or there is nothing
            to draw.
        ValueError: There is no such format.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: A file could not be written after all.
    """
    for format in formats:
        check_format(format, FORMATS)
    check_output(output)
    with Store.open(database, read_only=True) as store:
        runs = by_run(found(store, names))
        contents = {
            output / f"{run}-{name}": content
            for run, studies in runs.items()
            for name, content in run_figures(store, studies, dict.fromkeys(formats))
        }
        if not contents:
            raise UsageError(f"{', '.join(runs) or store.url} holds nothing to draw yet")
    taken = [path for path in contents if path.exists()]
    if taken and not overwrite:
        raise UsageError(
            f"--output: {taken[0]} exists; name another folder, or say --force to replace {len(taken)} such files"
        )
    output.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        files.write(path, content, overwrite=overwrite)
        click.echo(path)
