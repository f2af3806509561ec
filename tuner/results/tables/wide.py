"""One table of several runs, for papers: a row per optimizer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search_spaces.space import Scale
from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest, one_line
from tuner.results.analysis.comparison import Comparison, Contender
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.summary import FreshRuns, Summary
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables import latex
from tuner.results.tables.formats import check_format, strict_csv
from tuner.results.tables.numbers import NOTHING, hyperparameter, mean_and_spread, measured, number
from tuner.results.tables.text_table import TextTable

LAYOUTS = ("one", "hyperparameters", "paper")
FORMATS = ("text", "markdown", "latex", "csv")
MAX_PRECISION = 6
PAPERS_TASKS: Mapping[str, str] = {
    "noisy-quadratic-bowl": "Noisy quadratic bowl",
    "rosenbrock": "Rosenbrock",
    "pixelcnn": "Image generation",
    "resnet18-cifar10": "Image classification",
}
"""The paper's tasks in its order, with names for print; its Table 6 has the tuned values on them."""

Results = Sequence[Summary] | Comparison


@dataclass(frozen=True, slots=True)
class Printing:
    """How a table for a paper is laid out and printed; see `tuner.api.Database.paper_table`.

    Raises:
        InvalidRequest: A value is not accepted.
    """

    layout: str = "one"
    columns: tuple[str, ...] | None = None  # of each run; None: the value alone
    precision: int = 2  # significant digits of an uncertainty
    label: str | None = None  # of LaTeX
    caption: str | None = None  # in LaTeX as it is; None: what the values are
    rename: Mapping[str, str] = field(default_factory=dict)  # runs, optimizers, columns and hyperparameters
    siunitx: bool = False  # numbers of LaTeX as \num{…}

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise InvalidRequest(
                "layout", f"is one of {', '.join(LAYOUTS)}{nearest(self.layout, LAYOUTS)}", self.layout
            )
        if not 1 <= self.precision <= MAX_PRECISION:
            raise InvalidRequest("precision", f"is a number of digits from 1 to {MAX_PRECISION}", self.precision)
        if self.label is not None and not re.fullmatch(r"[\w:.+/-]+", self.label, re.ASCII):
            raise InvalidRequest("label", "is letters, digits and : . + / - _", self.label)
        if self.columns is not None and self.layout != "one":
            raise InvalidRequest("columns", f"are of {{layout}} one, and not of {self.layout}")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: a number with its uncertainty, or a text."""

    value: float | None = None
    spread: float | None = None
    text: str | None = None  # in place of the number
    bold: bool = False


@dataclass(frozen=True, slots=True)
class WideTable:
    """A table with a row per optimizer, or per hyperparameter of one, and the same columns for each run.

    Attributes:
        title: What the values are.
        head: Names of the first columns.
        groups: Name of each run.
        columns: Names of the columns of each run, such as "loss".
        rows: First cells and further cells, [groups × columns].
    """

    title: str
    head: tuple[str, ...]
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[Cell, ...]], ...]

    def to_format(self, format: str, printing: Printing) -> str:
        """Return the table in one of `FORMATS`, without a line end after the last line.

        Raises:
            ValueError: There is no such format.
        """
        check_format(format, FORMATS)
        if format == "csv":
            return self._csv()
        if format == "latex":
            return self._latex(printing)
        table = self._text_table(printing)
        caption = printing.caption or self.title
        return f"{caption}\n\n{table.text()}" if format == "text" else f"**{caption}**\n\n{table.markdown()}"

    def _headings(self) -> list[str]:
        several = len(self.columns) > 1
        return [f"{group} {name}" if several else group for group in self.groups for name in self.columns]

    def _text_table(self, printing: Printing) -> TextTable:
        first = len(self.head)
        rows = [[*names, *(_shown(cell, printing.precision) for cell in cells)] for names, cells in self.rows]
        bold = frozenset(
            (row, first + at) for row, (_, cells) in enumerate(self.rows) for at, cell in enumerate(cells) if cell.bold
        )
        return TextTable([*self.head, *self._headings()], rows, left=range(first), bold=bold)

    def _csv(self) -> str:
        header = [*self.head, *(each for name in self._headings() for each in (name, f"{name}_spread"))]
        rows: list[list[Any]] = [
            [*names, *(each for cell in cells for each in (cell.text or cell.value, cell.spread))]
            for names, cells in self.rows
        ]
        return strict_csv(header, rows)

    def _latex(self, printing: Printing) -> str:
        table = self._text_table(printing)
        written = [
            [latex.text(name) for name in names] + [_latex_cell(cell, printing) for cell in cells]
            for names, cells in self._without_repeats()
        ]
        above = []
        header = list(map(latex.text, table.header))
        if len(self.columns) > 1:
            first, width = len(self.head), len(self.columns)
            spans = [rf"\multicolumn{{{width}}}{{c}}{{{latex.text(group)}}}" for group in self.groups]
            rules = [
                rf"\cmidrule(lr){{{first + 1 + at * width}-{first + (at + 1) * width}}}" for at in range(len(spans))
            ]
            above = [" & ".join([*[""] * first, *spans]) + r" \\", "".join(rules)]
            header = list(map(latex.text, [*self.head, *self.columns * len(self.groups)]))
        return latex.floating(
            header,
            written,
            columns="l" * len(self.head) + "r" * (len(table.header) - len(self.head)),
            widths=latex.widths(table),
            caption=latex.text(self.title) if printing.caption is None else printing.caption,
            above=above,
            label=printing.label,
            packages=("booktabs", "siunitx") if printing.siunitx else ("booktabs",),
        )

    def _without_repeats(self) -> list[tuple[tuple[str, ...], tuple[Cell, ...]]]:
        above: str | None = None
        rows = []
        for names, cells in self.rows:
            rows.append((("", *names[1:]) if names[0] == above and len(names) > 1 else names, cells))
            above = names[0]
        return rows


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
    "gain": lambda one: Cell(one.gain.mean, one.gain.spread),
    "best seen": lambda one: Cell(None if one.best is None else one.best.fitness),
    "verdict": lambda one: Cell(text=one.verdict.value),
    "diverged": lambda one: Cell(text=f"{one.counts.diverged:,}"),
    "evaluations": lambda one: Cell(text=f"{one.search_cost.evaluations + one.fresh_cost.evaluations:,}"),
}
_OF_COMPARISON: Mapping[str, Callable[[Contender], Cell]] = {
    "value": lambda one: _loss(one),
    "interval": lambda one: Cell(text=_interval(one)),
    "diverged": lambda one: Cell(text=f"{one.by_steps.diverged}/{one.seeds}"),
    "p": lambda one: Cell(text=number(one.by_steps.rank.p, 2)),
    "standing": lambda one: Cell(text=one.by_steps.rank.standing.value or NOTHING),
}


_DECIDES = ("tuned", "value")  # columns in which the best is bold


def _values(runs: Sequence[Results], printing: Printing, names: Sequence[str]) -> WideTable:
    are_comparisons = isinstance(runs[0], Comparison)
    if any(isinstance(one, Comparison) != are_comparisons for one in runs):
        raise InvalidRequest("layout", "one takes searches or comparisons, and not both in one table")
    if any(isinstance(one, Comparison) and one.sweep is not None for one in runs):
        raise InvalidRequest("layout", "one takes comparisons of optimizers, and no sweep")
    known: Mapping[str, Callable[[Any], Cell]] = _OF_COMPARISON if are_comparisons else _OF_SEARCH
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
        for members, winners in zip(by_run, best, strict=True):
            for column in columns:
                cell = known[column](members[optimizer]) if optimizer in members else Cell()
                is_best = column in _DECIDES and optimizer in winners
                cells.append(Cell(cell.value, cell.spread or None, cell.text, is_best))
        rows.append(((one_line(optimizer),), tuple(cells)))
    objectives = list(dict.fromkeys(_objective(one) for one in runs))
    what = objectives[0] if len(objectives) == 1 else "objective of each run, mean ± standard deviation"
    what = f"{what[0].upper()}{what[1:]}; bold: best of a run{', or tied with it' if are_comparisons else ''}"
    return WideTable(what, ("optimizer",), tuple(map(one_line, names)), columns, tuple(rows))


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
    return WideTable(table.title, new(table.head), new(table.groups), new(table.columns), rows)


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
    """Return the optimizers of a run that are best, or tied with it; of searches, the one with the best value."""
    if isinstance(one, Comparison):
        return {each.name for each in one.contenders if each.by_steps.rank.standing in (Standing.BEST, Standing.TIE)}
    ended = [each for each in one if each.tuned.mean is not None and each.verdict is not Verdict.NOT_RUN]
    if len(ended) < 2:
        return set()
    objective = ended[0].objective
    return {min(ended, key=lambda each: objective.fitness(each.tuned.mean or 0.0)).optimizer}


def _fresh(runs: FreshRuns) -> Cell:
    if runs.mean is not None:
        return Cell(runs.mean, runs.spread)
    return Cell(text="diverged" if runs.diverged else NOTHING)


def _loss(one: Contender) -> Cell:
    estimate = one.by_steps.loss
    if estimate is None:
        return Cell(text="diverged" if one.by_steps.diverged else NOTHING)
    return Cell(estimate.mean, estimate.spread if estimate.runs > 1 else None)


def _interval(one: Contender) -> str:
    estimate = one.by_steps.loss
    if estimate is None or estimate.low is None or estimate.high is None:
        return NOTHING
    return f"{measured(estimate.low)} to {measured(estimate.high)}"


def _shown(cell: Cell, precision: int) -> str:
    return cell.text if cell.text is not None else mean_and_spread(cell.value, cell.spread, precision)


def _latex_cell(cell: Cell, printing: Printing) -> str:
    shown = _shown(cell, printing.precision)
    if printing.siunitx and cell.value is not None:
        shown = rf"\num{{{shown.replace(' ± ', ' +- ')}}}" if latex.is_number(shown) else latex.text(shown)
    else:
        shown = latex.text(shown)
    return latex.bold(shown) if cell.bold else shown
