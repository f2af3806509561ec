"""The strategy `cma-es`: DEAP's updates, bounds, failures and restarts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.conformance.strategy_conformance import ask
from tuner.strategies import create
from tuner.strategies.cma_es import CmaEs


def make(generations: int = 30, population: int = 8, **changes: Any) -> CmaEs:
    plan: dict[str, Any] = {
        "mean": [0.0, 0.0],
        "lower": [-700.0, -700.0],
        "upper": [700.0, 700.0],
        "population": population,
        "steps": (10,) * generations,
        "seed": 0,
        "parameters": {"sigmas": [3.0] * generations},
    }
    made = create("cma-es", **{**plan, **changes})
    assert isinstance(made, CmaEs)
    return made


def test_it_begins_with_two_thirds_of_sigma_around_the_defaults() -> None:
    genomes = ask(make(population=4000, mean=[1.0, -1.0]))
    assert np.abs((genomes - [1.0, -1.0]).mean(axis=0)).max() < 5 * 2 / math.sqrt(4000)  # five standard errors
    assert np.abs(genomes.std(axis=0) - 2.0).max() < 5 * 2 / math.sqrt(8000)


def test_each_generation_has_one_seed_of_its_own() -> None:
    strategy = make(3)
    blocks = []
    while (proposal := strategy.ask()) is not None:
        assert proposal.replicates is None
        blocks.append(proposal.seed_block)
        strategy.tell([1.0] * 8)
    assert len(set(blocks)) == 3
    assert None not in blocks


@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_valley_across_the_axes_is_followed_to_its_end(seed: int) -> None:
    # condition number 1,000, turned by 45 degrees; the optimum is 5.7 from the defaults
    strategy = make(40, seed=seed)
    while (proposal := strategy.ask()) is not None:
        x, y = (proposal.genomes - [4.0, 4.0]).T
        strategy.tell((1000 * (x - y) ** 2 + (x + y) ** 2).tolist())
    assert np.linalg.norm(strategy.result() - 4.0) < 0.05


def test_most_draws_beside_a_bound_are_repeated_and_not_clamped() -> None:
    genomes = ask(make(population=1000, upper=[0.0, 700.0]))
    # half of the draws are outside; after ten repetitions one in a thousand is
    assert (genomes[:, 0] == 0.0).sum() <= 10
    assert (genomes[:, 0] <= 0.0).all()


def test_a_generation_that_wholly_fails_keeps_the_mean_and_halves_the_step() -> None:
    strategy = make(2, population=2000)
    ask(strategy)
    assert strategy.tell([math.inf] * 2000) == "generation 0: none of 2000 finished; its mean is kept"
    genomes = ask(strategy)
    assert np.abs(genomes.mean(axis=0)).max() < 5 / math.sqrt(2000)
    assert np.abs(genomes.std(axis=0) - 1.0).max() < 5 / math.sqrt(4000)


def test_a_search_that_has_converged_begins_anew_and_keeps_the_better_result() -> None:
    strategy = make(120)
    spreads = []
    while (proposal := strategy.ask()) is not None:
        spreads.append(float(proposal.genomes.std(axis=0).max()))
        strategy.tell((1 + ((proposal.genomes - 1.0) ** 2).sum(axis=1)).tolist())
    after = spreads[int(np.argmin(spreads[:60])) :]
    assert min(spreads) < 0.005  # converged: the first step is 2
    assert max(after) > 0.2  # and begun anew, with a third of it
    assert np.abs(strategy.result() - 1.0).max() < 0.01
