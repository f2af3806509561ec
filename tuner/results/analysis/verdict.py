"""The verdict on a tuned point: whether it is better than the defaults.

Default and tuned are trained on the same fresh seeds, which the search has not used. On one seed they share
minibatches and noise, so they are compared seed by seed: the gain of a seed is the default's fitness minus the tuned
point's. (Fitness is minimised: where the greatest value of an objective is best, it is the negative of the value, so
that a positive gain is an improvement for every objective.) The rule:

    The tuned point is better (or worse) if its mean gain lies above (below) zero by more than twice the gains'
    sample standard deviation, or, from six seeds on, if the gain of every seed does; each time by more than a rounding
    error: 1e-12 of the greatest fitness, or of the greater one of a seed.

Mean and standard deviation are in the detailed table, so that a reader can check the first half without a formula. The
spreads of the two columns are not a substitute: what all runs on a seed have in common (an easy minibatch, an unlucky
initialisation) is in both of them and cancels in the gains. For two equally good points whose gains are independent and
normally distributed, the first half is a wrong 'better' with the probability that a t variable with n - 1 degrees of
freedom exceeds 2 sqrt(n), and a wrong 'worse' with the same. Hence at least three seeds.

Gains that are skewed, such as those over defaults that nearly diverge, have a standard deviation as large as their
mean, however many there are. The second half is the sign test: for equally good points, with gains of any distribution
that is symmetric about zero, the probability is 2^-n. Of fewer than six seeds that would be more than 2 %. Together,
for normal gains (a million draws each):

    seeds                2        3        4        5        6        7        8        10
    wrong 'better'      10.8 %    3.7 %    1.4 %    0.6 %    1.6 %    0.8 %    0.4 %    0.1 %

Runs without a fitness:

- A mean over the runs that did not diverge would favour a point that diverges. Divergence is therefore a verdict of
  its own and takes precedence over the gain: it names the point that diverged on more seeds, or both.
- A run that failed or timed out is no evidence about the hyperparameters: its seed is left out for both points.
- A run that missed the target of an objective has no value, and is treated like divergence, after it.
- A task without noise has gains of spread 0: any difference beyond rounding is significant. Decoding a genome rounds,
  so that the defaults themselves, as a tuned point, may differ in the last bits of their fitness.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from tuner.core.study import Outcome
from tuner.core.trial import Status
from tuner.results.analysis.relative import NOT_KNOWN, Pairs, Relative, relative_gain

MIN_SEEDS = 3
MIN_SEEDS_BY_SIGN = 6  # from which gains of one sign alone decide
ROUNDING = 1e-12  # relative to the greatest fitness

_CONCLUSIVE = (Status.FINISHED, Status.DIVERGED)
_Number = TypeVar("_Number", float, Fraction)


class Verdict(StrEnum):
    """The tuned point compared with the defaults on fresh seeds."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"  # the interval of the gain lies within a margin
    WITHIN_THE_SPREAD = "within the spread"
    DEFAULT_DIVERGED = "default diverged"  # on more of the seeds than the tuned point
    TUNED_DIVERGED = "tuned diverged"  # on more of the seeds than the default
    BOTH_DIVERGED = "both diverged"  # on equally many
    DEFAULT_MISSED = "default missed target"  # of the objective, on more of the seeds than the tuned point
    TUNED_MISSED = "tuned missed target"  # on more of the seeds than the default
    BOTH_MISSED = "both missed target"  # on equally many
    TOO_FEW_SEEDS = "too few seeds"  # fewer than MIN_SEEDS on which neither failed or timed out
    NOT_RUN = "not run"  # no fresh seeds, or not complete yet


@dataclass(frozen=True, slots=True)
class Gain:
    """The default's fitness minus the tuned point's, seed by seed."""

    mean: float | None = None  # None until all runs are final, if any diverged, and if no seed is left
    spread: float | None = None  # sample standard deviation; None with fewer than two seeds
    relative: Relative = NOT_KNOWN  # the mean, as a share of the default's value
    margin: float | None = None  # the smallest relative gain that matters; None where it is not known


