"""A table of results that prints as text, shows as HTML in a notebook, and converts to other formats."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.core.errors import InvalidRequest
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.summary import Summary
from tuner.results.tables import comparison_table, table
from tuner.results.tables.comparison_sheet import comparison_as_json
from tuner.results.tables.formats import check_format, strict_json
from tuner.results.tables.grid import Grid

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Table:
    """The tuned tables of searches and the tables of comparisons."""

    summaries: Sequence[Summary] = ()
    comparisons: Sequence[Comparison] = ()

    def to(self, format: str) -> str:
        """Return the table as "text", "markdown", "latex", "csv" or "json".

        Raises:
            InvalidRequest: The format cannot hold searches and comparisons at once.
            ValueError: There is no such format.
        """
        if not self.comparisons:
            return table.render(self.summaries, format)
        if not self.summaries:
            return comparison_table.render_comparisons(self.comparisons, format)
        check_format(format, table.FORMATS)
        if format == "csv":
            raise InvalidRequest(
                "format", "csv is of searches or of comparisons, which have other columns: name the runs"
            )
        if format == "json":
            tuned = [table.as_json(summary) for summary in self.summaries]
            return strict_json({"studies": tuned, "comparisons": [comparison_as_json(one) for one in self.comparisons]})
        parts = (
            table.render(self.summaries, format),
            comparison_table.render_comparisons(self.comparisons, format),
        )
        return "\n\n".join(parts)

    def to_text(self) -> str:
        """Return the table as text for a terminal of 100 columns."""
        return self.to("text")

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return self.to("markdown")

    def to_latex(self) -> str:
        """Return the table as LaTeX with booktabs."""
        return self.to("latex")

    def to_csv(self) -> str:
        """Return the table as CSV."""
        return self.to("csv")

    def to_json(self) -> str:
        """Return the table as strict JSON in full precision."""
        return self.to("json")

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows of `to_csv` as a DataFrame."""
        import pandas as pd

        return pd.read_csv(io.StringIO(self.to("csv")))

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        titled = [grid for group in table.alike(self.summaries) for grid in table.grids(group)]
        titled += [grid for one in self.comparisons for grid in comparison_table.grids(one)]
        return "".join(_as_html(title, grid) for title, grid in titled) or "<p>no studies</p>"


def _as_html(title: str, grid: Grid) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    head, body = row(grid.header, "th"), "".join(row(cells, "td") for cells in grid.rows)
    return f"<table><caption>{html.escape(title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"
