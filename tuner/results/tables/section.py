"""A section of results, rendered as text, Markdown and LaTeX."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.text import one_line
from tuner.results.tables import latex
from tuner.results.tables.text_table import TextTable, escaped

WIDTH = 96  # of running text, in characters
NEXT = "What to do next"


@dataclass(frozen=True, slots=True)
class Section:
    """The tables of one search or comparison.

    Args:
        heading: One line that names the search or comparison.
        tables: Tables with titles.
        legend: Paragraphs that explain the terms of the tables.
        remarks: Remarks on single optimizers.
        provenance: Task, data and versions in one line; "" where the tables state them. Default "".
        first: The first lines, below the heading: a word and an answer each. Default: none.
        following: What to do next, a line each. Default: none.
    """

    heading: str
    tables: Sequence[TextTable]
    legend: Sequence[str]
    remarks: Sequence[str]
    provenance: str = ""
    first: Sequence[tuple[str, str]] = ()
    following: Sequence[str] = ()

    def text(self) -> str:
        """Return the section for a terminal of 100 columns, without colours."""
        width = max((len(word) for word, _ in self.first), default=0) + 2
        answers = [
            textwrap.fill(answer, WIDTH, initial_indent=f"{word:{width}}", subsequent_indent=" " * width)
            for word, answer in self.first
        ]
        parts = ["\n".join([self.heading, *answers])]
        parts += [f"{table.title}\n{table.text()}" for table in self.tables]
        parts += ["\n".join([NEXT, *map(item, self.following)])] if self.following else []
        parts.append("\n".join(textwrap.fill(line, WIDTH) for line in self.legend))
        parts += ["\n".join(map(item, self.remarks))] if self.remarks else []
        return "\n\n".join([*parts, textwrap.fill(self.provenance, WIDTH)] if self.provenance else parts)

    def markdown(self) -> str:
        """Return the section in GitHub's Markdown."""
        parts = [f"### {escaped(self.heading)}"]
        parts += ["\n".join(f"- **{word}:** {escaped(answer)}" for word, answer in self.first)] if self.first else []
        parts += [f"**{table.title}**\n\n{table.markdown()}" for table in self.tables]
        parts += (
            [f"**{NEXT}**\n\n" + "\n".join(f"- {escaped(line)}" for line in self.following)] if self.following else []
        )
        parts.append("\n".join(map(escaped, self.legend)))
        parts += ["\n".join(f"- {escaped(one_line(remark))}" for remark in self.remarks)] if self.remarks else []
        return "\n\n".join([*parts, escaped(self.provenance)] if self.provenance else parts)

    def latex(self) -> str:
        """Return the tables in LaTeX, below comments with everything else."""
        comments = [
            self.heading,
            *(f"{word}: {answer}" for word, answer in self.first),
            *self.legend,
            *(f"next: {line}" for line in self.following),
            *map(one_line, self.remarks),
        ]
        comments += [self.provenance] if self.provenance else []
        tables = [latex.latex_table(table, f"{table.title} ({self.heading})") for table in self.tables]
        return "\n\n".join(["\n".join([latex.PREAMBLE, *map(latex.comment, comments)]), *tables])


def item(text: str) -> str:
    """Return an item of a list, wrapped for a terminal."""
    return textwrap.fill(one_line(text), WIDTH, initial_indent="- ", subsequent_indent="  ")
