"""What `genetic` chooses among its offspring, and how they vary."""

import numpy as np
import pytest
from scipy.stats import norm

from tuner.strategies.acquisition import choose
from tuner.strategies.density import Prior
from tuner.strategies.individuals import Individual
from tuner.strategies.prior_weight import TRUST, prior_weight
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.surrogate import Observations, Surrogate
from tuner.strategies.variation import offspring

SEEN = np.linspace(-1, 1, 9)[:, None]
GRID = np.linspace(-60, 50, 5500)[:, None]  # not symmetric, so that no two candidates are equally good


def parabola() -> Surrogate:
    return Surrogate(Observations(SEEN, 0.1 * SEEN[:, 0] ** 2, np.arange(9), is_exact=True))


def chosen(feasible: object = 1.0, weights: object = 1.0, *, is_local: bool = True) -> list[int]:
    everywhere = np.ones(len(GRID))
    factors = (feasible * everywhere, weights * everywhere)
    return choose(parabola(), GRID, SEEN[4], 0.0, *factors, 6, 0.0, is_local=is_local)


@pytest.mark.parametrize("is_local", [True, False])
def test_candidates_are_those_of_scipy_s_expected_improvement(is_local: bool) -> None:
    surrogate = parabola()
    first, second, *others, last = chosen(is_local=is_local)
    mean, variance, solved = surrogate.predict(GRID)
    found = [
        variance,
        variance - surrogate.covariance(GRID[first], solved[:, first], GRID, solved) ** 2 / variance[first],
    ]
    near = np.abs(GRID[:, 0] - SEEN[4, 0]) <= surrogate.lengths[0]
    assert 0 < near.sum() < len(GRID) / 2
    # What the second must improve upon, once the first has its predicted value, and where it is.
    best, within = (min(0.0, mean[first]), near) if is_local else (0.0, 1.0)
    for pick, left, wider, upon, among in ((first, found[0], 1.0, 0.0, 1.0), (second, found[1], 3.0, best, within)):
        deviation = wider * np.sqrt(np.maximum(left, 1e-12))
        z = (upon - mean) / deviation
        assert pick == np.argmax(deviation * (z * norm.cdf(z) + norm.pdf(z)) * among)
    mean[[first, second, *others]] = np.inf
    assert last == np.argmin(mean)


def test_candidates_after_the_first_must_improve_upon_what_it_promises() -> None:
    seen = np.array([[-3.0], [-2.0], [-1.0], [0.0], [3.0]])
    surrogate = Surrogate(Observations(seen, -seen[:, 0] * (seen[:, 0] < 1) + 9.0, np.arange(5), is_exact=True))
    everywhere = np.ones(len(GRID))
    mean, _, _ = surrogate.predict(GRID)
    first, *others = choose(surrogate, GRID, seen[3], 9.0, everywhere, everywhere, 6, 0.0, is_local=True)
    assert mean[first] < 9.0 - 0.1
    promising = (mean < 9.0) & (np.abs(GRID[:, 0] - GRID[first, 0]) < 0.05)
    assert promising.sum() > 3
    assert not promising[others[:2]].any()


def test_a_weight_keeps_the_choice_on_one_side() -> None:
    weights = np.where(GRID[:, 0] < 0, 1.0, 1e-9)
    assert (GRID[chosen(weights=weights)[:5], 0] <= 0).all()


@pytest.mark.parametrize("trainings", [1, 8, 200])
def test_the_prior_s_weight_is_a_power_of_its_density(trainings: int) -> None:
    genomes = np.random.default_rng(0).normal(size=(50, 3)) * 4
    mean, sigma = (1.0, -2.0, 0.5), 3.0
    prior = Prior(mean, sigma, (-20.0,) * 3, (20.0,) * 3)
    density = (norm.pdf(genomes, mean, sigma) / norm.pdf(0, 0, sigma)).prod(axis=1)
    assert np.allclose(prior_weight(genomes, prior, trainings), density ** (TRUST / trainings))
    choice = Prior(mean, sigma, (-20.0,) * 3, (20.0,) * 3, {0: (0.0, 1.0)})
    assert (prior_weight(genomes * [9, 1, 1], choice, 5) == prior_weight(genomes, choice, 5)).all()


def test_a_weight_is_never_0_however_far_a_genome_lies() -> None:
    prior = Prior((0.0,), 0.1, (-700.0,), (700.0,))
    assert prior_weight(np.array([[700.0]]), prior, 1)[0] > 0


def test_offspring_of_parents_that_are_close_to_each_other_differ_by_every_order_of_magnitude() -> None:
    parents = [Individual([1e-6 * at, 0.0], float(at)) for at in range(8)]
    bounds = {"lower": [-9.0] * 2, "upper": [9.0] * 2}
    made = offspring(ConfinedGenerators(0), parents, 900, spread=[0.03] * 2, sigma=3.0, **bounds)
    distances = np.abs(made[:, 1])
    for low in (0.003, 0.01, 0.03, 0.1, 0.3):
        assert ((distances > low) & (distances < 4 * low)).sum() > 30
