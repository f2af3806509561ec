"""Tables for papers: several runs in one table, of one database or of several."""

import csv
import io
import re
from dataclasses import replace

import pytest

from tests.results.test_comparison_table import HIGH, LOW, contest
from tests.results.test_first_lines import found
from tests.results.test_tables import SUMMARIES
from tests.support.builders import ADAM, LODO, MOMENTUM
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.tables import latex
from tuner.results.tables.numbers import mean_and_spread
from tuner.results.tables.text_table import TextTable
from tuner.results.tables.wide import wide_table
from tuner.results.tables.wide_table import Printing

FIRST = compare_runs([contest(ADAM, HIGH), contest(MOMENTUM, LOW)])
SECOND = replace(compare_runs([contest(MOMENTUM, HIGH), contest(LODO, LOW)]), run="second")


def rendered(runs, format="text", **printing):
    made = Printing(**printing)
    return wide_table(runs, made).to_format(format, made)


def test_each_optimizer_has_a_row_and_each_run_a_column():
    *_, header, _, adam, momentum, lodo = rendered([FIRST, SECOND]).splitlines()
    assert header.split() == ["optimizer", "contest", "second"]
    assert adam.split()[0] == "Adam"
    assert adam.split()[-1] == "–"
    assert momentum.split()[1] == "1.25"  # the mean of LOW
    assert lodo.split()[1:] == ["–", "1.25", "±", "0.17"]


def test_the_best_of_each_run_is_bold_in_the_column_of_values():
    lines = rendered([FIRST, SECOND], "markdown", columns=("diverged", "value")).splitlines()
    bold = {
        line.split("|")[1].strip(): [at for at, cell in enumerate(line.split("|")) if "**" in cell]
        for line in lines[4:]
    }
    assert bold == {"Adam": [], "Momentum": [3], "LODO": [5]}


def test_what_is_equivalent_to_the_best_is_said_to_be_and_bold_as_it_is():
    near = compare_runs([contest(ADAM, HIGH), contest(MOMENTUM, [1.005 * one for one in LOW]), contest(LODO, LOW)])
    lines = rendered([near], "markdown", columns=("value", "standing")).splitlines()[4:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert {name: standing for name, _, standing in cells} == {
        "Adam": "worse",
        "Momentum": "equivalent",
        "LODO": "best",
    }
    assert [name for name, value, _ in cells if value.startswith("**")] == ["Momentum", "LODO"]


def test_an_optimizer_that_diverged_is_not_the_best_and_its_mean_says_of_how_many_runs_it_is():
    runs = [(found(ADAM, (0.1, 0.1, Status.DIVERGED)), found(LODO, (1.0, 1.0, 1.0)))]
    run = runs[0][0].run
    adam, lodo = rendered(runs, "markdown").splitlines()[-2:]
    assert adam.split("|")[2].strip() == "0.1000 (2/3)"
    assert "**" in lodo
    assert r"\num{0.1000} (2/3)" in rendered(runs, "latex", siunitx=True)
    rows = {row["optimizer"]: row for row in csv.DictReader(io.StringIO(rendered(runs, "csv")))}
    assert [float(rows["Adam"][run]), rows["Adam"][f"{run}_runs"]] == [0.1, "2/3"]
    assert rows["LODO"][f"{run}_runs"] == ""


def test_latex_has_the_runs_above_their_columns_a_label_a_caption_and_other_names():
    text = rendered(
        [FIRST, SECOND], "latex", columns=("value", "p"), label="tab:all", caption=r"Losses, see \ref{fig:a}",
        rename={"Momentum": "SGD + momentum", "contest": "Bowl", "value": "loss"},
    )  # fmt: skip
    assert r"\multicolumn{2}{c}{Bowl} & \multicolumn{2}{c}{second} \\" in text
    assert r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}" in text
    assert "optimizer & loss & p & loss & p" in text
    assert r"\label{tab:all}" in text
    assert r"\caption{Losses, see \ref{fig:a}}" in text
    assert "SGD + momentum &" in text
    assert "Momentum &" not in text


@pytest.mark.parametrize(
    ("digits", "shown"),
    [(1, "12.35 ± 0.02"), (2, "12.346 ± 0.021"), (3, "12.3457 ± 0.0213"), (6, "12.3456780 ± 0.0213457")],
)
def test_precision_is_of_the_uncertainty_and_the_value_has_as_many_decimals(digits, shown):
    assert mean_and_spread(12.345678, 0.0213457, digits) == shown


def test_siunitx_gets_numbers_and_nothing_else():
    text = rendered([FIRST], "latex", siunitx=True, columns=("value", "standing"))
    assert r"\num[detect-all]{1.25 +- 0.17}" in text
    assert "best" in text
    assert r"\usepackage{siunitx}" in text
    for number in ("1.25", "7.95e-6", "-3 ± 0.1", "7.1e-5 ± 2e-6"):
        assert latex.is_number(number)
    for other in ("1 to 2", "–", "diverged", "1.25 ±", "1/8"):
        assert not latex.is_number(other)


def test_tuned_hyperparameters_are_a_row_each():
    summaries = tuple(one for one in SUMMARIES if one.optimizer == "Adam")
    rows = list(csv.reader(io.StringIO(rendered([summaries], "csv", layout="hyperparameters"))))
    assert [row[1] for row in rows[1:]] == ["learning_rate", "beta_1", "beta_2"]
    assert rows[1][2] == "0.01235"  # 0.0123456789 of tests/support/builders.py


def test_the_layout_of_the_paper_has_its_tasks_in_its_order_with_its_names():
    def of(task):
        return tuple(replace(one, task=task, run=task) for one in SUMMARIES if one.optimizer == "Adam")

    runs = [of("pixelcnn"), of("noisy-quadratic-bowl"), of("rosenbrock")]
    header = rendered(runs, "csv", layout="paper").splitlines()[0]
    names = [name for name in header.split(",")[2:] if not name.endswith(("_spread", "_runs"))]
    assert names == ["Noisy quadratic bowl", "Rosenbrock", "Image generation"]  # the order of the paper
    with pytest.raises(InvalidRequest, match="Received: 'mine'"):
        rendered([of("mine")], layout="paper")


@pytest.mark.parametrize(
    ("cells", "environment", "size"),
    [
        (3, "table", ""),
        (5, "table", r"\footnotesize"),
        (6, "table", r"\scriptsize"),
        (7, "table*", ""),
        (12, "table*", r"\scriptsize"),
    ],
)
def test_a_table_fits_a_column_or_else_the_page(cells, environment, size):
    table = TextTable([f"c{at}" for at in range(cells)], [["12345678"] * cells])
    text = latex.latex_table(table, "c")
    assert rf"\begin{{{environment}}}" in text
    assert (re.search(r"\\(small|footnotesize|scriptsize)", text) or [""])[0] == size


def test_powers_of_ten_and_bold_letters_are_wider_in_print():
    plain, power = latex.width("1.25"), latex.width("7e-5")
    assert plain == pytest.approx(1.78)  # three digits of half an em and a point of Computer Modern
    assert power > plain + 1
    (wide,) = latex.widths(TextTable(["a"], [["1.25"]], bold=frozenset({(0, 0)})))
    assert wide == pytest.approx(1.15 * plain)


def test_the_name_of_a_run_is_above_all_of_its_columns():
    text = rendered([replace(FIRST, run="a-long-name-of-a-run")], "latex", columns=("value", "p"))
    assert r"\begin{table}" in text
