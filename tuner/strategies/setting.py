"""Setting of a strategy: start, bounds, population, schedule and seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tuner.core.coordinates import Coordinates


@dataclass(frozen=True, slots=True)
class Setting:
    """A checked setting of a strategy with one σ per generation; arrays are stored as tuples of floats.

    Args:
        mean: The genome to start from, the defaults; [d], within the bounds.
        lower: Lower bounds of a genome's entries; [d], finite.
        upper: Upper bounds of a genome's entries; [d], finite.
        population: Individuals per generation; at least 1.
        sigmas: Standard deviation of the mutation, one per generation, in the transformed space; finite, at least 0.
        steps: Budget of an individual in gradient evaluations, one per generation; at least 1.
        seed: Seed of all random draws of the strategy; at least 0.
        coordinates: Kinds of the coordinates. Default: all are real.

    Raises:
        ValueError: An argument is not as above.
    """

    mean: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    population: int
    sigmas: tuple[float, ...]
    steps: tuple[int, ...]
    seed: int
    coordinates: Coordinates | None

    def __init__(
        self,
        *,
        mean: ArrayLike,
        lower: ArrayLike,
        upper: ArrayLike,
        population: int,
        sigmas: tuple[float, ...],
        steps: tuple[int, ...],
        seed: int,
        coordinates: Coordinates | None = None,
    ) -> None:
        vectors = {"mean": _vector("mean", mean), "lower": _vector("lower", lower), "upper": _vector("upper", upper)}
        if len({len(vector) for vector in vectors.values()}) != 1:
            lengths = ", ".join(f"{name} {len(vector)}" for name, vector in vectors.items())
            raise ValueError(f"mean, lower and upper must be of one length. Received: {lengths}")
        for at, (low, middle, high) in enumerate(zip(vectors["lower"], vectors["mean"], vectors["upper"], strict=True)):
            if not low <= middle <= high:
                raise ValueError(f"mean[{at}] must lie within [{low!r}, {high!r}]. Received: {middle!r}")
        if not sigmas or len(sigmas) != len(steps):
            raise ValueError(
                "sigmas and steps must have one entry per generation, at least one. "
                f"Received: {len(sigmas)} sigmas, {len(steps)} steps"
            )
        for at, sigma in enumerate(sigmas):
            if not is_number(sigma) or not 0 <= sigma < math.inf:
                raise ValueError(f"sigmas[{at}] must be a finite number, at least 0. Received: {sigma!r:.80}")
        for at, budget in enumerate(steps):
            _whole(f"steps[{at}]", budget, least=1)
        values: dict[str, Any] = {
            **vectors,
            "population": _whole("population", population, least=1),
            "sigmas": tuple(float(sigma) for sigma in sigmas),
            "steps": tuple(int(budget) for budget in steps),
            "seed": _whole("seed", seed, least=0),  # random.Random(-1) would equal random.Random(1)
            "coordinates": coordinates,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    @property
    def generations(self) -> int:
        """Number of generations."""
        return len(self.sigmas)

    @property
    def levels(self) -> Mapping[int, Sequence[float]]:
        """The levels of each choice without an order, by its place."""
        return {} if self.coordinates is None else self.coordinates.levels

    def snapped(self, genomes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the genomes that stand for these, within the bounds; [n, d]."""
        bounded = np.clip(genomes, self.lower, self.upper)
        if self.coordinates is None:
            return bounded
        return np.array([self.coordinates.snap(genome) for genome in bounded.tolist()]).reshape(bounded.shape)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a real number, NumPy's included; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _vector(name: str, values: ArrayLike) -> tuple[float, ...]:
    """Return a flat, finite array as a tuple of floats."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be a flat array of finite numbers, at least one. Received: {array.tolist()!r:.200}"
        )
    return tuple(array.tolist())


def _whole(name: str, value: object, least: int) -> int:
    """Return a whole number that is at least `least`."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}. Received: {value!r:.80}")
    return int(value)
