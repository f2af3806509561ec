"""A report's fairness ledger, and what did not finish."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tuner.core.study import CandidateRecord
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.failures import grouped_failures, place
from tuner.results.analysis.fairness import REACH, Effort, effort
from tuner.results.figures import Searches
from tuner.results.report.markup import Html, element, joined
from tuner.results.report.tables import sentences, table
from tuner.results.tables.grid import Grid
from tuner.results.tables.numbers import NOTHING, measured, number, one_line, seconds

PLACES = 4  # how many runs of a group of failures are named
MOST_GROUPS = 40  # of failures that are listed


def of_search(studies: Searches, costs: Html) -> Html:
    """Return what each optimizer of a search was given, what it cost, and what was found after how much of it.

    Args:
        studies: Of one run, each with all of its candidates.
        costs: The table of individuals, gradient evaluations and seconds.
    """
    efforts = [effort(study, candidates) for study, candidates in studies]
    rows = [
        [
            one.optimizer,
            str(one.dimensions),
            f"{one.volume:,.0f}" if one.volume >= 100 else number(one.volume, 3),
            _share(one),
            f"{one.attempts_lost:,}",
        ]
        for one in efforts
    ]
    header = ["optimizer", "hyperparameters", "volume", "best genes at a bound", "attempts lost"]
    words = [
        "A candidate that diverges stops, so that its optimizer spends fewer gradient evaluations than it was given. "
        "Seconds are of training, summed over candidates.",
        f"volume: of the box that the first generation reaches, {REACH:g} σ around the defaults and cut at the bounds; "
        "an edge of 1 is a factor of e. The same number of individuals has more room to search where it is larger. "
        "best genes at a bound: their share among the newest better half's; a large one says that the space ends too "
        "early. attempts lost: trainings whose worker was lost, and which were repeated.",
    ]
    space = table("The space that each searched", Grid(header, rows, left=(0, 3)))
    return joined(costs, space, sentences(words), _progress(efforts))


def of_comparison(comparison: Comparison) -> Html:
    """Return what the runs of each contender have cost."""
    rows = [
        [
            one.name,
            f"{sum(one.counts.values())} of {one.seeds}",
            f"{sum(run.candidate.steps_done for run in one.runs):,}",
            seconds(sum(run.candidate.seconds for run in one.runs)),
        ]
        for one in comparison.contenders
    ]
    header = [comparison.sweep or "optimizer", "runs", "gradient evaluations", "seconds of training"]
    return table("What each was given, and what it cost", Grid(header, rows))


def _share(one: Effort) -> str:
    if not one.genes:
        return NOTHING
    of = f": {', '.join(one.bounded)}" if one.bounded else ""
    return f"{100 * one.at_a_bound / one.genes:.0f} %{of}"


def _progress(efforts: Sequence[Effort]) -> Html:
    """Return the best so far after each generation, in blocks of those with one schedule."""
    parts = []
    for _, alike in itertools.groupby(efforts, key=lambda one: [(each.steps, each.planned) for each in one.milestones]):
        group = list(alike)
        schedule = group[0].milestones
        one_budget = len({each.steps for each in schedule}) == 1
        header = [f"{each.planned:,}" if one_budget else f"{each.planned:,} ({each.steps:,} each)" for each in schedule]
        rows = [[one.optimizer, *(measured(each.best) for each in one.milestones)] for one in group]
        of = f" ({schedule[0].steps:,} an individual)" if one_budget else ""
        title = f"Best fitness so far, by the gradient evaluations that the search was given{of}"
        parts.append(table(title, Grid(["optimizer", *header], rows)))
        if not one_budget:
            words = (
                "Fitnesses of different budgets do not compare: the best begins anew where the budget of each changes."
            )
            parts.append(sentences([words]))
    return joined(*parts)


def failures(groups: Sequence[tuple[str, Sequence[CandidateRecord]]]) -> Html:
    """Return what did not finish and why, with a traceback of each kind; nothing where all finished.

    Args:
        groups: Optimizers (or contenders), each with its runs.
    """
    found = [(name, group, runs) for name, runs in groups for group in grouped_failures(runs)]
    if not found:
        return element("p", "Every run finished.", class_="soft")
    rows = []
    tracebacks = []
    for name, group, runs in found[:MOST_GROUPS]:
        named = ", ".join(place(key) for key in group.keys[:PLACES])
        more = f" and {len(group.keys) - PLACES:,} more" if len(group.keys) > PLACES else ""
        rows.append([name, f"{len(group.keys):,}", group.status.value, one_line(group.reason), f"{named}{more}"])
        members = set(group.keys)
        error = next((run for run in runs if run.key in members and run.error), None)
        if error is not None and group.status is not Status.DIVERGED:
            summary = element("summary", f"traceback of {name}, {place(error.key)}: {one_line(group.reason)}")
            tracebacks.append(element("details", summary, element("pre", error.error)))
    left = len(found) - len(rows)
    return joined(
        table("What did not finish", Grid(["optimizer", "runs", "fate", "reason", "which"], rows, left=(0, 2, 3, 4)),
              prose=(3, 4)),
        *([element("p", f"{left:,} kinds more: lodo-tune show names them.", class_="soft")] if left > 0 else []),
        *tracebacks,
    )  # fmt: skip
