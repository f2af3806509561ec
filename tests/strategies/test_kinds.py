"""Strategies on whole numbers and choices: which genomes they propose, and what they find."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from search_spaces import build
from search_spaces.space import SearchSpace
from tuner.core.coordinates import Kind
from tuner.core.errors import InvalidRequest
from tuner.strategies import check_kinds, create, names
from tuner.strategies.registry import BUILT_IN, kind
from tuner.strategies.strategy import Strategy
from tuner.strategies.unordered import features, likely
from tuner.studies.coordinates import check_searched, coordinates_of

MIXED = build.space(
    rate=build.log(1e-2, low=1e-6, high=1.0),
    layers=build.integer(2, low=1, high=9),
    width=build.integer(16, low=4, high=1024, log=True),
    act=build.choice("relu", "tanh", "gelu", "silu", "selu"),
    bias=build.choice(False, True),
    final=build.linear(0.5, low=0.0, high=1.0, only_when={"bias": True}),
)
IN_ORDER = build.space(
    rate=build.log(1e-2, low=1e-6, high=1.0),
    layers=build.integer(2, low=1, high=9),
    size=build.choice(16, 32, 64, 128, ordered=True),
)


def loss(values: dict[str, Any]) -> float:
    """Return a sum of terms, each 0 at its best value: rate 1e-3, 6 layers, width 128, silu, a bias, final 0.8."""
    away = abs(math.log(values["rate"] / 1e-3)) + abs(values["layers"] - 6) + abs(math.log(values["width"] / 128))
    return away + 3 * (values["act"] != "silu") + (2 * abs(values["final"] - 0.8) if values["bias"] else 1.0)


def started(name: str, space: SearchSpace, *, seed: int = 0, population: int = 12, generations: int = 4) -> Strategy:
    return create(
        name,
        mean=space.default_genome(),
        lower=space.lower,
        upper=space.upper,
        population=population,
        steps=(10,) * generations,
        seed=seed,
        parameters={"sigmas": [3.0] * generations, "draws": "sobol"},
        coordinates=coordinates_of(space),
    )


def search(strategy: Strategy, space: SearchSpace, score: Any) -> list[np.ndarray]:
    """Run a search to its end; return the genomes of its generations."""
    drawn = []
    while (proposal := strategy.ask()) is not None:
        drawn.append(proposal.genomes)
        strategy.tell([score(space.decode(genome)) for genome in proposal.genomes])
    return drawn


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_genome_is_the_one_that_stands_for_its_hyperparameters_and_repeats_with_its_seed(name: str) -> None:
    space = MIXED if Kind.UNORDERED in kind(name).kinds else IN_ORDER
    score = loss if space is MIXED else lambda values: abs(values["layers"] - 6) + values["size"] / 100
    strategy, again = started(name, space), started(name, space)
    drawn, repeated = search(strategy, space, score), search(again, space, score)
    for genomes in drawn:
        assert [space.snapped(genome).tolist() for genome in genomes] == genomes.tolist()
    assert np.array_equal(drawn, repeated)
    assert space.snapped(strategy.result()).tolist() == strategy.result().tolist() == again.result().tolist()


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_space_with_fewer_points_than_slots_is_searched_to_the_end(name: str) -> None:
    space = build.space(bias=build.choice(False, True))
    strategy = started(name, space)
    search(strategy, space, lambda values: 0.0 if values["bias"] else 1.0)
    if name in ("genetic", "random"):
        assert space.decode(strategy.result()) == {"bias": True}


def test_genetic_comes_closer_on_a_mixed_space_than_random_search_of_equal_cost() -> None:
    found = {}
    for name in ("genetic", "random"):
        strategy = started(name, MIXED, generations=6, population=12)
        search(strategy, MIXED, loss)
        found[name] = MIXED.decode(strategy.result())
    assert loss(found["genetic"]) < loss(found["random"])
    assert found["genetic"]["act"] == "silu"
    assert abs(found["genetic"]["layers"] - 6) <= 1


def test_random_search_takes_each_value_of_a_choice_equally_often() -> None:
    (genomes, *_) = search(started("random", MIXED, population=320), MIXED, lambda values: 0.0)
    values = [MIXED.decode(genome)["act"] for genome in genomes]
    assert {value: values.count(value) for value in values} == dict.fromkeys(
        ["relu", "tanh", "gelu", "silu", "selu"], 64
    )


@pytest.mark.parametrize("name", ["paper", "cma-es"])
def test_a_strategy_that_averages_genomes_refuses_a_choice_without_an_order(name: str) -> None:
    message = rf"strategy: {name} does not search act, which is a choice without an order: take genetic, random"
    with pytest.raises(InvalidRequest, match=message):
        check_searched(name, MIXED)


def test_a_strategy_of_an_installed_package_is_taken_for_real_numbers_unless_it_says_more() -> None:
    assert "paper" in names()
    check_kinds("paper", {"rate": Kind.REAL, "layers": Kind.INTEGER, "size": Kind.ORDERED})


def test_a_model_sees_any_two_values_of_a_choice_equally_far_apart() -> None:
    genomes = np.array([[0.5, level] for level in (2.0, 6.0, 10.0)])
    seen = features(genomes, {1: (2.0, 6.0, 10.0)})
    distances = {float(((one - other) ** 2).sum()) for at, one in enumerate(seen) for other in seen[:at]}
    assert distances == {2.0}


def test_a_value_that_good_genomes_have_and_others_have_not_is_likely() -> None:
    levels = (2.0, 6.0, 10.0)
    drawn = [likely(np.array([6.0] * 8 + [2.0]), np.array([2.0, 10.0] * 8), levels) for _ in range(50)]
    assert drawn.count(6.0) > 40  # of two draws from good genomes, one is 6 with probability 0.99
