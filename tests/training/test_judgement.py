"""The fitness of a curve by an objective, and when a run counts as diverged."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.numbers import until_not_finite
from tuner.core.objective import Objective
from tuner.core.objective_text import parse
from tuner.core.trial import Status
from tuner.training.judgement import Look, judge, trailing_means


def test_fitness_is_the_mean_over_the_last_tenth_of_the_budget():
    assert judge(np.arange(40.0), 40) == (Status.FINISHED, (36 + 37 + 38 + 39) / 4, "")


@pytest.mark.parametrize("budget", [1, 9])
def test_a_budget_below_ten_is_judged_by_its_last_loss(budget):
    assert judge(np.arange(float(budget)), budget)[1] == budget - 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_divergence_even_if_later_losses_are_finite(bad):
    status, fitness, reason = judge(np.array([1.0, bad, 1.0, 1.0]), 4)
    assert (status, fitness) == (Status.DIVERGED, math.inf)
    assert reason == f"loss was {bad} at evaluation 1"


def test_huge_losses_whose_mean_overflows_are_divergence():
    assert judge(np.full(20, 1.7e308), 20)[:2] == (Status.DIVERGED, math.inf)


def test_float32_losses_are_averaged_in_float64():
    # In float32 the sum of 16,777,216 and 1 is 16,777,216 again.
    losses = np.array([16_777_216.0, 1.0], np.float32)
    assert judge(np.repeat(losses, 10)[9:11], 20)[1] == (16_777_216.0 + 1.0) / 2


def test_a_curve_is_truncated_after_the_first_loss_that_is_not_finite():
    assert until_not_finite(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert until_not_finite(np.array([1.0, np.inf, np.nan])).tolist() == [1.0, np.inf]
    assert until_not_finite(np.array([])).tolist() == []


def test_fitness_is_the_mean_over_the_window_of_the_objective():
    assert judge(np.arange(40.0), 40, Objective(window=0.5))[1] == np.mean(np.arange(20, 40))


LOSSES = np.ones(100)
ACCURACIES = [Look(at, at / 10, value) for at, value in ((20, 0.5), (40, 0.9), (60, 0.6), (80, 0.7), (100, 0.8))]


@pytest.mark.parametrize(
    ("text", "fitness"),
    [
        ("validation.accuracy", -0.8),
        ("validation.accuracy:best", -0.9),
        ("validation.accuracy:best:min", 0.5),
        ("validation.accuracy:last=0.5", -(0.6 + 0.7 + 0.8) / 3),  # the looks after evaluation 50
        ("validation.accuracy:last=0.2", -0.8),  # after evaluation 80, so not the one there
        ("validation.accuracy:last=0.01:min", 0.8),  # the last look counts in any case
        ("evaluations-to:validation.accuracy>=0.65", 40.0),  # that it falls again later does not matter
        ("evaluations-to:validation.accuracy<=0.55", 20.0),
        ("seconds-to:validation.accuracy>=0.65", 4.0),
        ("evaluations-to:validation.accuracy>=0.95", 100 * (1 + (0.05 / 0.95) / (1 + 0.05 / 0.95))),  # nearest 0.9
    ],
)
def test_a_validation_metric_is_judged_at_the_end_at_its_best_as_a_mean_or_by_when_it_reaches_a_target(text, fitness):
    assert judge(LOSSES, 100, parse(text), ACCURACIES) == (Status.FINISHED, pytest.approx(fitness, rel=1e-12), "")


def test_a_metric_that_is_not_finite_where_it_counts_is_divergence():
    looks = [Look(50, math.nan, 1.0), Look(100, math.nan, math.nan)]
    for text in ("validation.loss", "validation.loss:last=1.0"):
        reason = "validation.loss was nan after 100 evaluations"
        assert judge(LOSSES, 100, parse(text), looks) == (Status.DIVERGED, math.inf, reason)
    assert judge(LOSSES, 100, parse("validation.loss:best"), looks)[:2] == (Status.FINISHED, 1.0)
    assert judge(LOSSES, 100, parse("evaluations-to:validation.loss<=1"), looks)[:2] == (Status.FINISHED, 50.0)
    for text in ("validation.loss:best", "evaluations-to:validation.loss<=1"):
        assert judge(LOSSES, 100, parse(text), looks[1:])[:2] == (Status.DIVERGED, math.inf)


def test_a_run_that_diverges_has_no_value_whatever_it_reached_before():
    losses = np.array([*np.zeros(50), math.inf])
    assert judge(losses, 100, parse("evaluations-to:training-loss<=1"))[:2] == (Status.DIVERGED, math.inf)
    assert judge(losses, 100, parse("validation.loss"), ACCURACIES)[:2] == (Status.DIVERGED, math.inf)


def test_the_training_loss_reaches_a_target_as_a_mean_over_a_share_of_the_budget():
    losses = np.array([9.0, 1.0, 9.0, 3.0, 3.0, 2.0, *[9.0] * 94])
    # The means over 2 are 5, 5, 6, 3, …; those over 4 are 5.5, 4, 4.25, ….
    for target, over, evaluations in ((3, 0.01, 2.0), (3, 0.02, 5.0), (5, 0.02, 2.0), (4.5, 0.04, 5.0)):
        objective = parse(f"evaluations-to:training-loss<={target}:over={over}")
        assert judge(losses, 100, objective)[1] == evaluations
    in_seconds = parse("seconds-to:training-loss<=3:over=0.02")
    assert judge(losses, 100, in_seconds, seconds_at=lambda evaluations: evaluations / 4)[1] == 5 / 4


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.data())
def test_trailing_means_are_those_of_every_window(losses, data):
    window = data.draw(st.integers(1, len(losses)))
    expected = [np.mean(losses[first : first + window]) for first in range(len(losses) - window + 1)]
    np.testing.assert_allclose(trailing_means(np.array(losses), window), expected, rtol=1e-12, atol=1e-9)


def test_a_huge_loss_at_the_start_leaves_no_error_in_later_means():
    assert trailing_means(np.array([1e30, *[1e-9] * 20]), 5)[5:].tolist() == pytest.approx([1e-9] * 12, rel=1e-12)
