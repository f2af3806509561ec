"""Figures of what a database holds, drawn into a folder: `lodo-tune figures`, and what --output of a run writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from tuner.cli.show import comparisons
from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.folders import check_writable
from tuner.core.study import StudyRecord
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, rendered
from tuner.results.figures.saving import FORMATS
from tuner.results.tables.formats import check_format
from tuner.storage import Store


def drawn(store: Store, studies: Sequence[StudyRecord], formats: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each figure of one run that there is something to draw for.

    Args:
        store: Holds the run.
        studies: Of the run, all or some.
        formats: Endings of the names.
    """
    if studies[0].is_search:
        searches = [(study, store.candidates(study.id)) for study in studies]
        figures = [(kind.name, kind.draw(searches)) for kind in FIGURES_OF_SEARCH]
    else:
        (compared,) = comparisons(store, studies, curves=True)
        figures = [(kind.name, kind.draw(compared)) for kind in FIGURES_OF_COMPARISON]
    for name, figure in figures:
        if figure is not None:
            yield from ((f"{name}.{format}", rendered(figure, format)) for format in formats)


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
    check_writable("output", output)
    with Store.open(database, read_only=True) as store:
        studies = [study for name in names for study in store.find(name)] if names else store.studies()
        runs: dict[str, list[StudyRecord]] = {}
        for study in {study.id: study for study in studies}.values():
            runs.setdefault(study.spec.run, []).append(study)
        contents = {
            output / f"{run}-{name}": content
            for run, of_run in runs.items()
            for name, content in drawn(store, of_run, dict.fromkeys(formats))
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
