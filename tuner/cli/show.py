"""What reads a database and prints: studies, show, table, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tuner.core import files
from tuner.core.errors import UsageError
from tuner.core.study import Outcome, StudyRecord
from tuner.results import exports
from tuner.results.analysis.comparison import Comparison, compare_runs
from tuner.results.analysis.summary import Summary, summarise_outcomes
from tuner.results.tables import comparison_table, listing, show, show_comparison, table
from tuner.results.tables.comparison_sheet import comparison_as_json
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.numbers import counted
from tuner.storage import Damaged, Store


def summaries(store: Store, studies: Sequence[StudyRecord]) -> list[Summary]:
    """Return a summary of each study."""
    return [_summary(store, study) for study in studies]


def _summary(store: Store, study: StudyRecord) -> Summary:
    def hyperparameters(run: Outcome) -> Mapping[str, float]:
        key = run.key
        return store.candidates(study.id, role=key.role, generation=key.generation, slot=key.slot)[0].hyperparameters

    return summarise_outcomes(study, store.outcomes(study.id), hyperparameters)


def comparisons(store: Store, studies: Sequence[StudyRecord], *, curves: bool = False) -> list[Comparison]:
    """Return what came of each comparison that these studies belong to, as far as they do.

    Args:
        store: Holds them.
        studies: Of comparisons.
        curves: Whether to read every loss as well, as figures want it.
    """
    runs: dict[str, list[StudyRecord]] = {}
    for study in studies:
        runs.setdefault(study.spec.run, []).append(study)
    return [
        compare_runs([(study, store.seed_runs(study.id, curves=curves)) for study in of_run])
        for of_run in runs.values()
    ]


def print_table(store: Store, studies: Sequence[StudyRecord], format: str) -> None:
    """Print the tuned table of some studies, and the tables of comparisons among them, to standard output."""
    click.echo(tables(store, studies, format))


def tables(store: Store, studies: Sequence[StudyRecord], format: str) -> str:
    """Return the tables of searches and of comparisons in one of their formats.

    Raises:
        UsageError: The format cannot hold both.
        ValueError: There is no such format.
    """
    searches = [study for study in studies if study.is_search]
    others = [study for study in studies if not study.is_search]
    if not others:
        return table.render(summaries(store, searches), format)
    compared = comparisons(store, others)
    if not searches:
        return comparison_table.render_comparisons(compared, format)
    check_format(format, table.FORMATS)
    if format == "csv":
        raise UsageError("--format csv is of searches or of comparisons, which have other columns: name the runs")
    if format == "json":
        tuned = [table.as_json(summary) for summary in summaries(store, searches)]
        return strict_json({"studies": tuned, "comparisons": [comparison_as_json(one) for one in compared]})
    parts = (table.render(summaries(store, searches), format), comparison_table.render_comparisons(compared, format))
    return "\n\n".join(parts)


def print_tables(database: str, names: Sequence[str], format: str) -> None:
    """Print the tuned table of the named studies and runs, or of all that there are.

    Raises:
        UsageError: The database has no study at all.
        StorageError: It cannot be read, or a name is unknown.
    """
    damaged: list[Damaged] = []
    with Store.open(database, read_only=True) as store:
        studies = [study for name in names for study in store.find(name)] if names else store.studies(damaged)
        if not studies and not damaged:
            raise UsageError(f"{store.url} holds no study yet")
        if studies:
            print_table(store, list({study.id: study for study in studies}.values()), format)
    _refuse(damaged)


def print_studies(database: str, format: str) -> None:
    """Print a line a study."""
    damaged: list[Damaged] = []
    with Store.open(database, read_only=True) as store:
        best = {}
        studies = store.studies(damaged)
        for study in [study for study in studies if study.is_search]:
            try:
                best[study.spec.name] = summaries(store, [study])[0].best
            except Damaged as error:
                damaged.append(error)
        known = {name: value for name, value in best.items() if value is not None}
        click.echo(listing.render_studies(studies, format, known))
    _refuse(damaged)


def _refuse(damaged: Sequence[Damaged]) -> None:
    """Raise what was left out, now that all else is printed."""
    if damaged:
        others = f" (and {counted(len(damaged) - 1, 'other')}: lodo-tune database check)" if len(damaged) > 1 else ""
        raise Damaged(f"{damaged[0]}{others}")


def print_study(database: str, name: str, format: str) -> None:
    """Print all that is recorded of a study, or of each study of a run, but for its curves."""
    with Store.open(database, read_only=True) as store:
        shown = [
            show.render_study(study, store.candidates(study.id), format)
            if study.is_search
            else show_comparison.render_study(study, store.seed_runs(study.id), format)
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
        text = exports.export(studies[0], format, summaries(store, studies)[0])
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        files.write(output, text, overwrite=overwrite)