def sample_spread(fitnesses: Sequence[_Number]) -> float:
    """Return the sample standard deviation (divisor n - 1) of two or more finite numbers; +inf beyond float64."""
    try:
        return float(statistics.stdev(fitnesses))
    except OverflowError:
        return math.inf


def judge(
    default: Sequence[Outcome],
    tuned: Sequence[Outcome],
    seeds: int,
    limit: float = math.inf,
    relative: Callable[[Pairs], Relative] = relative_gain,
) -> tuple[Verdict, Gain]:
    """Return the verdict on a tuned point and its gain.

    Args:
        default: Runs of the defaults on fresh seeds; `key.slot` is the number of the seed.
        tuned: Runs of the tuned point on the same seeds.
        seeds: Fresh seeds of a complete study; until all runs are final the verdict is NOT_RUN.
        limit: Greatest fitness of a run that reached the objective's target. Default: without a target.
        relative: Returns the relative gain of some fitnesses. Default: that of `tuner.results.analysis.relative`.
    """
    by_seed = [{run.key.slot: run for run in runs if run.status.is_final} for runs in (default, tuned)]
    shared = sorted(by_seed[0].keys() & by_seed[1].keys())
    if not seeds or len(shared) < seeds:
        return Verdict.NOT_RUN, Gain()
    pairs = [(by_seed[0][seed], by_seed[1][seed]) for seed in shared]
    pairs = [pair for pair in pairs if all(run.status in _CONCLUSIVE for run in pair)]
    diverged = [sum(run.status is Status.DIVERGED for run in side) for side in zip(*pairs, strict=True)] or [0, 0]
    if any(diverged):
        if diverged[0] == diverged[1]:
            return Verdict.BOTH_DIVERGED, Gain()
        return Verdict.DEFAULT_DIVERGED if diverged[0] > diverged[1] else Verdict.TUNED_DIVERGED, Gain()
    missed = [sum((run.fitness or 0.0) > limit for run in side) for side in zip(*pairs, strict=True)]
    if any(missed):
        if missed[0] == missed[1]:
            return Verdict.BOTH_MISSED, Gain()
        return Verdict.DEFAULT_MISSED if missed[0] > missed[1] else Verdict.TUNED_MISSED, Gain()
    fitnesses = [
        (run.fitness, other.fitness) for run, other in pairs if run.fitness is not None and other.fitness is not None
    ]
    gain = _gain(fitnesses, relative)
    return _verdict(gain, fitnesses), gain


def _gain(fitnesses: Pairs, relative: Callable[[Pairs], Relative]) -> Gain:
    """Return the gain over pairs of finite fitnesses, computed exactly and then rounded."""
    if not fitnesses:
        return Gain()
    gains = [Fraction(default) - Fraction(tuned) for default, tuned in fitnesses]
    mean = statistics.mean(gains)
    try:
        rounded = float(mean)
    except OverflowError:
        rounded = math.inf if mean > 0 else -math.inf
    return Gain(rounded, sample_spread(gains) if len(gains) > 1 else None, relative(fitnesses))


def _verdict(gain: Gain, fitnesses: Pairs) -> Verdict:
    if gain.mean is None or gain.spread is None or len(fitnesses) < MIN_SEEDS:
        return Verdict.TOO_FEW_SEEDS
    rounding = ROUNDING * max(abs(fitness) for pair in fitnesses for fitness in pair)
    signs = {_sign(*pair) for pair in fitnesses}
    by_sign = len(fitnesses) >= MIN_SEEDS_BY_SIGN and signs in ({1}, {-1})
    if abs(gain.mean) <= max(2 * gain.spread, rounding) and not by_sign:
        return Verdict.WITHIN_THE_SPREAD
    return Verdict.BETTER if gain.mean > 0 else Verdict.WORSE


def _sign(default: float, tuned: float) -> int:
    """Return 1 if the tuned point is lower by more than a rounding error of the two, -1 if it is higher, or else 0."""
    if abs(default - tuned) <= ROUNDING * max(abs(default), abs(tuned)):
        return 0
    return 1 if tuned < default else -1
