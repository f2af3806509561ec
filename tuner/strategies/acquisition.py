"""The choice of a batch of candidates by expected improvement."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.surrogate import Surrogate

Array = NDArray[np.float64]

WIDER = 3.0  # every other candidate is chosen with so many times the standard deviations
NEAR = 1.0  # and, if the choice is local, within this distance of the best genome, in length scales
MAX_PICKS = 64  # candidates that are chosen one after the other; their cost grows with the square of their number


def choose(
    surrogate: Surrogate,
    candidates: Array,
    centre: Array,
    best: float,
    feasible: Array,
    weights: Array,
    count: int,
    noise: float,
    *,
    is_local: bool,
) -> list[int]:
    """Return the indices of a batch of candidates; fewer than `count` if there are not so many feasible ones.

    The candidate with the highest expected improvement, times its feasibility and weight, is chosen first. The variance
    of the others is then what it would be if that candidate had been trained, and so on: near it, little is left to be
    learned, and the batch spreads out. Every other candidate is chosen with `WIDER` times the standard deviations:
    those of a surrogate whose hyperparameters were fitted to few observations are too small, and where all candidates
    promise next to nothing, the batch would be one genome and its near copies. The last is the minimum of the mean.
    Beyond `MAX_PICKS`, the rest of the batch has the lowest means.

    A local choice makes larger steps along a valley: candidates with wider deviations are those within `NEAR` of the
    best genome, since farther away they would be what is merely unknown, and each candidate must improve upon what
    those before it promise. A long search has time to look farther.

    Args:
        surrogate: Predicts values, lower is better.
        candidates: [m, d], scaled like the surrogate's observations.
        centre: [d], the best genome, scaled as well.
        best: Its predicted value, to improve upon.
        feasible: [m], 1 for a candidate that is expected to finish, or a factor below 1.
        weights: [m], further factors of the expected improvement, above 0.
        count: Size of the batch; at least 1.
        noise: Standard deviation of an observation.
        is_local: See above.
    """
    mean, variance, solved = surrogate.predict(candidates)
    prior_noise = noise**2 + 1e-12
    chosen: list[int] = []
    learned: list[tuple[Array, float]] = []  # covariances with a chosen candidate [m], and its variance
    picks = min(count, MAX_PICKS, len(candidates))
    near = (surrogate.distances(candidates, centre) <= NEAR) if is_local else np.ones(len(candidates), dtype=bool)
    for pick in range(picks):
        if pick == picks - 1 and count > 1:
            score = np.where(feasible < 1, -np.inf, -mean)
        else:
            is_wide = pick % 2 == 1 and bool(near.any())
            deviations = np.sqrt(variance) * (WIDER if is_wide else 1.0)
            score = expected_improvement(best - mean, deviations) * feasible * weights
            if is_wide:
                score = np.where(near, score, -np.inf)
        score[chosen] = -np.inf
        at = int(np.argmax(score))
        if score[at] == -np.inf:
            break
        chosen.append(at)
        near[at] = False
        if is_local:
            best = min(best, float(mean[at]))
        covariance = surrogate.covariance(candidates[at], solved[:, at], candidates, solved)
        for earlier, own in learned:
            covariance = covariance - earlier * earlier[at] / own
        learned.append((covariance, float(covariance[at]) + prior_noise))
        variance = np.maximum(variance - covariance**2 / learned[-1][1], 1e-12)
    taken = set(chosen)
    rest = [at for at in np.argsort(mean, kind="stable").tolist() if at not in taken and feasible[at] == 1.0]
    return [*chosen, *rest[: count - len(chosen)]]


def expected_improvement(gain: Array, deviation: Array) -> Array:
    """Return E[max(0, gain + deviation · z)] for a standard normal z, elementwise; at least 1e-300."""
    z = gain / deviation
    density = np.exp(-0.5 * np.minimum(z * z, 1400.0)) / math.sqrt(2 * math.pi)
    share = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z.tolist()])
    return np.asarray(np.maximum(gain * share + deviation * density, 0.0) + 1e-300)
