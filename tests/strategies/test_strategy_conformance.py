"""The conformance suite of strategies bites: each of its tests fails on a strategy that is broken in that one way."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from deap import tools
from numpy.typing import NDArray

from tests.conformance.strategy_conformance import StrategyConformance
from tuner.strategies.individuals import Individual
from tuner.strategies.paper import Paper
from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.setting import Setting
from tuner.strategies.strategy import Proposal


class HalfPrecise(Paper):
    """Hands out float32."""

    def ask(self) -> Proposal | None:
        proposal = super().ask()
        return proposal and replace(proposal, genomes=proposal.genomes.astype(np.float32))


class Unclamped(Paper):
    """Trains what was drawn, wherever it lies."""

    def ask(self) -> Proposal | None:
        proposal = super().ask()
        self._proposed = self._draw(self._completed)
        return proposal and replace(proposal, genomes=self._proposed.copy())


class HalfOfOneIsNone(Paper):
    """Takes half of 1 for 0."""

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        better = tools.selBest(finished, self.setting.population // 2)
        self._mean = tuple(statistics.mean(gene[at] for gene in better) for at in range(3))
        return ""


class AveragesInFloatingPoint(Paper):
    """Rounds at every addition, so equal genes average to another."""

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        better = tools.selBest(finished, self.setting.population // 2)
        self._mean = tuple(sum(genes) / len(genes) for genes in zip(*better, strict=True))
        return ""


class Unseeded(Paper):
    """Draws something else in every process and instance."""

    instances = itertools.count()

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.generators = ConfinedGenerators(next(self.instances))


class SeedIgnored(Paper):
    """Draws the same for every seed."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.generators = ConfinedGenerators(0)


class SharesItsMean(Paper):
    """Keeps its state in the class, where a resumed study finds another's."""

    shared: tuple[float, ...] | None = None

    def _draw(self, generation: int) -> NDArray[np.float64]:
        self._mean = SharesItsMean.shared or self._mean
        return super()._draw(generation)

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        remark = super()._learn(generation, finished)
        SharesItsMean.shared = self._mean
        return remark


class DrawsUnconfined(Paper):
    """Draws from the global generator."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        random.seed(setting.seed)

    def _draw(self, generation: int) -> NDArray[np.float64]:
        sigma = self.setting.sigmas[generation]
        return np.array([[random.gauss(m, sigma) for m in self._mean] for _ in range(self.setting.population)])


class SeedsNumpy(Paper):
    """Seeds the global generator of everybody."""

    def ask(self) -> Proposal | None:
        np.random.seed(self.setting.seed)  # noqa: NPY002
        return super().ask()


class TakesAnyTell(Paper):
    """Ignores a tell out of order."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return "" if self._proposed is None else super().tell(fitnesses)


class AsksAgain(Paper):
    """Forgets a generation that was not told."""

    def ask(self) -> Proposal | None:
        self._proposed = None
        return super().ask()


class NeverEnds(Paper):
    """Invents generations beyond the schedule."""

    def ask(self) -> Proposal | None:
        return super().ask() or Proposal(np.zeros((self.setting.population, 3)), 10)


class IgnoresItsSchedule(Paper):
    """Trains every generation as long as the first."""

    def ask(self) -> Proposal | None:
        proposal = super().ask()
        return proposal and replace(proposal, budget=self.setting.steps[0])


class HasAlwaysAResult(Paper):
    """Gives a result too early."""

    def result(self) -> NDArray[np.float64]:
        return np.array(self._mean)


class PadsFitnesses(Paper):
    """Makes up for missing fitnesses, and drops what is too much."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell([*fitnesses, *[math.inf] * 8][: self.setting.population])


class CountsNonsenseAsFailure(Paper):
    """Takes None for a failure."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell([value if type(value) in (int, float) else math.inf for value in fitnesses])


class ForgetsBeforeItChecks(Paper):
    """Refuses, but goes on to the next generation."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        try:
            return super().tell(fitnesses)
        except ValueError:
            self._completed += 1
            raise


class HandsOutItsOwn(Paper):
    """Lets the caller write into its memory."""

    def ask(self) -> Proposal | None:
        proposal = super().ask()
        assert self._proposed is not None
        return proposal and replace(proposal, genomes=self._proposed)


class SortsInPlace(Paper):
    """Sorts the caller's list."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        remark = super().tell(fitnesses)
        if isinstance(fitnesses, list):
            fitnesses.sort()
        return remark


class LetsNanThrough(Paper):
    """Leaves NaN to DEAP, whose selection then depends on the order."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        assert self._proposed is not None
        everyone = [Individual(g, float(f)) for g, f in zip(self._proposed.tolist(), fitnesses, strict=True)]
        super().tell(fitnesses)
        self._mean = tuple(np.mean(tools.selBest(everyone, self.setting.population // 2), axis=0).tolist())
        return ""


class TakesMinusInfinityForTheBest(Paper):
    """Believes a loss of minus infinity."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell([-1e300 if value == -math.inf else value for value in fitnesses])


class CountsFailuresAsVeryBad(Paper):
    """Fills the better half up with failures."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell([value if math.isfinite(value) else 1e300 for value in fitnesses])


class IsSilent(Paper):
    """Says nothing, whatever happens."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        super().tell(fitnesses)
        return ""


