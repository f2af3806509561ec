"""The tuned table of searches on several tasks: a row per optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tuner.core.text import one_line
from tuner.results.analysis.mean_rank import mean_ranks
from tuner.results.analysis.summary import FreshRuns, Summary
from tuner.results.tables.numbers import NOTHING, counted, mean_or_exact, measured
from tuner.results.tables.points import share
from tuner.results.tables.text_table import TextTable

COLUMNS: Mapping[str, Callable[[Summary, float | None], Any]] = MappingProxyType(
    {
        "default_score": lambda s, _: s.default.mean,
        "searched_score": lambda s, _: s.searched,
        "tuned_score": lambda s, _: s.tuned.mean,
        "improvement": lambda s, _: s.improvement,
        "overall_verdict": lambda s, _: s.verdict.value,
        "mean_rank": lambda _, rank: rank,
    }
)
"""Columns of the CSV and of the data frame that are of all tasks together; see `search.COLUMNS`."""


def overall(group: Sequence[Summary]) -> TextTable:
    """Return the table with a row per optimizer.

    Args:
        group: Summaries of searches on the same tasks.
    """
    ranks = mean_ranks(group)
    rows = [
        [
            s.optimizer,
            *(f"{_mean(part.default)} → {_mean(part.tuned)}" for part in s.parts),
            improvement(s),
            measured(rank, 3),
            s.verdict.value,
        ]
        for s, rank in zip(group, ranks, strict=True)
    ]
    labels = [one_line(part.task_label) for part in group[0].parts]
    header = ["optimizer", *labels, "improvement", "mean rank", "verdict"]
    seeds = group[0].tuned.seeds
    fresh = f"; means over {seeds} {'searches' if group[0].searches else 'fresh seeds'}" if seeds else ""
    title = f"Default → tuned on {counted(len(labels), 'task')}{fresh}"
    return TextTable(header, rows, left=(0, len(header) - 1), title=title)


def improvement(summary: Summary) -> str:
    """Return the gain over all tasks: a factor with that of its spread, or a difference where it is not a factor."""
    gain = summary.gain
    if summary.improvement is None:
        return mean_or_exact(gain.mean, gain.spread)
    factor = f"{measured(summary.improvement, 3)} ×"
    if gain.spread == 0:
        return f"{factor} exact"
    return factor if gain.spread is None else f"{factor}/÷ {measured(math.exp(min(gain.spread, 700.0)), 3)}"


def legend(group: Sequence[Summary]) -> list[str]:
    """Return the paragraphs that explain the table."""
    first = group[0]
    if first.is_geometric_mean:
        score = "the geometric mean of its fitnesses on the tasks"
        unit = "the geometric mean over tasks and fresh seeds of default divided by tuned, and the factor of one"
        unit += " standard deviation"
    else:
        score = (
            "the exponential of the mean over the tasks of log fitness, or of (fitness - median) / interquartile range"
            " of the first generation where fitnesses are not positive or the greatest value is best"
        )
        unit = "the difference of default and tuned in these means, ± over the fresh seeds"
    return [
        f"The search minimised the score of a candidate: {score}.",
        f"improvement: {unit}; the verdict is on its logarithm. mean rank: of the tuned points of these optimizers on"
        " each task, 1 the best."
        if first.is_geometric_mean
        else f"improvement: {unit}. mean rank: of the tuned points of these optimizers on each task, 1 the best.",
    ]


def as_json(summary: Summary, rank: float | None, part_json: Callable[[Summary], dict[str, Any]]) -> dict[str, Any]:
    """Return what the JSON of a search on several tasks has beside that of a search on one.

    Args:
        summary: The summary.
        rank: Its mean rank.
        part_json: Returns the JSON of a search on one task.
    """
    kept = ("task", "objective", "steps", "fitness")
    return {
        "tasks": [{name: value for name, value in part_json(part).items() if name in kept} for part in summary.parts],
        "improvement": summary.improvement,
        "mean_rank": rank,
    }


def _mean(runs: FreshRuns) -> str:
    return NOTHING if runs.mean is None else measured(runs.mean) + share(runs)
