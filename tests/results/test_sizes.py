"""Sizes of gains: relative, with an interval, and against a margin."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from tests.support.builders import ADAM, LODO, fresh, search, spec, study
from tuner.core.errors import InvalidRequest
from tuner.core.objective_text import parse
from tuner.core.trial import Status
from tuner.results.analysis.margins import Margin, judged
from tuner.results.analysis.relative import NOT_KNOWN, Relative, relative_gain, relative_gain_of_logarithms
from tuner.results.analysis.student import t_quantile
from tuner.results.analysis.summary import summarise
from tuner.results.analysis.verdict import Gain, Verdict
from tuner.results.tables import sizes
from tuner.results.tables.show import render_search
from tuner.results.tables.table import Table

SIX = (1.0, 1.1, 1.2, 0.9, 0.8, 1.0)


def found(space, default, tuned, **fields):
    of = spec(space, steps=(200,), fresh_seeds=len(default), **fields)
    return summarise(study(of), [*search(of, (4.0, 3.0, 2.0, 1.0)), *fresh(default, tuned)])


def drawn(generator, n, *, gain, spread, correlation=0.8):
    """Return a pair per seed with means 1 and 1 - gain, normal with this standard deviation."""
    shared, first, second = generator.normal(size=(3, n))
    own = math.sqrt(1 - correlation)
    default = 1 + spread * (math.sqrt(correlation) * shared + own * first)
    tuned = (1 - gain) + spread * (math.sqrt(correlation) * shared + own * second)
    return list(zip(default.tolist(), tuned.tolist(), strict=True))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 8, 29, 500])
def test_the_quantiles_of_student_are_scipy_s(freedom):
    for confidence in (0.5, 0.95, 0.99):
        assert t_quantile(freedom, confidence) == pytest.approx(stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-10)


def test_the_ends_of_fieller_s_interval_are_the_ratios_that_a_t_test_just_does_not_tell_from_the_gain():
    pairs = drawn(np.random.default_rng(5), 8, gain=0.2, spread=0.3)
    size = relative_gain(pairs)
    default, tuned = np.array(pairs).T

    def p(ratio):  # SciPy's one-sample t test of gains minus ratio times defaults
        return stats.ttest_1samp(default - tuned - ratio * default, 0.0).pvalue

    assert size.value == pytest.approx(1 - tuned.mean() / default.mean(), rel=1e-12)
    assert size.low == pytest.approx(optimize.brentq(lambda r: p(r) - 0.05, -3, size.value), rel=1e-9)
    assert size.high == pytest.approx(optimize.brentq(lambda r: p(r) - 0.05, size.value, 3), rel=1e-9)


@pytest.mark.parametrize(("seeds", "spread"), [(5, 0.1), (8, 0.1), (8, 0.4)])
def test_the_interval_contains_the_true_gain_as_often_as_it_says(seeds, spread):
    generator, draws = np.random.default_rng(1), 3_000
    covered = 0
    for _ in range(draws):
        size = relative_gain(drawn(generator, seeds, gain=0.1, spread=spread))
        covered += size.low is not None and size.low <= 0.1 <= size.high
    # 95 % within three standard errors of 3,000 draws; without an interval (no draw in 100 of 5 σ) it is not covered.
    assert covered / draws == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / draws))


def test_defaults_that_nearly_diverge_are_covered_less_often_as_the_docstring_says():
    generator, draws = np.random.default_rng(2), 2_000
    true = 1 - 0.1 * math.exp(0.01 / 2) / math.exp(1 / 2)  # means of log-normal variables
    ends = []
    for _ in range(draws):
        default, tuned = np.exp(generator.normal(size=8)), 0.1 * np.exp(0.1 * generator.normal(size=8))
        ends.append(relative_gain(list(zip(default.tolist(), tuned.tolist(), strict=True))))
    known = [one for one in ends if one.low is not None]
    assert sum(one.low <= true <= one.high for one in known) / len(known) == pytest.approx(0.797, abs=0.03)
    assert 1 - len(known) / draws == pytest.approx(0.19, abs=0.03)


def test_below_five_seeds_there_is_a_size_without_an_interval():
    assert relative_gain([(2.0, 1.0), (2.2, 1.1), (1.8, 0.9), (2.0, 1.0)]) == Relative(pytest.approx(0.5))


def test_runs_that_are_equal_on_every_seed_have_an_interval_of_one_point():
    size = relative_gain([(0.3, 0.1)] * 5)
    assert size.low == size.value == size.high == pytest.approx(2 / 3, rel=1e-15)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [(0.0, 0.0)] * 6,
        [(0.0, -1.0)] * 6,  # the default is 0
        [(-1.0, -2.0), (1.0, 0.5), (-1.2, -1.0), (1.2, 1.0), (0.3, 0.1), (-0.2, -0.4)],  # or not told from 0
    ],
)
def test_without_a_default_that_is_told_from_zero_there_is_no_relative_gain(pairs):
    assert relative_gain(pairs) == NOT_KNOWN


def test_a_higher_accuracy_is_a_positive_gain():
    accuracies = [(0.50, 0.55), (0.52, 0.57), (0.48, 0.52), (0.51, 0.56), (0.49, 0.55)]
    size = relative_gain([(-default, -tuned) for default, tuned in accuracies])  # fitnesses are negative
    assert size.value == pytest.approx(0.1)
    assert 0 < size.low < size.value < size.high


def test_numbers_near_the_greatest_of_float64_have_a_relative_gain():
    assert relative_gain([(1.6e308, 0.8e308)] * 5).value == pytest.approx(0.5)


def test_of_logarithms_the_gain_is_that_of_the_geometric_means_with_student_s_interval():
    logarithms = np.random.default_rng(3).normal(0.5, 0.2, size=8)
    size = relative_gain_of_logarithms([(float(value), 0.0) for value in logarithms])
    low, high = stats.t.interval(0.95, 7, logarithms.mean(), stats.sem(logarithms))
    assert size.value == pytest.approx(1 - math.exp(-logarithms.mean()), rel=1e-12)
    assert (size.low, size.high) == pytest.approx((1 - math.exp(-low), 1 - math.exp(-high)), rel=1e-9)


# The margin


def test_by_default_the_margin_is_a_hundredth_of_the_distance_to_the_best_that_is_known():
    adam, lodo = judged([found(ADAM, SIX, [0.999 * one for one in SIX]), found(LODO, SIX, [0.2 * one for one in SIX])])
    # The default's mean is 1 and LODO's tuned point 0.2, so that 1 % of the distance is 0.008: Adam's 0.001 is within.
    assert adam.gain.margin == pytest.approx(0.008)
    assert (adam.verdict, lodo.verdict) == (Verdict.EQUIVALENT, Verdict.BETTER)
    (alone,) = judged([found(ADAM, SIX, [0.999 * one for one in SIX])])
    assert alone.verdict is Verdict.BETTER  # nothing better is known than what it is itself


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [
        ("0.5%", Verdict.BETTER),
        ("2%", Verdict.EQUIVALENT),
        (0.05, Verdict.EQUIVALENT),
        ("0.005", Verdict.BETTER),
    ],
)
def test_a_gain_of_one_per_cent_is_equivalent_within_a_margin_in_per_cent_or_in_the_objective_s_units(margin, verdict):
    (one,) = judged([found(ADAM, SIX, [0.99 * each for each in SIX])], Margin.parse(margin))
    assert one.verdict is verdict


def test_an_interval_that_reaches_beyond_the_margin_is_not_equivalent_however_small_the_gain():
    noisy = [one + shift for one, shift in zip(SIX, (0.1, -0.1, 0.1, -0.1, 0.05, -0.05), strict=True)]
    (one,) = judged([found(ADAM, SIX, noisy)], Margin.parse("2%"))
    assert one.gain.mean == pytest.approx(0.0, abs=1e-12)
    assert one.verdict is Verdict.WITHIN_THE_SPREAD


def test_what_rounding_leaves_is_equivalent_and_four_seeds_are_too_few_for_it():
    (one,) = judged([found(ADAM, SIX, [one * (1 + 1e-15) for one in SIX])])
    assert one.verdict is Verdict.EQUIVALENT
    (few,) = judged([found(ADAM, SIX[:4], SIX[:4])], Margin.parse("5%"))
    assert few.verdict is Verdict.WITHIN_THE_SPREAD


def test_what_the_task_says_is_the_best_known_where_no_run_is_better():
    near = [0.999 * one for one in SIX]
    margins = [
        judged([found(ADAM, SIX, near, best_known=known)])[0].gain.margin for known in ((), (0.2,), (0.9995,), (0.0,))
    ]
    # 1 % of the distance from 1, the mean of the defaults, to the tuned mean 0.999, to 0.2, to 0.999 again, and to 0.
    assert margins == pytest.approx([0.00001, 0.008, 0.00001, 0.01])
    assert judged([found(ADAM, SIX, near, best_known=(0.2,))])[0].verdict is Verdict.EQUIVALENT


def test_divergence_and_missing_runs_are_never_called_equivalent():
    (one,) = judged([found(ADAM, (*SIX[:5], Status.DIVERGED), SIX)], Margin.parse("100%"))
    assert one.verdict is Verdict.DEFAULT_DIVERGED


@pytest.mark.parametrize("gain", [0.02, -0.02])
def test_points_that_differ_by_the_margin_are_called_equivalent_as_rarely_as_the_docstring_says(gain):
    generator, draws, wrong = np.random.default_rng(4), 400, 0
    for _ in range(draws):
        default, tuned = zip(*drawn(generator, 8, gain=gain, spread=0.01), strict=True)
        (one,) = judged([found(ADAM, default, tuned)], Margin.parse("2%"))
        wrong += one.verdict is Verdict.EQUIVALENT
    assert wrong / draws <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / draws)


def test_a_margin_never_adds_a_better_to_those_of_the_rule():
    generator = np.random.default_rng(6)
    for _ in range(200):
        default, tuned = zip(*drawn(generator, 6, gain=0.0, spread=0.05), strict=True)
        before = found(ADAM, default, tuned)
        for margin in (None, Margin.parse("1%"), Margin.parse("5%")):
            (after,) = judged([before], margin)
            assert after.verdict in (before.verdict, Verdict.EQUIVALENT)


@pytest.mark.parametrize("text", ["-1", "five", "1%%", "nan", "inf", "", "%", "1e999"])
def test_what_is_no_margin_is_refused(text):
    with pytest.raises(InvalidRequest, match=r"0\.05, in units of the objective, or 2%"):
        Margin.parse(text)


def test_where_higher_is_better_the_margin_is_a_share_of_the_accuracy():
    objective = parse("validation.accuracy")
    of = spec(ADAM, steps=(200,), fresh_seeds=6)
    of = replace(of, workload=replace(of.workload, objective=objective))
    runs = [*search(of, (-0.5, -0.4, -0.3, -0.2)), *fresh([-0.5] * 6, [-0.501] * 6)]
    (one,) = judged([summarise(study(of), runs)], Margin.parse("0.01"))
    assert one.gain.margin == pytest.approx(0.02)  # 0.01 of 0.5
    assert one.verdict is Verdict.EQUIVALENT
    assert one.gain.relative.value == pytest.approx(0.002)


# What is printed


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (Relative(0.621, 0.580, 0.662), "62.1 % (58.0 to 66.2)"),
        (Relative(0.1234, 0.1211, 0.1257), "12.34 % (12.11 to 12.57)"),
        (Relative(-0.5, -0.9, -0.1), "-50 % (-90 to -10)"),
        (Relative(0.00012, 0.0001, 0.00014), "0.0120 % (0.0100 to 0.0140)"),
        (Relative(0.99993, 0.9999, 0.99996), "99.99 % (99.99 to > 99.99)"),
        (Relative(0.999999999, 0.999999998, 0.9999999999), "> 99.99 %"),
        (Relative(0.5, 0.5, 0.5), "50.0 %"),
        (Relative(0.77), "77.0 %"),
        (Relative(1.0), "100 %"),
        (Relative(0.0), "0 %"),
        (Relative(-1234.0), "-123400 %"),
        (Relative(-1e-9, -2e-9, 2e-9), "0.000000 %"),
        (NOT_KNOWN, "–"),
    ],
)
def test_sizes_have_the_digits_of_their_uncertainty(size, text):
    assert sizes.relative_size(size) == text


def test_a_gain_without_a_relative_size_is_a_difference():
    assert sizes.size(Gain(0.85, 0.05)) == "0.850 ± 0.050"


def test_the_table_has_the_sizes_the_margin_and_their_explanation_in_every_format():
    table = Table(
        judged([found(ADAM, SIX, [0.999 * one for one in SIX]), found(LODO, SIX, [0.2 * one for one in SIX])])
    )
    text = table.to_text()
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    assert "0.100 % equivalent" in words
    assert "in % of the default with its 95 % interval" in words
    assert "equivalent: the interval lies within the margin, ± 0.800 % of the default." in words
    gain = json.loads(table.to_json())["studies"][0]["fitness"]["gain"]
    assert gain["relative"]["value"] == pytest.approx(0.001)
    assert gain["relative"]["low"] == pytest.approx(0.001, abs=1e-9)
    assert gain["margin"] == pytest.approx(0.008)
    frame = table.to_dataframe().drop_duplicates("study")
    assert frame["verdict"].tolist() == ["equivalent", "better"]
    assert frame["relative_gain"].tolist() == pytest.approx([0.001, 0.8])
    assert "| 0.100 % | equivalent |" in table.to_markdown()
    assert r"0.100 \% & equivalent" in table.to_latex()


def test_the_first_lines_say_by_how_much_tuning_was_better():
    pairs = drawn(np.random.default_rng(5), 6, gain=0.2, spread=0.05)
    one = found(ADAM, *zip(*pairs, strict=True))
    tuning = dict(Table((one,)).sections()[0].first)["tuning"]
    assert tuning == f"better than the defaults for 1 of 1 optimizer, by {sizes.relative_size(one.gain.relative)}"
    both = Table((one, found(LODO, SIX, [0.2 * each for each in SIX])))
    assert dict(both.sections()[0].first)["tuning"].endswith("by 20.9 to 80.0 %")


def test_show_says_the_size_of_the_gain():
    of = spec(ADAM, steps=(200,), fresh_seeds=6)
    runs = [*search(of, (4.0, 3.0, 2.0, 1.0)), *fresh([2.0] * 6, [1.0] * 6)]
    assert "gain 50.0 %: better" in " ".join(render_search(study(of), runs).split())
