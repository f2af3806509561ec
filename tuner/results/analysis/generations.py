"""Budgets, final statuses and fitnesses of a study by generation.

The candidates of a comparison are grouped by point instead.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from tuner.core.numbers import fitness
from tuner.core.objective import Objective
from tuner.core.study import CandidateRecord, Outcome, SearchSpec, StudyRecord, StudySpec
from tuner.core.trial import Status

Run = TypeVar("Run", bound=Outcome)

Searches = Sequence[tuple[StudyRecord, Sequence[CandidateRecord]]]
"""The studies of one search run, each with all of its candidates."""


@dataclass(frozen=True, slots=True)
class Generation(Generic[Run]):
    """Results of one generation. Fitnesses of different budgets are not comparable."""

    number: int  # from 0
    steps: int  # budget of an individual, in gradient evaluations
    sigma: float | None  # standard deviation of the draws in the transformed space; None if the strategy has none
    population: int
    counts: Mapping[Status, int]  # individuals by final status, and RUNNING; zeros included
    finished: tuple[Run, ...]  # best first; ties in slot order
    objective: Objective

    @property
    def left(self) -> int:
        """Number of individuals that are not final yet, or not stored yet."""
        return self.population - sum(count for status, count in self.counts.items() if status.is_final)

    @property
    def best(self) -> float | None:
        """Best value of the objective; None if no individual finished, or none reached the target."""
        return self.objective.shown(self.finished[0].fitness, self.steps) if self.finished else None

    @property
    def median(self) -> float | None:
        """Median value of the individuals that finished; None without any, and if it missed the target."""
        if not self.finished:
            return None
        fitnesses = list(map(fitness, self.finished))
        middle = statistics.median(fitnesses), statistics.median_high(fitnesses)
        return self.objective.shown_median(*middle, self.steps)

    def value(self, run: Run) -> float | None:
        """Return the objective's value of one of its individuals; None without one."""
        return self.objective.shown(run.fitness, self.steps)

    @property
    def missed(self) -> int:
        """Number of individuals that finished without reaching the objective's target."""
        return sum(self.objective.missed(fitness(run), self.steps) for run in self.finished)


def finished(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that finished with a finite fitness, in the order given."""
    return [run for run in runs if run.status is Status.FINISHED and math.isfinite(fitness(run))]


def by_generation(spec: StudySpec, candidates: Sequence[Run]) -> tuple[Generation[Run], ...]:
    """Return every generation of the schedule in order, including those that have not started.

    Args:
        spec: Specification of the study.
        candidates: All candidates of the study, in any order; those on fresh seeds are ignored.
    """
    sigmas = spec.sigmas if isinstance(spec, SearchSpec) else ()
    members: list[list[Run]] = [[] for _ in range(spec.batches)]
    for candidate in candidates:
        if candidate.key.role.is_due:
            members[candidate.key.generation].append(candidate)
    none: dict[Status, int] = dict.fromkeys((status for status in Status if status is not Status.WAITING), 0)
    return tuple(
        Generation(
            number=number,
            steps=steps,
            sigma=sigmas[number] if sigmas else None,
            population=spec.batch_size,
            counts={**none, **_counted(runs)} if runs else none,
            objective=spec.workload.objective,
            finished=tuple(sorted(finished(runs), key=lambda run: (fitness(run), run.key.slot))),
        )
        for number, (steps, runs) in enumerate(zip(spec.budgets, members, strict=True))
    )


def _counted(runs: Sequence[Run]) -> dict[Status, int]:
    return Counter(run.status for run in runs if run.status is not Status.WAITING)


def together(searches: Sequence[Sequence[Generation[Run]]]) -> tuple[Generation[Run], ...]:
    """Return the generations of several searches with one schedule, each with the individuals of all searches.

    The population is that of one search.
    """
    return tuple(
        replace(
            members[0],
            counts={status: sum(one.counts[status] for one in members) for status in members[0].counts},
            finished=tuple(sorted((run for one in members for run in one.finished), key=fitness)),
        )
        for members in zip(*searches, strict=True)
    )


def mean_of_each(
    name: str, numbers: Sequence[int], searches: Sequence[Sequence[Generation[Run]]]
) -> list[float | None]:
    """Return the mean over searches of a value of some generations; None where one of the searches has none.

    Args:
        name: "best" or "median".
        numbers: Numbers of the generations.
        searches: The generations of each search.
    """
    found: list[float | None] = []
    for number in numbers:
        values = [getattr(one[number], name) for one in searches]
        found.append(None if any(value is None for value in values) else statistics.fmean(values))
    return found
