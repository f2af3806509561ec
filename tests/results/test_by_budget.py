"""Quality by tuning budget: what counts, what is comparable, and the table and figure that show it."""

import csv
import io
import itertools
import json
import math
import statistics
from dataclasses import replace

import pytest

from tests.support.builders import ADAM, MOMENTUM, run, search, spec, study
from tuner.core.objective_text import parse
from tuner.core.trial import Role, Status
from tuner.results.analysis.by_budget import Method, by_budget
from tuner.results.figures import FIGURES_OF_SEARCH, budget_figure
from tuner.results.tables.table import FORMATS, Table

DIVERGED, FAILED, TIMED_OUT, RUNNING = Status.DIVERGED, Status.FAILED, Status.TIMED_OUT, Status.RUNNING


def searched(*generations, space=ADAM, run="first", strategy="random", **fields):
    """A search with one generation per sequence of outcomes."""
    fields = {"steps": (200,) * len(generations), "population": len(generations[0]), **fields}
    of = spec(space, run=run, strategy=strategy, **fields)
    return study(of), search(of, *generations)


def the_line(*searches):
    """The only line of some searches."""
    (group,) = by_budget(searches)
    (line,) = group.lines
    return line


def means(line):
    return [point.best.mean for point in line.points]


def test_a_random_search_has_the_expected_best_of_each_subset_by_candidates_and_evaluations():
    line = the_line(searched((4.0, 3.0, 2.0), (1.0, 5.0, 6.0)))
    assert line.method is Method.SUBSETS
    assert [(point.candidates, point.evaluations) for point in line.points] == [(1, 200), (2, 400), (4, 800), (6, 1200)]
    subsets = itertools.combinations((4.0, 3.0, 2.0, 1.0, 5.0, 6.0), 2)
    assert means(line)[1] == pytest.approx(statistics.fmean(map(min, subsets)))
    assert (means(line)[0], means(line)[-1]) == (pytest.approx(3.5), 1.0)


@pytest.mark.parametrize("end", [DIVERGED, FAILED, TIMED_OUT])
def test_a_candidate_that_did_not_finish_counts_and_is_infinitely_bad(end):
    line = the_line(searched((4.0, end, 2.0, end)))
    assert (line.candidates, line.finished) == (4, 2)
    assert means(line) == [None, None, 2.0]
    assert [point.best.none_finished for point in line.points] == pytest.approx([1 / 2, 1 / 6, 0.0])
    assert [point.best.median for point in line.points] == [4.0, 2.0, 2.0]


def test_candidates_with_another_budget_are_left_out_with_a_remark():
    line = the_line(searched((9.0, 9.0), (4.0, 2.0), steps=(100, 200)))
    assert line.candidates == 2
    assert means(line) == [3.0, 2.0]
    assert line.remarks == ("candidates with another budget than 200 gradient evaluations are left out",)


def test_only_complete_generations_of_a_random_search_count():
    # What has ended first of a generation is no fair sample: what diverges ends early.
    line = the_line(searched((4.0, 2.0), (1.0, RUNNING)))
    assert line.candidates == 2
    assert line.remarks == ("first/Adam is not over: its complete generations count",)


def test_random_searches_with_other_seeds_add_their_candidates():
    line = the_line(searched((4.0, 2.0)), searched((3.0, 1.0), run="second", seed=1))
    assert line.studies == ("first/Adam", "second/Adam")
    assert means(line) == [2.5, pytest.approx(10 / 6), 1.0]  # of pairs: 1, 1, 1, 2, 2, 3


def test_of_random_searches_with_one_seed_the_longest_counts_since_the_others_repeat_its_draws():
    line = the_line(searched((4.0, 2.0)), searched((4.0, 2.0), (3.0, 1.0), run="second"))
    assert line.studies == ("second/Adam",)
    assert line.candidates == 4
    assert line.remarks == ("first/Adam does not count: it repeats second/Adam, which has the same seed 0",)


