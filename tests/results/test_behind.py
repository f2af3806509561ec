"""How far the optimizers of a comparison are behind the best, and what is equivalent to it."""

import csv
import io
import json
import math

import numpy as np
import pytest
from scipy import optimize, stats

from tests.results.test_comparison_table import HIGH, LOW, contest, render_comparisons
from tests.support.builders import ADAM, LODO, MOMENTUM, run
from tuner.core.objective import TRAINING_LOSS
from tuner.core.trial import Role, Status
from tuner.results.analysis.behind import behind
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.margins import Margin
from tuner.results.analysis.ranking import Standing, rank
from tuner.results.tables.first_lines import of_comparison

FLOOR = 0.5  # of all contenders of `contest`


def scaled(share):
    return [value * (1 + share) for value in LOW]


def second(losses, margin=None):
    """Return the contender with these losses, compared with one that has LOW."""
    parsed = None if margin is None else Margin.parse(margin)
    return compare_runs([contest(MOMENTUM, LOW), contest(LODO, losses)], parsed).contenders[1]


def test_the_distance_is_relative_to_the_best_with_the_ends_at_which_a_t_test_tells_it_from_the_data():
    other = (np.array(LOW) + np.array([0.3, 0.1, 0.2, 0.25, 0.15, 0.05])).tolist()
    found = second(other).behind
    relative = found.distance.relative

    def p(ratio):  # SciPy's one-sample t test of the distances minus ratio times the best's values
        return stats.ttest_1samp(np.array(other) - np.array(LOW) * (1 + ratio), 0.0).pvalue

    assert relative.value == pytest.approx(np.mean(other) / np.mean(LOW) - 1)
    assert relative.low == pytest.approx(optimize.brentq(lambda r: p(r) - 0.05, -1, relative.value), rel=1e-9)
    assert relative.high == pytest.approx(optimize.brentq(lambda r: p(r) - 0.05, relative.value, 1), rel=1e-9)
    assert (found.wins, found.seeds) == (0, 6)


def test_a_contender_is_equivalent_if_its_interval_lies_within_1_percent_of_its_distance_to_the_floor():
    near = second(scaled(0.005))  # mean 1.25 (1 + 0.005), 0.756 above the floor, of which 1 % is 0.6 % of 1.25
    assert near.behind.distance.margin == pytest.approx(0.01 * (1.25 * 1.005 - FLOOR) / 1.25)
    assert near.behind.is_equivalent
    assert not second(scaled(0.007)).behind.is_equivalent
    assert second(scaled(0.007), "1%").behind.is_equivalent
    assert second(scaled(0.007), "0.01").behind.distance.margin == pytest.approx(0.01 / 1.25)


def test_below_five_seeds_there_is_no_interval_and_nothing_is_equivalent():
    few = [*scaled(0.5)[:4], Status.FAILED, Status.FAILED]
    found = second(few, "90%").behind
    assert found.seeds == 4
    assert found.distance.relative.low is None
    assert not found.is_equivalent


def test_there_is_no_distance_from_one_that_diverged_on_a_seed():
    adam, _ = compare_runs([contest(ADAM, HIGH), contest(MOMENTUM, LOW)]).contenders
    assert adam.behind.distance.mean is None
    assert "Distance from" not in render_comparisons(
        [compare_runs([contest(ADAM, HIGH), contest(MOMENTUM, LOW)])], "text"
    )


def test_what_a_rounding_error_leaves_is_a_tie_however_many_seeds_agree():
    seeds = [1.0 + seed / 100 for seed in range(20)]
    rounded = [value * (1 + 4e-16) for value in seeds]
    assert rank({"a": seeds, "b": rounded}).ranks["b"].standing is Standing.TIE
    assert rank({"a": seeds, "b": [value * (1 + 1e-9) for value in seeds]}).ranks["b"].standing is Standing.TIE
    constant = rank({"a": [0.3] * 8, "b": [0.1 + 0.2] * 8, "c": [0.3 * (1 + 1e-9)] * 8})
    assert [constant.ranks[name].standing for name in "abc"] == [Standing.BEST, Standing.TIE, Standing.WORSE]


def test_tables_have_the_size_beside_the_standing_and_say_equivalent_in_every_format():
    comparison = compare_runs(
        [
            contest(ADAM, scaled(2.0)),
            contest(MOMENTUM, LOW),
            contest(LODO, [value + 0.125 + 0.0001 * (value > 1.2) for value in LOW]),
        ],
        Margin.parse("15%"),
    )
    text = render_comparisons([comparison], "text")
    block = text.partition("Distance from Momentum, seed by seed")[2].partition("\n\n")[0].splitlines()
    assert [line.split() for line in block[3:]] == [
        ["Adam", "200.00", "%", "0/6", "worse"],
        ["LODO", "10.0", "%", "(8.6", "to", "11.9)", "0/6", "equivalent"],  # as SciPy has it, see above
    ]
    assert max(map(len, text.splitlines())) <= 100
    assert "equivalent: the interval lies within the margin" in " ".join(text.split())
    certainty = dict(of_comparison(comparison))["certainty"]
    assert certainty == "significantly better than 1 of 2 (p at most 0.05); equivalent to LODO"
    (found,) = json.loads(render_comparisons([comparison], "json"))["comparisons"]
    adam, best, lodo = (one["behind"] for one in found["contenders"])
    assert best is None
    assert adam["relative"]["value"] == pytest.approx(2.0)
    assert (lodo["wins"], lodo["seeds"], lodo["is_equivalent"]) == (0, 6, True)
    rows = list(csv.DictReader(io.StringIO(render_comparisons([comparison], "csv"))))
    assert float(rows[2]["behind"]) == pytest.approx(0.1, abs=1e-4)
    assert [row["is_equivalent"] for row in rows] == ["False", "", "True"]
    assert "**" in next(line for line in render_comparisons([comparison], "markdown").splitlines() if "| LODO" in line)


def test_equivalent_is_said_in_error_as_rarely_as_two_one_sided_tests_say():
    generator, draws, wrong = np.random.default_rng(3), 2_000, 0
    for _ in range(draws):
        shared = generator.normal(size=6)
        best, other = (
            [run(Role.COMPARISON, 0, slot, mean + 0.02 * value) for slot, value in enumerate(noise.tolist())]
            for mean, noise in ((1.0, shared), (1.02, 0.9 * shared + 0.43 * generator.normal(size=6)))
        )
        wrong += behind(best, other, TRAINING_LOSS, 200, margin=Margin.parse("2%")).is_equivalent
    # The true distance is the margin: at most 2.5 %, within three standard errors of 2,000 draws.
    assert wrong / draws <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / draws)
