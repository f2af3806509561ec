"""The first lines of a table: who is best, by how much, how sure, at what cost, and what did not work."""

from dataclasses import replace

import pytest

from tests.results.test_comparison_table import HIGH, LOW, contest, series
from tests.results.test_tables import SUMMARIES
from tests.support.builders import ADAM, LODO, MOMENTUM, fresh, search, spec, study
from tuner.core.trial import Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.summary import summarise
from tuner.results.tables import first_lines
from tuner.results.tables.table import Table


def found(space, tuned, default=(9.0, 9.0, 9.0), outcomes=(4.0, 3.0, 2.0, 1.0)):
    of = spec(space, steps=(200,))
    return summarise(study(of), [*search(of, outcomes), *fresh(default, tuned)])


def answers(lines):
    return dict(lines)


def test_the_best_is_the_lowest_on_fresh_seeds_with_the_next_and_the_factor_between_them():
    lines = answers(first_lines.of_searches([found(ADAM, (2.0, 2.1, 2.2)), found(LODO, (1.0, 1.05, 1.1))]))
    assert lines["best"] == "LODO: 1.050 ± 0.050 on 3 fresh seeds; next Adam: 2.10 ± 0.10 (2 ×)"
    assert lines["certainty"].startswith("the two best differ by 9.4 standard deviations")  # 1.05 / √(0.1² + 0.05²)
    assert "one search of each optimizer (seed 0)" in lines["certainty"]


def test_an_optimizer_that_diverged_on_a_fresh_seed_is_not_the_best_however_low_the_others_are():
    lines = answers(first_lines.of_searches([found(ADAM, (0.1, 0.1, Status.DIVERGED)), found(LODO, (1.0, 1.0, 1.0))]))
    assert lines["best"].startswith("LODO: 1.000 on 3 fresh seeds; next Adam: 0.1000 (2/3)")


def test_what_tuning_did_not_improve_and_what_did_not_finish_are_named():
    worse = found(ADAM, (10.0, 10.1, 10.2), outcomes=(Status.DIVERGED, 3.0, 2.0, Status.FAILED))
    lines = answers(first_lines.of_searches([worse, found(LODO, (1.0, 1.0, 1.0))]))
    assert lines["tuning"] == "better than the defaults for 1 of 2 optimizers, by 88.9 %; not for Adam (worse)"
    assert lines["lost"] == "Adam 2 of 4 individuals"
    assert answers(first_lines.of_searches([found(LODO, (1.0, 1.0, 1.0))]))["lost"] == "nothing"


def test_the_cost_is_the_sum_of_the_tables_columns():
    search_cost = sum(one.search_cost.evaluations for one in SUMMARIES)
    fresh_cost = sum(one.fresh_cost.evaluations for one in SUMMARIES)
    assert answers(first_lines.of_searches(SUMMARIES))["cost"].startswith(
        f"{search_cost + fresh_cost:,} gradient evaluations, {fresh_cost:,} of them on fresh seeds;"
    )


def test_a_comparison_says_who_is_best_and_against_how_many_that_is_significant():
    lines = answers(first_lines.of_comparison(compare_runs([contest(ADAM, HIGH), contest(MOMENTUM, LOW)])))
    assert lines["best"].startswith("Momentum: 1.25 ± 0.17 over 6 runs; next Adam: ")
    assert lines["certainty"] == "significantly better than 1 of 1 (p at most 0.05)"
    assert lines["cost"].startswith("10,034 gradient evaluations in 12 runs")


@pytest.mark.parametrize(
    ("accuracies", "remark"),
    [
        ((0.9, 0.8), "by test accuracy Adam is best, with 0.9000; Momentum has 0.8000"),
        ((0.8, 0.9), None),
        ((0.8, 0.8), None),
    ],
)
def test_a_metric_that_is_best_for_another_optimizer_is_remarked_on(accuracies, remark):
    studies = []
    for space, losses, accuracy in ((ADAM, HIGH, accuracies[0]), (MOMENTUM, LOW, accuracies[1])):
        record, runs = contest(space, losses, measured=False)
        measured = {"test": series([200], [1.0], accuracy=[accuracy])}
        studies.append((record, [replace(one, series=measured) for one in runs]))
    lines = first_lines.of_comparison(compare_runs(studies))
    assert [text for word, text in lines if word == "but"] == ([] if remark is None else [remark])


def test_the_lines_are_the_first_of_every_format():
    table = Table(tuple(SUMMARIES))
    assert table.to_text().splitlines()[1].startswith("objective  mean training loss")
    assert "- **best:** so far Adam" in table.to_markdown().split("\n\n")[1]
    assert "% best: so far Adam" in table.to_latex()
    assert "<dt>best</dt><dd>so far Adam" in table._repr_html_()