def test_searches_of_another_strategy_have_mean_and_spread_by_budget():
    line = the_line(
        searched((4.0, 2.0), strategy="genetic"),
        searched((9.0, 4.0), strategy="genetic", run="second", seed=1),
        searched((9.0, 3.0), (1.0, 2.0), strategy="genetic", run="third"),
    )
    assert line.method is Method.SEARCHES
    assert [(one.candidates, one.evaluations, one.searches) for one in line.points] == [(2, 400, 2), (4, 800, 1)]
    assert means(line) == [3.0, 1.0]
    assert [point.best.spread for point in line.points] == [pytest.approx(2**0.5), None]  # of 2 and 4
    assert line.remarks == ()


def test_a_search_s_quality_is_its_best_with_the_last_budget_and_its_cost_is_all_of_it():
    one = searched((1.0, 2.0), (5.0, 4.0), strategy="genetic", steps=(100, 200))
    other = searched((1.0, 2.0), (6.0, 7.0), strategy="genetic", steps=(100, 200), run="second", seed=1)
    line = the_line(one, other)
    assert [(point.evaluations, point.best.mean) for point in line.points] == [(600, 5.0)]


def test_a_search_that_repeats_another_counts_once():
    line = the_line(
        searched((4.0, 2.0), strategy="genetic"),
        searched((4.0, 2.0), strategy="genetic", run="second"),
        searched((5.0, 1.0), strategy="genetic", run="third", seed=1),
    )
    assert [point.searches for point in line.points] == [2]
    assert line.remarks == ("second/Adam does not count: it repeats first/Adam, which has the same seed 0",)


def test_one_search_per_budget_has_no_spread_which_is_said():
    line = the_line(
        searched((4.0, 2.0), strategy="genetic"), searched((4.0, 3.0), (1.0, 2.0), strategy="genetic", run="second")
    )
    assert [point.best.spread for point in line.points] == [None, None]
    assert line.remarks == ("one search per budget, so nothing is known of the spread; repeat them with other seeds",)


def test_a_single_search_of_another_strategy_shows_its_best_so_far_and_says_that_it_is_no_expectation():
    line = the_line(searched((9.0, 9.0), (4.0, DIVERGED), (5.0, 3.0), strategy="paper", steps=(100, 200, 200)))
    assert line.method is Method.ONE_SEARCH
    assert [(one.candidates, one.evaluations) for one in line.points] == [(4, 600), (6, 1000)]
    assert means(line) == [4.0, 3.0]
    assert "has no expectation by budget" in line.remarks[0]


def test_a_search_that_is_not_over_is_no_result_of_its_budget():
    line = the_line(
        searched((4.0, 2.0), strategy="genetic"), searched((5.0, RUNNING), strategy="genetic", run="second", seed=1)
    )
    assert line.method is Method.ONE_SEARCH
    assert line.studies == ("first/Adam",)
    assert line.remarks[1:] == ("second/Adam is not over, and does not count",)


def test_nothing_recorded_yet_is_no_point_and_a_remark():
    table = Table(by_budget=by_budget([searched((RUNNING, RUNNING))]))
    assert table.by_budget[0].lines[0].points == ()
    assert "Adam: no generation with the last budget is complete yet" in str(table)
    assert budget_figure(table.by_budget) is None


@pytest.mark.parametrize(
    "other", [{"task": "bowl"}, {"steps": (300,)}, {"options": {"dimensions": 3}}, {"data": {"name": "mnist"}}]
)
def test_searches_whose_fitnesses_are_not_comparable_are_apart(other):
    groups = by_budget([searched((4.0, 2.0)), searched((3.0, 1.0), run="second", seed=1, **other)])
    assert [group.runs for group in groups] == [("first",), ("second",)]


