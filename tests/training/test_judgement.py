"""The fitness of a curve by an objective, and when a run counts as diverged."""

import math

import numpy as np
import pytest

from tuner.core.numbers import until_not_finite
from tuner.core.objective import Objective
from tuner.core.trial import Status
from tuner.training.judgement import judge


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
