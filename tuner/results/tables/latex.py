"""LaTeX tables with booktabs rules, for any engine that reads UTF-8."""

from __future__ import annotations

import re

from tuner.results.tables.text_table import TextTable

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
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "σ": r"$\sigma$",
}


def latex_table(table: TextTable, caption: str) -> str:
    """Return a floating table; a first cell is blank where it repeats the one above."""
    columns = "".join("l" if column in table.left else "r" for column in range(len(table.header)))
    rows = [
        " & ".join(
            _bold(text(cell)) if (number, column) in table.bold else text(cell) for column, cell in enumerate(row)
        )
        for number, row in enumerate(table.without_repeats())
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{text(caption)}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            f"    {' & '.join(map(text, table.header))} \\\\",
            r"    \midrule",
            *(rf"    {row} \\" for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
        ]
    )


def _bold(cell: str) -> str:
    return rf"\textbf{{\boldmath {cell}}}"  # \boldmath: formulas in it as well


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
