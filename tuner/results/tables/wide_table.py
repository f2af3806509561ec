"""A table of several runs for papers: text, Markdown, LaTeX or CSV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tuner.core.errors import InvalidRequest
from tuner.core.text import nearest
from tuner.results.tables import latex
from tuner.results.tables.formats import check_format, strict_csv
from tuner.results.tables.numbers import mean_and_spread
from tuner.results.tables.text_table import TextTable

LAYOUTS = ("one", "hyperparameters", "paper")
FORMATS = ("text", "markdown", "latex", "csv")
MAX_PRECISION = 6


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
    share: str = ""  # " (k/n)" where the number is of k runs of n
    bold: bool = False


@dataclass(frozen=True, slots=True)
class WideTable:
    """A table with a row per optimizer, or per hyperparameter of one, and the same columns for each run.

    Attributes:
        title: What the values are.
        bold: What bold type means, for the formats that have it; "" without any.
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
    bold: str = ""

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
        if format == "text":
            return f"{printing.caption or self.title}\n\n{table.text()}"
        return f"**{printing.caption or self._caption}**\n\n{table.markdown()}"

    @property
    def _caption(self) -> str:
        return "; ".join(filter(None, (self.title, self.bold)))

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
        columns = [each for name in self._headings() for each in (name, f"{name}_spread", f"{name}_runs")]
        rows: list[list[Any]] = [
            [*names, *(each for cell in cells for each in (cell.text or cell.value, cell.spread, cell.share[2:-1]))]
            for names, cells in self.rows
        ]
        return strict_csv([*self.head, *columns], rows)

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
            widths=self._widths(table),
            caption=latex.text(self._caption) if printing.caption is None else printing.caption,
            above=above,
            label=printing.label,
            packages=("booktabs", "siunitx") if printing.siunitx else ("booktabs",),
        )

    def _widths(self, table: TextTable) -> list[float]:
        """Return the widths of the columns in print, where the name of a run is above all of its columns."""
        if len(self.columns) < 2:
            return latex.widths(table)
        widths = latex.widths(replace(table, header=[*self.head, *self.columns * len(self.groups)]))
        for at, group in enumerate(self.groups):
            last = len(self.head) + (at + 1) * len(self.columns) - 1
            widths[last] += max(0.0, latex.width(group) - sum(widths[last - len(self.columns) + 1 : last + 1]))
        return widths

    def _without_repeats(self) -> list[tuple[tuple[str, ...], tuple[Cell, ...]]]:
        above: str | None = None
        rows = []
        for names, cells in self.rows:
            rows.append((("", *names[1:]) if names[0] == above and len(names) > 1 else names, cells))
            above = names[0]
        return rows


def _shown(cell: Cell, precision: int) -> str:
    return cell.text if cell.text is not None else mean_and_spread(cell.value, cell.spread, precision) + cell.share


def _latex_cell(cell: Cell, printing: Printing) -> str:
    shown = _shown(replace(cell, share=""), printing.precision)
    with_units = latex.numbers(shown) if printing.siunitx else None
    shown = latex.text(shown) if with_units is None else with_units
    shown += cell.share
    return latex.bold(shown) if cell.bold else shown
