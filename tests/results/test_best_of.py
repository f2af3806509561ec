"""The expected best of k of n candidates, against an enumeration of all subsets."""

import itertools
import math
import statistics

import numpy as np
import pytest

from tuner.results.analysis.best_of import best_of, best_of_searches

INF = math.inf
SAMPLES = {
    "distinct": (3.0, 0.5, 2.0, 8.0, 1.0, 5.0, 0.25),
    "ties": (1.0, 1.0, 2.0, 2.0, 2.0, 7.0),
    "equal": (4.0,) * 5,
    "negative": (-1e300, 2.0, -3.5, 1e-300),
    "some did not finish": (3.0, INF, 1.0, 2.0, INF, 2.0),
    "one": (0.7,),
    "none finished": (INF, INF, INF),
}
CASES = [
    pytest.param(values, count, id=f"{name} {count}")
    for name, values in SAMPLES.items()
    for count in range(1, len(values) + 1)
]


def bests(values, count):
    """The best value of each subset."""
    return [min(subset) for subset in itertools.combinations(values, count)]


def disjoint_pairs(values, count):
    """The best values of each pair of disjoint subsets."""
    for subset in itertools.combinations(range(len(values)), count):
        rest = [at for at in range(len(values)) if at not in subset]
        for other in itertools.combinations(rest, count):
            yield min(values[at] for at in subset), min(values[at] for at in other)


def reached(all_bests, share):
    """The least value that a share of the subsets reaches, with whole numbers where the share is one of tenths."""
    tenths = round(10 * share)
    return next(x for x in sorted(all_bests) if 10 * sum(b <= x for b in all_bests) >= tenths * len(all_bests))


@pytest.mark.parametrize(("values", "count"), CASES)
def test_the_mean_is_that_over_all_subsets_and_none_where_a_subset_has_nothing(values, count):
    every = bests(values, count)
    found = best_of(values, count)
    if INF in every:
        assert found.mean is None
    else:
        assert found.mean == pytest.approx(statistics.fmean(every), rel=1e-12)


@pytest.mark.parametrize(("values", "count"), CASES)
def test_the_probability_that_none_finished_is_the_share_of_such_subsets(values, count):
    every = bests(values, count)
    assert best_of(values, count).none_finished == pytest.approx(every.count(INF) / len(every), abs=1e-15)


@pytest.mark.parametrize(("values", "count"), CASES)
def test_quantiles_are_those_over_all_subsets_and_unknown_where_no_two_are_disjoint(values, count):
    every = bests(values, count)
    found = best_of(values, count)
    assert found.median == reached(every, 0.5)
    expected = (None, None) if 2 * count > len(values) else (reached(every, 0.1), reached(every, 0.9))
    assert (found.low, found.high) == expected


@pytest.mark.parametrize(("values", "count"), CASES)
def test_the_variance_is_half_the_mean_squared_distance_of_disjoint_subsets(values, count):
    found = best_of(values, count)
    if found.mean is None or 2 * count > len(values):
        assert found.spread is None
        return
    scale = max(abs(value) for value in values if math.isfinite(value))  # so that squares do not overflow
    squares = [((one - other) / scale) ** 2 for one, other in disjoint_pairs(values, count)]
    assert found.spread == pytest.approx(scale * math.sqrt(statistics.fmean(squares) / 2), rel=1e-9, abs=1e-12)


def test_mean_and_variance_are_unbiased_for_independent_candidates():
    # All 4^6 equally likely samples of six candidates from four values; the truth is that of two independent draws.
    support = (0.0, 1.0, 1.5, 4.0)
    every = [best_of(sample, 2) for sample in itertools.product(support, repeat=6)]
    true = [min(pair) for pair in itertools.product(support, repeat=2)]
    assert statistics.fmean(one.mean for one in every) == pytest.approx(statistics.fmean(true), rel=1e-12)
    assert statistics.fmean(one.spread**2 for one in every) == pytest.approx(statistics.pvariance(true), rel=1e-12)


def test_drawing_with_replacement_would_be_too_high():
    values = SAMPLES["distinct"]
    with_replacement = statistics.fmean(min(pair) for pair in itertools.product(values, repeat=2))
    assert best_of(values, 2).mean < with_replacement


def test_the_order_of_the_candidates_has_no_effect():
    values = SAMPLES["some did not finish"]
    assert {best_of(order, 2) for order in itertools.permutations(values)} == {best_of(values, 2)}


def test_thousands_of_candidates_keep_their_digits():
    # Of 1 to n the expected least of k is (n + 1)/(k + 1). Its variance between subsets,
    # k (n + 1)(n - k)/((k + 1)²(k + 2)), is exceeded by the unbiased estimate.
    values = np.arange(1.0, 20_001.0).tolist()
    for count in (1, 7, 500, 9_999):
        found = best_of(values, count)
        assert found.mean == pytest.approx(20_001 / (count + 1), rel=1e-9)
        variance = count * 20_001 * (20_000 - count) / ((count + 1) ** 2 * (count + 2))
        assert found.spread**2 >= variance * (1 - 1e-9)


def test_a_mean_is_infinite_even_where_the_probability_of_nothing_is_too_small_for_a_float():
    found = best_of([*np.arange(3000.0).tolist(), *[INF] * 1000], 900)  # C(1000, 900) / C(4000, 900) is about 1e-785
    assert (found.mean, found.none_finished) == (None, 0.0)


@pytest.mark.parametrize("count", [0, 4, -1])
def test_a_count_beyond_the_candidates_is_refused(count):
    with pytest.raises(ValueError, match="the count is from 1 to 3"):
        best_of((1.0, 2.0, 3.0), count)


def test_searches_have_a_mean_a_sample_spread_and_quantiles():
    found = best_of_searches([4.0, 1.0, 3.0])
    assert (found.mean, found.spread) == (pytest.approx(8 / 3), pytest.approx(statistics.stdev([4.0, 1.0, 3.0])))
    assert (found.low, found.median, found.high, found.none_finished) == (1.0, 3.0, 4.0, 0.0)


def test_one_search_in_which_none_finished_makes_the_mean_infinite_but_not_the_median():
    found = best_of_searches([4.0, INF, 3.0])
    assert (found.mean, found.spread) == (None, None)
    assert (found.low, found.median, found.high) == (3.0, 4.0, INF)
    assert found.none_finished == pytest.approx(1 / 3)


def test_a_single_search_has_no_spread():
    found = best_of_searches([4.0])
    assert (found.mean, found.spread, found.median, found.low, found.high) == (4.0, None, 4.0, None, None)
