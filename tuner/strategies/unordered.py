"""Choices without an order: what a model sees of them, and how they vary.

Such a coordinate has one number per value, its *levels*. A difference of two levels has no meaning. A model sees a
column per value, which is 1 for the value of the genome and 0 for the others, so that any two values are equally far
apart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Levels = Mapping[int, Sequence[float]]
"""For each coordinate of an unordered choice: its levels, ascending."""

CHANGED = 0.2  # probability that a choice of an offspring is drawn anew


def features(genomes: Array, levels: Levels) -> Array:
    """Return what a model sees of genomes: their other coordinates, then a column per value of each choice.

    Args:
        genomes: [n, d].
        levels: The choices.

    Returns:
        float64 [n, f]; the genomes themselves if there is no choice.
    """
    if not levels:
        return genomes
    others = [at for at in range(genomes.shape[1]) if at not in levels]
    columns = [genomes[:, others]]
    for at, values in levels.items():
        columns.append((nearest(genomes[:, at], values)[:, None] == np.arange(len(values))).astype(np.float64))
    return np.concatenate(columns, axis=1)


def spread(genomes: Array, levels: Levels, sigma: float) -> Array:
    """Return what features are divided by before a model sees them: their spread, within limits; of choices 1; [f].

    Args:
        genomes: [n, d].
        levels: The choices.
        sigma: Spread of the start of the search.
    """
    others = [at for at in range(genomes.shape[1]) if at not in levels]
    of_numbers = np.clip(genomes[:, others].std(axis=0), 0.02 * sigma, 2 * sigma)
    return np.concatenate([of_numbers, np.ones(sum(map(len, levels.values())))])


def nearest(coordinates: Array, values: Sequence[float]) -> NDArray[np.int64]:
    """Return the number of the level that is nearest to each coordinate, [n]."""
    return np.asarray(np.abs(coordinates[:, None] - np.array(values)).argmin(axis=1))


def evenly(points: Array, uniform: Array, levels: Levels) -> Array:
    """Return points whose choices take each value equally often.

    Args:
        points: [n, d].
        uniform: From 0 to 1, [n, d].
        levels: The choices.
    """
    spread_out = points.copy()
    for at, values in levels.items():
        numbers = np.minimum((uniform[:, at] * len(values)).astype(int), len(values) - 1)
        spread_out[:, at] = np.array(values)[numbers]
    return spread_out


def inherit(child: list[float], parents: Sequence[Sequence[float]], levels: Levels, changed: float = CHANGED) -> None:
    """Give a child the choices of its parents, some of them drawn anew, from the generator that is installed.

    Args:
        child: Changed in place.
        parents: Of each choice, the value is that of one of them at random.
        levels: The choices.
        changed: Probability that a choice is drawn anew instead.
    """
    for at, values in levels.items():
        is_new = random.random() < changed  # noqa: S311 - nothing secret
        child[at] = random.choice(values) if is_new else random.choice(parents)[at]  # noqa: S311


def likely(good: Array, others: Array, values: Sequence[float]) -> float:
    """Return the level that is frequent among good genomes and rare among others, one drawn from the good ones.

    Args:
        good: Coordinates of the choice in good genomes, [n].
        others: In the others, [m].
        values: The levels.
    """
    draws, prior = 2, 1.0 / len(values)
    counts = np.bincount(nearest(good, values), minlength=len(values)) + prior
    against = np.bincount(nearest(others, values), minlength=len(values)) + prior if len(others) else counts * 0 + prior
    shares = (counts / counts.sum()).tolist()
    drawn = random.choices(range(len(values)), weights=shares, k=draws)  # noqa: S311 - nothing secret
    return float(values[max(drawn, key=lambda level: counts[level] / against[level])])
