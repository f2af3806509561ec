"""Search strategies: the paper's rule, random search, and what both promise."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.strategy_conformance import StrategyConformance, ask
from tuner.strategies import create, names
from tuner.strategies.paper import average
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.strategy import Strategy

PLAN: dict[str, Any] = {
    "mean": [-0.5, 1.0],
    "lower": [-700.0, -700.0],
    "upper": [700.0, 700.0],
    "population": 6,
    "sigmas": (1.0,),
    "steps": (10,),
    "seed": 0,
}


def make(name: str, **changes: Any) -> Strategy:
    plan = {**PLAN, **changes}
    sigmas = plan.pop("sigmas")
    if "steps" not in changes:
        plan["steps"] = (10,) * len(sigmas)
    return create(name, **plan, parameters={"sigmas": list(sigmas)})


class TestPaper(StrategyConformance):
    """The laws, for `paper`."""

    def make(self, **plan: Any) -> Strategy:
        return create("paper", **plan)


class TestGenetic(StrategyConformance):
    """The laws, for `genetic`."""

    def make(self, **plan: Any) -> Strategy:
        return create("genetic", **plan)


class TestCmaEs(StrategyConformance):
    """The laws, for `cma-es`."""

    def make(self, **plan: Any) -> Strategy:
        return create("cma-es", **plan)


class TestNsga2(StrategyConformance):
    """The laws, for `nsga2` with one objective."""

    def make(self, **plan: Any) -> Strategy:
        return create("nsga2", **plan)


class TestRandom(StrategyConformance):
    """The laws, for `random`."""

    def make(self, **plan: Any) -> Strategy:
        parameters = {**plan.pop("parameters"), "draws": "sobol"}
        return create("random", parameters=parameters, **plan)


class TestIndependentRandom(StrategyConformance):
    """The laws, for `random` as studies of earlier versions record it."""

    def make(self, **plan: Any) -> Strategy:
        return create("random", **plan)


def test_every_strategy_runs_the_conformance_suite() -> None:
    made = {type(suite().create()) for suite in StrategyConformance.__subclasses__() if suite.__module__ == __name__}
    assert made == {type(make(name)) for name in names()}


# The paper's rule


@given(
    fitnesses=st.lists(st.sampled_from([math.inf, math.nan]) | st.floats(-1e3, 1e3), min_size=1, max_size=33),
    seed=st.integers(0, 2**63 - 1),
)
def test_the_next_mean_is_the_average_of_those_of_the_better_half_that_finished(
    fitnesses: list[float], seed: int
) -> None:
    strategy = make("paper", population=len(fitnesses), seed=seed)
    genomes = ask(strategy)
    strategy.tell(fitnesses)
    # the same rule written with numpy: failures last, ties in slot order, one half of the population at most
    order = np.argsort([value if math.isfinite(value) else math.inf for value in fitnesses], kind="stable")
    better = [slot for slot in order[: max(1, len(fitnesses) // 2)] if math.isfinite(fitnesses[slot])]
    expected = genomes[better].mean(axis=0) if better else PLAN["mean"]
    np.testing.assert_allclose(strategy.result(), expected, rtol=1e-13, atol=1e-13)


def test_a_generation_is_drawn_around_the_mean_of_the_one_before() -> None:
    strategy = make("paper", sigmas=(1.0, 0.0))
    genomes = ask(strategy)
    strategy.tell([5.0, 1.0, 4.0, 3.0, 2.0, 6.0])  # slots 1, 4 and 3 are the better half
    following = ask(strategy)  # sigma 0 shows the mean itself
    np.testing.assert_allclose(following, np.tile(genomes[[1, 3, 4]].mean(axis=0), (6, 1)), rtol=1e-15)


def test_the_first_generation_is_normal_around_the_defaults_and_each_has_its_own_sigma() -> None:
    size = 4000
    strategy = make("paper", population=size, sigmas=(3.0, 0.5))
    mean = np.array(PLAN["mean"])
    for sigma in (3.0, 0.5):
        genomes = ask(strategy)
        standardized = (genomes - mean) / sigma
        # five standard errors of the mean, of the standard deviation, of the correlation, of the kurtosis
        assert np.abs(standardized.mean(axis=0)).max() < 5 / math.sqrt(size)
        assert np.abs(standardized.std(axis=0) - 1).max() < 5 / math.sqrt(2 * size)
        assert abs(np.corrcoef(standardized.T)[0, 1]) < 5 / math.sqrt(size)
        assert np.abs((standardized**4).mean(axis=0) - 3).max() < 5 * math.sqrt(96 / size)
        strategy.tell([math.inf] * size)  # keeps the mean


def test_the_clamped_genome_is_the_one_that_is_averaged() -> None:
    # decay with default 0: u = 0 is the bound, and half of the draws are clamped to it
    strategy = make("paper", mean=[0.0, 0.0], lower=[-36.0, -36.0], upper=[0.0, 0.0], population=40)
    genomes = ask(strategy)
    at_the_bound = np.flatnonzero(genomes[:, 0] == 0.0)
    assert 8 <= len(at_the_bound) <= 32  # 20 expected; 4 standard deviations of a binomial are 12.6
    strategy.tell([0.0 if slot in at_the_bound else math.inf for slot in range(40)])
    assert strategy.result()[0] == 0.0


def test_a_gene_that_nothing_selects_does_not_drift_off_its_bound_without_mutation() -> None:
    strategy = make("paper", mean=[0.0, 0.1], upper=[0.0, 0.1], population=7, sigmas=(0.0,) * 10)
    for _ in range(10):
        assert ask(strategy).tolist() == [[0.0, 0.1]] * 7
        strategy.tell([1.0] * 7)
    assert strategy.result().tolist() == [0.0, 0.1]


def test_of_an_odd_population_the_middle_one_is_left_out() -> None:
    strategy = make("paper", population=5)
    genomes = ask(strategy)
    strategy.tell([3.0, 1.0, 2.0, 4.0, 5.0])
    np.testing.assert_allclose(strategy.result(), genomes[[1, 2]].mean(axis=0), rtol=1e-15)


def test_of_equally_good_ones_the_lower_slots_are_the_better_half() -> None:
    strategy = make("paper")
    genomes = ask(strategy)
    strategy.tell([2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(strategy.result(), genomes[[1, 2, 3]].mean(axis=0), rtol=1e-15)


def test_a_wholly_failed_generation_keeps_its_mean_and_says_so() -> None:
    strategy = make("paper", sigmas=(1.0, 1.0, 0.0))
    ask(strategy)
    strategy.tell([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    ask(strategy)
    remark = strategy.tell([math.inf, math.nan, math.inf, math.inf, -math.inf, math.inf])
    assert remark == "generation 1: none of 6 finished; its mean is kept"
    expected = make("paper")
    ask(expected)
    expected.tell([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert ask(strategy).tolist() == [expected.result().tolist()] * 6


def test_a_generation_of_which_fewer_than_half_finish_is_remarked() -> None:
    strategy = make("paper")
    genomes = ask(strategy)
    remark = strategy.tell([math.inf, 7.0, math.inf, math.inf, 9.0, math.inf])
    assert remark == "generation 0: only 2 of 6 finished; the next mean is theirs"
    np.testing.assert_allclose(strategy.result(), genomes[[1, 4]].mean(axis=0), rtol=1e-15)


def test_a_generation_of_which_just_half_finish_is_not_remarked() -> None:
    strategy = make("paper")
    ask(strategy)
    assert strategy.tell([math.inf, 7.0, 3.0, math.inf, 9.0, math.inf]) == ""


@given(st.lists(st.lists(st.floats(-700, 700), min_size=2, max_size=2), min_size=1, max_size=16))
def test_an_average_never_leaves_the_range_of_what_is_averaged(genomes: list[list[float]]) -> None:
    columns = np.array(genomes)
    assert (np.array(average(genomes)) >= columns.min(axis=0)).all()
    assert (np.array(average(genomes)) <= columns.max(axis=0)).all()


# Random search


def test_random_search_draws_what_it_draws_whatever_was_found() -> None:
    good, bad = make("random", sigmas=(1.0,) * 3), make("random", sigmas=(1.0,) * 3)
    for generation in range(3):
        genomes = ask(good)
        assert np.array_equal(genomes, ask(bad))
        good.tell(genomes[:, 0].tolist())
        bad.tell([math.inf if generation else 0.0] * 6)


def test_random_search_draws_every_generation_with_the_first_sigma_around_the_defaults() -> None:
    size = 4000
    strategy = make("random", population=size, sigmas=(2.0, 0.0, 5.0))
    for _ in range(3):
        standardized = (ask(strategy) - np.array(PLAN["mean"])) / 2.0
        assert np.abs(standardized.mean(axis=0)).max() < 5 / math.sqrt(size)  # five standard errors
        assert np.abs(standardized.std(axis=0) - 1).max() < 5 / math.sqrt(2 * size)
        strategy.tell(standardized[:, 0].tolist())


def test_random_search_results_in_the_best_of_the_generations_with_the_last_budget() -> None:
    strategy = make("random", sigmas=(1.0,) * 4, steps=(30, 10, 30, 30))
    drawn = []
    # the best of all, in generation 1, had another budget; generation 0 shares the last one's and counts
    for best, slot in ((2.0, 4), (0.0, 1), (3.0, 2), (5.0, 0)):
        drawn.append(ask(strategy))
        strategy.tell([best if at == slot else 9.0 for at in range(6)])
    assert strategy.result().tolist() == drawn[0][4].tolist()


def test_of_equally_good_ones_random_search_takes_the_earliest() -> None:
    strategy = make("random", sigmas=(1.0,) * 2)
    first = ask(strategy)
    strategy.tell([2.0, math.nan, 1.0, 1.0, 2.0, 1.0])
    ask(strategy)
    strategy.tell([1.0] * 6)
    assert strategy.result().tolist() == first[2].tolist()


def test_random_search_falls_back_on_the_defaults_and_says_so_where_none_finished_the_last_budget() -> None:
    strategy = make("random", sigmas=(1.0,) * 2, steps=(10, 20))
    ask(strategy)
    strategy.tell([1.0] * 6)
    ask(strategy)
    remark = strategy.tell([math.inf] * 6)
    assert remark == (
        "generation 1: none of 6 finished; no individual finished 20 steps, so the defaults are the result"
    )
    assert strategy.result().tolist() == PLAN["mean"]


def test_random_search_keeps_an_earlier_generation_of_the_last_budget_where_the_last_wholly_fails() -> None:
    strategy = make("random", sigmas=(1.0,) * 2)
    first = ask(strategy)
    strategy.tell([3.0, 2.0, 1.0, 4.0, 5.0, 6.0])
    ask(strategy)
    assert strategy.tell([math.inf] * 6) == "generation 1: none of 6 finished"
    assert strategy.result().tolist() == first[2].tolist()


# Confinement


def test_confined_generators_go_on_where_they_left_off() -> None:
    once, twice = ConfinedGenerators(5), ConfinedGenerators(5)
    with once.installed():
        expected = [random.gauss(), np.random.normal(), random.gauss(), np.random.normal()]  # noqa: NPY002
    drawn = []
    for _ in range(2):
        with twice.installed():
            drawn += [random.gauss(), np.random.normal()]  # noqa: NPY002
        random.gauss()
        np.random.normal()  # noqa: NPY002
    assert drawn == expected


def test_confined_generators_give_the_global_ones_back_after_an_exception() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002

    def draw_and_fail() -> None:
        with ConfinedGenerators(5).installed():
            random.random()
            np.random.random()  # noqa: NPY002
            raise OSError("as it happens")

    with pytest.raises(OSError, match="as it happens"):
        draw_and_fail()
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**200])
def test_seeds_of_any_size_draw_differently_in_both_generators(seed: int) -> None:
    drawn = []
    for own in (seed, seed + 1):
        with ConfinedGenerators(own).installed():
            drawn.append((random.random(), np.random.random()))  # noqa: NPY002
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


# Making one


def test_naming_strategies_loads_neither_deap_nor_numpy_and_using_one_does_without_deaps_creator() -> None:
    program = (
        "import sys, tuner.strategies as e; assert not {'deap', 'numpy'} & set(sys.modules); "
        "s = e.create('paper', mean=[0.0], lower=[-1.0], upper=[1.0], population=2, steps=[1], seed=0,"
        " parameters={'sigmas': [1.0]}); "
        "s.tell(s.ask().genomes[:, 0].tolist()); assert 'deap' in sys.modules; assert 'deap.creator' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("papr", "strategy is one of paper, genetic, cma-es, random, nsga2 (did you mean 'paper'?). Received: 'papr'"),
        (
            "RANDOM",
            "strategy is one of paper, genetic, cma-es, random, nsga2 (did you mean 'random'?). Received: 'RANDOM'",
        ),
        ("", "strategy is one of paper, genetic, cma-es, random, nsga2. Received: ''"),
    ],
)
def test_an_unknown_strategy_is_refused_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        make(name)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mean": [0.0]}, "mean, lower and upper"),
        ({"mean": [[0.0, 0.0]]}, "mean"),
        ({"mean": [], "lower": [], "upper": []}, "mean"),
        ({"mean": [math.nan, 0.0]}, "mean"),
        ({"mean": [0.0, 701.0]}, r"mean\[1\]"),
        ({"lower": [-math.inf, 0.0]}, "lower"),
        ({"upper": [-701.0, 700.0]}, r"mean\[0\]"),
        ({"population": 0}, "population"),
        ({"population": 2.5}, "population"),
        ({"population": True}, "population"),
        ({"sigmas": ()}, "sigmas and steps"),
        ({"sigmas": (1.0, 1.0), "steps": (10,)}, "sigmas and steps"),
        ({"sigmas": (-1.0,)}, r"sigmas\[0\]"),
        ({"sigmas": (1.0, math.inf)}, r"sigmas\[1\]"),
        ({"sigmas": (math.nan,)}, r"sigmas\[0\]"),
        ({"sigmas": ("1",)}, r"sigmas\[0\]"),
        ({"steps": (0,)}, r"steps\[0\]"),
        ({"steps": (1.5,)}, r"steps\[0\]"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_line(name: str, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=rf"^{named} must [ -~]+ Received: [ -~]+$"):
        make(name, **change)