def test_searches_in_other_spaces_are_lines_of_their_own_told_apart_by_their_runs():
    narrow = {**ADAM, "hyperparameters": {**ADAM["hyperparameters"], "beta_1": {"scale": "decay", "default": 0.5}}}
    table = Table(by_budget=by_budget([searched((4.0, 2.0)), searched((3.0, 1.0), run="second", space=narrow)]))
    assert len(table.by_budget[0].lines) == 2
    assert "2 random (first)" in str(table)
    assert "2 random (second)" in str(table)


ALL = (
    searched((4.0, DIVERGED, 2.0, 1.0), (3.0, 5.0, 2.5, 1.5)),
    searched((2.0, DIVERGED, 0.1, DIVERGED), space=MOMENTUM),
    searched((4.0, 2.0), strategy="genetic", run="second"),
    searched((5.0, 3.0), strategy="genetic", run="third", seed=1),
    searched((4.0, 0.5), strategy="paper", run="fourth", space=MOMENTUM),
)
TABLE = Table(by_budget=by_budget(ALL))


def test_the_text_has_a_row_per_budget_and_marks_what_is_infinite_or_unknown():
    lines = str(TABLE).splitlines()
    assert lines[0] == "first, second, third, fourth: rosenbrock, quality by tuning budget"
    rows = [line.split() for line in lines]
    assert ["Momentum", "4", "random", "1", "200", "∞", "2.000", "0.100", "to", "∞", "50", "%"] in rows
    assert ["4", "random", "4", "800", "0.1000", "0.1000", "–", "0", "%"] in rows
    assert [
        "Adam",
        "2",
        "×",
        "genetic",
        "2",
        "400",
        "2.50",
        "±",
        "0.71",
        "2.000",
        "2.00",
        "to",
        "3.00",
        "0",
        "%",
    ] in rows
    assert ["Momentum", "paper,", "so", "far", "2", "400", "0.5000", "0.5000", "–", "0", "%"] in rows


def test_a_column_on_what_did_not_finish_is_left_out_where_everything_did():
    assert "none" in str(TABLE).splitlines()[3]
    assert "none" not in str(Table(by_budget=by_budget([searched((4.0, 2.0))])))


def test_a_remark_that_holds_for_several_optimizers_is_printed_once():
    both = [searched((4.0, 2.0), strategy="paper"), searched((4.0, 2.0), strategy="paper", space=MOMENTUM)]
    assert str(Table(by_budget=by_budget(both))).count("has no expectation") == 1
    assert "- Adam, Momentum: one search" in str(Table(by_budget=by_budget(both)))


@pytest.mark.parametrize("format", FORMATS)
def test_it_is_written_in_every_format(format):
    assert "Momentum" in TABLE.to_format(format)


