"""Exact tests (Mann-Whitney U with ties, sign test) and Holm's correction.

The Mann-Whitney test uses ranks alone, so that a run that diverged counts as higher than all others. Its null
distribution is enumerated with ties where the samples are small. SciPy's `mannwhitneyu(method="exact")` ignores ties,
which are common here: runs that diverge are equal. A signed-rank test with seeds as pairs would be too weak: its
smallest p with 8 seeds is 2/2⁸ = 0.0078, which is 0.06 after correction for 8 rivals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LEVEL = 0.05
MAX_EXACT = 100  # values in both samples together; with more, the normal approximation is as good


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p value of the hypothesis that both samples have one distribution.

    Args:
        first: At least one number; inf is allowed, NaN is not.
        second: At least one number, likewise.
    """
    doubled = _doubled_ranks([*first, *second])
    n, total = len(first), len(first) + len(second)
    observed = sum(doubled[:n])
    if total > MAX_EXACT:
        return _by_normal(doubled, n, observed)
    probabilities = _rank_sums(doubled, n)
    return float(min(1.0, 2 * min(probabilities[: observed + 1].sum(), probabilities[observed:].sum())))


def smallest_p(first: int, second: int) -> float:
    """Return the smallest two-sided p that samples of these sizes can have: one lies wholly below the other."""
    return min(1.0, 2 / math.comb(first + second, first)) if first and second else 1.0


def sign_test(differences: Sequence[float]) -> float:
    """Return the two-sided p of differences being positive as often as negative; zeros are ignored."""
    above, below = (sum(sign * value > 0 for value in differences) for sign in (1, -1))
    runs = above + below
    tail = sum(math.comb(runs, few) for few in range(min(above, below) + 1))
    return min(1.0, 2.0 * tail / 2.0**runs)


def seeds_needed(rivals: int, *, by_signs: bool = False) -> int:
    """Return the number of runs per optimizer with which p can reach LEVEL after correction for some rivals."""
    smallest = (lambda seeds: 2 * 0.5**seeds) if by_signs else (lambda seeds: smallest_p(seeds, seeds))
    return next(seeds for seeds in range(1, 100) if rivals * smallest(seeds) <= LEVEL)


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for multiple tests, in the order given (Holm 1979)."""
    corrected, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = least
    return corrected


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value, counted from 1; ties share the mean rank, so that twice it is whole."""
    array = np.asarray(values)
    below = (array[None, :] < array[:, None]).sum(axis=1)
    equal = (array[None, :] == array[:, None]).sum(axis=1)
    return [int(number) for number in 2 * below + equal + 1]


def _rank_sums(doubled: Sequence[int], n: int) -> np.ndarray:
    """Return the probability of each doubled rank sum of n ranks drawn without replacement, indexed by the sum."""
    ways = np.zeros((n + 1, sum(doubled) + 1))  # [ranks chosen, their sum]
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    return np.asarray(ways[n] / math.comb(len(doubled), n))


def _by_normal(doubled: Sequence[int], n: int, observed: int) -> float:
    ranks = np.asarray(doubled) / 2
    total = len(ranks)
    variance = n * (total - n) / total * ranks.var(ddof=1)
    if not variance:
        return 1.0
    distance = abs(observed / 2 - n * ranks.mean()) - 0.5  # corrected for continuity
    return min(1.0, math.erfc(max(0.0, distance) / math.sqrt(2 * variance)))
