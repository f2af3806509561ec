"""The table of quality by tuning budget: a section of text, JSON and CSV."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tuner.core.text import one_line
from tuner.results.analysis.by_budget import BudgetLine, BudgetPoint, ByBudget, Method
from tuner.results.tables.numbers import NOTHING, counted, mean_and_spread, measured, number
from tuner.results.tables.section import Section
from tuner.results.tables.text_table import TextTable

# fmt: off
_COLUMNS = (
    "task", "steps", "optimizer", "strategy", "method", "studies", "candidates", "evaluations", "searches", "mean",
    "spread", "median", "low", "high", "none_finished", "objective",
)
# fmt: on
_LEGEND = {
    Method.SUBSETS: (
        "n random: the best of k candidates out of the n that are recorded, as mean ± standard deviation between "
        "searches of k; exact over all subsets. Where k is more than half of n, nothing is known of the spread."
    ),
    Method.SEARCHES: "n × strategy: the best candidate of n searches of this budget, as mean ± standard deviation.",
    Method.ONE_SEARCH: "so far: the best so far along a single search, not an expected value.",
}


def as_json(group: ByBudget) -> dict[str, Any]:
    """Return the quality by budget in a form for JSON. Keys are never renamed; new ones may be added."""
    return {
        "runs": list(group.runs),
        "task": group.task,
        "objective": group.objective.text,
        "steps": group.steps,
        "optimizers": [
            {
                "optimizer": line.optimizer,
                "strategy": line.strategy,
                "method": line.method.value,
                "studies": list(line.studies),
                "candidates": line.candidates,
                "finished": line.finished,
                "points": [_point_json(point) for point in line.points],
                "remarks": list(line.remarks),
            }
            for line in group.lines
        ],
    }


def _point_json(point: BudgetPoint) -> dict[str, Any]:
    return {
        "candidates": point.candidates,
        "evaluations": point.evaluations,
        "searches": point.searches,
        **asdict(point.best),
    }


def csv_rows(groups: Sequence[ByBudget]) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and one row per optimizer and budget."""
    rows = []
    for group in groups:
        for line in group.lines:
            shared = [group.task, group.steps, line.optimizer, line.strategy, line.method.value, " ".join(line.studies)]
            rows += [[*shared, *_point_json(point).values(), group.objective.text] for point in line.points]
    return list(_COLUMNS), rows


def section(group: ByBudget) -> Section:
    """Return the section of one task."""
    ambiguous = Counter((line.optimizer, line.strategy) for line in group.lines)
    rows = [
        [line.optimizer, _source(line, point, ambiguous[line.optimizer, line.strategy] > 1), *_cells(point, group)]
        for line in group.lines
        for point in line.points
    ]
    header = ["optimizer", "from", "k", "evaluations", "best", "median", "10 % to 90 %", "none"]
    if not _any_unfinished(group):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return Section(
        heading=one_line(f"{', '.join(group.runs)}: {group.task_label}, quality by tuning budget"),
        tables=[
            TextTable(header, rows, left=(0, 1), title=_title(group)),
        ],
        legend=[*(_LEGEND[method] for method in dict.fromkeys(line.method for line in group.lines)), *_meanings(group)],
        remarks=_remarks(group),
    )


def _title(group: ByBudget) -> str:
    budget, objective = counted(group.steps, "gradient evaluation"), group.objective
    if objective.is_default:
        return f"Best of k candidates of {budget} each (lower is better)"
    title = objective.title(budget)
    return f"Best of k candidates: {title[0].lower()}{title[1:]}"


def _source(line: BudgetLine, point: BudgetPoint, with_runs: bool) -> str:
    source = {
        Method.SUBSETS: f"{line.candidates:,} {line.strategy}",
        Method.SEARCHES: f"{point.searches} × {line.strategy}",
        Method.ONE_SEARCH: f"{line.strategy}, so far",
    }[line.method]
    return f"{source} ({_runs(line)})" if with_runs else source


def _runs(line: BudgetLine) -> str:
    return ", ".join(study.partition("/")[0] for study in line.studies)


def _cells(point: BudgetPoint, group: ByBudget) -> list[str]:
    best = point.best
    return [
        f"{point.candidates:,}",
        f"{point.evaluations:,}",
        _value(best.mean, group) if best.mean is None else mean_and_spread(best.mean, best.spread),
        _value(best.median, group),
        NOTHING
        if best.low is None or best.high is None
        else f"{_value(best.low, group, 3)} to {_value(best.high, group, 3)}",
        f"{number(100 * best.none_finished, 2)} %",
    ]


def _value(value: float | None, group: ByBudget, digits: int = 4) -> str:
    return _worst(group) if value is None or math.isinf(value) else measured(value, digits)


def _worst(group: ByBudget) -> str:
    """Return how the value of a search without a candidate that counts is written."""
    return "-∞" if group.objective.is_max else "∞"


def _any_unfinished(group: ByBudget) -> bool:
    return any(point.best.none_finished for line in group.lines for point in line.points)


def _meanings(group: ByBudget) -> list[str]:
    lines = ["evaluations: gradient evaluations of a search with k candidates, if no candidate ends early."]
    if _any_unfinished(group):
        worst = _worst(group)
        reaches = " and reaches the target" if group.objective.is_to_target else ""
        lines.append(
            f"none: probability that no candidate of a search finishes{reaches}. Its best is {worst} then, and with it "
            f"the mean; the median is {worst} from 50 %."
        )
    return lines


def _remarks(group: ByBudget) -> list[str]:
    """Return the remarks of all lines, each once, after the optimizers that it is about."""
    about: dict[str, list[str]] = {}
    for line in group.lines:
        for remark in (
            *line.remarks,
            *(() if line.points else ("no generation with the last budget is complete yet",)),
        ):
            about.setdefault(remark, []).append(line.optimizer)
    return [f"{', '.join(dict.fromkeys(optimizers))}: {remark}" for remark, optimizers in about.items()]
