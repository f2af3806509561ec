"""Strategy `nsga2`: the front of two and three objectives."""

import math

import moocore
import numpy as np
import pytest

from tuner.core.coordinates import Coordinates, Kind
from tuner.strategies import create

D = 6


def make(population=12, generations=20, steps=None, **changes):
    plan = {
        "mean": [6.0] * D,
        "lower": [0.0] * D,
        "upper": [12.0] * D,
        "population": population,
        "steps": steps or (1,) * generations,
        "seed": 0,
        "parameters": {"sigmas": [3.0] * (len(steps) if steps else generations)},
    }
    return create("nsga2", **plan | changes)


def zdt1(genome):
    """The test problem ZDT1 of Zitzler, Deb and Thiele (2000), whose front is f2 = 1 - sqrt(f1)."""
    x = np.asarray(genome) / 12
    g = 1 + 9 * x[1:].mean()
    return float(x[0]), float(g * (1 - np.sqrt(x[0] / g)))


def run(strategy, values=zdt1):
    """Run a search; return every proposal and what was told of it."""
    told = []
    while (proposal := strategy.ask()) is not None:
        told.append((proposal, [values(genome) for genome in proposal.genomes]))
        strategy.tell(told[-1][1])
    return told


def test_the_front_is_what_no_other_evaluated_point_dominates():
    strategy = make(population=40, generations=5)  # nothing of the front has been crowded out so early
    values = np.array([each for _, told in run(strategy) for each in told])
    expected = np.unique(values[moocore.is_nondominated(values, keep_weakly=True)], axis=0)  # another implementation
    assert len(expected) < 40
    np.testing.assert_array_equal([each for _, each in strategy.front], expected)
    for genome, found in strategy.front:
        assert zdt1(genome) == found


def test_it_comes_near_to_the_known_front():
    strategy = make(population=20, generations=60)
    run(strategy)
    front = np.array([values for _, values in strategy.front])
    # the area below (1.1, 1.1) that the true front dominates: 1.1² - ∫ (1 - sqrt x) dx over [0, 1] - 0.1 · 0 …
    best = 1.1 * 1.1 - 1 / 3
    assert 0.9 * best < moocore.hypervolume(front, ref=[1.1, 1.1]) < best


def test_the_tuned_genome_is_the_point_of_the_front_that_is_nearest_to_the_best_of_each():
    strategy = make()
    run(strategy)
    values = np.array([each for _, each in strategy.front])
    scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    nearest = strategy.front[int(np.hypot(*scaled.T).argmin())][0]
    assert tuple(strategy.result()) == nearest


def test_the_first_generation_has_the_defaults_and_fills_the_box():
    strategy = make(population=64, upper=[700.0] * D, lower=[-700.0] * D)
    genomes = strategy.ask().genomes
    assert genomes[0].tolist() == [6.0] * D
    assert genomes.min() >= 6 - 9  # the defaults ± 3 σ
    assert genomes.max() <= 6 + 9
    assert (np.histogram(genomes[1:, 0], bins=8, range=(-3, 15))[0] >= 6).all()  # 63 points, evenly


def test_no_genome_is_trained_twice_but_the_one_that_looks_for_noise():
    told = run(make(population=12, generations=15))
    genomes = [tuple(genome) for proposal, _ in told for genome in proposal.genomes]
    assert len(genomes) - len(set(genomes)) == 1
    assert told[1][0].replicates == (0,) * 11 + (1,)
    assert {proposal.seed_block for proposal, _ in told} == {0}


def test_without_noise_the_last_generation_goes_on_searching():
    *_, (proposal, _) = run(make())
    assert set(proposal.replicates) == {0}


def noisy(random):
    return lambda genome: tuple(value + random.normal(0, 0.05) for value in zdt1(genome))


def test_with_noise_the_last_generation_trains_the_front_again_and_the_means_over_all_its_seeds_count():
    strategy = make(population=12)
    told = run(strategy, noisy(np.random.default_rng(0)))
    before = {tuple(genome) for proposal, _ in told[:-1] for genome in proposal.genomes}
    last, values = told[-1]
    again = [tuple(genome) for genome in last.genomes]
    assert set(again) <= before
    assert min(last.replicates) == 2  # 0 are of the search, 1 of the look for noise
    pairs = list(zip(again, last.replicates, strict=True))
    assert len(set(pairs)) == len(pairs) == 12
    own = {}  # on the seed of the search
    for proposal, found in told[:-1]:
        for genome, replicate, each in zip(proposal.genomes, proposal.replicates, found, strict=True):
            if replicate == 0:
                own[tuple(genome)] = each
    means = {
        genome: np.mean([own[genome], *(each for each, other in zip(values, again, strict=True) if other == genome)], 0)
        for genome in again
    }
    kept = [genome for genome, kept in zip(means, moocore.is_nondominated(list(means.values())), strict=True) if kept]
    assert {genome for genome, _ in strategy.front} == set(kept)
    assert len(kept) > 2
    for genome, found in strategy.front:
        np.testing.assert_allclose(found, means[genome], rtol=1e-12)


