"""A Gaussian process that predicts a genome's value from noisy observations.

An observation y of genome x with seed b is modelled as

    y = μ + f(x) + p(x) + g(b) + ε,

where f is smooth (Matérn 5/2 with a length scale per dimension), p is the deviation of a genome from every smooth
function (the same whenever this genome is trained again), g is what a seed does to all genomes that are trained with
it, and ε is the rest of the noise. All are independent and normal. Their variances, as shares of f's, and the length
scales maximise the marginal likelihood, times a weak prior, over a fixed grid, one at a time.

The linear algebra consists of elementwise operations in a fixed order, so that the last bits depend neither on a BLAS
nor on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FACTORS = (0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0)  # by which a length scale may change in one pass
_SHARES = (1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)  # of noise, relative to the variance of f
_BLOCKS = (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0)
_DEVIATIONS = (1e-8, 1e-4, 1e-3, 1e-2, 0.1)
_JITTER = 1e-9
_PASSES = 2


@dataclass(frozen=True, slots=True)
class Observations:
    """What was measured.

    Args:
        genomes: [n, d], scaled so that a spread of about 1 is usual.
        values: [n], lower is better.
        blocks: [n], number of each one's seed.
        is_exact: Whether a genome has the same value with every seed.
    """

    genomes: Array
    values: Array
    blocks: NDArray[np.int64]
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class _Hyperparameters:
    lengths: tuple[float, ...]
    noise: float
    block: float
    deviation: float


class Surrogate:
    """The fitted process.

    Args:
        observations: At least two.
    """

    def __init__(self, observations: Observations) -> None:
        self._seen = observations
        differences = observations.genomes[:, None, :] - observations.genomes[None, :, :]
        self._squares = differences**2  # [n, n, d]
        self._same_genome = (differences == 0).all(axis=-1).astype(np.float64)
        self._same_block = (observations.blocks[:, None] == observations.blocks[None, :]).astype(np.float64)
        self._fitted = self._fit()
        (self._factor,), _ = self._factorised([self._fitted])
        ones = np.ones_like(observations.values)
        columns = _forward(self._factor, np.stack([observations.values, ones], axis=1))
        self._mean = float((columns[:, 0] * columns[:, 1]).sum() / (columns[:, 1] ** 2).sum())
        self._residual = columns[:, 0] - self._mean * columns[:, 1]  # L⁻¹ (y - μ)
        self._variance = max(float((self._residual**2).sum()) / len(ones), 1e-300)

    @property
    def lengths(self) -> tuple[float, ...]:
        """Length scale of each dimension."""
        return self._fitted.lengths

    @property
    def noise(self) -> float:
        """Standard deviation of the noise that the seeds of a block do not share."""
        return float(np.sqrt(self._variance * self._fitted.noise))

    def predict(self, genomes: Array, *, smooth: bool = False) -> tuple[Array, Array, Array]:
        """Return the mean of f (and p, for a genome that was observed), its variance, and L⁻¹ k for `covariance`.

        Args:
            genomes: [m, d], scaled like the observations.
            smooth: Whether to leave out p, so that the mean is smooth and the variance is that of f. Default False.
        """
        seen = self._seen.genomes
        kernel = _matern(_distances(seen, genomes, self._fitted.lengths))
        own = 0.0 if smooth else self._fitted.deviation
        same = np.ones(kernel.shape, dtype=bool)
        for at in range(seen.shape[1]):
            same &= seen[:, at, None] == genomes[None, :, at]
        kernel += own * same
        solved = _forward(self._factor, kernel)
        mean = self._mean + (solved * self._residual[:, None]).sum(axis=0)
        variance = self._variance * np.maximum(1 + own - (solved**2).sum(axis=0), 1e-12)
        return mean, variance, solved

    def distances(self, genomes: Array, other: Array) -> Array:
        """Return the distances [m] of genomes [m, d] from another [d], in length scales."""
        return np.asarray(np.sqrt(_distances(genomes, other[None, :], self._fitted.lengths)[:, 0]))

    def covariance(self, chosen: Array, chosen_solved: Array, genomes: Array, solved: Array) -> Array:
        """Return the posterior covariances [m] of f at a genome [d] and at others [m, d].

        Args:
            chosen: [d], scaled like the observations.
            chosen_solved: [n], its column of what `predict` returned.
            genomes: [m, d].
            solved: [n, m], as `predict` returned it for `genomes`.
        """
        prior = _matern(_distances(genomes, chosen[None, :], self._fitted.lengths))[:, 0]
        return np.asarray(self._variance * (prior - (solved * chosen_solved[:, None]).sum(axis=0)))

    def _fit(self) -> _Hyperparameters:
        dimensions = self._seen.genomes.shape[1]
        best = _Hyperparameters((1.0,) * dimensions, 1e-2, 0.1, 1e-4)
        if self._seen.is_exact:
            best = replace(best, noise=1e-8, block=0.0)
        best = self._best([replace(best, lengths=(scale,) * dimensions) for scale in (0.3, 0.6, 1.0, 1.7, 3.0, 6.0)])
        for _ in range(_PASSES):
            if not self._seen.is_exact:
                best = self._best([replace(best, noise=share) for share in _SHARES])
                if len(set(self._seen.blocks.tolist())) > 1:
                    best = self._best([replace(best, block=share) for share in _BLOCKS])
            best = self._best([replace(best, deviation=share) for share in _DEVIATIONS])
            for at in range(dimensions):
                best = self._best(
                    [
                        replace(best, lengths=(*best.lengths[:at], best.lengths[at] * factor, *best.lengths[at + 1 :]))
                        for factor in _FACTORS
                    ]
                )
        return best

    def _best(self, candidates: list[_Hyperparameters]) -> _Hyperparameters:
        """Return the most likely; of equals the first."""
        _, scores = self._factorised(candidates)
        return candidates[int(np.argmax(scores))]

    def _factorised(self, candidates: list[_Hyperparameters]) -> tuple[Array, Array]:
        """Return the Cholesky factors [h, n, n] of the covariances in units of f's variance, and log posteriors [h]."""
        n = len(self._seen.values)
        covariances = np.empty((len(candidates), n, n))
        for at, one in enumerate(candidates):
            squares = np.zeros((n, n))
            for dimension, length in enumerate(one.lengths):
                squares += self._squares[:, :, dimension] / length**2
            covariances[at] = _matern(squares)
            covariances[at] += one.deviation * self._same_genome + one.block * self._same_block
            covariances[at].flat[:: n + 1] += one.noise + _JITTER
        factors = _cholesky(covariances)
        columns = np.stack([self._seen.values, np.ones(n)], axis=1)
        solved = _forward(factors, np.broadcast_to(columns, (len(candidates), n, 2)))
        means = (solved[:, :, 0] * solved[:, :, 1]).sum(axis=1) / (solved[:, :, 1] ** 2).sum(axis=1)
        residuals = solved[:, :, 0] - means[:, None] * solved[:, :, 1]
        variances = np.maximum((residuals**2).sum(axis=1) / n, 1e-300)
        diagonals = np.log(np.einsum("hii->hi", factors)).sum(axis=1)
        priors = np.array([_log_prior(one) for one in candidates])
        return factors, -0.5 * n * np.log(variances) - diagonals + priors


