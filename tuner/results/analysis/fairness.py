"""Fairness of a search: effort per optimizer, and best fitness by budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.space import SearchSpace
from tuner.core.objective import Objective
from tuner.core.study import CandidateRecord, SearchSpec, StudyRecord
from tuner.core.trial import Role
from tuner.results.analysis.generations import Generation, by_generation
from tuner.results.analysis.several_tasks import whole
from tuner.results.analysis.summary import better_half

REACH = 2.0  # standard deviations around the defaults, in which 95 % of the first generation's genes lie


@dataclass(frozen=True, slots=True)
class Milestone:
    """The state of a search after a generation."""

    generation: int
    steps: int  # budget of an individual, in gradient evaluations
    planned: int  # gradient evaluations of the schedule up to and including this generation
    best: float | None  # best value so far at this budget; None if no individual finished or reached the target


@dataclass(frozen=True, slots=True)
class Effort:
    """Effort of a search for one optimizer; its cost is in the `Summary`."""

    optimizer: str
    dimensions: int  # hyperparameters that are tuned
    volume: float | None  # see `reached_volume`
    genes: int  # of the better half of the last generation in which any individual finished; 0 if there is none
    at_a_bound: int  # how many of these genes lie at a bound
    bounded: tuple[str, ...]  # hyperparameters of these genes, in the order of the search space
    attempts_lost: int  # attempts that were lost with their worker and repeated
    milestones: tuple[Milestone, ...]  # one per generation
    objective: Objective


def effort(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> Effort:
    """Return the effort of a search for its optimizer.

    Args:
        study: Record of a search.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    study, candidates = whole(study, candidates)
    generations = by_generation(study.spec, candidates)
    space = SearchSpace.from_dict(study.spec.space)
    newest = next((generation for generation in reversed(generations) if generation.finished), None)
    best = [run.genome for run in better_half(newest)] if newest is not None else []
    bounds = list(zip(space.lower.tolist(), space.upper.tolist(), strict=True))
    at_bounds = [
        sum(not lower < genome[index] < upper for genome in best if index < len(genome))
        for index, (lower, upper) in enumerate(bounds)
    ]
    return Effort(
        optimizer=study.spec.label,
        dimensions=len(space.dimensions),
        volume=reached_volume(study.search),
        genes=len(best) * len(bounds),
        at_a_bound=sum(at_bounds),
        bounded=tuple(name for name, count in zip(space.names, at_bounds, strict=True) if count),
        attempts_lost=sum(max(0, run.attempts - 1) for run in candidates if run.key.role is Role.SEARCH),
        milestones=_milestones(study.search, generations),
        objective=study.spec.workload.objective,
    )


def reached_volume(spec: SearchSpec) -> float | None:
    """Return the volume of the search space that the first generation reaches, in the transformed space.

    The first generation is drawn from a normal distribution around the defaults, and a dimension without bounds has no
    width of its own. The volume is therefore that of the box within REACH standard deviations, cut at the bounds. A
    width of 1 is a factor of e in the value or in its distance from 1.

    Returns:
        None if the strategy has no standard deviation.
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
    milestones: list[Milestone] = []
    planned = 0
    for generation in generations:
        planned += spec.population * generation.steps
        comparable = [generation.best, *(one.best for one in milestones if one.steps == generation.steps)]
        has_results = generation.left < generation.population
        known = [value for value in comparable if value is not None]
        best = min(known, key=spec.workload.objective.fitness, default=None) if has_results else None
        milestones.append(Milestone(generation.number, generation.steps, planned, best))
    return tuple(milestones)
