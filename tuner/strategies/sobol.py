"""Points of a scrambled Sobol sequence, and a normal prior drawn with them.

The first 2^m points have exactly one point in each of 2^m equal slices of every dimension. Scrambling (a random lower
triangular matrix of bits and a random digital shift, Matoušek 1998) makes every point uniform on the unit cube, so that
means over the points are unbiased, and sequences of different seeds are different.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from statistics import NormalDist
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tuner.strategies.unordered import evenly

BITS = 30
# Primitive polynomials and first direction numbers of Joe and Kuo (2008), new-joe-kuo-6, in the order of dimensions.
# fmt: off
_JOE_KUO: tuple[tuple[int, tuple[int, ...]], ...] = (
    (1, (1,)), (3, (1,)), (7, (1, 3)), (11, (1, 3, 1)), (13, (1, 1, 1)), (19, (1, 1, 3, 3)), (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)), (41, (1, 1, 5, 5, 5)), (47, (1, 1, 7, 11, 19)), (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)), (61, (1, 3, 5, 5, 31)), (67, (1, 3, 3, 9, 7, 49)), (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)), (103, (1, 1, 1, 15, 7, 5)), (109, (1, 3, 1, 15, 13, 25)), (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)), (137, (1, 3, 7, 13, 13, 15, 69)), (143, (1, 1, 3, 13, 7, 35, 63)),
    (145, (1, 3, 5, 9, 1, 25, 53)), (157, (1, 3, 1, 13, 9, 35, 107)),
)
# fmt: on
MAX_DIMENSIONS = len(_JOE_KUO)  # entries beyond are drawn independently


class Sobol:
    """A scrambled Sobol sequence.

    Args:
        dimensions: Entries of a point; those beyond `MAX_DIMENSIONS` are independent uniform numbers.
        seed: Seed of the scrambling.
    """

    def __init__(self, dimensions: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - nothing secret
        self._dimensions = dimensions
        self._beyond = max(0, dimensions - MAX_DIMENSIONS)
        self._directions = [
            _scrambled(_directions(*_JOE_KUO[at]), self._random) for at in range(dimensions - self._beyond)
        ]
        self._state = [self._random.getrandbits(BITS) for _ in self._directions]  # the digital shift
        self._drawn = 0

    def draw(self, count: int) -> NDArray[np.float64]:
        """Return the next points, in the open unit cube; float64 [count, dimensions]."""
        return np.array([self._next() for _ in range(count)]).reshape(count, self._dimensions)

    def _next(self) -> list[float]:
        point = [(state + 0.5) / 2**BITS for state in self._state]
        self._drawn += 1
        bit = (self._drawn & -self._drawn).bit_length() - 1  # of the Gray code, which changes one bit at a time
        self._state = [
            state ^ directions[bit % BITS] for state, directions in zip(self._state, self._directions, strict=True)
        ]
        return point + [max(self._random.random(), 2.0**-BITS) for _ in range(self._beyond)]


def normal_points(
    sobol: Sobol,
    count: int,
    mean: Sequence[float],
    sigma: float,
    lower: Sequence[float],
    upper: Sequence[float],
    levels: Mapping[int, Sequence[float]] = MappingProxyType({}),
) -> NDArray[np.float64]:
    """Return points of N(mean, sigma² I), restricted to the bounds; float64 [count, d].

    Args:
        sobol: A sequence of d dimensions; advances by `count` points.
        count: Number of points.
        mean: [d], within the bounds.
        sigma: At least 0; 0 gives copies of the mean.
        lower: [d].
        upper: [d].
        levels: For each choice without an order, by its place: its coordinates, which are drawn equally often. Default:
            there is none.
    """
    uniform = sobol.draw(count)
    if sigma == 0:
        return np.tile(np.array(mean), (count, 1))
    normal = NormalDist()
    points = np.empty_like(uniform)
    for at, (middle, low, high) in enumerate(zip(mean, lower, upper, strict=True)):
        least, greatest = normal.cdf((low - middle) / sigma), normal.cdf((high - middle) / sigma)
        for row, share in enumerate(uniform[:, at].tolist()):
            level = min(max(least + share * (greatest - least), 1e-12), 1 - 1e-12)
            points[row, at] = min(max(middle + sigma * normal.inv_cdf(level), low), high)
    return evenly(points, uniform, levels)


def _directions(polynomial: int, first: Sequence[int]) -> list[int]:
    """Return the direction numbers of a dimension, as whole numbers of `BITS` bits."""
    if polynomial == 1:
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    degree = polynomial.bit_length() - 1
    numbers = list(first)
    for at in range(degree, BITS):
        new = numbers[at - degree] ^ (numbers[at - degree] << degree)
        for back in range(1, degree):
            if polynomial >> (degree - back) & 1:
                new ^= numbers[at - back] << back
        numbers.append(new)
    return [number << (BITS - 1 - bit) for bit, number in enumerate(numbers)]


def _scrambled(directions: Sequence[int], random: Random) -> list[int]:
    """Multiply each direction number by one random lower triangular matrix with a unit diagonal."""
    # Row r of the matrix decides bit r of the result, from the most significant: its own bit and some above it.
    rows = [(1 << (BITS - 1 - row)) | (random.getrandbits(row) << (BITS - row)) for row in range(BITS)]
    return [
        sum(((row & direction).bit_count() & 1) << (BITS - 1 - at) for at, row in enumerate(rows))
        for direction in directions
    ]
