"""A model of the losses of a search: a surrogate of trainings with one budget.

Strategy `genetic` chooses by it, and the analysis of a complete search reads from it how exact a tuned value must be.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.surrogate import Observations, Surrogate
from tuner.strategies.unordered import Levels, features, spread

Array = NDArray[np.float64]
Genome = tuple[float, ...]

MODELLED = 60  # trainings that the surrogate knows, the best ones, and up to 20 more of genomes trained again
_OUTLIER = 5.0  # values further above the best, in units of the better third's range, count like this


@dataclass(frozen=True, slots=True)
class Trained:
    """A genome that was trained once."""

    genome: Genome
    loss: float  # +inf if it failed; of one that was pruned, what it had there
    generation: int
    seed: int  # a number; trainings with the same one are compared directly
    pruned: bool = False  # whether it was ended early

    @property
    def finished(self) -> bool:
        """Whether it has the loss of its whole budget."""
        return math.isfinite(self.loss) and not self.pruned

    @property
    def failed(self) -> bool:
        """Whether it has no loss."""
        return not math.isfinite(self.loss)


@dataclass(frozen=True, slots=True)
class Compression:
    """A scale of losses on which differences near the best count, and bad outliers hardly do; in the same order.

    It consists of logarithms if all losses are positive, or else of inverse hyperbolic sines of the distance from the
    best. What lies further above the best than five times the range of the better third is taken to lie there.

    Attributes:
        best: The least loss.
        unit: Distance from the best, in losses, that is 1 before the inverse hyperbolic sine.
        limit: The greatest compressed value.
    """

    best: float
    unit: float
    limit: float

    @classmethod
    def of(cls, losses: Sequence[float], *, share: float = 0.0) -> Compression:
        """Return the scale of some losses.

        Args:
            losses: Finite; at least one.
            share: Losses up to this share of the best's absolute value above it stay distinct. Default 0.
        """
        values = np.array(losses)
        best = values.min()
        unlimited = cls(float(best), float(np.median(values - best)) or 1.0, math.inf)
        ordered = np.sort(unlimited.compressed(losses))
        better = max(float(ordered[len(ordered) // 3] - ordered[0]), 1e-12)
        limit = float(ordered[0] + _OUTLIER * better)
        if share:
            limit = max(limit, float(unlimited.compressed([float(best + share * abs(best))])[0]))
        return cls(unlimited.best, unlimited.unit, limit)

    def compressed(self, losses: Sequence[float]) -> Array:
        """Return losses on this scale."""
        values = np.array(losses)
        values = np.log(values) if self.best > 0 else np.arcsinh((values - self.best) / self.unit)
        return np.asarray(np.minimum(values, self.limit))

    def expanded(self, values: Array) -> Array:
        """Return the losses of compressed values, the inverse of `compressed` below the limit."""
        return np.asarray(np.exp(values) if self.best > 0 else self.best + self.unit * np.sinh(values))


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A surrogate of a search.

    Attributes:
        surrogate: The fitted process, of compressed losses.
        scale: What features are divided by before the surrogate sees them, [f]; without choices, genomes, [d].
        levels: The choices without an order, see `tuner.strategies.unordered`.
        compression: The scale of the losses.
        points: The genomes that it was fitted to, those trained again as often as they were, [n, d].
        genomes: The distinct ones, the lowest predicted loss first.
        means: Their predicted losses, compressed.
    """

    surrogate: Surrogate
    scale: Array
    levels: Levels
    compression: Compression
    points: Array
    genomes: list[Genome]
    means: list[float]

    def scaled(self, genomes: Array) -> Array:
        """Return what the surrogate sees of genomes [n, d]; [n, f]."""
        return np.asarray(features(genomes, self.levels) / self.scale)


def fitted(
    known: Sequence[Trained],
    sigma: float,
    *,
    others: int = 0,
    share: float = 0.0,
    levels: Levels = MappingProxyType({}),
) -> Model:
    """Return the model of some trainings.

    Args:
        known: Trainings with one budget that finished or were pruned; at least two distinct genomes.
        sigma: Spread of the start of the search, in the transformed space; above 0.
        others: How many of the other trainings are known as well, evenly by rank. Default 0.
        share: See `Compression.of`. Default 0.
        levels: The choices without an order. Default: none.
    """
    ordered = sorted(known, key=lambda each: each.loss)
    times = Counter(each.genome for each in ordered)
    again = [each for each in ordered[MODELLED:] if times[each.genome] > 1]
    once = [each for each in ordered[MODELLED:] if times[each.genome] == 1]
    kept = [*ordered[:MODELLED], *again[: MODELLED // 3], *_evenly(once, others)]
    points = np.array([each.genome for each in kept])
    scale = spread(points, levels, sigma)
    losses = [each.loss for each in kept]
    compression = Compression.of(losses, share=share)
    blocks = np.array([each.seed for each in kept])
    surrogate = Surrogate(
        Observations(features(points, levels) / scale, compression.compressed(losses), blocks, is_exact(known))
    )
    distinct = list(dict.fromkeys(each.genome for each in kept))
    means, _, _ = surrogate.predict(features(np.array(distinct), levels) / scale)
    order = np.argsort(means, kind="stable").tolist()
    return Model(
        surrogate,
        scale,
        levels,
        compression,
        points,
        [distinct[at] for at in order],
        [float(means[at]) for at in order],
    )


def is_exact(known: Sequence[Trained]) -> bool:
    """Return whether genomes were trained with several seeds, and each had one loss: the task has no noise."""
    losses: dict[Genome, set[float]] = {}
    seeds: dict[Genome, set[int]] = {}
    for each in known:
        losses.setdefault(each.genome, set()).add(each.loss)
        seeds.setdefault(each.genome, set()).add(each.seed)
    repeated = [genome for genome, numbers in seeds.items() if len(numbers) > 1]
    return bool(repeated) and all(len(losses[genome]) == 1 for genome in repeated)


def _evenly(ordered: Sequence[Trained], count: int) -> list[Trained]:
    """Return at most so many of some trainings, evenly by rank, with the first and the last."""
    places = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int))
    return [ordered[at] for at in places.tolist()]
