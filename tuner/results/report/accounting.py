"""The fairness ledger of a report, and the runs that did not finish."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.study import CandidateRecord
from tuner.core.text import one_line
from tuner.core.trial import Status
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.failures import grouped_failures, named_runs, run_label
from tuner.results.analysis.fairness import REACH, Effort, effort
from tuner.results.figures import Searches
from tuner.results.tables.numbers import NOTHING, measured, number, seconds
from tuner.results.tables.text_table import TextTable

MAX_GROUPS = 40  # groups of failures that are listed

Ledger = Sequence[TextTable | str]  # tables, and paragraphs that explain the table above


def search_ledger(studies: Searches, costs: Sequence[TextTable]) -> Ledger:
    """Return what each optimizer of a search was given, its cost, and its best fitness over the budget.

    Args:
        studies: Of one run, each with all of its candidates.
        costs: Tables of individuals, gradient evaluations and seconds.
    """
    efforts = [effort(study, candidates) for study, candidates in studies]
    rows = [
        [
            one.optimizer,
            str(one.dimensions),
            number(one.volume, 3) if one.volume is None or one.volume < 100 else f"{one.volume:,.0f}",
            _share(one),
            f"{one.attempts_lost:,}",
        ]
        for one in efforts
    ]
    header = ["optimizer", "hyperparameters", "volume", "best genes at a bound", "attempts lost"]
    return [
        *costs,
        TextTable(header, rows, left=(0, 3), title="Search spaces"),
        "A candidate that diverges stops, so its optimizer spends fewer gradient evaluations than it was given. "
        "Seconds are training time, summed over candidates.",
        f"volume: of the box within {REACH:g} σ of the defaults, cut at the bounds, in which the first generation is "
        "drawn; an edge of 1 is a factor of e. In a larger volume the same number of individuals is less dense. best "
        "genes at a bound: their share in the better half of the last generation; a large share means that the search "
        "space is too small. attempts lost: attempts that were repeated because their worker was lost.",
        *_progress(efforts),
    ]


def comparison_ledger(comparison: Comparison) -> Ledger:
    """Return the cost of the runs of each contender."""
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
    return [TextTable(header, rows, title="Runs and their cost")]


def _share(one: Effort) -> str:
    if not one.genes:
        return NOTHING
    of = f": {', '.join(one.bounded)}" if one.bounded else ""
    return f"{100 * one.at_a_bound / one.genes:.0f} %{of}"


def _progress(efforts: Sequence[Effort]) -> Ledger:
    """Return the best so far after each generation, one table per schedule."""
    parts: list[TextTable | str] = []
    for _, alike in itertools.groupby(efforts, key=lambda one: [(each.steps, each.planned) for each in one.milestones]):
        group = list(alike)
        schedule = group[0].milestones
        one_budget = len({each.steps for each in schedule}) == 1
        header = [f"{each.planned:,}" if one_budget else f"{each.planned:,} ({each.steps:,} each)" for each in schedule]
        rows = [[one.optimizer, *(measured(each.best) for each in one.milestones)] for one in group]
        of = f" ({schedule[0].steps:,} per individual)" if one_budget else ""
        title = f"Best fitness so far, by gradient evaluations given to the search{of}"
        parts.append(TextTable(["optimizer", *header], rows, title=title))
        if not one_budget:
            parts.append(
                "Fitnesses of different budgets are not comparable: the best starts anew where the budget changes."
            )
    return parts


@dataclass(frozen=True, slots=True)
class Failures:
    """What did not finish of a run, and why."""

    table: TextTable | None  # one row per group of failures; None where every run finished
    more: str  # a sentence on groups that the table leaves out; "" if none
    tracebacks: Sequence[tuple[str, str]]  # summary and traceback, one per group that has any


def failures(groups: Sequence[tuple[str, Sequence[CandidateRecord]]]) -> Failures:
    """Return what did not finish, with a traceback of each group.

    Args:
        groups: Optimizers or contenders, each with its runs.
    """
    found = [(name, group, runs) for name, runs in groups for group in grouped_failures(runs)]
    rows, tracebacks = [], []
    for name, group, runs in found[:MAX_GROUPS]:
        reason, members = one_line(group.reason), set(group.keys)
        rows.append([name, f"{len(group.keys):,}", group.status.value, reason, named_runs(group.keys)])
        error = next((run for run in runs if run.key in members and run.error), None)
        if error is not None and group.status is not Status.DIVERGED:
            tracebacks.append((f"traceback of {name}, {run_label(error.key)}: {reason}", error.error))
    left = len(found) - len(rows)
    header = ["optimizer", "runs", "status", "reason", "examples"]
    table = TextTable(header, rows, left=(0, 2, 3, 4), wrapped=(3, 4), title="Runs that did not finish")
    return Failures(
        table if rows else None, f"{left:,} more groups of failures: see lodo-tune show." if left else "", tracebacks
    )
