"""The landscape around a tuned point: how exact each of its values must be.

The model of strategy `genetic` (`tuner.strategies.modelling`) is fitted to the trainings of a search that finished with
its last budget, those on fresh seeds included. Along a *slice* one hyperparameter varies, and the others have their
tuned values. The *tolerance* of a hyperparameter is the interval around its tuned value in which the predicted loss is
within SHARE of its least on the slice.

An end of the interval is not determined where the slice reaches the least or greatest value that was trained, unless
that is a bound of the search space; and where the model knows little: where the standard deviation of what the
prediction rises above the least exceeds MAX_DEVIATION of the rise that makes the end. A slice may leave the trainings
without leaving their range in any one dimension.

Measured on quadratics (`benchmarks/search_details.py`): of 312 ends after `genetic` 280 are determined, and these are
wrong by 0.09 of half the interval in the median, and in nine of ten cases by at most 0.29.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.dimension import Dimension, Scale
from search_spaces.space import SearchSpace
from tuner.core.numbers import fitness
from tuner.core.objective import Objective
from tuner.core.seeds import trial_seed
from tuner.core.study import CandidateRecord, StudyRecord
from tuner.results.analysis.exact import on_every_seed
from tuner.results.analysis.generations import finished
from tuner.strategies.modelling import Model, Trained, fitted

SHARE = 0.05  # of the least predicted loss, by which a loss within the tolerance is higher
MAX_DEVIATION = 0.5  # standard deviation of the rise at an end of the interval, in units of this rise
OTHERS = 80  # trainings beyond the best that the model knows as well; it would end at the tolerance without them
POINTS = 241  # of a slice

_NOT_POSITIVE = f"{100 * SHARE:.0f} % of a value that is not positive mean nothing"
_ELSEWHERE = f"the tuned value is predicted to be more than {100 * SHARE:.0f} % worse than another, the others tuned"
_UNCERTAIN = f"the model is too uncertain to tell {100 * SHARE:.0f} %"
_TO_THE_EDGE = "it goes on beyond the values that were trained"
_CHOICE = "a choice has no interval"
_WITHOUT_EFFECT = "it has no effect with the other tuned values"
_UNKNOWN = "too little was trained where it ends"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The interval around a tuned value in which the predicted loss is within SHARE of its least.

    Attributes:
        low: Its least value, in the hyperparameter's own unit; None if it is not determined.
        high: Its greatest value.
        note: Why an end is not determined; "" if both are.
    """

    low: float | None
    high: float | None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """The prediction along one hyperparameter, the others tuned; each array ascends with `values`, [POINTS] or fewer.

    Attributes:
        dimension: The hyperparameter.
        values: Its values; of a choice all of them.
        mean: The predicted values of the objective.
        low: The prediction minus twice its standard deviation, as a value of the objective.
        high: The prediction plus twice its standard deviation.
        tolerance: The tolerance of the hyperparameter.
    """

    dimension: Dimension
    values: NDArray[Any]
    mean: Array
    low: Array
    high: Array
    tolerance: Tolerance


