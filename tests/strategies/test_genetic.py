"""The strategy `genetic`: rungs, common seeds, elites, the model's choice and the final meeting."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.strategy_conformance import ask
from tuner.strategies import acquisition, create, genetic
from tuner.strategies.genetic import Genetic, Phase
from tuner.strategies.strategy import Amendable, Proposal, Strategy

OPTIMUM = 2.0


def make(
    population: int = 8, dimensions: int = 3, steps: tuple[int, ...] = (10, 10, 40, 160, 160, 160, 160), **changes: Any
) -> Genetic:
    plan: dict[str, Any] = {
        "mean": [0.0] * dimensions,
        "lower": [-20.0] * dimensions,
        "upper": [20.0] * dimensions,
        "population": population,
        "steps": steps,
        "seed": 0,
        "parameters": {"sigmas": [3.0] * len(steps)},
    }
    made = create("genetic", **{**plan, **changes})
    assert isinstance(made, Genetic)
    return made


def seeds_of(proposal: Proposal) -> list[tuple[int, int]]:
    """The block and the replicate of each slot."""
    assert proposal.seed_block is not None
    return [(proposal.seed_block, replicate) for replicate in proposal.replicates or (0,) * len(proposal.genomes)]


def bowl(noise: float = 0.0, offset: float = 1.0) -> Callable[[Proposal], list[float]]:
    """A quadratic; what seeds do to all genomes alike is ten times what they do to one alone."""

    def losses(proposal: Proposal) -> list[float]:
        exact = offset + 0.1 * ((proposal.genomes - OPTIMUM) ** 2).sum(axis=1)
        common = [np.random.default_rng([*seed, 1]).normal() for seed in seeds_of(proposal)]
        own = [
            np.random.default_rng([*seed, abs(hash(tuple(genome.tolist()))) % 2**31]).normal()
            for seed, genome in zip(seeds_of(proposal), proposal.genomes, strict=True)
        ]
        return [float(value) for value in exact + noise * (np.array(common) + 0.1 * np.array(own))]

    return losses


def search(strategy: Strategy, losses: Callable[[Proposal], list[float]]) -> list[Proposal]:
    """Run a strategy to its end; return what it proposed."""
    proposals = []
    while (proposal := strategy.ask()) is not None:
        proposals.append(proposal)
        strategy.tell(losses(proposal))
    return proposals


def rows(proposal: Proposal) -> list[tuple[float, ...]]:
    return [tuple(genome) for genome in proposal.genomes.tolist()]


# Rungs and seeds


def test_each_rung_trains_the_best_of_the_one_before_for_longer() -> None:
    proposals = search(make(), bowl(0.1))
    explored = rows(proposals[0]) + rows(proposals[1])
    found = dict(zip(explored, bowl(0.1)(proposals[0]) + bowl(0.1)(proposals[1]), strict=True))
    best = sorted(explored, key=found.__getitem__)
    assert rows(proposals[2])[:4] == best[:4]  # a quarter of 16; the rest of the slots are offspring
    assert not set(rows(proposals[2])[4:]) & set(explored)
    again = dict(zip(rows(proposals[2]), bowl(0.1)(proposals[2]), strict=True))
    assert rows(proposals[3])[:4] == sorted(again, key=again.__getitem__)[:4]
    assert [proposal.budget for proposal in proposals] == [10, 10, 40, 160, 160, 160, 160]


def test_the_defaults_are_the_first_that_is_trained() -> None:
    assert rows(make().ask())[0] == (0.0, 0.0, 0.0)


def test_a_rung_has_one_seed_and_each_later_generation_another() -> None:
    blocks = [proposal.seed_block for proposal in search(make(), bowl(0.1))]
    assert blocks[0] == blocks[1]
    assert len(set(blocks[1:])) == 6


def test_the_leading_elite_is_trained_again_in_each_generation_of_a_noisy_task() -> None:
    proposals = search(make(), bowl(0.1))
    for number in (4, 5):
        before = {genome for proposal in proposals[3:number] for genome in rows(proposal)}
        assert len(before & set(rows(proposals[number]))) == 1


def test_nothing_is_trained_again_once_the_task_is_known_to_have_no_noise() -> None:
    proposals = search(make(), bowl())
    genomes = [genome for proposal in proposals[5:] for genome in rows(proposal)]
    before = {genome for proposal in proposals[3:5] for genome in rows(proposal)}
    assert len(set(genomes)) == 16
    assert not before & set(genomes)


@pytest.mark.parametrize(("generations", "is_local"), [(3, True), (4, False)])
def test_the_choice_is_local_in_a_search_of_up_to_120_full_trainings(
    generations: int, is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = []

    def choose(*arguments: Any, **options: Any) -> list[int]:
        chosen.append(options["is_local"])
        return acquisition.choose(*arguments, **options)

    monkeypatch.setattr(genetic, "choose", choose)
    search(make(population=40, steps=(160,) * generations), bowl())  # 120 or 160
    assert set(chosen) == {is_local}


# The final choice


def test_finalists_meet_on_the_same_fresh_seeds() -> None:
    proposals = search(make(), bowl(0.1))
    last = proposals[-1]
    assert set(seeds_of(last)).isdisjoint(seed for proposal in proposals[:-1] for seed in seeds_of(proposal))
    finalists = dict.fromkeys(rows(last))
    assert len(finalists) == 4
    for finalist in finalists:
        assert [seed for seed, row in zip(seeds_of(last), rows(last), strict=True) if row == finalist] == [
            (6, 0),
            (6, 1),
        ]


def test_the_result_was_trained_and_is_one_of_the_finalists() -> None:
    strategy = make()
    assert tuple(_result_after(strategy, bowl(0.1))) in rows(search(make(), bowl(0.1))[-1])


def test_without_noise_the_result_is_the_best_that_was_seen() -> None:
    strategy, losses = make(), bowl()
    proposals = search(strategy, losses)
    seen = [pair for each in proposals[3:] for pair in zip(losses(each), rows(each), strict=True)]
    assert tuple(strategy.result()) == min(seen)[1]


def test_a_lucky_seed_seldom_decides() -> None:
    # One training has a loss far below what its genome has otherwise: it must not be the result.
    assert sum(_is_lucky(seed) for seed in range(5)) <= 1


def _is_lucky(seed: int) -> bool:
    strategy = make(steps=(100,) * 8, seed=seed)
    lucky: tuple[float, ...] = ()
    losses = bowl(0.02)
    for generation in range(8):
        proposal = strategy.ask()
        found = losses(proposal)
        if generation == 2:
            worst = int(np.argmax(found))
            lucky, found[worst] = rows(proposal)[worst], 0.9
        strategy.tell(found)
    assert lucky
    return tuple(strategy.result()) == lucky


def _result_after(strategy: Genetic, losses: Callable[[Proposal], list[float]]) -> list[float]:
    search(strategy, losses)
    return strategy.result().tolist()


# Failures


def test_regions_that_diverge_are_left_alone() -> None:
    def unstable(proposal: Proposal) -> list[float]:
        found = bowl(0.02)(proposal)
        return [
            math.inf if genome[0] > OPTIMUM + 0.3 else loss
            for genome, loss in zip(proposal.genomes, found, strict=True)
        ]

    failed = []
    for seed in range(5):
        proposals = search(make(seed=seed, steps=(10, 10, 40, *[160] * 8)), unstable)
        failed.append(sum(not math.isfinite(loss) for each in proposals[-5:] for loss in unstable(each)))
    assert (
        sum(failed) <= 0.2 * 5 * 40
    )  # at most a fifth, with the optimum beside the limit; half would diverge at random


def test_generations_that_wholly_fail_at_the_full_budget_are_survived() -> None:
    strategy = make()
    while (proposal := strategy.ask()) is not None:
        strategy.tell([math.inf if proposal.budget == 160 else loss for loss in bowl(0.1)(proposal)])
    assert strategy.result().tolist() == [0.0, 0.0, 0.0]


def test_the_remark_says_that_the_defaults_are_the_result() -> None:
    strategy = make(steps=(10, 20))
    ask(strategy)
    strategy.tell([1.0] * 8)
    ask(strategy)
    assert strategy.tell([math.inf] * 8) == (
        "generation 1: none of 8 finished; no individual finished 20 steps, so the defaults are the result"
    )


# Any shape of search


@settings(max_examples=40, deadline=None)
@given(
    population=st.integers(1, 64),
    dimensions=st.integers(1, 12),
    steps=st.lists(st.sampled_from([10, 40, 160]), min_size=1, max_size=7),
    kind=st.sampled_from(["negative", "tied", "zero", "mixed", "failing", "huge"]),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_search_ends_within_its_bounds(
    population: int, dimensions: int, steps: list[int], kind: str, seed: int
) -> None:
    lower, upper = [-1.0, *[-700.0] * 11][:dimensions], [0.0, *[700.0] * 11][:dimensions]
    strategy = make(population, dimensions, tuple(steps), lower=lower, upper=upper, seed=seed)
    random = np.random.default_rng(seed % 2**32)
    counted = 0
    while (proposal := strategy.ask()) is not None:
        assert proposal.genomes.shape == (population, dimensions)
        assert ((proposal.genomes >= lower) & (proposal.genomes <= upper)).all()
        drawn = random.normal(size=population)
        values = {
            "negative": -5 + drawn,
            "tied": np.ones(population),
            "zero": np.zeros(population),
            "mixed": drawn,
            "failing": np.where(drawn > -0.5, math.inf, 1 + drawn**2),
            "huge": np.exp(100 * np.abs(drawn)),
        }[kind]
        strategy.tell(values.tolist())
        counted += population
    assert counted == population * len(steps)
    assert ((strategy.result() >= lower) & (strategy.result() <= upper)).all()


def test_it_finds_the_optimum_of_a_noisy_bowl_in_each_of_ten_searches() -> None:
    # the defaults have a distance of 3.5; the noise of a single training, 0.3, is that of a distance of 1.7
    distances = [
        np.linalg.norm(np.array(_result_after(make(seed=seed, steps=(10, 10, 40, *[160] * 8)), bowl(0.3))) - OPTIMUM)
        for seed in range(10)
    ]
    assert max(distances) < 1.0


# Another machine


def test_it_continues_from_the_genomes_that_were_trained() -> None:
    strategy = make()
    assert isinstance(strategy, Amendable)
    for _ in range(4):
        strategy.tell(bowl(0.1)(strategy.ask()))
    other = strategy.ask().genomes + 1e-13
    strategy.amend(other)
    strategy.tell(bowl(0.1)(Proposal(other, 160, 4)))
    assert {each.genome for each in strategy._trained[-8:]} == set(map(tuple, other.tolist()))


def test_amending_before_asking_is_refused() -> None:
    with pytest.raises(RuntimeError, match="ask"):
        make().amend(np.zeros((8, 3)))


# Cost


def test_a_generation_of_320_individuals_in_12_dimensions_takes_little_time() -> None:
    strategy = make(320, 12, (10, *[40] * 4))
    spent = []
    for _ in range(5):
        started = time.process_time()
        proposal = strategy.ask()
        spent.append(time.process_time() - started)
        strategy.tell(bowl(0.1)(proposal))
    assert max(spent) < 2.0  # 0.4 s where it was written; a test must not fail on a slower machine


def test_the_phases_follow_from_the_schedule() -> None:
    explore, promote, evolve, meet = Phase.EXPLORE, Phase.PROMOTE, Phase.EVOLVE, Phase.MEET
    assert make(steps=(10, 20, *[40] * 4)).phases == [explore, promote, promote, evolve, evolve, meet]
    assert make(steps=(40,) * 6).phases == [explore, explore, evolve, evolve, evolve, meet]
    assert make(steps=(40, 40)).phases == [explore, evolve]
    assert make(population=64, steps=(40,) * 6).phases == [explore, *[evolve] * 4, meet]


@pytest.mark.parametrize(("full_generations", "by_density"), [(15, 0), (16, 2)])
def test_a_quarter_of_a_long_search_is_drawn_by_densities(
    full_generations: int, by_density: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than 120 full trainings are many: twice as many as the surrogate knows."""
    drawn = []
    promising = genetic.promising

    def recorded(*arguments: Any) -> Any:
        drawn.append(promising(*arguments))
        return drawn[-1]

    monkeypatch.setattr(genetic, "promising", recorded)
    search = make(steps=(160,) * full_generations)
    losses = bowl(noise=0.1)
    trained = []
    while (proposal := search.ask()) is not None:
        trained += proposal.genomes.tolist()
        search.tell(losses(proposal))

    assert {len(genomes) for genomes in drawn} == ({by_density} if by_density else set())
    assert all(genome in trained for genomes in drawn for genome in genomes.tolist())
