"""Contents of an open database, as values for tables, figures and reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tuner.api.finding import by_run
from tuner.core.errors import InvalidRequest
from tuner.core.study import CandidateRecord, Outcome, StudyRecord
from tuner.results.analysis.by_budget import by_budget
from tuner.results.analysis.comparison import Comparison, compare_runs
from tuner.results.analysis.generations import Searches
from tuner.results.analysis.margins import Margin, judged
from tuner.results.analysis.profile import profile
from tuner.results.analysis.several_tasks import whole
from tuner.results.analysis.summary import Summary, summarise, summarise_in_detail, summarise_outcomes
from tuner.results.tables.table import Table
from tuner.storage import Store


def candidates_of(store: Store, record: StudyRecord) -> list[CandidateRecord]:
    """Return the candidates of a study, with their fitnesses by all objectives."""
    candidates = store.candidates(record.id)
    if not record.spec.workload.objective.further:
        return candidates
    further = store.further_fitnesses(record.id)
    return [replace(one, further=further.get(one.key, ())) for one in candidates]


def summary_of(store: Store, record: StudyRecord) -> Summary:
    """Return the summary of a search."""

    def hyperparameters(run: Outcome) -> Mapping[str, Any]:
        key = run.key
        (candidate,) = store.candidates(record.id, role=key.role, generation=key.generation, slot=key.slot)
        return candidate.hyperparameters

    if record.spec.workload.objective.further:
        return summarise(record, candidates_of(store, record))
    return summarise_outcomes(record, store.outcomes(record.id), hyperparameters)


def detailed_summary_of(store: Store, record: StudyRecord) -> Summary:
    """Return the summary of a search, with the tolerance of each hyperparameter."""
    return summarise_in_detail(record, candidates_of(store, record))


def comparisons_of(
    store: Store, records: Iterable[StudyRecord], *, curves: bool = False, margin: Margin | None = None
) -> tuple[Comparison, ...]:
    """Return the comparisons to which some studies belong, with these studies alone.

    Args:
        store: Open database.
        records: Studies of comparisons.
        curves: Whether to read every loss as well, which figures need. Default False.
        margin: The smallest distance from the best that matters. Default: that of `tuner.results.analysis.behind`.
    """
    return tuple(
        compare_runs([(record, store.seed_runs(record.id, curves=curves)) for record in members], margin)
        for members in by_run(records).values()
    )


def chosen_table(
    store: Store,
    records: Sequence[StudyRecord],
    *,
    details: bool = False,
    by_budget: bool,
    profile: bool,
    margin: Margin | None = None,
) -> Table:
    """Return the table of some studies, that of the searches by budget, or the performance profiles of the comparisons.

    Raises:
        InvalidRequest: Two of these are asked for, or no study is of the kind that is needed.
    """
    chosen = [name for name, is_wanted in (("by_budget", by_budget), ("profile", profile)) if is_wanted]
    chosen += ["details"] if details else []
    chosen += [] if margin is None or details else ["margin"]
    if len(chosen) > 1:
        raise InvalidRequest(chosen[1], f"and {{{chosen[0]}}} exclude each other")
    if by_budget or profile:
        return (table_by_budget if by_budget else table_of_profiles)(store, records)
    return table_of(store, records, details=details, margin=margin)


def table_of(
    store: Store, records: Sequence[StudyRecord], *, details: bool = False, margin: Margin | None = None
) -> Table:
    """Return the table of some searches and comparisons; with `details`, that of searches has further tables.

    Args:
        store: Open database.
        records: Studies of any kind.
        details: Whether searches have further tables. Default False.
        margin: The smallest gain, or distance from the best, that matters. Default: that of `tuner.results.analysis`.
    """
    summary = detailed_summary_of if details else summary_of
    return Table(
        judged([summary(store, record) for record in records if record.is_search], margin),
        comparisons_of(store, (record for record in records if not record.is_search), margin=margin),
    )


def table_by_budget(store: Store, records: Sequence[StudyRecord]) -> Table:
    """Return the table of the quality of the searches among some studies by their budget.

    Raises:
        InvalidRequest: All of them are of comparisons.
    """
    searches = [record for record in records if record.is_search]
    if records and not searches:
        raise InvalidRequest("by_budget", f"takes searches. Received: {', '.join(by_run(records))}, a comparison")
    return Table(by_budget=by_budget(whole(record, store.outcomes(record.id)) for record in searches))


def table_of_profiles(store: Store, records: Sequence[StudyRecord]) -> Table:
    """Return the table of the performance profiles of the comparisons among some studies.

    Raises:
        InvalidRequest: All of them are searches, or see `profile`.
    """
    comparisons = [record for record in records if not record.is_search]
    if records and not comparisons:
        raise InvalidRequest("profile", f"takes comparisons. Received: {', '.join(by_run(records))}, a search")
    return Table(profile=profile(comparisons_of(store, comparisons)) if comparisons else None)


def drawable(store: Store, records: Sequence[StudyRecord]) -> Searches | Comparison:
    """Return the values from which the figures of one run are drawn."""
    if records[0].is_search:
        return tuple((record, candidates_of(store, record)) for record in records)
    (comparison,) = comparisons_of(store, records, curves=True)
    return comparison
