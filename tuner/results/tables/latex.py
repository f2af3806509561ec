"""Grids as LaTeX: tables with booktabs' rules, which compile as they are with any engine that reads UTF-8."""

from __future__ import annotations

import re

from tuner.results.tables.grid import Grid

PREAMBLE = "% needs \\usepackage{booktabs}"

_POWER = re.compile(r"(?<![\w.])([+-]?\d+(?:\.\d+)?)e([+-]?\d+)")
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
    "σ": r"$\sigma$",
}


def latex(caption: str, grid: Grid) -> str:
    """Return a table with its caption; a first cell is blank where it repeats the one above."""
    columns = "".join("l" if column in grid.left else "r" for column in range(len(grid.header)))
    rows = []
    for number, row in enumerate(grid.rows):
        repeats = number > 0 and row[0] == grid.rows[number - 1][0]
        cells = [_bold(text(cell)) if (number, at) in grid.bold else text(cell) for at, cell in enumerate(row)]
        rows.append(" & ".join(["" if repeats else cells[0], *cells[1:]]) + r" \\")
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{text(caption)}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            f"    {' & '.join(map(text, grid.header))} \\\\",
            r"    \midrule",
            *(f"    {row}" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def _bold(cell: str) -> str:
    return rf"\textbf{{\boldmath {cell}}}"  # its formulas as well


def comment(line: str) -> str:
    """Return a line that LaTeX passes over."""
    return "% " + " ".join(line.split())


def text(cell: str) -> str:
    r"""Return a text that LaTeX prints as it is; 7.95e-6 becomes $7.95 \times 10^{-6}$, and -3 gets a true minus."""
    parts = []
    done = 0
    for match in _POWER.finditer(cell):
        parts += [_plain(cell[done : match.start()]), f"${match[1]} \\times 10^{{{int(match[2])}}}$"]
        done = match.end()
    return "".join([*parts, _plain(cell[done:])])


def _plain(cell: str) -> str:
    marked = _SIGNED.sub("\x00", cell)  # a sign, and not the hyphen of a name
    return "".join(_SPECIAL.get(character, character) for character in marked).replace("\x00", "$-$")