def tolerances(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> tuple[Tolerance, ...]:
    """Return the tolerance of each hyperparameter of a search, in the order of its space.

    Args:
        study: Record of the search.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    found = slices(study, candidates)
    if isinstance(found, str):
        return tuple(Tolerance(None, None, found) for _ in study.search.space["hyperparameters"])
    return tuple(one.tolerance for one in found)


def slices(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> tuple[Slice, ...] | str:
    """Return the slice along each hyperparameter of a search, or the reason why there are none.

    Args:
        study: Record of the search.
        candidates: All of its candidates, in any order.

    Raises:
        ValueError: The study's search space cannot be read.
    """
    spec = study.search
    space = SearchSpace.from_dict(spec.space)
    if study.tuned is None:
        return "the search has no tuned point yet"
    trained = _trained(at_last_budget(study, candidates))
    least = max(8, 3 * len(space.dimensions))
    distinct = len({each.genome for each in trained})
    if distinct < least:
        return f"{distinct} of the {least} different genomes that are needed finished with the last budget"
    sigma = spec.sigmas[0] if spec.sigmas and spec.sigmas[0] > 0 else 1.0
    model = fitted(trained, sigma, others=OTHERS, share=3 * SHARE, levels=space.unordered)
    tuned = space.encode({name: study.tuned[name] for name in space.names})
    objective = spec.workload.objective
    found = tuple(
        _slice(model, objective, tuned, at, dimension, study.tuned[dimension.name] is not None)
        for at, dimension in enumerate(space.dimensions)
    )
    if all(objective.missed(float(one.mean.min()), spec.steps[-1]) for one in found):
        return "no setting near the tuned point is predicted to reach the target"
    return found


def at_last_budget(study: StudyRecord, candidates: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    """Return the trainings of a search that a model is fitted to: those with the last budget that finished.

    The one run of a point of an exact search is there once per fresh seed, so that the model sees that nothing varies.
    """
    spec = study.search
    every = [each for one in candidates for each in ([one] if one.key.role.is_due else on_every_seed(spec, [one]))]
    if spec.is_exact:
        every = [one if one.key.role.is_due else replace(one, seed=trial_seed(spec.seed, one.key)) for one in every]
    return [one for one in finished(every) if one.steps == spec.steps[-1]]


def _trained(ended: Sequence[CandidateRecord]) -> list[Trained]:
    """Return trainings for the model, with small numbers for their seeds."""
    numbers = {seed: number for number, seed in enumerate(dict.fromkeys(one.seed for one in ended))}
    return [Trained(one.genome, fitness(one), one.key.generation, numbers[one.seed]) for one in ended]


def _slice(model: Model, objective: Objective, tuned: Array, at: int, dimension: Dimension, has_effect: bool) -> Slice:
    """Return the slice along one dimension."""
    seen, here = model.points[:, at], float(tuned[at])
    if dimension.scale is Scale.CHOICE:
        grid = np.array([dimension.encode(value) for value in dimension.values])
    else:
        grid = np.union1d(np.linspace(min(seen.min(), here), max(seen.max(), here), POINTS), [here])
        if dimension.scale is Scale.INTEGER:
            grid = np.unique([dimension.snapped(each) for each in grid.tolist()])
    genomes = np.tile(tuned, (len(grid), 1))
    genomes[:, at] = grid
    scaled = model.scaled(genomes)
    mean, variance, solved = model.surrogate.predict(scaled, smooth=True)
    deviation, lowest = np.sqrt(variance), int(np.argmin(mean))
    shared = model.surrogate.covariance(scaled[lowest], solved[:, lowest], scaled, solved)
    of_rise = np.sqrt(np.maximum(variance + variance[lowest] - 2 * shared, 0.0))
    if dimension.scale is Scale.CHOICE or not has_effect:
        tolerance = Tolerance(None, None, _WITHOUT_EFFECT if not has_effect else _CHOICE)
    else:
        tolerance = _tolerance(model, objective, grid, mean, of_rise, here, dimension)
    order = slice(None, None, -1 if dimension.scale is Scale.DECAY else 1)  # so that the values ascend
    decoded = [dimension.decode(each) for each in grid.tolist()]
    values = np.array(decoded, dtype=object if dimension.scale is Scale.CHOICE else None)

    def shown(compressed: Array) -> Array:
        """Return values of the objective, in the order of `values`."""
        return np.array([objective.value(each) for each in model.compression.expanded(compressed).tolist()])[order]

    ends = shown(mean - 2 * deviation), shown(mean + 2 * deviation)
    return Slice(dimension, values[order], shown(mean), min(ends, key=np.min), max(ends, key=np.max), tolerance)


def _tolerance(
    model: Model, objective: Objective, grid: Array, mean: Array, of_rise: Array, here: float, dimension: Dimension
) -> Tolerance:
    """Return the tolerance of a slice.

    Args:
        model: The model.
        objective: The objective of the search.
        grid: Ascending coordinates.
        mean: Predictions at these.
        of_rise: Standard deviation of what each is above the least.
        here: The tuned coordinate, one of the grid's.
        dimension: The hyperparameter.
    """
    least = float(model.compression.expanded(mean.min()))
    if objective.value(least) <= 0:
        return Tolerance(None, None, _NOT_POSITIVE)
    (limit,) = model.compression.compressed([least + SHARE * abs(least)]).tolist()
    start = int(np.searchsorted(grid, here))
    if mean[start] > limit:
        is_certain = mean[start] - 2 * of_rise[start] > limit
        return Tolerance(None, None, _ELSEWHERE if is_certain else _UNCERTAIN)
    uncertain = of_rise > MAX_DEVIATION * (limit - mean.min())
    below = _end(grid[start::-1], mean[start::-1], uncertain[start::-1], limit, dimension.lower)
    above = _end(grid[start:], mean[start:], uncertain[start:], limit, dimension.upper)
    notes = dict.fromkeys(end for end in (below, above) if isinstance(end, str))
    low, high = (None if isinstance(end, str) else dimension.decode(end) for end in (below, above))
    if dimension.scale is Scale.DECAY:
        low, high = high, low
    return Tolerance(low, high, "; ".join(notes))


def _end(grid: Array, mean: Array, uncertain: NDArray[np.bool_], limit: float, bound: float) -> float | str:
    """Return the coordinate at which predictions first exceed a limit on the way to a bound, or why it is not known."""
    beyond = np.flatnonzero(mean > limit)
    if not len(beyond):
        return bound if math.isclose(grid[-1], bound, abs_tol=1e-9) else _TO_THE_EDGE
    at = int(beyond[0])
    if uncertain[at]:
        return _UNKNOWN
    part = (limit - mean[at - 1]) / (mean[at] - mean[at - 1])
    return float(grid[at - 1] + part * (grid[at] - grid[at - 1]))
