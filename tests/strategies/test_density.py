"""Genomes drawn by a ratio of densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tuner.strategies import density
from tuner.strategies.density import Prior, promising
from tuner.strategies.random_generators import ConfinedGenerators

PRIOR = Prior(mean=(0.0, 0.0), sigma=3.0, lower=(-700.0, -5.0), upper=(700.0, 2.0))


def drawn(good, others, count=40, seed=0, prior=PRIOR):
    return promising(ConfinedGenerators(seed), np.array(good), np.array(others).reshape(-1, 2), count, prior)


def test_genomes_are_drawn_near_the_good_ones_and_not_near_the_others():
    random = np.random.default_rng(0)
    good = random.normal((4.0, -2.0), 0.3, (20, 2))
    others = random.normal((-3.0, 0.0), 1.0, (180, 2))

    made = drawn(good, others)

    nearer = ((made - (4.0, -2.0)) ** 2).sum(axis=1) < ((made - (-3.0, 0.0)) ** 2).sum(axis=1)
    assert nearer.mean() >= 0.9


def test_genomes_are_within_the_bounds_and_the_prior_s_range():
    made = drawn([[0.0, 1.9], [0.1, 2.0]], [[-1.0, -4.0]], count=300)

    assert (made >= (-9.0, -5.0)).all()
    assert (made <= (9.0, 2.0)).all()
    assert (made[:, 1] == 2.0).any()  # draws beyond a bound are moved to it


def test_a_good_genome_outside_of_the_prior_s_range_widens_it():
    made = drawn([[20.0, 0.0], [21.0, 0.0], [22.0, 0.0]], [[0.0, 0.0]] * 20)

    assert made[:, 0].max() > 9.0


def test_one_good_genome_and_no_others_are_enough():
    made = drawn([[1.0, 1.0]], [])

    assert made.shape == (40, 2)
    assert len(np.unique(made, axis=0)) == 40


def test_no_genomes_are_drawn_where_none_are_asked_for():
    assert drawn([[1.0, 1.0]], [], count=0).shape == (0, 2)


def test_a_gene_whose_bounds_are_equal_keeps_its_value():
    prior = Prior(mean=(0.0, 1.0), sigma=3.0, lower=(-5.0, 1.0), upper=(5.0, 1.0))

    assert (drawn([[0.0, 1.0]], [[1.0, 1.0]], prior=prior)[:, 1] == 1.0).all()


def test_a_seed_decides_the_genomes_and_another_gives_others():
    good, others = [[1.0, 1.0], [2.0, 0.0]], [[-1.0, -1.0]]

    assert drawn(good, others, seed=1).tolist() == drawn(good, others, seed=1).tolist()
    assert drawn(good, others, seed=1).tolist() != drawn(good, others, seed=2).tolist()


@pytest.mark.parametrize("count", [1, 7, 150])
def test_the_density_is_that_of_a_mixture_of_normal_distributions(count):
    genes = np.random.default_rng(count).normal(size=count)
    values = np.linspace(-8.0, 8.0, 11)

    centres, widths = density._kernels(genes, 0.5, -9.0, 9.0)
    differences = density._log_density(values, centres, widths)

    expected = np.log(stats.norm.pdf(values[:, None], centres, widths).mean(axis=1))
    np.testing.assert_allclose(differences - differences[0], expected - expected[0], rtol=1e-9, atol=1e-9)
    assert sorted(centres) == sorted([*genes, 0.5])
    assert (widths > 0).all()
    assert widths.max() == 18.0  # the prior's kernel reaches over the whole range


def test_of_thousands_of_others_an_even_share_is_used():
    others = np.random.default_rng(0).normal(size=(5_000, 2))

    assert drawn([[0.0, 0.0]], others, count=2).shape == (2, 2)
