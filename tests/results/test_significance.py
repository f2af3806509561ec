"""The statistics of comparisons, against SciPy, other ways to count, and numbers by hand."""

import math
from itertools import combinations

import numpy as np
import pytest

from tuner.results.analysis.estimate import Estimate, estimate
from tuner.results.analysis.ranking import Rank, Standing, rank
from tuner.results.analysis.significance import holm, mann_whitney, seeds_needed, sign_test, smallest_p


def test_mann_and_whitney_s_p_by_hand():
    assert mann_whitney([1, 2, 3], [4, 5, 6]) == pytest.approx(2 / 20)  # one order of 20, on either side
    assert mann_whitney([1, 2, 4], [3, 5, 6]) == pytest.approx(2 * 2 / 20)
    assert mann_whitney([1, 1], [1, 1]) == 1.0
    assert mann_whitney([1, 2, 3], [4, math.inf, math.inf]) == pytest.approx(2 / 20)


def test_mann_and_whitney_s_p_is_scipy_s_where_nothing_is_tied():
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    for sizes in ((8, 8), (3, 9), (1, 5), (20, 20), (60, 70)):
        first, second = random.normal(size=sizes[0]), random.normal(0.5, 1, size=sizes[1])
        method = "exact" if sum(sizes) <= 100 else "asymptotic"
        expected = stats.mannwhitneyu(first, second, method=method).pvalue
        assert mann_whitney(first, second) == pytest.approx(expected, rel=1e-9)


def test_mann_and_whitney_s_p_with_ties_is_what_counting_all_choices_gives():
    random = np.random.default_rng(1)
    for _ in range(20):
        values = random.integers(0, 4, 9).tolist()

        def larger(first, second):
            """Return how much larger the first sample is, by pairs."""
            return sum((a > b) - (a < b) for a in first for b in second)

        observed = larger(values[:4], values[4:])
        found = [
            larger([values[i] for i in chosen], [values[i] for i in range(9) if i not in chosen])
            for chosen in combinations(range(9), 4)
        ]
        tails = [sum(one <= observed for one in found), sum(one >= observed for one in found)]
        assert mann_whitney(values[:4], values[4:]) == pytest.approx(min(1.0, 2 * min(tails) / 126))


def test_the_smallest_p_is_reached_by_samples_that_do_not_overlap():
    assert smallest_p(8, 8) == pytest.approx(2 / 12870)  # C(16, 8)
    assert mann_whitney(range(8), range(8, 16)) == pytest.approx(smallest_p(8, 8))
    assert smallest_p(0, 8) == smallest_p(1, 1) == 1.0
    # 2/C(6,3) = 0.1 and 2/C(8,4) = 0.029; 8 · 2/C(10,5) = 0.063 and 8 · 2/C(12,6) = 0.017
    assert [seeds_needed(rivals) for rivals in (1, 8)] == [4, 6]


def test_holm_s_correction_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])  # 3 · 0.01; 2 · 0.03; then never less
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_an_estimate_has_the_mean_the_paper_s_spread_and_an_interval():
    found = estimate([1.0, 2.0, 3.0, 3.0, 6.0])  # squared distances 4 + 1 + 0 + 0 + 9 = 14, over 5
    assert (found.mean, found.spread, found.runs) == (3.0, pytest.approx(math.sqrt(2.8)), 5)
    assert 1.0 < found.low < 3.0 < found.high < 6.0
    assert estimate([2.5]) == Estimate(2.5, 0.0, None, None, 1)
    assert estimate([0.1] * 6) == Estimate(0.1, 0.0, 0.1, 0.1, 6)  # though 6 · 0.1 / 6 is rounded
    assert estimate([]) is None


def test_fewer_than_five_runs_have_no_interval():
    four = estimate([1.0, 2.0, 3.0, 6.0])
    assert (four.mean, four.low, four.high) == (3.0, None, None)
    assert estimate([1.0, 2.0, 3.0, 6.0, 7.0]).low is not None


def test_the_interval_is_scipy_s_percentile_bootstrap_up_to_the_luck_of_the_draw():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(2).exponential(size=8)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    found = estimate(values)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], abs=0.03 * values.std())


def ranks(**losses):
    return {name: (found.standing, found.p) for name, found in rank(losses).ranks.items()}