def test_csv_and_json_have_the_same_numbers_and_infinity_is_absent():
    header, *rows = csv.reader(io.StringIO(TABLE.to_csv()))
    (group,) = json.loads(TABLE.to_json())["by_budget"]
    points = [point for line in group["optimizers"] for point in line["points"]]
    assert len(rows) == len(points)
    for row, point in zip(rows, points, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert {name: float(cells[name]) if cells[name] else None for name in point} == point
    assert points[0]["mean"] is None
    assert list(TABLE.to_dataframe().columns) == header


def test_the_figure_has_mean_and_median_by_budget_and_a_gap_where_the_mean_is_infinite():
    figure = budget_figure(by_budget(ALL[1:2]))
    (axes,) = figure.axes
    mean, median = (line.get_xydata().tolist() for line in axes.lines)
    assert [x for x, _ in mean] == [200, 400, 800]
    assert [y for _, y in mean][2] == 0.1
    assert all(y != y for _, y in mean[:2])  # NaN
    assert [y for _, y in median] == [2.0, 0.1, 0.1]
    assert axes.get_xscale() == "log"
    lower, upper = axes.get_ylim()
    assert lower < 0.1
    assert upper > 2.0


def test_each_task_has_its_panel():
    groups = by_budget([ALL[0], searched((4.0, 2.0), task="bowl"), searched((4.0, 2.0), steps=(300,))])
    figure = budget_figure(groups)
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["rosenbrock, 200 per candidate", "bowl, 200 per candidate", "rosenbrock, 300 per candidate"]


def test_a_run_has_the_figure_only_if_it_says_more_than_the_best_so_far():
    (kind,) = (kind for kind in FIGURES_OF_SEARCH if kind.name == "search-by-budget")
    assert kind.draw(ALL[:2]) is not None
    assert kind.draw(ALL[4:]) is None


@pytest.mark.parametrize(
    "outcomes", [(DIVERGED,) * 4, (0.0,) * 4, (-5.0, 0.0, 3.0, DIVERGED), (1e-320, 1e300, 1e308, 1.0)]
)
@pytest.mark.parametrize("strategy", ["random", "paper"])
def test_whatever_came_of_a_search_is_printed_and_drawn(outcomes, strategy):
    groups = by_budget([searched(outcomes, strategy=strategy)])
    assert "Adam" in str(Table(by_budget=groups))
    budget_figure(groups).canvas.draw()


def test_runs_on_fresh_seeds_are_no_candidates():
    record, candidates = searched((4.0, 2.0))
    fresh = [run(role, 0, slot, 0.001) for role in (Role.DEFAULT, Role.TUNED) for slot in range(3)]
    assert the_line((record, [*candidates, *fresh])) == the_line((record, candidates))


def by(objective, searched_once):
    """The same search by another objective."""
    record, candidates = searched_once
    of = replace(record.spec, workload=replace(record.spec.workload, objective=parse(objective)))
    return replace(record, spec=of), candidates


def test_where_the_greatest_is_best_numbers_are_values_of_the_metric_and_worst_is_minus_infinity():
    # Accuracies 0.5, 0.9, 0.7 and a divergence; stored are their negatives.
    group = by_budget([by("validation.accuracy", searched((-0.5, -0.9, -0.7, DIVERGED)))])
    best = [point.best for point in group[0].lines[0].points]
    assert [(one.mean, one.median, one.low, one.high) for one in best] == [
        (None, 0.7, -math.inf, 0.9),
        (pytest.approx((3 * 0.9 + 2 * 0.7 + 0.5) / 6), 0.9, 0.5, 0.9),
        (0.9, 0.9, None, None),
    ]
    text = str(Table(by_budget=group))
    assert "Best of k candidates: validation accuracy at the end of 200 gradient evaluations (higher is better)" in text
    assert "-∞ to 0.900" in text
    (document,) = json.loads(Table(by_budget=group).to_json())["by_budget"]
    assert document["objective"] == "validation.accuracy"
    assert [point["mean"] for point in document["optimizers"][0]["points"]] == [None, best[1].mean, 0.9]
    (axes,) = budget_figure(group).axes
    assert axes.lines[0].get_ydata().tolist()[1:] == [best[1].mean, 0.9]
    lower, upper = axes.get_ylim()
    assert 0.5 < lower < 0.7 < 0.9 < upper < 1.1  # the medians and the better quantiles


def test_a_candidate_that_missed_the_target_is_infinitely_late():
    objective = parse("evaluations-to:validation.loss<=0.1")
    missed = objective.missed_fitness(0.4, 200)
    group = by_budget([by(objective.text, searched((80.0, missed, 60.0, missed)))])
    best = [point.best for point in group[0].lines[0].points]
    assert [(one.mean, one.median, one.none_finished) for one in best] == [
        (None, 80.0, 0.5),
        (None, 60.0, pytest.approx(1 / 6)),  # one of six pairs has two misses
        (60.0, 60.0, 0.0),
    ]
    assert "no candidate of a search finishes and reaches the target. Its best is ∞ then" in " ".join(
        str(Table(by_budget=group)).split()
    )
