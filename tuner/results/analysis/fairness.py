"""The ledger of a search: what each optimizer was given, and what it had found after how much of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.space import SearchSpace
from tuner.core.study import CandidateRecord, SearchSpec, StudyRecord
from tuner.core.trial import Role
from tuner.results.analysis.generations import Generation, by_generation
from tuner.results.analysis.summary import better_half

REACH = 2.0  # standard deviations of the first generation's draws on either side of the defaults: 95 % of a gene's


@dataclass(frozen=True, slots=True)
class Milestone:
    """How far a search was after a generation."""

    generation: int
    steps: int  # budget of an individual, in gradient evaluations
    planned: int  # gradient evaluations that the schedule has given until then
    best: float | None  # the lowest fitness so far at this budget; None where none finished


@dataclass(frozen=True, slots=True)
class Effort:
    """What one optimizer was given in a search. Of what it cost, a `Summary` tells."""

    optimizer: str
    dimensions: int  # hyperparameters that are tuned
    volume: float | None  # see `reached_volume`
    genes: int  # of the best: all genes of the newest better half; 0 where none finished
    at_a_bound: int  # of these
    bounded: tuple[str, ...]  # the hyperparameters that they are of, in the order of the search space
    attempts_lost: int  # trainings that came to nothing and were repeated
    milestones: tuple[Milestone, ...]  # one a generation


def effort(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> Effort:
    """Return the ledger of one optimizer's search.

    Args:
        study: A search as the store holds it.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    generations = by_generation(study.spec, candidates)
    space = SearchSpace.from_dict(study.spec.space)
    newest = next((generation for generation in reversed(generations) if generation.finished), None)
    best = [run.genome for run in better_half(newest)] if newest is not None else []
    bounds = list(zip(space.lower.tolist(), space.upper.tolist(), strict=True))
    met = [
        sum(not lower < genome[place] < upper for genome in best if place < len(genome))
        for place, (lower, upper) in enumerate(bounds)
    ]
    return Effort(
        optimizer=study.spec.workload.optimizer,
        dimensions=len(space.dimensions),
        volume=reached_volume(study.search),
        genes=len(best) * len(bounds),
        at_a_bound=sum(met),
        bounded=tuple(name for name, count in zip(space.names, met, strict=True) if count),
        attempts_lost=sum(max(0, run.attempts - 1) for run in candidates if run.key.role is Role.SEARCH),
        milestones=_milestones(study.search, generations),
    )


def reached_volume(spec: SearchSpec) -> float | None:
    """Return the volume of the search space that the first generation reaches, in the transformed space.

    Draws are normal around the defaults, so that the space itself has no edge where its file gives no bound. What
    counts is the box in which 95 % of each gene's first draws lie: REACH standard deviations to either side, cut at the
    bounds. A width of 1 is a factor of e, of the value or of its distance from 1.

    Returns:
        None where the strategy has no standard deviation.
    """
    if not spec.sigmas:
        return None
    space = SearchSpace.from_dict(spec.space)
    around = REACH * spec.sigmas[0]
    widths = [
        min(upper, mean + around) - max(lower, mean - around)
        for lower, upper, mean in zip(
            space.lower.tolist(), space.upper.tolist(), space.default_genome().tolist(), strict=True
        )
    ]
    return float(math.prod(widths))


def _milestones(spec: SearchSpec, generations: Sequence[Generation[CandidateRecord]]) -> tuple[Milestone, ...]:
    found: list[Milestone] = []
    planned = 0
    for generation in generations:
        planned += spec.population * generation.steps
        alike = [generation.best, *(one.best for one in found if one.steps == generation.steps)]
        begun = generation.left < generation.population  # nothing is known of one that has not
        best = min((value for value in alike if value is not None), default=None) if begun else None
        found.append(Milestone(generation.number, generation.steps, planned, best))
    return tuple(found)
