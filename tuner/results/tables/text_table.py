"""A table of formatted cells, as aligned text for a terminal and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GUTTER = "  "


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows of cells under a header.

    Args:
        header: Titles of the columns.
        rows: Rows with one cell per column.
        left: Indices of the left-aligned columns; the others are right-aligned. Default: the first.
        bold: (row, column) of the cells in bold type, where the format has it. Default: none.
        title: Title of the table. Default: "".
        wrapped: Indices of the columns whose cells are wrapped, where the format allows. Default: none.

    Raises:
        ValueError: A row has another number of cells than the header.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = (0,)
    bold: frozenset[tuple[int, int]] = frozenset()
    title: str = ""
    wrapped: Sequence[int] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row must have {len(self.header)} cells. Received: {list(row)!r:.200}")

    def without_repeats(self) -> Iterator[Sequence[str]]:
        """Yield the rows, the first cell blank where it repeats the one above."""
        above = None
        for row in self.rows:
            yield ["", *row[1:]] if row[0] == above else row
            above = row[0]

    def text(self) -> str:
        """Return lines with aligned columns; a first cell is blank where it repeats the one above."""
        cells = [self.header, *self.without_repeats()]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.header))]
        cells.insert(1, ["-" * width for width in widths])
        return "\n".join(
            GUTTER.join(
                cell.ljust(width) if column in self.left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        )

    def markdown(self) -> str:
        """Return a table in GitHub's Markdown, with repeated cells and everything escaped."""
        marks = [":---" if column in self.left else "---:" for column in range(len(self.header))]
        rows = [
            [
                f"**{escaped(cell)}**" if (number, column) in self.bold else escaped(cell)
                for column, cell in enumerate(row)
            ]
            for number, row in enumerate(self.rows)
        ]
        return "\n".join(f"| {' | '.join(row)} |" for row in ([escaped(cell) for cell in self.header], marks, *rows))


def escaped(text: str) -> str:
    """Return a text with the characters escaped that Markdown would interpret."""
    return re.sub(r"([\\|`*<\[])", r"\\\1", text)