class AveragesNothing(Paper):
    """Has NaN for a mean after a generation that wholly failed."""

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        remark = super()._learn(generation, finished)
        if not finished:
            self._mean = (math.nan,) * 3
        return remark


class DriftsWhereAllFail(Paper):
    """Moves although nothing was learnt."""

    def _learn(self, generation: int, finished: Sequence[Individual]) -> str:
        remark = super()._learn(generation, finished)
        if not finished and self._proposed is not None:
            self._mean = tuple(self._proposed.mean(axis=0).tolist())
        return remark


class Chatters(Paper):
    """Remarks on what is ordinary."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell(fitnesses) or "all is well"


class ResultsInARow(Paper):
    """Returns [1, d]."""

    def result(self) -> NDArray[np.float64]:
        return super().result()[None]


class Maximizes(Paper):
    """Goes the wrong way."""

    def tell(self, fitnesses: Sequence[float]) -> str:
        return super().tell([-value for value in fitnesses])


MUST_FAIL: list[tuple[type[Paper], str]] = [
    (HalfPrecise, "test_ask_returns_a_float64_genome_per_slot"),
    (Unclamped, "test_every_genome_lies_within_the_bounds_for_any_sigma"),
    (HalfOfOneIsNone, "test_small_and_odd_populations_are_supported"),
    (AveragesInFloatingPoint, "test_without_mutation_every_genome_and_the_result_are_the_defaults"),
    (Unseeded, "test_the_same_seed_and_fitnesses_give_the_same_genomes_and_result"),
    (SeedIgnored, "test_another_seed_gives_other_genomes"),
    (SharesItsMean, "test_replaying_recorded_fitnesses_reproduces_each_genome"),
    (DrawsUnconfined, "test_draws_from_the_global_generators_do_not_affect_the_strategy"),
    (SeedsNumpy, "test_the_strategy_does_not_change_the_global_generators"),
    (TakesAnyTell, "test_tell_before_ask_is_refused"),
    (TakesAnyTell, "test_tell_twice_is_refused"),
    (AsksAgain, "test_ask_twice_is_refused"),
    (NeverEnds, "test_ask_returns_none_after_the_last_generation"),
    (IgnoresItsSchedule, "test_each_generation_has_the_budget_of_its_schedule"),
    (HasAlwaysAResult, "test_result_before_the_last_tell_is_refused"),
    (PadsFitnesses, "test_a_wrong_number_of_fitnesses_is_refused_and_changes_nothing"),
    (CountsNonsenseAsFailure, "test_a_fitness_that_is_not_a_number_is_refused_and_changes_nothing"),
    (ForgetsBeforeItChecks, "test_a_fitness_that_is_not_a_number_is_refused_and_changes_nothing"),
    (HandsOutItsOwn, "test_modifying_returned_genomes_does_not_affect_the_strategy"),
    (SortsInPlace, "test_the_arguments_are_copied_and_not_modified"),
    (LetsNanThrough, "test_nan_and_minus_infinity_count_like_plus_infinity"),
    (TakesMinusInfinityForTheBest, "test_nan_and_minus_infinity_count_like_plus_infinity"),
    (CountsFailuresAsVeryBad, "test_failed_candidates_are_ignored_even_if_fewer_than_half_finish"),
    (IsSilent, "test_a_generation_in_which_all_candidates_fail_is_reported_and_the_search_continues"),
    (AveragesNothing, "test_a_generation_in_which_all_candidates_fail_is_reported_and_the_search_continues"),
    (DriftsWhereAllFail, "test_a_search_in_which_all_candidates_fail_results_in_the_defaults"),
    (Chatters, "test_tell_returns_no_remark_if_all_candidates_finish"),
    (ResultsInARow, "test_the_result_is_one_float64_genome_within_the_bounds"),
    (Maximizes, "test_the_result_is_nearer_to_the_optimum_than_the_defaults"),
]
SUITE = sorted(name for name in vars(StrategyConformance) if name.startswith("test_"))


def cases(name: str) -> Iterator[Callable[[StrategyConformance], None]]:
    """A test of the suite, once for each of its parameters."""
    test = getattr(StrategyConformance, name)
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield test
    for mark in marks:
        for value in mark.args[1]:
            yield lambda suite, argument=mark.args[0], value=value: test(suite, **{argument: value})


def passes(name: str, broken: type[Paper]) -> bool:
    """Whether a strategy passes a test of the suite with all its parameters."""

    class Suite(StrategyConformance):
        def make(self, **plan: Any) -> Paper:
            return broken(Setting(sigmas=tuple(plan.pop("parameters")["sigmas"]), **plan))

    for case in cases(name):
        try:
            case(Suite())
        except (Exception, pytest.fail.Exception):
            return False
    return True


@pytest.fixture(autouse=True)
def _globals_as_they_were() -> Iterator[None]:
    """Some of the broken strategies disturb what they should leave alone."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
    SharesItsMean.shared = None


@pytest.mark.parametrize(("broken", "name"), MUST_FAIL)
def test_a_broken_strategy_fails_the_test_of_its_fault(broken: type[Paper], name: str) -> None:
    assert not passes(name, broken)


@pytest.mark.parametrize("name", SUITE)
def test_the_strategy_that_they_are_made_from_passes(name: str) -> None:
    assert passes(name, Paper)


def test_every_test_of_the_suite_is_shown_to_bite() -> None:
    assert {name for _, name in MUST_FAIL} == set(SUITE)
