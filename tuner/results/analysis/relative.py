"""A gain relative to the default's value, with its 95 % interval.

The gain of a tuned point is the mean over the fresh seeds of the default's fitness minus its own; the relative gain is
this mean divided by the magnitude of the default's mean. Both means are of few runs, and of the same seeds, so that the
interval is Fieller's (1954): all ratios r for which the gains minus r times the default's fitnesses have a mean that
Student's t test does not tell from zero. For pairs with a normal distribution it contains the true ratio with a
probability of exactly 95 %. Where the default's mean itself cannot be told from zero, there is no relative gain.

Simulated coverage of nominal 95 % where there is an interval (20,000 draws each; default and tuned point on a seed
correlated by 0.8, but for the last row):

    seeds                                                        5        8       16
    normal, standard deviation 10 % of the mean             95.1 %   94.7 %   94.9 %
    log-normal, σ 0.3                                       95.7 %   95.3 %   95.2 %
    log-normal, σ 1                                         96.9 %   96.9 %   96.6 %
    log-normal, σ 1 of the default and 0.1 of the tuned     69.6 %   79.7 %   85.9 %

The last row is that of defaults that nearly diverge: few seeds do not show how bad they can be. With σ 1 there is no
interval for half of the draws of five seeds, and for a fifth of those of eight.

Below five seeds there is no interval: Student's would be too wide, and a bootstrap too narrow, to say anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.results.analysis.student import t_quantile

MIN_SEEDS_OF_INTERVAL = 5

Pairs = Sequence[tuple[float, float]]  # fitness of the default and of the tuned point, a pair per seed


@dataclass(frozen=True, slots=True)
class Relative:
    """A gain as a share of the default's value: 0.1 is a loss that is lower by 10 %."""

    value: float | None = None  # None where it has no meaning
    low: float | None = None  # ends of its 95 % interval; None below MIN_SEEDS_OF_INTERVAL seeds
    high: float | None = None


NOT_KNOWN = Relative()


def relative_gain(pairs: Pairs) -> Relative:
    """Return the relative gain of finite fitnesses, with Fieller's interval."""
    unit = max((abs(fitness) for pair in pairs for fitness in pair), default=0.0)
    if not unit:
        return NOT_KNOWN
    default = [first / unit for first, _ in pairs]
    gains = [first / unit - second / unit for first, second in pairs]
    (below, variance), (above, spread) = _mean_and_variance(default), _mean_and_variance(gains)
    if not below:
        return NOT_KNOWN
    sign, ratio = math.copysign(1.0, below), above / below
    if len(pairs) < MIN_SEEDS_OF_INTERVAL:
        return Relative(sign * ratio)
    t = t_quantile(len(pairs) - 1) ** 2
    common = _covariance(gains, default)
    scale = below * below - t * variance
    if scale <= 0:
        return NOT_KNOWN  # the interval is unbounded
    # The discriminant of the quadratic in r, without the terms that cancel: 0 for runs that are equal on every seed.
    inside = below * below * spread + above * above * variance - 2 * above * below * common
    root = math.sqrt(max(0.0, t * inside + t * t * (common * common - variance * spread)))
    centre = above * below - t * common
    low, high = sorted(sign * (centre + side * root) / scale for side in (-1, 1))
    return Relative(sign * ratio, low, high)


def relative_gain_of_logarithms(pairs: Pairs) -> Relative:
    """Return the relative gain where fitnesses are logarithms: of the geometric means, with Student's interval."""
    if not pairs:
        return NOT_KNOWN
    mean, variance = _mean_and_variance([first - second for first, second in pairs])
    if len(pairs) < MIN_SEEDS_OF_INTERVAL:
        return Relative(_lowered(mean))
    reach = t_quantile(len(pairs) - 1) * math.sqrt(variance)
    return Relative(_lowered(mean), _lowered(mean - reach), _lowered(mean + reach))


def _lowered(logarithm: float) -> float:
    """Return the share by which a number is lower that is divided by the exponential of a logarithm."""
    return -math.expm1(min(-logarithm, 700.0))


def _mean_and_variance(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of some numbers and its variance, which is exactly 0 if they are equal; 0 of a single one."""
    return values[0] + math.fsum(value - values[0] for value in values) / len(values), _covariance(values, values)


def _covariance(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the covariance of two means."""
    n = len(first)
    if n < 2:
        return 0.0
    # From distances to the first of each, which are exactly 0 of equal numbers; those to a rounded mean need not be.
    one, other = [value - first[0] for value in first], [value - second[0] for value in second]
    products = math.fsum(a * b for a, b in zip(one, other, strict=True)) - math.fsum(one) * math.fsum(other) / n
    return products / (n - 1) / n
