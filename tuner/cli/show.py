"""Verbs that read a database and print: studies, show, table, export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.study import Outcome, StudyRecord
from tuner.results import exports
from tuner.results.analysis.comparison import Comparison, compare_runs
from tuner.results.analysis.summary import Summary, summarise_outcomes
from tuner.results.tables import listing, show
from tuner.results.tables.numbers import counted
from tuner.results.tables.table import Table
from tuner.storage import Damaged, Store


def found(store: Store, names: Sequence[str], damaged: list[Damaged] | None = None) -> list[StudyRecord]:
    """Return the named studies and those of the named runs, each once; without a name, all that there are.

    Args:
        store: Holds them.
        names: Of studies and runs.
        damaged: Collects what cannot be read where no name is given. Default: it is raised.
    """
    studies = [study for name in names for study in store.find(name)] if names else store.studies(damaged)
    return list({study.id: study for study in studies}.values())


def by_run(studies: Iterable[StudyRecord]) -> dict[str, list[StudyRecord]]:
    """Return studies by the name of their run."""
    runs: dict[str, list[StudyRecord]] = {}
    for study in studies:
        runs.setdefault(study.spec.run, []).append(study)
    return runs


def summaries(store: Store, studies: Iterable[StudyRecord]) -> list[Summary]:
    """Return a summary of each study."""
    return [_summary(store, study) for study in studies]


def _summary(store: Store, study: StudyRecord) -> Summary:
    def hyperparameters(run: Outcome) -> Mapping[str, float]:
        key = run.key
        return store.candidates(study.id, role=key.role, generation=key.generation, slot=key.slot)[0].hyperparameters

    return summarise_outcomes(study, store.outcomes(study.id), hyperparameters)


def comparisons(store: Store, studies: Iterable[StudyRecord], *, curves: bool = False) -> list[Comparison]:
    """Return the comparisons that some studies belong to, as far as these studies go.

    Args:
        store: Holds them.
        studies: Of comparisons.
        curves: Whether to read every loss as well, which figures need. Default False.
    """
    return [
        compare_runs([(study, store.seed_runs(study.id, curves=curves)) for study in of_run])
        for of_run in by_run(studies).values()
    ]


def table(store: Store, studies: Sequence[StudyRecord]) -> Table:
    """Return the table of some searches and comparisons."""
    return Table(
        tuple(summaries(store, (study for study in studies if study.is_search))),
        tuple(comparisons(store, (study for study in studies if not study.is_search))),
    )


def print_table(store: Store, studies: Sequence[StudyRecord], format: str) -> None:
    """Print the table of some studies to standard output."""
    click.echo(table(store, studies).to_format(format))


def print_tables(database: str, names: Sequence[str], format: str) -> None:
    """Print the table of the named studies and runs, or of all that there are.

    Raises:
        UsageError: The database has no study at all.
        InvalidRequest: The format cannot hold both searches and comparisons.
        ValueError: There is no such format.
        StorageError: The database cannot be read, or a name is unknown.
    """
    damaged: list[Damaged] = []
    with Store.open(database, read_only=True) as store:
        studies = found(store, names, damaged)
        if not studies and not damaged:
            raise UsageError(f"{store.url} holds no study yet")
        if studies:
            print_table(store, studies, format)
    _raise_first(damaged)


def print_studies(database: str, format: str) -> None:
    """Print one line per study."""
    damaged: list[Damaged] = []
    with Store.open(database, read_only=True) as store:
        best = {}
        studies = store.studies(damaged)
        for study in [study for study in studies if study.is_search]:
            try:
                best[study.spec.name] = _summary(store, study).best
            except Damaged as error:
                damaged.append(error)
        known = {name: value for name, value in best.items() if value is not None}
        click.echo(listing.render_studies(studies, format, known))
    _raise_first(damaged)


def _raise_first(damaged: Sequence[Damaged]) -> None:
    """Raise an error for what was left out, now that everything else is printed."""
    if damaged:
        others = f" (and {counted(len(damaged) - 1, 'other')}: lodo-tune database check)" if len(damaged) > 1 else ""
        raise Damaged(f"{damaged[0]}{others}")


def print_study(database: str, name: str, format: str) -> None:
    """Print what is recorded of a study, or of each study of a run, candidates and curves left out."""
    with Store.open(database, read_only=True) as store:
        shown = [
            show.render_search(study, store.candidates(study.id), format)
            if study.is_search
            else show.render_comparison(study, store.seed_runs(study.id), format)
            for study in store.find(name)
        ]
    if format == "json" and len(shown) > 1:
        click.echo(f"[{', '.join(shown)}]")
    else:
        click.echo("\n\n".join(shown))


def export(database: str, name: str, format: str, output: Path | None, *, overwrite: bool) -> None:
    """Print a study's tuned configuration, or write it to a file.

    Raises:
        UsageError: The name is a run of several studies.
    """
    with Store.open(database, read_only=True) as store:
        studies = store.find(name)
        if len(studies) != 1:
            raise UsageError(f"{name} is a run; export one of {', '.join(study.spec.name for study in studies)}")
        if not studies[0].is_search:
            raise UsageError(f"{name} is a comparison, with hyperparameters {studies[0].comparison.source}")
        text = exports.export(studies[0], format, _summary(store, studies[0]))
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        files.write(output, text, overwrite=overwrite)
