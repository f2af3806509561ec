"""Genomes drawn where good genomes are frequent and other genomes are rare.

This is the tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization",
section 4). Each gene is treated alone: l is a mixture of normal distributions around the genes of the good genomes, g
one around those of the others, and of some draws from l the one with the highest ratio l / g is taken. No smoothness is
assumed, so that it finds its way on rugged functions, which a Gaussian process smooths over.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.random_generators import ConfinedGenerators
from tuner.strategies.unordered import Levels, likely

Array = NDArray[np.float64]

DRAWS = 24  # from l per gene, of which one is taken
REACH = 3.0  # half the width of the range in which genes are drawn, in units of the prior's spread
MAX_KERNELS = 1_000  # of a mixture; of more genomes, every so many-th is used
_NARROWEST = 100  # a kernel is at least the range divided by this, or by the number of kernels if that is less


@dataclass(frozen=True, slots=True)
class Prior:
    """Where genes are drawn, and the kernel that every mixture has besides its own.

    Args:
        mean: [d].
        sigma: Spread of the prior, the same for each gene.
        lower: Bounds, [d].
        upper: Bounds, [d].
        levels: The choices without an order. Default: none.
    """

    mean: Sequence[float]
    sigma: float
    lower: Sequence[float]
    upper: Sequence[float]
    levels: Levels = field(default_factory=dict)


def promising(generators: ConfinedGenerators, good: Array, others: Array, count: int, prior: Prior) -> Array:
    """Return genomes that resemble the good ones more than the others.

    Each is counted among the others before the next is drawn, so that they spread out.

    Args:
        generators: Generators of the strategy; their state advances.
        good: [n, d], at least one.
        others: [m, d].
        count: Number of genomes.
        prior: The range of each gene.

    Returns:
        float64 [count, d], within the bounds.
    """
    others = others[:: -(-len(others) // MAX_KERNELS)] if len(others) else others
    made: list[list[float]] = []
    with generators.installed():
        for _ in range(count):
            against = np.array([*others.tolist(), *made]).reshape(-1, good.shape[1])
            made.append([_gene(good[:, at], against[:, at], at, prior) for at in range(good.shape[1])])
    return np.asarray(np.clip(np.array(made).reshape(count, good.shape[1]), prior.lower, prior.upper))


def _gene(good: Array, others: Array, at: int, prior: Prior) -> float:
    if at in prior.levels:
        return likely(good, others, prior.levels[at])
    low = min(max(prior.lower[at], prior.mean[at] - REACH * prior.sigma), float(good.min()))
    high = max(min(prior.upper[at], prior.mean[at] + REACH * prior.sigma), float(good.max()))
    if low == high:
        return low
    centres, widths = _kernels(good, prior.mean[at], low, high)
    drawn = []
    for _ in range(DRAWS):
        kernel = random.randrange(len(centres))  # noqa: S311 - nothing secret
        drawn.append(random.gauss(centres[kernel], widths[kernel]))
    values = np.clip(np.array(drawn), low, high)
    ratio = _log_density(values, centres, widths) - _log_density(values, *_kernels(others, prior.mean[at], low, high))
    return float(values[int(np.argmax(ratio))])


def _kernels(genes: Array, mean: float, low: float, high: float) -> tuple[Array, Array]:
    """Return the centres and widths of a mixture: a kernel reaches to its farther neighbour, the prior's everywhere."""
    unsorted = np.append(genes, mean)
    order = np.argsort(unsorted, kind="stable")
    centres = unsorted[order]
    gaps = np.abs(np.diff(np.concatenate([[low], centres, [high]])))
    widths = np.clip(np.maximum(gaps[:-1], gaps[1:]), (high - low) / min(_NARROWEST, len(centres)), high - low)
    widths[order == len(genes)] = high - low
    return centres, widths


def _log_density(values: Array, centres: Array, widths: Array) -> Array:
    """Return the logarithms of a mixture's density [n] at values [n], up to a constant."""
    exponents = -0.5 * ((values[:, None] - centres) / widths) ** 2 - np.log(widths)
    highest = exponents.max(axis=1)
    return np.asarray(highest + np.log(np.exp(exponents - highest[:, None]).mean(axis=1)))
