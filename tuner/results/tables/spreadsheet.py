"""The tuned table for a spreadsheet: one row a hyperparameter, the study's own columns repeated in each.

So every number is a cell of its own, and the columns are the same for every optimizer, however many hyperparameters
it has. Full precision; spreads are sample standard deviations over fresh seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tuner.results.analysis.summary import Hyperparameter, Summary
from tuner.results.tables.formats import strict_csv

COLUMNS: Mapping[str, Callable[[Summary, Hyperparameter], Any]] = MappingProxyType(
    {
        "study": lambda s, _: s.study,
        "task": lambda s, _: s.task,
        "optimizer": lambda s, _: s.optimizer,
        "hyperparameter": lambda _, row: row.name,
        "scale": lambda _, row: row.scale.value,
        "default": lambda _, row: row.default,
        "tuned": lambda _, row: row.tuned,
        "default_fitness": lambda s, _: s.default.mean,
        "default_spread": lambda s, _: s.default.spread,
        "default_finished": lambda s, _: s.default.finished,
        "default_diverged": lambda s, _: s.default.diverged,
        "searched_fitness": lambda s, _: s.searched,
        "tuned_fitness": lambda s, _: s.tuned.mean,
        "tuned_spread": lambda s, _: s.tuned.spread,
        "tuned_finished": lambda s, _: s.tuned.finished,
        "tuned_diverged": lambda s, _: s.tuned.diverged,
        "gain": lambda s, _: s.gain.mean,
        "gain_spread": lambda s, _: s.gain.spread,
        "fresh_seeds": lambda s, _: s.tuned.seeds,
        "verdict": lambda s, _: s.verdict.value,
        "status": lambda s, _: s.status,
        "strategy": lambda s, _: s.strategy,
        "seed": lambda s, _: s.seed,
        "generations": lambda s, _: s.generations,
        "population": lambda s, _: s.population,
        "steps": lambda s, _: s.steps,
        "finished": lambda s, _: s.counts.finished,
        "diverged": lambda s, _: s.counts.diverged,
        "failed": lambda s, _: s.counts.failed,
        "timed_out": lambda s, _: s.counts.timed_out,
        "individuals": lambda s, _: s.counts.total,
        "search_evaluations": lambda s, _: s.search_cost.evaluations,
        "search_seconds": lambda s, _: s.search_cost.seconds,
        "fresh_evaluations": lambda s, _: s.fresh_cost.evaluations,
        "fresh_seconds": lambda s, _: s.fresh_cost.seconds,
    }
)


def as_csv(summaries: Sequence[Summary]) -> str:
    """Return the table as CSV with a header, without a line end after the last row."""
    rows = [[column(s, row) for column in COLUMNS.values()] for s in summaries for row in s.hyperparameters]
    return strict_csv(tuple(COLUMNS), rows)
