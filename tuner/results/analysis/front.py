"""The front of a search of several objectives, and its hypervolume."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.numbers import finite_or_none
from tuner.core.objective import Objective
from tuner.core.study import CandidateRecord, SearchSpec
from tuner.core.trial import Role, Status
from tuner.results.analysis.verdict import sample_spread


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A point of which no other one is better by every objective."""

    hyperparameters: tuple[tuple[str, Any], ...]
    values: tuple[float, ...]  # of each objective, in its own units; the mean over `seeds`
    spreads: tuple[float | None, ...]  # sample standard deviations over seeds; None of one seed
    seeds: int


@dataclass(frozen=True, slots=True)
class Front:
    """The front of a search.

    Attributes:
        objectives: The objectives.
        points: Its points, best by the first objective first.
        is_fresh: Whether the values are of fresh seeds, which the last generation has trained. What the front is was
            decided by the means over these and the seed of the search, as `nsga2` does.
        reference: The worst value of each objective among the individuals of the first generation with the last budget;
            it does not change as the search goes on.
        hypervolume: The volume between the front and `reference`, in the product of the objectives' units; None if it
            is too great for a number.
        default: The defaults on the fresh seeds at the end; None before they have finished there.
        better: Number of points whose means are better than those of the defaults by one objective or more, and worse
            by none.
        searches: Of the front of several searches, the hypervolume of the front of each, up to the same reference.
    """

    objectives: tuple[Objective, ...]
    points: tuple[FrontPoint, ...]
    is_fresh: bool
    reference: tuple[float, ...]
    hypervolume: float | None
    default: FrontPoint | None = None
    better: int = 0
    searches: tuple[float | None, ...] = ()


def front_of(spec: SearchSpec, candidates: Sequence[CandidateRecord]) -> Front | None:
    """Return the front of a search of several objectives; None without any, and before an individual has finished.

    Args:
        spec: Specification of the study.
        candidates: All of its candidates, with their fitnesses by all objectives.
    """
    objectives = spec.workload.objective.each
    if len(objectives) == 1:
        return None
    run = [
        one
        for one in candidates
        if one.key.role is Role.SEARCH
        and spec.steps[one.key.generation] == spec.steps[-1]
        and _has_all(one, objectives)
    ]
    if not run:
        return None
    import moocore  # here, since few searches have several objectives

    first = min(one.key.generation for one in run)
    worst = [max(column) for column in zip(*(one.fitnesses for one in run if one.key.generation == first), strict=True)]
    last = [one for one in run if one.key.generation == spec.generations - 1]
    before = {one.genome for one in run if one.key.generation < spec.generations - 1}
    is_fresh = bool(last) and first < spec.generations - 1 and all(one.genome in before for one in last)
    points = _on_fresh_seeds(run, last) if is_fresh else _undominated(_means(run))
    volume = float(moocore.hypervolume([means for _, means, _ in points], ref=worst))
    defaults = [one for one in candidates if one.key.role is Role.DEFAULT and _has_all(one, objectives)]
    usual = tuple(map(_mean, _columns(defaults)))
    return Front(
        objectives=objectives,
        points=tuple(_point(members, objectives) for members, _, _ in points),
        is_fresh=is_fresh,
        reference=tuple(objective.value(each) for objective, each in zip(objectives, worst, strict=True)),
        hypervolume=finite_or_none(volume),
        default=_point(defaults, objectives) if defaults else None,
        better=sum(_dominates(means, usual) for _, means, _ in points) if defaults else 0,
    )


