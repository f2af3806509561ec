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
    """Return the effort and the cost of each optimizer of a search, and its best fitness by budget.

    Args:
        studies: Studies of one run, each with all of its candidates.
        costs: Tables of individuals, gradient evaluations and seconds.
    """
    efforts = [effort(study, candidates) for study, candidates in studies]
    rows = [
        [
            each.optimizer,
            str(each.dimensions),
            number(each.volume, 3) if each.volume is None or each.volume < 100 else f"{each.volume:,.0f}",
            _genes_at_a_bound(each),
            f"{each.attempts_lost:,}",
        ]
        for each in efforts
    ]
    header = ["optimizer", "hyperparameters", "volume", "best values at a bound", "attempts lost"]
    return [
        *costs,
        TextTable(header, rows, left=(0, 3), title="Search spaces"),
        "A candidate that diverges stops, so that its optimizer spends fewer gradient evaluations than its budget. "
        "Seconds are training time, summed over candidates.",
        f"volume: of the box within {REACH:g} σ of the defaults, cut at the bounds, in which the first generation is "
        "drawn; an edge of 1 is a factor of e. In a larger volume the same number of individuals is less dense. best "
        "values at a bound: their share in the better half of the last generation; a large share means that the search "
        "space is too small. attempts lost: attempts that were repeated because their worker was lost.",
        *_progress(efforts),
    ]


def comparison_ledger(comparison: Comparison) -> Ledger:
    """Return the cost of the runs of each contender."""
    rows = [
        [
            contender.name,
            f"{sum(contender.counts.values())} of {contender.seeds}",
            f"{sum(run.candidate.steps_done for run in contender.runs):,}",
            seconds(sum(run.candidate.seconds for run in contender.runs)),
        ]
        for contender in comparison.contenders
    ]
    header = [comparison.sweep or "optimizer", "runs", "gradient evaluations", "seconds of training"]
    return [TextTable(header, rows, title="Runs and their cost")]


def _genes_at_a_bound(result: Effort) -> str:
    if not result.genes:
        return NOTHING
    names = f": {', '.join(result.bounded)}" if result.bounded else ""
    return f"{100 * result.at_a_bound / result.genes:.0f} %{names}"


def _progress(efforts: Sequence[Effort]) -> Ledger:
    """Return the best fitness so far after each generation, one table per schedule."""
    parts: list[TextTable | str] = []
    for _, members in itertools.groupby(
        efforts, key=lambda result: [(milestone.steps, milestone.planned) for milestone in result.milestones]
    ):
        group = list(members)
        schedule = group[0].milestones
        one_budget = len({each.steps for each in schedule}) == 1
        header = [f"{each.planned:,}" if one_budget else f"{each.planned:,} ({each.steps:,} each)" for each in schedule]
        rows = [[result.optimizer, *(measured(each.best) for each in result.milestones)] for result in group]
        budget = f" ({schedule[0].steps:,} per individual)" if one_budget else ""
        objective = group[0].objective
        best = "Best fitness" if objective.is_default else f"Best value so far of {objective.text}"
        best = f"{best} so far" if objective.is_default else f"{best} ({objective.better} is better)"
        title = f"{best}, by gradient evaluations of the schedule{budget}"
        parts.append(TextTable(["optimizer", *header], rows, title=title))
        if not one_budget:
            parts.append(
                "Fitnesses of different budgets are not comparable: the best fitness is reset where the budget changes."
            )
    return parts


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs that did not finish, and the reasons."""

    table: TextTable | None  # one row per group of failures; None if every run finished
    more: str  # a sentence on groups that the table leaves out; "" if none
    tracebacks: Sequence[tuple[str, str]]  # summary and traceback, one per group that has any


def failures(groups: Sequence[tuple[str, Sequence[CandidateRecord]]]) -> Failures:
    """Return the runs that did not finish, with one traceback per group of failures.

    Args:
        groups: Names of optimizers or contenders, each with its runs.
    """
    grouped = [(name, group, runs) for name, runs in groups for group in grouped_failures(runs)]
    rows, tracebacks = [], []
    for name, group, runs in grouped[:MAX_GROUPS]:
        reason, members = one_line(group.reason), set(group.keys)
        rows.append([name, f"{len(group.keys):,}", group.status.value, reason, named_runs(group.keys)])
        error = next((run for run in runs if run.key in members and run.error), None)
        if error is not None and group.status is not Status.DIVERGED:
            tracebacks.append((f"traceback of {name}, {run_label(error.key)}: {reason}", error.error))
    left = len(grouped) - len(rows)
    header = ["optimizer", "runs", "status", "reason", "examples"]
    table = TextTable(header, rows, left=(0, 2, 3, 4), wrapped=(3, 4), title="Runs that did not finish")
    return Failures(
        table if rows else None, f"{left:,} more groups of failures; see lodo-tune show." if left else "", tracebacks
    )
