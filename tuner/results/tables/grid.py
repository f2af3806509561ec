"""A grid of cells, as aligned text for a terminal and as a Markdown table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

GUTTER = "  "


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells under a header.

    Args:
        header: One title a column.
        rows: Each with one cell a column.
        left: Numbers of the columns that are flush left; the others, of numbers, are flush right.
        bold: (row, column) of the cells that stand out where there is bold type. Default: none.

    Raises:
        ValueError: A row has another number of cells than the header.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Sequence[int] = (0,)
    bold: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row must have {len(self.header)} cells. Received: {list(row)!r:.200}")

    def text(self) -> str:
        """Return lines with aligned columns; a first cell is blank where it repeats the one above."""
        rows: list[Sequence[str]] = [self.header, ["" for _ in self.header]]
        for number, row in enumerate(self.rows):
            repeats = number > 0 and row[0] == self.rows[number - 1][0]
            rows.append(["", *row[1:]] if repeats else row)
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.header))]
        rows[1] = ["-" * width for width in widths]
        return "\n".join(
            GUTTER.join(
                cell.ljust(width) if column in self.left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def markdown(self) -> str:
        """Return a table in GitHub's Markdown; every cell is written out, and means nothing but itself."""
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
    """Return a text that Markdown shows as it is."""
    return re.sub(r"([\\|`*<\[])", r"\\\1", text)
