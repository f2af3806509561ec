"""LaTeX tables with booktabs rules, for any engine that reads UTF-8."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner.results.tables.text_table import TextTable

PREAMBLE = "% needs \\usepackage{booktabs}"

_POWER = re.compile(r"(?<![\w.])([+-]?\d+(?:\.\d+)?)e([+-]?\d+)")
_NUMBER = re.compile(r"[+-]?\d[\d.]*(?:e[+-]?\d+)?(?: ± \d[\d.]*(?:e[+-]?\d+)?)?")
_SIGNED = re.compile(r"(?<![\w.\\$])-(?=\d)")
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "→": r"$\to$",
    "–": "--",
    "∞": r"$\infty$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "σ": r"$\sigma$",
}


COLUMN, PAGE = 234.0, 487.0  # points of the width of a column and of a page with two
_LETTER = 0.5  # width of a letter of a table, in font sizes; digits of Computer Modern have exactly this
_SIZES = (  # of letters, in points, and the space beside a column
    ("", 10, 6),
    (r"\small", 9, 5),
    (r"\footnotesize", 8, 4),
    (r"\scriptsize", 7, 2.5),
)


def latex_table(table: TextTable, caption: str) -> str:
    """Return a floating table; a first cell is blank where it repeats the one above."""
    columns = "".join("l" if column in table.left else "r" for column in range(len(table.header)))
    rows = [
        [bold(text(cell)) if (number, column) in table.bold else text(cell) for column, cell in enumerate(row)]
        for number, row in enumerate(table.without_repeats())
    ]
    return floating(list(map(text, table.header)), rows, columns, widths(table), text(caption))


def floating(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    columns: str,
    widths: Sequence[int],
    caption: str,
    *,
    above: Sequence[str] = (),
    label: str | None = None,
    packages: Sequence[str] = (),
) -> str:
    r"""Return a floating table whose letters are so small that it fits a column, or else over both columns.

    Args:
        header: Names of the columns, in LaTeX.
        rows: Their cells, in LaTeX.
        columns: Letters of the columns.
        widths: Characters of each column, in print.
        caption: The caption, in LaTeX.
        above: Lines above the header, such as names of groups of columns. Default: none.
        label: For \ref. Default: none.
        packages: Packages to name in a comment. Default: none.
    """
    needed = " and ".join(f"\\usepackage{{{name}}}" for name in packages)
    environment, size, gap = _fitting(widths)
    return "\n".join(
        [
            *([f"% needs {needed}"] if needed else []),
            rf"\begin{{{environment}}}",
            r"  \centering",
            *([f"  {size}"] if size else []),
            *([rf"  \setlength{{\tabcolsep}}{{{gap:g}pt}}"] if size else []),
            rf"  \caption{{{caption}}}",
            *([rf"  \label{{{label}}}"] if label is not None else []),
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            *(f"    {line}" for line in above),
            f"    {' & '.join(header)} \\\\",
            r"    \midrule",
            *(rf"    {' & '.join(row)} \\" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            rf"\end{{{environment}}}",
        ]
    )


def widths(table: TextTable) -> list[int]:
    """Return the letters of the longest cell of each column in print, where a power of ten is longer than e-5."""
    return [
        max(len(row[column]) + 3 * len(_POWER.findall(row[column])) for row in (table.header, *table.rows))
        for column in range(len(table.header))
    ]


def _fitting(widths: Sequence[int]) -> tuple[str, str, float]:
    """Return the environment, the size of letters and the space of a column with which a table fits, about."""
    for environment, room in (("table", COLUMN), ("table*", PAGE)):
        for size, points, gap in _SIZES:
            if sum(widths) * points * _LETTER + 2 * gap * len(widths) <= room:
                return environment, size, gap
    return "table*", _SIZES[-1][0], _SIZES[-1][2]


def is_number(cell: str) -> bool:
    r"""Return whether a cell is a number, with or without an uncertainty, that \num of siunitx reads."""
    return _NUMBER.fullmatch(cell) is not None


def bold(cell: str) -> str:
    """Return LaTeX in bold type, formulas in it as well."""
    return rf"\textbf{{\boldmath {cell}}}"


def comment(line: str) -> str:
    """Return a comment line."""
    return "% " + " ".join(line.split())


def text(cell: str) -> str:
    r"""Return a text escaped for LaTeX; 7.95e-6 becomes $7.95 \times 10^{-6}$, and -3 gets a minus sign."""
    parts = []
    end = 0
    for match in _POWER.finditer(cell):
        parts += [_plain(cell[end : match.start()]), f"${match[1]} \\times 10^{{{int(match[2])}}}$"]
        end = match.end()
    return "".join([*parts, _plain(cell[end:])])


def _plain(cell: str) -> str:
    marked = _SIGNED.sub("\x00", cell)  # minus signs, not hyphens of names
    return "".join(_SPECIAL.get(character, character) for character in marked).replace("\x00", "$-$")