def _log_prior(one: _Hyperparameters) -> float:
    """Return the log of a weak prior: length scales near 1.5 within a factor of e, little noise preferred to none."""
    lengths = np.log(np.array(one.lengths) / 1.5)
    return float(-0.5 * (lengths**2).sum() - 0.02 * (np.log(one.noise / 1e-2) ** 2))


def _distances(first: Array, second: Array, lengths: tuple[float, ...]) -> Array:
    """Return squared distances [n, m] in units of the length scales."""
    squares = np.zeros((len(first), len(second)))
    for at, length in enumerate(lengths):
        squares += ((first[:, at, None] - second[None, :, at]) / length) ** 2
    return squares


def _matern(squares: Array) -> Array:
    """Return Matérn's kernel with ν = 5/2, of squared distances."""
    root = np.sqrt(5 * squares)
    return np.asarray((1 + root + root * root / 3) * np.exp(-root))


def _cholesky(matrices: Array) -> Array:
    """Return lower triangular L with L Lᵀ = A, for A [h, n, n]."""
    rest = matrices.copy()
    n = rest.shape[-1]
    for at in range(n):
        root = np.sqrt(np.maximum(rest[:, at, at], _JITTER))
        rest[:, at, at] = root
        rest[:, at + 1 :, at] /= root[:, None]
        column = rest[:, at + 1 :, at]
        rest[:, at + 1 :, at + 1 :] -= column[:, :, None] * column[:, None, :]
    return np.tril(rest)


def _forward(factors: Array, columns: Array) -> Array:
    """Return L⁻¹ B, for L [..., n, n] and B [..., n, m]."""
    solved = np.array(columns)
    for at in range(factors.shape[-1]):
        solved[..., at, :] /= factors[..., at, at, None]
        solved[..., at + 1 :, :] -= factors[..., at + 1 :, at, None] * solved[..., at, None, :]
    return solved
