"""Tables in LaTeX, set in a paper with two columns: they compile, and fit."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from tests.results.test_comparison_table import HIGH, LOW, NEAR, contest
from tests.results.test_searches import ADAMS, LODOS
from tests.results.test_sizes import found
from tests.results.test_tables import SUMMARIES
from tests.support.builders import ADAM, LODO, MOMENTUM, RMSPROP
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.searches import merged
from tuner.results.tables import latex
from tuner.results.tables.table import Table
from tuner.results.tables.wide import wide_table
from tuner.results.tables.wide_table import Printing

SMALL = [(3.1e-5, 2.9e-6), (7.7e-5, 2.2e-5), (8.2e-5, 4.9e-5), (4e-5, 4e-5)]
PAPER = r"""\documentclass[twocolumn]{article}
\usepackage{booktabs,siunitx}
\textwidth=487pt \columnsep=19pt \oddsidemargin=-10pt
\begin{document}
%s
\end{document}
"""


def compiled(body, folder):
    """Return the log of pdflatex, whose errors and boxes that are too wide it names."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-recommended, texlive-science)")
    (folder / "paper.tex").write_text(PAPER % body, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    log = done.stdout.decode("utf-8", "replace")
    if missing := re.search(r"File `(\w+\.sty)' not found", log):
        pytest.skip(f"LaTeX's {missing[1]} is not installed (Debian: texlive-science)")
    return log


def faults(log):
    return re.findall(r"^(?:! .*|Overfull \\hbox.*)$", log, re.MULTILINE)


def comparisons(count):
    spaces = (ADAM, MOMENTUM, LODO, RMSPROP)
    losses = (HIGH, LOW, NEAR, [value * 1e-7 for value in LOW])
    return compare_runs([contest(space, values) for space, values in zip(spaces[:count], losses, strict=False)])


def searches():
    pairs = [
        ([one + spread * at for at in range(6)], [one / 3 + spread / 9 * at for at in range(6)])
        for one, spread in SMALL
    ]
    return tuple(
        replace(found(LODO, *pair), optimizer=name)
        for name, pair in zip(("Adam", "LODO-Residuals", "Levenberg-Marquardt", "keras:AdamW"), pairs, strict=True)
    )


def tables():
    """Every table of a search and a comparison, and the layouts for papers, by name."""
    of_searches, of_comparison = searches(), comparisons(4)
    all_of_a_search = ("tuned", "default", "gain", "relative gain", "best seen", "verdict", "diverged", "evaluations")
    yield "searches", Table((*SUMMARIES, *of_searches)).to_latex()
    yield "comparison", Table(comparisons=(of_comparison,)).to_latex()
    yield "several searches", Table((*ADAMS, *LODOS)).to_latex()
    for siunitx in (False, True):
        for columns in (("tuned",), ("default", "tuned"), ("tuned", "relative gain", "verdict"), all_of_a_search[:6]):
            printing = Printing("one", columns, siunitx=siunitx)
            yield f"{columns}, {siunitx}", wide_table([of_searches], printing).to_format("latex", printing)
        for columns in (("value",), ("value", "interval", "diverged", "p", "standing")):
            printing = Printing("one", columns, siunitx=siunitx)
            yield f"{columns}, {siunitx}", wide_table([of_comparison], printing).to_format("latex", printing)
        printing = Printing("one", ("default", "tuned"), siunitx=siunitx, label="tab:both", caption="Two runs")
        two = [of_searches, tuple(replace(one, run="another-long-name-of-a-run") for one in of_searches)]
        yield f"two runs, {siunitx}", wide_table(two, printing).to_format("latex", printing)
        yield f"merged, {siunitx}", wide_table([merged([*ADAMS, *LODOS])], printing).to_format("latex", printing)
        printing = Printing("hyperparameters", siunitx=siunitx)
        yield f"values, {siunitx}", wide_table([of_searches], printing).to_format("latex", printing)


def test_every_table_compiles_in_two_columns_and_none_is_too_wide(tmp_path):
    body = "\n\\clearpage\n".join(f"\\typeout{{TABLE {name}}}\n{text}" for name, text in tables())
    log = compiled(body, tmp_path)
    assert faults(log) == []
    assert "Output written on paper.pdf" in log


def test_a_table_that_is_too_wide_and_a_wrong_number_would_be_found(tmp_path):
    wide = latex.floating(["a"] * 9, [["0.123456789"] * 9], "r" * 9, [0.1] * 9, "c")
    found = faults(compiled(wide + "\n\\num{7.5e-5 +- 0.2e-5}", tmp_path))
    assert any(one.startswith("Overfull") for one in found)
    assert any("Invalid number" in one for one in found)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("8.2e-5 ± 4.9e-5", r"\num{8.2 +- 4.9e-5}"),
        ("7.50e-5 ± 2.1e-6", r"\num{7.50 +- 0.21e-5}"),
        ("0.00397 ± 0.00077", r"\num{0.00397 +- 0.00077}"),
        ("-1.5 ± 2", r"\num{-1.5 +- 2}"),
        ("1.5e-5 to 1.6e-5", r"\num{1.5e-5} to \num{1.6e-5}"),
        ("better", None),
        ("75.4 % (69.2 to 80.0)", None),
        ("1 to", None),
    ],
)
def test_siunitx_reads_an_uncertainty_without_a_power_of_ten_of_its_own(cell, shown):
    assert latex.numbers(cell) == shown


def test_a_table_that_fits_nowhere_says_so():
    text = latex.floating(["a"] * 20, [["0.123456789"] * 20], "r" * 20, [6.0] * 20, "c")
    assert "% wider than both columns: choose fewer columns" in text


def test_bold_numbers_of_siunitx_take_the_weight_of_the_text():
    assert latex.bold(r"\num{1.5} (7/8)") == r"\textbf{\boldmath \num[detect-all]{1.5} (7/8)}"
