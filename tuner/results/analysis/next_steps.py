"""What to do next after a search, where its results say it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from tuner.core.study import StudyStatus
from tuner.results.analysis.hyperparameter import Hyperparameter
from tuner.results.analysis.power import detectable
from tuner.results.analysis.relative import MIN_SEEDS_OF_INTERVAL
from tuner.results.analysis.summary import Summary
from tuner.results.analysis.verdict import Verdict

MOST = 0.5  # of the search's gradient evaluations
MIN_PROGRESS = 0.05  # of the best value before: less is no reason to go on


class Kind(StrEnum):
    """Kind of a step; the most urgent is first."""

    FAILURES = "failures"  # most of the search failed or timed out
    DIVERGENCE = "divergence"  # most of the search, or of a generation, diverged
    BOUND = "bound"  # a tuned value is at a bound of the search space
    NOISE = "noise"  # the gain cannot be told from zero
    BUDGET = "budget"  # the search was still improving at its end


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do next, and the numbers that say so.

    Attributes:
        kind: Kind of the step.
        rows: Of BOUND, the hyperparameters at a bound.
        shares: Of FAILURES and DIVERGENCE, the shares of the gradient evaluations that were lost, by how.
        generations: Of DIVERGENCE, the numbers of the generations of which most diverged.
        seeds: Of NOISE, fresh seeds, and the relative gain that so many tell from zero.
        progress: Of BUDGET, by which share the best became lower, in how many generations of how many.
    """

    kind: Kind
    rows: tuple[Hyperparameter, ...] = ()
    shares: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    generations: tuple[int, ...] = ()
    seeds: tuple[tuple[int, float], ...] = ()
    progress: tuple[float, int, int] | None = None


def next_steps(summary: Summary) -> tuple[Step, ...]:
    """Return what to do next, the most urgent first; none while a search is not complete."""
    if summary.status != StudyStatus.COMPLETE:
        return ()
    if summary.searches:  # beside what each of the searches says
        return tuple(_noise(summary))
    rules = [rule for rule in _RULES if not (summary.is_repeated and rule is _noise)]
    return tuple(step for find in rules for step in find(summary))


def _lost(summary: Summary) -> Iterator[Step]:
    """Yield what was lost: most of the gradient evaluations, or else most of the individuals of a generation."""
    spent = max(1, summary.search_cost.evaluations)
    shares = {
        "diverged": summary.diverged_cost.evaluations / spent,
        "failed": summary.failed_cost.evaluations / spent,
        "timed out": summary.timed_out_cost.evaluations / spent,
    }
    diverged = summary.trends.diverged
    if sum(shares.values()) > MOST:
        kind = Kind.DIVERGENCE if shares["diverged"] > MOST else Kind.FAILURES
        known = {end: share for end, share in shares.items() if share >= 0.005}
        yield Step(kind, shares=known, generations=diverged if kind is Kind.DIVERGENCE else ())
    elif diverged:
        yield Step(Kind.DIVERGENCE, generations=diverged)


def _bounds(summary: Summary) -> Iterator[Step]:
    rows = tuple(row for row in summary.hyperparameters if row.bound and row.is_bound_given)
    if rows:
        yield Step(Kind.BOUND, rows=rows)


def _noise(summary: Summary) -> Iterator[Step]:
    """Yield how many seeds tell which gain from zero, of a gain within the noise; the spread is that of the gains."""
    gain, default, seeds = summary.gain, summary.default.mean, summary.tuned.valued
    low, high = gain.relative.low, gain.relative.high
    if (
        summary.has_several_objectives
        or summary.verdict is not Verdict.WITHIN_THE_SPREAD
        or low is None
        or high is None
        or not low <= 0 <= high
    ):
        return
    scale = 1.0 if summary.parts else abs(default or 0.0)  # the gains of several tasks are differences of logarithms
    if not gain.spread or not scale or not math.isfinite(gain.spread) or seeds < MIN_SEEDS_OF_INTERVAL:
        return
    yield Step(Kind.NOISE, seeds=tuple((n, detectable(gain.spread, n) / scale) for n in (seeds, 2 * seeds)))


def _budget(summary: Summary) -> Iterator[Step]:
    """Yield that a search was still improving by more than fresh seeds scatter."""
    one = summary.trends
    if not one.improved or not one.before:
        return
    share = one.improved / abs(one.before)
    if share > MIN_PROGRESS and one.improved > 2 * (summary.tuned.spread or 0.0):
        yield Step(Kind.BUDGET, progress=(share, one.late, one.comparable))


_RULES: tuple[Callable[[Summary], Iterator[Step]], ...] = (_lost, _bounds, _noise, _budget)