def united(fronts: Sequence[Front]) -> Front | None:
    """Return the front of several searches together: the points of theirs that no point of another search dominates.

    Its reference is the worst of theirs, and its defaults are the mean of theirs, over the fresh seeds of all. None
    without any front.
    """
    if not fronts:
        return None
    import moocore

    objectives = fronts[0].objectives

    def minimised(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(objective.fitness(value) for objective, value in zip(objectives, values, strict=True))

    def volume(points: Iterable[FrontPoint]) -> float | None:
        return finite_or_none(float(moocore.hypervolume([minimised(point.values) for point in points], ref=worst)))

    worst = [max(column) for column in zip(*(minimised(front.reference) for front in fronts), strict=True)]
    different = {minimised(point.values): point for front in reversed(fronts) for point in front.points}
    points = [
        point
        for values, point in sorted(different.items(), key=lambda pair: pair[0])
        if not any(_dominates(other, values) for other in different)
    ]
    defaults = [front.default for front in fronts if front.default is not None]
    usual = _over_all(defaults) if defaults else None
    return Front(
        objectives=objectives,
        points=tuple(points),
        is_fresh=all(front.is_fresh for front in fronts),
        reference=tuple(objective.value(each) for objective, each in zip(objectives, worst, strict=True)),
        hypervolume=volume(points),
        default=usual,
        better=0
        if usual is None
        else sum(_dominates(minimised(point.values), minimised(usual.values)) for point in points),
        searches=tuple(volume(front.points) for front in fronts),
    )


def _over_all(points: Sequence[FrontPoint]) -> FrontPoint:
    """Return a point that several searches have trained, with the mean over the seeds of all."""
    seeds = sum(point.seeds for point in points)
    columns = zip(*(point.values for point in points), strict=True)
    means = [
        math.fsum(value * (point.seeds / seeds) for value, point in zip(column, points, strict=True))
        for column in columns
    ]
    spreads = points[0].spreads if len(points) == 1 else (None,) * len(means)
    return FrontPoint(points[0].hyperparameters, tuple(means), spreads, seeds)


_Group = tuple[list[CandidateRecord], tuple[float, ...], int]  # trainings of a genome, their means, and their place


def _has_all(one: CandidateRecord, objectives: Sequence[Objective]) -> bool:
    return one.status is Status.FINISHED and len(one.fitnesses) == len(objectives)


def _means(run: Sequence[CandidateRecord]) -> list[_Group]:
    """Return the trainings of each genome, with their means."""
    grouped: dict[tuple[float, ...], list[CandidateRecord]] = {}
    for one in run:
        grouped.setdefault(one.genome, []).append(one)
    return [(members, tuple(map(_mean, _columns(members))), place) for place, members in enumerate(grouped.values())]


def _on_fresh_seeds(run: Sequence[CandidateRecord], last: Sequence[CandidateRecord]) -> list[_Group]:
    """Return the trainings of the last generation of each point of the front, with their means."""
    again, own = {one.genome for one in last}, run[0].seed
    trained = [one for one in run if one.genome in again and one.seed == own]
    chosen = {members[0].genome for members, _, _ in _undominated(_means([*trained, *last]))}
    fresh = (group for group in _means(last) if group[0][0].genome in chosen)
    return sorted(fresh, key=lambda group: (group[1], group[2]))


def _undominated(groups: Sequence[_Group]) -> list[_Group]:
    """Return what no other group dominates, of equal means the first, best by the first objective first."""
    import moocore

    means = list(dict.fromkeys(of for _, of, _ in groups))
    best = (
        set(means)
        if len(means) == 1
        else {of for of, kept in zip(means, moocore.is_nondominated(means, keep_weakly=True), strict=True) if kept}
    )
    first: dict[tuple[float, ...], _Group] = {}
    for group in groups:
        if group[1] in best:
            first.setdefault(group[1], group)
    return sorted(first.values(), key=lambda group: (group[1], group[2]))


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(own <= theirs for own, theirs in pairs) and any(own < theirs for own, theirs in pairs)


def _point(members: Sequence[CandidateRecord], objectives: Sequence[Objective]) -> FrontPoint:
    columns = _columns(members)
    means = map(_mean, columns)
    return FrontPoint(
        hyperparameters=tuple(members[0].hyperparameters.items()),
        values=tuple(objective.value(mean) for objective, mean in zip(objectives, means, strict=True)),
        spreads=tuple(finite_or_none(sample_spread(column)) if len(column) > 1 else None for column in columns),
        seeds=len(members),
    )


def _mean(values: Sequence[float]) -> float:
    """Return the mean of values whose sum may overflow."""
    return math.fsum(value / len(values) for value in values)


def _columns(members: Sequence[CandidateRecord]) -> list[tuple[float, ...]]:
    return list(zip(*(one.fitnesses for one in members), strict=True))
