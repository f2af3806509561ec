"""Candidates of `genetic` that are ended early: which, by what limits, and what the search makes of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.strategies.test_genetic import make
from tuner.core.trial import Milestone
from tuner.strategies.genetic import Genetic, Phase
from tuner.strategies.pruning import Pruning
from tuner.strategies.strategy import EndsEarly, Proposal

RUNGS = (10, 40, *[160] * 12)
ALLOWANCE = 1.5


def pruning(steps: Sequence[int] = RUNGS, **changes) -> Genetic:
    parameters = {"sigmas": [3.0] * len(steps), "pruning": ALLOWANCE}
    return make(steps=tuple(steps), parameters=parameters, **changes)


@dataclass
class Told:
    """A search on a simulated network."""

    proposals: list[Proposal] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)  # +inf of those that were ended
    ended: list[list[int]] = field(default_factory=list)  # the step of each slot; 0 of one that was not


def curve(genome: np.ndarray, seed: Sequence[int], step: float) -> float:
    """The loss of a network, which falls for the whole budget, for some genomes late."""
    generator = np.random.default_rng([*seed, abs(hash(tuple(genome.tolist()))) % 2**31])
    final = 1 + float(((genome - 2) ** 2).sum())
    return final * (1 + 0.5 * math.exp(-step / 40)) * (1 + 0.02 * generator.normal())


def search(strategy: Genetic, generations: int | None = None) -> Told:
    told = Told()
    while (generations is None or len(told.proposals) < generations) and (proposal := strategy.ask()) is not None:
        losses, reached, ended = [], [], []
        for slot, genome in enumerate(proposal.genomes):
            seed = (proposal.seed_block or 0, proposal.replicates[slot] if proposal.replicates else 0)
            points, end = [], 0
            for one in proposal.milestones[slot] if proposal.milestones else ():
                points.append((one.step, curve(genome, seed, one.step)))
                if points[-1][1] > one.ceiling:
                    end = one.step
                    break
            losses.append(math.inf if end else curve(genome, seed, proposal.budget))
            reached.append(points)
            ended.append(end)
        strategy.tell_milestones(reached, [bool(end) for end in ended])
        assert strategy.tell(losses) == ""
        told.proposals.append(proposal)
        told.losses.append(losses)
        told.ended.append(ended)
    return told


def test_a_limit_is_the_worst_elites_loss_and_what_an_elite_gained_at_most_times_the_allowance() -> None:
    limits = Pruning(160, ALLOWANCE)
    assert [one.step for one in limits.limits()] == [40, 80, 120]
    for number in range(7):
        limits.learn((float(number),), 1.0 + number, [(40, 4.0 + number), (80, 1.5 + number), (120, 1.0)])
    limits.learn((0.0,), 0.5, [(40, 9.5), (80, 1.0), (120, 0.5)])  # trained again, with a better loss
    assert all(one.ceiling == math.inf for one in limits.limits())  # of seven genomes
    limits.learn((7.0,), 8.0, [(40, 8.0), (80, 8.0), (120, 8.0)])
    limits.learn((8.0,), 9.0, [(40, 99.0), (80, 99.0), (120, 99.0)])  # none of the best eight
    # What genome 0 gained after 40 steps, the others after 80, and none after 120.
    assert limits.limits() == (Milestone(40, 8 + 1.5 * 9.0), Milestone(80, 8 + 1.5 * 0.5), Milestone(120, 8.0))


def test_limits_move_and_scale_with_the_losses() -> None:
    """Of an accuracy, the fitness is negative."""
    losses, generator = np.linspace(0.1, 0.9, 8), np.random.default_rng(0)
    points = losses + generator.uniform(0, 1, 8)

    def ceiling(scale: float, shift: float) -> float:
        limits = Pruning(4, ALLOWANCE)
        for number, (loss, point) in enumerate(zip(losses, points, strict=True)):
            limits.learn((float(number),), scale * loss + shift, [(step, scale * point + shift) for step in (1, 2, 3)])
        return limits.limits()[0].ceiling

    assert ceiling(3.0, -5.0) == pytest.approx(3 * ceiling(1.0, 0.0) - 5)


def test_an_elite_without_a_running_fitness_lifts_the_limit() -> None:
    limits = Pruning(4, ALLOWANCE)
    for number in range(8):
        limits.learn((float(number),), float(number), [(2, 10.0), (3, 10.0)] if number else [(3, 10.0)])
    assert [one.ceiling < math.inf for one in limits.limits()] == [False, False, True]


def test_a_budget_too_short_for_a_milestone_has_none() -> None:
    assert Pruning(1, ALLOWANCE).limits() == ()
    assert [one.step for one in Pruning(3, ALLOWANCE).limits()] == [1, 2]


@pytest.fixture(scope="module")
def complete() -> tuple[Genetic, Told]:
    """A search that has pruned candidates."""
    strategy = pruning()
    told = search(strategy)
    assert sum(map(bool, (end for ends in told.ended for end in ends))) > 5
    return strategy, told


def ended_genomes(told: Told) -> list[tuple[float, ...]]:
    return [
        tuple(genome.tolist())
        for proposal, ends in zip(told.proposals, told.ended, strict=True)
        for genome, end in zip(proposal.genomes, ends, strict=True)
        if end
    ]


def test_only_offspring_with_the_full_budget_are_ended_early(complete: tuple[Genetic, Told]) -> None:
    strategy, told = complete
    assert isinstance(strategy, EndsEarly)
    for proposal, phase, ended in zip(told.proposals, strategy.phases, told.ended, strict=True):
        if proposal.budget < 160:
            assert proposal.milestones is None  # rungs decide by their own budget
            continue
        assert proposal.milestones is not None
        limited = [any(one.ceiling < math.inf for one in slot) for slot in proposal.milestones]
        is_first = proposal is told.proposals[2]
        # The first slot has the elite; the finalists meet in the last generation.
        assert limited == [not (is_first or phase is Phase.MEET or slot == 0) for slot in range(8)]
        assert all(not end or may for end, may in zip(ended, limited, strict=True))


def test_a_pruned_candidate_is_never_trained_again_nor_the_result(complete: tuple[Genetic, Told]) -> None:
    strategy, told = complete
    trained = Counter(tuple(genome.tolist()) for proposal in told.proposals for genome in proposal.genomes)
    assert {trained[genome] for genome in ended_genomes(told)} == {1}
    assert tuple(strategy.result().tolist()) not in ended_genomes(told)


def test_a_pruned_candidate_is_modelled_with_the_loss_that_it_had_and_is_no_failure(
    complete: tuple[Genetic, Told],
) -> None:
    strategy, told = complete
    pruned = [each for each in strategy._trained if each.pruned]
    assert [each.genome for each in pruned] == ended_genomes(told)
    for each in pruned:
        assert not each.failed
        assert not each.finished
        best: dict[tuple[float, ...], float] = {}
        for proposal, losses in zip(told.proposals[2 : each.generation], told.losses[2:], strict=False):
            for genome, loss in zip(proposal.genomes, losses, strict=True):
                best[tuple(genome.tolist())] = min(loss, best.get(tuple(genome.tolist()), math.inf))
        slot = [tuple(genome.tolist()) for genome in told.proposals[each.generation].genomes].index(each.genome)
        end = told.ended[each.generation][slot]
        assert each.loss == curve(np.array(each.genome), (each.generation, 0), end)
        assert sorted(best.values())[7] < each.loss < math.inf  # above all of the eight
    model, ranked, _ = strategy._modelled(strategy._finished(len(RUNGS) - 1))
    assert {each.genome for each in pruned} & set(map(tuple, model.points.tolist()))
    assert not {each.genome for each in pruned} & set(ranked)


def test_a_search_in_which_nothing_may_be_ended_early_is_the_same_as_without_milestones() -> None:
    told = search(pruning(seed=1), 3)  # until the first generation with the full budget
    bare = make(steps=RUNGS, seed=1)
    for proposal, losses in zip(told.proposals, told.losses, strict=True):
        other = bare.ask()
        assert other is not None
        assert other.milestones is None
        np.testing.assert_array_equal(other.genomes, proposal.genomes)
        bare.tell(losses)


def test_what_was_recorded_gives_the_same_proposals_to_a_new_instance(complete: tuple[Genetic, Told]) -> None:
    again = search(pruning(), 8)
    for one, other in zip(complete[1].proposals, again.proposals, strict=False):
        np.testing.assert_array_equal(one.genomes, other.genomes)
        assert one.milestones == other.milestones


def test_milestones_before_a_generation_are_refused() -> None:
    with pytest.raises(RuntimeError, match="ask"):
        pruning().tell_milestones([], [])
