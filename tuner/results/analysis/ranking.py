"""The best optimizer of a comparison, and those indistinguishable from it.

The best is the optimizer with the lowest mean among those that diverged least often and, of these, missed the target
of an objective least often. Each of the others is tested
against it, and the p values are corrected for the number of tests. Runs that are equal on every seed are a constant,
not a sample: the other optimizer's runs are compared with the constant by a sign test, and two constants are ordered
exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.results.analysis.significance import LEVEL, holm, mann_whitney, seeds_needed, sign_test, smallest_p

ROUNDING = 1e-26
"""Float64 losses below this are rounding errors of a sum of squares: ε² = 5e-32, times the curvatures."""


RELATIVE_ROUNDING = 1e-12
"""Values that differ by less than this share are equal: the rounding of a sum in another order."""


class Standing(StrEnum):
    """Standing of an optimizer relative to the best."""

    BEST = "best"
    TIE = "tie"  # cannot be distinguished from the best
    WORSE = "worse"
    LOWER = "lower"  # has lower losses where it finished, but diverged (or missed the target) more often
    UNTESTED = ""  # too few runs for a test


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of an optimizer."""

    standing: Standing
    p: float | None = None  # after correction; None if no test was made


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks by name, and remarks on the tests."""

    ranks: Mapping[str, Rank]
    remarks: tuple[str, ...]


def rank(losses: Mapping[str, Sequence[float]], *, limit: float = math.inf, rounding: float = ROUNDING) -> Ranking:
    """Rank optimizers by the losses of their runs, or by other fitnesses.

    Args:
        losses: Losses of the runs that finished or diverged, by optimizer; +inf for a run that diverged.
        limit: Greatest one of a run that reached the objective's target; above it, nearer ones are lower. Default:
            without a target.
        rounding: Means from 0 to this are rounding errors. Default: that of float64 losses.
    """
    measured = {name: list(values) for name, values in losses.items() if values}
    samples = _without_rounding(measured, rounding)
    ranks = dict.fromkeys(losses, Rank(Standing.UNTESTED))
    ended = [name for name, values in samples.items() if any(map(math.isfinite, values))]
    if not ended:
        return Ranking(ranks, ())
    best = min(ended, key=lambda name: (*_unfinished(measured[name], limit), _mean(measured[name], limit)))
    ranks[best] = Rank(Standing.BEST)
    rivals = [name for name in samples if name != best]
    exact = [name for name in rivals if _is_constant(samples[name]) and _is_constant(samples[best])]
    for name in exact:
        ranks[name] = Rank(Standing.WORSE if samples[best][0] < samples[name][0] else Standing.TIE)
    others = [name for name in rivals if name not in exact]
    tests = {name: _test(samples[best], samples[name]) for name in others}
    tested = [name for name in others if len(others) * tests[name].smallest <= LEVEL]
    # Optimizers with too few runs for a test count as hypotheses of the correction as well.
    corrected = holm([*(tests[name].p for name in tested), *[1.0] * (len(others) - len(tested))])
    for name, p in zip(tested, corrected, strict=False):
        ranks[name] = Rank(_standing(samples[best], samples[name], p), p)
    tiny = [name for name in ended if 0 <= _mean(measured[name], limit) < rounding]
    return Ranking(ranks, tuple(_remarks(best, exact, tests, tested, tiny)))


def _without_rounding(samples: Mapping[str, Sequence[float]], rounding: float) -> dict[str, list[float]]:
    """Return samples in which values that differ by no more than a rounding error are equal.

    Args:
        samples: Values by name.
        rounding: Values from 0 to this are equal as well.
    """
    found: dict[float, float] = {}
    last = -math.inf
    for value in sorted({value for values in samples.values() for value in values}):
        is_equal = math.isfinite(value - last) and value - last <= RELATIVE_ROUNDING * max(abs(value), abs(last))
        last = last if is_equal or 0 <= last <= value < rounding else value
        found[value] = last
    return {name: [found[value] for value in values] for name, values in samples.items()}


@dataclass(frozen=True, slots=True)
class _Test:
    """Result of the test of one rival against the best."""

    by_signs: bool  # by a sign test, since one of the two is constant
    runs: tuple[int, int]
    p: float

    @property
    def smallest(self) -> float:
        """Smallest p that this number of runs can have."""
        return 2 * 0.5 ** max(self.runs) if self.by_signs else smallest_p(*self.runs)


def _test(best: Sequence[float], other: Sequence[float]) -> _Test:
    for constant, sample in ((best, other), (other, best)):
        if _is_constant(constant):
            return _Test(True, (1, len(sample)), sign_test([value - constant[0] for value in sample]))
    return _Test(False, (len(best), len(other)), mann_whitney(best, other))


def _remarks(
    best: str, exact: Sequence[str], tests: Mapping[str, _Test], tested: Sequence[str], tiny: Sequence[str]
) -> list[str]:
    remarks, rivals = [], len(tests)
    if len(tiny) > 1:
        remarks.append(f"{', '.join(tiny)}: losses below {ROUNDING:g} are rounding errors and count as equal.")
    for by_signs, test in ((False, "the Mann-Whitney test"), (True, "the sign test")):
        refused = [name for name, one in tests.items() if name not in tested and one.by_signs is by_signs]
        if refused:
            least = min(tests[name].smallest for name in refused)
            remarks.append(
                f"no test of {', '.join(refused)} against {best}: with so few runs the smallest p of {test} is "
                f"{least:.2g}, and {min(1.0, rivals * least):.2g} after correction for {rivals} "
                f"rival{'' if rivals == 1 else 's'}, above {LEVEL:g} in any case; "
                f"{seeds_needed(rivals, by_signs=by_signs)} seeds would be enough."
            )
    if signed := [name for name in tested if tests[name].by_signs]:
        remarks.append(
            f"{', '.join(signed)} against {best}: one of the two is equal on every seed, so p is that of a sign "
            "test of the other's runs against this value."
        )
    if exact:
        remarks.append(
            f"no test of {', '.join(exact)} against {best}: both are equal on every seed, so their order is exact."
        )
    return remarks


def _standing(best: Sequence[float], other: Sequence[float], p: float) -> Standing:
    if p > LEVEL:
        return Standing.TIE
    below = sum((mine < theirs) - (mine > theirs) for mine in best for theirs in other)
    return Standing.WORSE if below > 0 else Standing.LOWER


def _is_constant(values: Sequence[float]) -> bool:
    return len(values) > 1 and len(set(values)) == 1 and math.isfinite(values[0])


def _unfinished(values: Sequence[float], limit: float) -> tuple[float, float]:
    """Return the shares of runs that diverged, and that missed the target or diverged."""
    diverged = sum(not math.isfinite(value) for value in values)
    missed = sum(limit < value < math.inf for value in values)
    return diverged / len(values), (diverged + missed) / len(values)


def _mean(values: Sequence[float], limit: float) -> float:
    """Return the mean of the runs that reached the target, or of those that finished if none did."""
    finite = [value for value in values if math.isfinite(value)]
    chosen = [value for value in finite if value <= limit] or finite
    return math.fsum(value / len(chosen) for value in chosen)
