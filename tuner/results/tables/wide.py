"""One table of several runs, for papers: a row per optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from search_spaces.dimension import Scale
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.text import nearest, one_line
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.summary import FreshRuns, Summary
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables import behind
from tuner.results.tables.numbers import NOTHING, hyperparameter, measured, number
from tuner.results.tables.points import end, share
from tuner.results.tables.sizes import relative_size
from tuner.results.tables.wide_table import Cell, Printing, WideTable

PAPERS_TASKS: Mapping[str, str] = {
    "noisy-quadratic-bowl": "Noisy quadratic bowl",
    "rosenbrock": "Rosenbrock",
    "pixelcnn": "Image generation",
    "resnet18-cifar10": "Image classification",
}
"""The paper's tasks in its order, with names for print; its Table 6 has the tuned values on them."""

Results = Sequence[Summary] | Comparison


def wide_table(runs: Sequence[Results], printing: Printing, names: Sequence[str] | None = None) -> WideTable:
    """Return one table of several runs.

    Args:
        runs: The searches of each run, or a comparison.
        printing: Its layout.
        names: Name of each run in the table. Default: its own.

    Raises:
        InvalidRequest: A column is unknown, a run is not of the kind that the layout needs, or a name that is to be
            replaced does not occur.
    """
    if not runs:
        raise InvalidRequest("layout", f"{printing.layout} needs at least one run")
    shown = list(names) if names is not None else [_run(one) for one in runs]
    made = _values(runs, printing, shown) if printing.layout == "one" else _hyperparameters(runs, printing, shown)
    return _renamed(made, printing.rename)


_OF_SEARCH: Mapping[str, Callable[[Summary], Cell]] = {
    "tuned": lambda one: _fresh(one.tuned),
    "default": lambda one: _fresh(one.default),
    "gain": lambda one: Cell() if one.has_several_objectives else Cell(one.gain.mean, one.gain.spread),
    "relative gain": lambda one: Cell(text=_unless_several(one, relative_size(one.gain.relative))),
    "best seen": lambda one: Cell(None if one.best is None else one.best.fitness),
    "verdict": lambda one: Cell(text=_unless_several(one, one.verdict.value)),
    "diverged": lambda one: Cell(text=f"{one.counts.diverged:,}"),
    "evaluations": lambda one: Cell(text=f"{one.search_cost.evaluations + one.fresh_cost.evaluations:,}"),
}
_OF_COMPARISON: Mapping[str, Callable[[Contender, Objective], Cell]] = {
    "value": lambda one, _: _loss(one),
    "interval": lambda one, _: Cell(text=_interval(one)),
    "diverged": lambda one, _: Cell(text=f"{one.by_steps.diverged}/{one.seeds}"),
    "p": lambda one, _: Cell(text=number(one.by_steps.rank.p, 2)),
    "standing": lambda one, objective: Cell(text=behind.standing(one, objective) or NOTHING),
}


_DECIDES = ("tuned", "value")  # columns in which the best is bold


def _values(runs: Sequence[Results], printing: Printing, names: Sequence[str]) -> WideTable:
    are_comparisons = isinstance(runs[0], Comparison)
    if any(isinstance(one, Comparison) != are_comparisons for one in runs):
        raise InvalidRequest("layout", "one takes searches or comparisons, and not both in one table")
    if any(isinstance(one, Comparison) and one.sweep is not None for one in runs):
        raise InvalidRequest("layout", "one takes comparisons of optimizers, and no sweep")
    known: Mapping[str, Callable[..., Cell]] = _OF_COMPARISON if are_comparisons else _OF_SEARCH
    columns = printing.columns or tuple(known)[:1]
    for column in columns:
        if column not in known:
            raise InvalidRequest("columns", f"are some of {', '.join(known)}{nearest(column, tuple(known))}", column)
    by_run = [_members(one) for one in runs]
    optimizers = list(dict.fromkeys(optimizer for members in by_run for optimizer in members))
    best = [_best(one) for one in runs]
    rows = []
    for optimizer in optimizers:
        cells = []
        for run, members, winners in zip(runs, by_run, best, strict=True):
            further = [run.objective] if isinstance(run, Comparison) else []
            for column in columns:
                cell = known[column](members[optimizer], *further) if optimizer in members else Cell()
                is_best = column in _DECIDES and optimizer in winners
                cells.append(replace(cell, spread=cell.spread or None, bold=is_best))
        rows.append(((one_line(optimizer),), tuple(cells)))
    objectives = list(dict.fromkeys(_objective(one) for one in runs))
    what = objectives[0] if len(objectives) == 1 else "objective of each run, mean ± standard deviation"
    bold = f"bold: best of a run{', or tied with or equivalent to it' if are_comparisons else ''}"
    title = f"{what[0].upper()}{what[1:]}"
    return WideTable(title, ("optimizer",), tuple(map(one_line, names)), columns, tuple(rows), bold)