@pytest.mark.parametrize("failure", [math.inf, math.nan])
def test_failures_are_never_in_the_front_and_the_search_goes_on(failure):
    def failing(genome):
        first, second = zdt1(genome)
        return (failure, second) if genome[1] > 4 else (first, second)

    strategy = make(population=12, generations=25)
    run(strategy, failing)
    assert strategy.front
    assert all(genome[1] <= 4 and all(map(math.isfinite, values)) for genome, values in strategy.front)


def test_a_search_in_which_nothing_finishes_returns_the_defaults():
    strategy = make(generations=3)
    remarks = []
    while strategy.ask() is not None:
        remarks.append(strategy.tell([(math.inf, math.inf)] * 12))
    assert remarks == [f"generation {number}: none of 12 finished" for number in range(3)]
    assert strategy.result().tolist() == [6.0] * D
    assert strategy.front == []


def test_where_the_budget_changes_the_population_is_trained_again_and_the_old_values_are_forgotten():
    strategy = make(population=8, steps=(1, 1, 1, 2, 2, 2))
    told = []
    while (proposal := strategy.ask()) is not None:
        # with the small budget everything is better than it can be with the great one
        told.append((proposal, [tuple(v - 10 * (proposal.budget == 1) for v in zdt1(g)) for g in proposal.genomes]))
        strategy.tell(told[-1][1])
    small = {tuple(genome) for proposal, _ in told[:3] for genome in proposal.genomes}
    assert {tuple(genome) for genome in told[3][0].genomes} <= small
    assert all(min(values) >= 0 for _, values in strategy.front)


def test_three_objectives_have_a_front():
    strategy = make(population=24, generations=10)
    told = run(strategy, lambda genome: (float(genome[0]), float(genome[1]), float(24 - genome[0] - genome[1])))
    values = np.array([each for _, of in told for each in of])
    assert moocore.is_nondominated(np.array([each for _, each in strategy.front]), keep_weakly=True).all()
    assert len(strategy.front) == 24  # every point is on the front, and the population is kept
    assert {each for _, each in strategy.front} <= {tuple(each) for each in values.tolist()}


def test_choices_and_integers_take_their_values_only():
    levels = (2.0, 6.0, 10.0)

    def snap(genome):
        nearest = min(levels, key=lambda level: abs(level - genome[0]))
        return np.array([nearest, float(np.clip(round(genome[1]), 0, 12)), *genome[2:]])

    kinds = (Kind.UNORDERED, Kind.INTEGER, *[Kind.REAL] * (D - 2))
    strategy = make(coordinates=Coordinates(kinds, snap, {0: levels}))
    told = run(strategy)
    genomes = np.concatenate([proposal.genomes for proposal, _ in told])
    assert set(genomes[:, 0]) == set(levels)
    assert (genomes[:, 1] == genomes[:, 1].round()).all()


@pytest.mark.parametrize("bad", [(1.0,) * 4, (), (1.0, "2"), "1", None])
def test_what_is_no_fitness_is_refused_and_changes_nothing(bad):
    strategy = make(population=2, generations=2)
    strategy.ask()
    with pytest.raises(ValueError, match="the fitness of slot 1 must be a number, or 3 at most"):
        strategy.tell([(1.0, 2.0), bad])
    strategy.tell([(1.0, 2.0), (2.0, 1.0)])
    assert len(strategy.front) == 2


def test_the_number_of_objectives_does_not_change():
    strategy = make(population=2, generations=2)
    strategy.ask()
    strategy.tell([(1.0, 2.0), (2.0, 1.0)])
    strategy.ask()
    with pytest.raises(ValueError, match="slot 0 must have 2 objectives"):
        strategy.tell([1.0, 2.0])


@pytest.mark.filterwarnings("error")
def test_values_near_the_greatest_numbers_are_values_like_others():
    random = np.random.default_rng(0)
    strategy = make(population=9, generations=12)
    told = run(strategy, lambda genome: (float(random.choice([1e308, -1e308, 5.0])), float(random.normal() * 1e307)))
    values = [each for _, of in told for each in of]
    assert {each[0] for _, each in strategy.front} <= {1e308, -1e308, 5.0} | {np.mean([1e308, 5.0])}
    assert min(each[1] for _, each in strategy.front) >= min(each[1] for each in values)
    assert all(map(math.isfinite, strategy.result()))


def test_a_coordinate_that_has_one_value_keeps_it():
    strategy = make(population=6, lower=[6.0] + [0.0] * (D - 1), upper=[6.0] + [12.0] * (D - 1))
    told = run(strategy, lambda genome: (float(genome[1]), -float(genome[1])))
    assert {genome[0] for proposal, _ in told for genome in proposal.genomes} == {6.0}
