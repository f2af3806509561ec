"""The table of searches and comparisons, in all its formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tuner.core.errors import InvalidRequest
from tuner.results.analysis.by_budget import ByBudget
from tuner.results.analysis.comparison import Comparison
from tuner.results.analysis.profile import Profile
from tuner.results.analysis.summary import Summary
from tuner.results.tables import by_budget, comparison, profile, search, searches
from tuner.results.tables.formats import check_format, strict_csv, strict_json
from tuner.results.tables.section import Section

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Table:
    """The results of searches and comparisons. It prints as text, and is shown as HTML in a notebook.

    For a search it has the hyperparameters, fitnesses, verdict and costs of each optimizer; for a comparison the
    losses, their tests and the metrics. Instead of these, a table may have the quality of searches by what they cost,
    or the performance profiles of comparisons on several tasks.

    Attributes:
        searches: Summaries of searches.
        comparisons: Results of comparisons.
        by_budget: Quality of searches by tuning budget, of each task.
        profile: Performance profiles, or None.
    """

    searches: tuple[Summary, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    by_budget: tuple[ByBudget, ...] = ()
    profile: Profile | None = None

    def sections(self) -> list[Section]:
        """Return the sections of the text formats, those of the searches first."""
        return [
            *search.sections(self.searches),
            *map(comparison.section, self.comparisons),
            *map(by_budget.section, self.by_budget),
            *([] if self.profile is None else [profile.section(self.profile)]),
        ]

    def to_text(self) -> str:
        """Return the table for a terminal of 100 columns, without colours."""
        return "\n\n".join(section.text() for section in self.sections()) or "no studies"

    def to_markdown(self) -> str:
        """Return the table in GitHub's Markdown."""
        return "\n\n".join(section.markdown() for section in self.sections()) or "no studies"

    def to_latex(self) -> str:
        """Return the table in LaTeX, with the rules of booktabs."""
        return "\n\n".join(section.latex() for section in self.sections()) or "no studies"

    def to_json(self) -> str:
        """Return strict JSON in full precision.

        Its keys are "studies", "searches" (of runs with several for each optimizer), "comparisons", "by_budget" and
        "profile".

        Those without content are left out; an empty table has "studies".
        """
        layout: dict[str, Any] = {}
        if self.searches or not (self.comparisons or self.by_budget or self.profile):
            layout["studies"] = search.all_as_json(self.searches)
            if together := searches.as_json(self.searches):
                layout["searches"] = together
        if self.comparisons:
            layout["comparisons"] = [comparison.as_json(one) for one in self.comparisons]
        if self.by_budget:
            layout["by_budget"] = [by_budget.as_json(one) for one in self.by_budget]
        if self.profile is not None:
            layout["profile"] = profile.as_json(self.profile)
        return strict_json(layout)

    def to_csv(self) -> str:
        """Return CSV in full precision.

        A row is a hyperparameter of a search, a contender of a comparison, an optimizer with a budget, or a run of a
        profile.

        Raises:
            InvalidRequest: The table has several of these.
        """
        return strict_csv(*self._rows())

    def to_dataframe(self) -> pd.DataFrame:
        """Return the rows and columns of the CSV as a pandas DataFrame.

        Raises:
            InvalidRequest: The table has several kinds of rows.
        """
        import pandas as pd  # takes 0.3 s

        header, rows = self._rows()
        return pd.DataFrame(rows, columns=header)

    def to_format(self, format: str) -> str:
        """Return the table in one of `FORMATS`, without a line end after the last line.

        Raises:
            ValueError: There is no such format, or the table cannot be written in it.
        """
        check_format(format, FORMATS)
        return _WRITERS[format](self)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from tuner.results.report.pages import render

        return render("sections.html", sections=self.sections())

    def _rows(self) -> tuple[list[str], list[list[Any]]]:
        if self.searches and self.comparisons:
            raise InvalidRequest(
                "format", "csv has the columns of searches or those of comparisons; name runs of one kind"
            )
        if self.profile is not None:
            return profile.csv_rows(self.profile)
        if self.by_budget:
            return by_budget.csv_rows(self.by_budget)
        return comparison.csv_rows(self.comparisons) if self.comparisons else search.csv_rows(self.searches)


_WRITERS: Mapping[str, Callable[[Table], str]] = MappingProxyType(
    {
        "text": Table.to_text,
        "markdown": Table.to_markdown,
        "csv": Table.to_csv,
        "json": Table.to_json,
        "latex": Table.to_latex,
    }
)
FORMATS = tuple(_WRITERS)