LOW, HIGH = [1.0 + seed / 100 for seed in range(8)], [2.0 + seed / 100 for seed in range(8)]


def test_the_best_has_its_ties_and_the_others_are_worse():
    near = [value + 0.005 for value in LOW]
    found = ranks(best=LOW, near=near, far=HIGH)
    assert found["best"] == (Standing.BEST, None)
    assert found["far"] == (Standing.WORSE, pytest.approx(2 * 2 / 12870))
    assert found["near"][0] is Standing.TIE
    assert found["near"][1] > 0.05


def test_a_test_that_cannot_find_anything_is_refused_and_says_how_many_seeds_would_do():
    few = rank({name: [1.0 + number, 1.1 + number, 1.2 + number] for number, name in enumerate("abc")})
    assert {one.standing for name, one in few.ranks.items() if name != "a"} == {Standing.UNTESTED}
    assert few.remarks == (
        "no test of b, c against a: with so few runs the smallest p of the Mann-Whitney test is 0.1, and 0.2 after "
        "correction for 2 rivals, above 0.05 in any case; 5 seeds would be enough.",
    )


def test_against_runs_that_are_the_same_on_every_seed_signs_are_counted():
    found = rank({"lodo": LOW, "same": [3.0] * 8, "within": [1.036] * 8, "spread": HIGH})
    assert found.ranks["same"] == Rank(Standing.WORSE, pytest.approx(2 * 2 / 256))  # Holm: second of three
    assert found.ranks["within"] == Rank(Standing.TIE, 1.0)  # four of eight below it
    assert found.ranks["spread"].p == pytest.approx(3 * 2 / 12870)
    assert found.remarks[0].startswith("same, within against lodo: one of the two is equal on every seed")


def test_three_runs_above_one_number_are_not_worse_than_it():
    found = rank({"constant": [1.0] * 3, "lodo": [1.1, 1.2, 1.3]})
    assert found.ranks["lodo"].standing is Standing.UNTESTED
    assert found.remarks == (
        "no test of lodo against constant: with so few runs the smallest p of the sign test is 0.25, and 0.25 after "
        "correction for 1 rival, above 0.05 in any case; 6 seeds would be enough.",
    )


def test_two_that_are_the_same_on_every_seed_are_ordered_and_not_tested():
    exact = rank({"a": [1.0] * 8, "b": [1.0] * 8, "c": [2.0] * 8})
    assert [exact.ranks[name].standing for name in "abc"] == [Standing.BEST, Standing.TIE, Standing.WORSE]
    assert {one.p for one in exact.ranks.values()} == {None}


def test_losses_that_are_rounding_errors_count_as_equal():
    found = rank({"yogi": [2.8e-31] * 4, "momentum": [4.3e-31] * 4, "lodo": [2.0e-21] * 4})
    assert [found.ranks[name].standing for name in ("yogi", "momentum", "lodo")] == ["best", "tie", "worse"]
    assert found.remarks[0] == ("yogi, momentum: losses below 1e-26 are rounding errors and count as equal.")
    assert len(rank({"yogi": [2.8e-31] * 4, "lodo": [2.0e-21] * 4}).remarks) == 1


def test_a_sign_test_s_p_by_hand():
    assert sign_test([1.0] * 8) == sign_test([-1.0] * 8) == 2 / 256
    assert sign_test([1.0, 1.0, 1.0, -1.0, 0.0]) == 2 * (1 + 4) / 16
    assert sign_test([1.0, -1.0]) == sign_test([0.0]) == 1.0


def test_who_diverges_is_not_the_best_and_is_told_where_it_is_lower():
    wild = [*LOW[:7], math.inf]
    found = ranks(wild=wild, tame=HIGH, gone=[math.inf] * 8)
    assert found["tame"][0] is Standing.BEST
    assert found["wild"][0] is Standing.LOWER
    assert found["gone"] == (Standing.WORSE, pytest.approx(2 * 2 / 12870))
    assert ranks(gone=[math.inf] * 8)["gone"] == (Standing.UNTESTED, None)


def test_a_run_that_diverged_counts_as_the_highest():
    tried = [*(value + 0.005 for value in LOW[:2]), *[math.inf] * 6]
    assert ranks(best=LOW, tried=tried)["tried"][0] is Standing.WORSE
