"""LaTeX tables with booktabs rules, for any engine that reads UTF-8."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from tuner.results.tables.text_table import TextTable

PREAMBLE = "% needs \\usepackage{booktabs}"

_POWER = re.compile(r"(?<![\w.])([+-]?\d+(?:\.\d+)?)e([+-]?\d+)")
_PAIR = re.compile(r"(?<![\w.])([+-]?\d[\d.]*)e([+-]?\d+) ± (\d[\d.]*(?:e[+-]?\d+)?)(?![\w.])")
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
_EM = {  # widths of letters of Computer Modern at 10 points, in ems; of others `_LETTER`
    **dict.fromkeys("il.,;:|'!", 0.28),
    **dict.fromkeys("fjrst()[]/- I", 0.39),
    **dict.fromkeys("bdhknpquvxy", 0.55),
    **dict.fromkeys("ABCDEFGHKLNOPQRTUVXYZw&", 0.76),
    **dict.fromkeys("mMW%±×→≤≥∞<>σ", 0.92),
    "\\": 0.5,
}
_LETTER = 0.5
_NUM, _BOLD_NUM = r"\num{", r"\num[detect-all]{"  # siunitx sets numbers in its own weight otherwise
_BOLD = 1.15
_POWER_OF_TEN = 2.2  # ems of " × 10" and the space for an exponent, in place of "e"
_SIZES = (  # of letters in points, their width relative to that of 10 points, and the space beside a column
    ("", 10, 1.0, 6),
    (r"\small", 9, 1.03, 5),
    (r"\footnotesize", 8, 1.06, 4),
    (r"\scriptsize", 7, 1.14, 2.5),
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
    widths: Sequence[float],
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
        widths: Width of each column in print; see `width`.
        caption: The caption, in LaTeX.
        above: Lines above the header, such as names of groups of columns. Default: none.
        label: For \ref. Default: none.
        packages: Packages to name in a comment. Default: none.
    """
    needed = " and ".join(f"\\usepackage{{{name}}}" for name in packages)
    environment, size, gap = _fitting(widths)
    return "\n".join(
        [
            *([] if _fits(widths, PAGE, _SIZES[-1]) else ["% wider than both columns: choose fewer columns"]),
            *([f"% needs {needed}"] if needed else []),
            rf"\begin{{{environment}}}",
            r"  \centering",
            *([f"  {size}"] if size else []),
            *([rf"  \setlength{{\tabcolsep}}{{{gap:g}pt}}"] if size else []),
            r"  \setlength{\belowcaptionskip}{4pt}",  # classes expect captions below, and leave no space here
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


def widths(table: TextTable) -> list[float]:
    """Return the width of each column in print, in ems of letters of 10 points."""
    cells = [
        [width(cell) * (_BOLD if (number, column) in table.bold else 1.0) for column, cell in enumerate(row)]
        for number, row in enumerate(table.rows)
    ]
    return [max(each) for each in zip(list(map(width, table.header)), *cells, strict=True)]


def width(cell: str) -> float:
    """Return the width of a text in print, in ems; a power of ten is longer than e-5."""
    joined = _PAIR.sub(lambda match: f"({match[1]} ± {_scaled(match[3], match[2])}) 1e{match[2]}", cell)
    return sum(_EM.get(letter, _LETTER) for letter in joined) + _POWER_OF_TEN * len(_POWER.findall(joined))


def _fitting(widths: Sequence[float]) -> tuple[str, str, float]:
    """Return the environment, the size of letters and the space of a column with which a table fits, about."""
    for environment, room in (("table", COLUMN), ("table*", PAGE)):
        for each in _SIZES:
            if _fits(widths, room, each):
                return environment, each[0], each[3]
    return "table*", _SIZES[-1][0], _SIZES[-1][3]


def _fits(widths: Sequence[float], room: float, size: tuple[str, int, float, float]) -> bool:
    _, points, relative, gap = size
    return sum(widths) * points * relative + 2 * gap * len(widths) <= room


def is_number(cell: str) -> bool:
    r"""Return whether a cell is a number, with or without an uncertainty, that \num of siunitx reads."""
    return _NUMBER.fullmatch(cell) is not None


def bold(cell: str) -> str:
    r"""Return LaTeX in bold type, formulas and \num of siunitx in it as well."""
    return rf"\textbf{{\boldmath {cell.replace(_NUM, _BOLD_NUM)}}}"


def numbers(cell: str) -> str | None:
    r"""Return a number, or two with " to " between them, with \num of siunitx; None of another text."""
    parts = cell.split(" to ")
    if len(parts) > 2 or not all(map(is_number, parts)):
        return None
    return " to ".join(rf"{_NUM}{_of_siunitx(part)}}}" for part in parts)


def _of_siunitx(number: str) -> str:
    """Return a number as siunitx reads it: with an uncertainty that has no power of ten of its own."""
    value, mark, spread = number.partition(" ± ")
    if not mark:
        return number
    mantissa, _, exponent = value.partition("e")
    return f"{mantissa} +- {_scaled(spread, exponent or '0')}" + (f"e{exponent}" if exponent else "")


def _scaled(number: str, exponent: str) -> str:
    """Return a number divided by a power of ten, without a power of ten of its own."""
    return f"{Decimal(number).scaleb(-int(exponent)):f}"


def comment(line: str) -> str:
    """Return a comment line."""
    return "% " + " ".join(line.split())


def text(cell: str) -> str:
    r"""Return a text escaped for LaTeX, with powers of ten and minus signs.

    7.95e-6 becomes $7.95 \times 10^{-6}$, and 7.95e-6 ± 2e-7 becomes $(7.95 \pm 0.2) \times 10^{-6}$.
    """
    return _between(_PAIR, cell, _pair, lambda rest: _between(_POWER, rest, _power, _plain))


def _between(
    pattern: re.Pattern[str], cell: str, write: Callable[[re.Match[str]], str], other: Callable[[str], str]
) -> str:
    """Return what `write` makes of each match of a pattern, and `other` of what is between them."""
    parts = []
    end = 0
    for match in pattern.finditer(cell):
        parts += [other(cell[end : match.start()]), write(match)]
        end = match.end()
    return "".join([*parts, other(cell[end:])])


def _pair(match: re.Match[str]) -> str:
    return f"$({match[1]} \\pm {_scaled(match[3], match[2])}) \\times 10^{{{int(match[2])}}}$"


def _power(match: re.Match[str]) -> str:
    return f"${match[1]} \\times 10^{{{int(match[2])}}}$"


def _plain(cell: str) -> str:
    marked = _SIGNED.sub("\x00", cell)  # minus signs, not hyphens of names
    return "".join(_SPECIAL.get(character, character) for character in marked).replace("\x00", "$-$")