def _hyperparameters(runs: Sequence[Results], printing: Printing, names: Sequence[str]) -> WideTable:
    """Return the tuned hyperparameters of each run; in the paper's order of tasks, for its layout."""
    searches = [one for one in runs if not isinstance(one, Comparison)]
    if len(searches) < len(runs):
        raise InvalidRequest("layout", f"{printing.layout} takes searches, which have tuned values")
    shown = list(zip(names, searches, strict=True))
    if printing.layout == "paper":
        others = [members[0].task for members in searches if members[0].task not in PAPERS_TASKS]
        if others:
            raise InvalidRequest("layout", f"paper takes searches on {', '.join(PAPERS_TASKS)}", others[0])
        order = list(PAPERS_TASKS)
        shown = sorted(
            ((PAPERS_TASKS[members[0].task], members) for members in searches),
            key=lambda one: order.index(one[1][0].task),
        )
    values: dict[tuple[str, str], dict[int, Cell]] = {}
    for at, (_, members) in enumerate(shown):
        for summary in members:
            for row in summary.hyperparameters:
                key = (one_line(summary.optimizer), one_line(row.name))
                values.setdefault(key, {})[at] = Cell(row.tuned, text=_tuned(row.tuned, row.scale))
    order_of = {optimizer: at for at, optimizer in enumerate(dict.fromkeys(optimizer for optimizer, _ in values))}
    rows = tuple(
        (key, tuple(cells.get(at, Cell()) for at in range(len(shown))))
        for key, cells in sorted(values.items(), key=lambda one: order_of[one[0][0]])
    )
    groups = tuple(one_line(name) for name, _ in shown)
    return WideTable("Tuned hyperparameters", ("optimizer", "hyperparameter"), groups, ("tuned",), rows)


def _tuned(value: float | None, scale: Scale) -> str:
    return NOTHING if value is None else hyperparameter(value, scale)


def _renamed(table: WideTable, rename: Mapping[str, str]) -> WideTable:
    """Return a table with other names of optimizers, hyperparameters, runs and columns."""
    names = {*table.head, *table.groups, *table.columns, *(name for first, _ in table.rows for name in first)}
    for old in rename:
        if old not in names:
            raise InvalidRequest("rename", f"takes names in the table{nearest(old, tuple(sorted(names)))}", old)

    def new(each: Sequence[str]) -> tuple[str, ...]:
        return tuple(rename.get(name, name) for name in each)

    rows = tuple((new(first), cells) for first, cells in table.rows)
    return replace(table, head=new(table.head), groups=new(table.groups), columns=new(table.columns), rows=rows)


def _members(one: Results) -> dict[str, Any]:
    if isinstance(one, Comparison):
        return {contender.name: contender for contender in one.contenders}
    return {summary.optimizer: summary for summary in one}


def _run(one: Results) -> str:
    return one.run if isinstance(one, Comparison) else one[0].run


def _objective(one: Results) -> str:
    objective, steps = (one.objective, one.steps) if isinstance(one, Comparison) else (one[0].objective, one[0].steps)
    end = "the last 10 %" if objective.is_default else ""
    which = "tuned point on fresh seeds, " if not isinstance(one, Comparison) else ""
    if objective.is_default:
        return f"{which}mean training loss in {end} of the budget, mean ± standard deviation"
    return f"{which}{objective.within(f'{steps:,} evaluations')}, mean ± standard deviation"


def _best(one: Results) -> set[str]:
    """Return the optimizers of a run that are best, tied or equivalent; of searches, the one with the best value."""
    if isinstance(one, Comparison):
        return {
            each.name
            for each in one.contenders
            if each.by_steps.rank.standing in (Standing.BEST, Standing.TIE) or behind.is_equivalent(each)
        }
    ended = [each for each in one if each.tuned.mean is not None and each.verdict is not Verdict.NOT_RUN]
    return {min(ended, key=lambda each: each.tuned.rank(each.objective)).optimizer} if len(ended) > 1 else set()


def _unless_several(one: Summary, text: str) -> str:
    return NOTHING if one.has_several_objectives else text


def _fresh(runs: FreshRuns) -> Cell:
    return Cell(text=end(runs)) if runs.mean is None else Cell(runs.mean, runs.spread, share=share(runs))


def _loss(one: Contender) -> Cell:
    estimate = one.by_steps.loss
    if estimate is None:
        return Cell(text="diverged" if one.by_steps.diverged else NOTHING)
    of = "" if estimate.runs == one.seeds else f" ({estimate.runs}/{one.seeds})"
    return Cell(estimate.mean, estimate.spread if estimate.runs > 1 else None, share=of)


def _interval(one: Contender) -> str:
    estimate = one.by_steps.loss
    if estimate is None or estimate.low is None or estimate.high is None or estimate.low == estimate.high:
        return NOTHING
    return f"{measured(estimate.low)} to {measured(estimate.high)}"
