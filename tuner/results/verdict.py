"""The verdict on a tuned point: whether it beat the defaults by more than the spread of their runs.

Both are run on the same fresh seeds, which the search has not seen. The rule:

    The tuned point is better (or worse) if the means differ by more than the sum of both sample standard deviations.

A sum of two numbers that stand in the table anyway, so that a reader can check it without a formula, and strict
enough for a handful of seeds. For two equally good points with independent, normally distributed fitnesses (200,000
simulated studies a row; one column a direction, so 'better' alone is in error half as often as the rule as a whole):

    seeds                2        3        4        5        8
    'better' in error   10.8 %    4.2 %    1.8 %    0.8 %    0.07 %

Hence three seeds at least. Heavier tails lower these numbers (3.6 % for log-normal fitnesses with σ = 1 on three
seeds), and so does what runs on a shared seed have in common, such as their minibatches.

Not every run ends with a number:

- A diverged run never enters a mean: leaving it out would flatter a point that diverges. So divergence is a verdict
  of its own, and goes before any mean: the point that diverged on more of the seeds is named, or both if on as many.
- A run that failed or timed out says nothing about the hyperparameters: its seed is left out for both.
- A task without noise has spread 0: any difference counts there, and equal means are 'within the spread'.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from enum import StrEnum

from tuner.candidate import Status
from tuner.records import CandidateRecord

FEWEST_SEEDS = 3

_TELLING = (Status.FINISHED, Status.DIVERGED)


class Verdict(StrEnum):
    """How the tuned point did against the defaults, on fresh seeds."""

    BETTER = "better"
    WORSE = "worse"
    WITHIN_THE_SPREAD = "within the spread"
    DEFAULT_DIVERGED = "default diverged"  # on more of the seeds than the tuned point
    TUNED_DIVERGED = "tuned diverged"  # on more of the seeds than the default
    BOTH_DIVERGED = "both diverged"  # on as many
    TOO_FEW_SEEDS = "too few seeds"  # fewer than FEWEST_SEEDS on which neither failed or timed out
    NOT_RUN = "not run"  # not wanted, or not done yet


def sample_spread(fitnesses: Sequence[float]) -> float:
    """Return the sample standard deviation (divisor n - 1) of two or more finite numbers; +inf beyond float64."""
    try:
        return statistics.stdev(fitnesses)
    except OverflowError:
        return float("inf")


def judge(default: Sequence[CandidateRecord], tuned: Sequence[CandidateRecord], seeds: int) -> Verdict:
    """Return the verdict on a tuned point.

    Args:
        default: The defaults' runs on fresh seeds; `key.slot` is the number of the seed.
        tuned: The tuned point's, likewise.
        seeds: How many fresh seeds the study wants for each; until all of them are done the verdict is NOT_RUN.
    """
    by_seed = [{run.key.slot: run for run in runs if run.status.is_final} for runs in (default, tuned)]
    shared = sorted(by_seed[0].keys() & by_seed[1].keys())
    if not seeds or len(shared) < seeds:
        return Verdict.NOT_RUN
    pairs = [(by_seed[0][seed], by_seed[1][seed]) for seed in shared]
    pairs = [pair for pair in pairs if all(run.status in _TELLING for run in pair)]
    diverged = [sum(run.status is Status.DIVERGED for run in side) for side in zip(*pairs, strict=True)] or [0, 0]
    if any(diverged):
        if diverged[0] == diverged[1]:
            return Verdict.BOTH_DIVERGED
        return Verdict.DEFAULT_DIVERGED if diverged[0] > diverged[1] else Verdict.TUNED_DIVERGED
    if len(pairs) < FEWEST_SEEDS:
        return Verdict.TOO_FEW_SEEDS
    of_default, of_tuned = (
        [run.fitness for run in side if run.fitness is not None] for side in zip(*pairs, strict=True)
    )
    gain = statistics.mean(of_default) - statistics.mean(of_tuned)  # lower is better
    if abs(gain) <= sample_spread(of_default) + sample_spread(of_tuned):
        return Verdict.WITHIN_THE_SPREAD
    return Verdict.BETTER if gain > 0 else Verdict.WORSE
