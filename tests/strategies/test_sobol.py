"""Scrambled Sobol points, against SciPy's sequence and the properties that define them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm, qmc, truncnorm

from tuner.strategies.sobol import _JOE_KUO, BITS, MAX_DIMENSIONS, Sobol, _directions, normal_points


def test_the_direction_numbers_are_those_of_scipy() -> None:
    reference = qmc.Sobol(MAX_DIMENSIONS, scramble=False, bits=BITS).random(128) * 2**BITS
    directions = [_directions(*entry) for entry in _JOE_KUO]
    # point i is the exclusive or of the direction numbers of the bits of i's Gray code
    points = np.zeros((128, MAX_DIMENSIONS), dtype=np.int64)
    for number in range(128):
        for bit in range(7):
            if (number ^ (number >> 1)) >> bit & 1:
                points[number] ^= np.array([row[bit] for row in directions])
    assert np.array_equal(points, reference)


@pytest.mark.parametrize("seed", range(3))
def test_each_slice_of_every_dimension_has_one_of_the_first_points(seed: int) -> None:
    points = Sobol(12, seed).draw(64)
    assert np.array_equal(np.sort(np.floor(points * 64), axis=0), np.tile(np.arange(64)[:, None], (1, 12)))


def test_points_are_spread_more_evenly_than_independent_ones() -> None:
    # over these 20 seeds at most 0.0061; of independent points at least 0.02
    assert max(qmc.discrepancy(Sobol(6, seed).draw(64)) for seed in range(20)) < 0.01
    assert min(qmc.discrepancy(np.random.default_rng(seed).random((64, 6))) for seed in range(20)) > 0.01


def test_a_point_is_uniform_over_scramblings() -> None:
    third = np.array([Sobol(5, seed).draw(3)[2] for seed in range(2000)])
    assert all(kstest(third[:, at], "uniform").pvalue > 1e-3 for at in range(5))
    assert np.abs(np.corrcoef(third.T)[np.triu_indices(5, 1)]).max() < 5 / np.sqrt(2000)  # five standard errors


def test_points_drawn_in_parts_are_those_drawn_at_once() -> None:
    once, parts = Sobol(3, 1), Sobol(3, 1)
    assert np.array_equal(once.draw(13), np.concatenate([parts.draw(5), parts.draw(8)]))
    assert not np.array_equal(Sobol(3, 2).draw(13), Sobol(3, 1).draw(13))


def test_more_dimensions_than_the_table_has_are_drawn_independently() -> None:
    points = Sobol(MAX_DIMENSIONS + 5, 0).draw(500)
    assert points.shape == (500, MAX_DIMENSIONS + 5)
    assert ((points > 0) & (points < 1)).all()
    assert all(kstest(points[:, at], "uniform").pvalue > 1e-3 for at in range(MAX_DIMENSIONS, MAX_DIMENSIONS + 5))


def test_the_prior_is_normal_within_the_bounds() -> None:
    lower, upper = [-700.0, -36.0], [700.0, 0.0]
    points = normal_points(Sobol(2, 0), 2000, [1.0, -1.0], 3.0, lower, upper)
    assert kstest(points[:, 0], norm(1, 3).cdf).pvalue > 1e-3
    assert kstest(points[:, 1], truncnorm(-35 / 3, 1 / 3, -1, 3).cdf).pvalue > 1e-3


def test_a_spread_of_nothing_or_of_everything_stays_within_the_bounds() -> None:
    assert normal_points(Sobol(1, 0), 2, [0.5], 0.0, [0.0], [1.0]).tolist() == [[0.5], [0.5]]
    points = normal_points(Sobol(1, 0), 64, [0.0], 50.0, [-1.0], [1.0])  # flat within the bounds
    assert kstest(points[:, 0], "uniform", (-1, 2)).pvalue > 1e-3
    assert np.abs(normal_points(Sobol(1, 0), 9, [0.0], 1e308, [-1.0], [1.0])).max() <= 1
