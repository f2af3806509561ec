"""What a curve is worth, and where random numbers begin."""

import math

import numpy as np
import pytest

from tuner.core.seeds import lane_seeds, strategy_seed, trial_seed
from tuner.core.trial import Key, Role, Status
from tuner.training.judgement import first_not_finite, judge


def test_fitness_is_the_mean_over_the_last_tenth_of_the_budget():
    assert judge(np.arange(40.0), 40) == (Status.FINISHED, (36 + 37 + 38 + 39) / 4, "")


@pytest.mark.parametrize("budget", [1, 9])
def test_a_budget_below_ten_is_judged_by_its_last_loss(budget):
    assert judge(np.arange(float(budget)), budget)[1] == budget - 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_divergence_even_if_later_ones_are(bad):
    status, fitness, reason = judge(np.array([1.0, bad, 1.0, 1.0]), 4)
    assert (status, fitness) == (Status.DIVERGED, math.inf)
    assert reason == f"loss was {bad} at evaluation 1"


def test_huge_losses_whose_mean_overflows_are_divergence():
    assert judge(np.full(20, 1.7e308), 20)[:2] == (Status.DIVERGED, math.inf)


def test_float32_losses_are_averaged_in_float64():
    # In float32 the sum of 16,777,216 and 1 is 16,777,216 again.
    losses = np.array([16_777_216.0, 1.0], np.float32)
    assert judge(np.repeat(losses, 10)[9:11], 20)[1] == (16_777_216.0 + 1.0) / 2


def test_the_first_loss_that_is_not_finite_is_found():
    assert first_not_finite(np.array([1.0, 2.0])) is None
    assert first_not_finite(np.array([1.0, np.inf, np.nan])) == 1


def test_trial_seeds_are_alike_for_optimizers_and_differ_in_all_else():
    keys = [Key(Role.SEARCH, generation, slot) for generation in range(10) for slot in range(32)]
    keys += [Key(Role.TUNED, 0, slot) for slot in range(8)]
    seeds = {trial_seed(study, key) for study in (0, 1) for key in keys}
    assert len(seeds) == 2 * len(keys)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_default_and_tuned_share_their_fresh_seeds():
    assert trial_seed(3, Key(Role.DEFAULT, 0, 4)) == trial_seed(3, Key(Role.TUNED, 0, 4))


def test_seeds_stay_what_they_are():
    # Stored studies are replayed by them: these are the first version's.
    assert trial_seed(0, Key(Role.SEARCH, 0, 0)) == 9174912804093039628
    assert strategy_seed(0, "Adam") == 1774076508904441528


def test_lane_seeds_fit_into_two_int32_and_differ_by_purpose():
    pairs = {lane_seeds(seed, purpose) for seed in range(100) for purpose in ("task", "optimizer")}
    assert len(pairs) == 200
    assert all(-(2**31) <= word < 2**31 for pair in pairs for word in pair)
