"""The best optimizer of a comparison, and those indistinguishable from it.

The best is the optimizer with the lowest mean among those that diverged least often. Each of the others is tested
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
"""Losses of float64 below this are what rounding leaves of a sum of squares: ε² is 5e-32, and curvatures raise it."""


class Standing(StrEnum):
    """Standing of an optimizer relative to the best."""

    BEST = "best"
    TIE = "tie"  # cannot be distinguished from the best
    WORSE = "worse"
    LOWER = "lower"  # has lower losses where it finished, but diverged more often
    UNTESTED = ""  # too few runs for a test


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of an optimizer."""

    standing: Standing
    p: float | None = None  # after correction; None where no test was made


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks by name, and remarks on the tests."""

    ranks: Mapping[str, Rank]
    remarks: tuple[str, ...]


def rank(losses: Mapping[str, Sequence[float]]) -> Ranking:
    """Rank optimizers by the losses of their runs.

    Args:
        losses: By optimizer, one per run that finished or diverged; +inf for one that diverged.
    """
    samples = {name: list(values) for name, values in losses.items() if values}
    ranks = dict.fromkeys(losses, Rank(Standing.UNTESTED))
    ended = [name for name, values in samples.items() if any(map(math.isfinite, values))]
    if not ended:
        return Ranking(ranks, ())
    best = min(ended, key=lambda name: (_diverged(samples[name]), _mean(samples[name])))
    ranks[best] = Rank(Standing.BEST)
    rivals = [name for name in samples if name != best]
    exact = [name for name in rivals if _is_constant(samples[name]) and _is_constant(samples[best])]
    for name in exact:
        ranks[name] = Rank(Standing.WORSE if samples[best][0] < samples[name][0] else Standing.TIE)
    left = [name for name in rivals if name not in exact]
    comparisons = {name: _compared(samples[best], samples[name]) for name in left}
    tested = [name for name in left if len(left) * comparisons[name].smallest <= LEVEL]
    # Optimizers that cannot be tested count as well: the question is asked of them, too.
    corrected = holm([*(comparisons[name].p for name in tested), *[1.0] * (len(left) - len(tested))])
    for name, p in zip(tested, corrected, strict=False):
        ranks[name] = Rank(_standing(samples[best], samples[name], p), p)
    tiny = [name for name in ended if 0 <= _mean(samples[name]) < ROUNDING]
    return Ranking(ranks, tuple(_remarks(best, exact, comparisons, tested, tiny)))


@dataclass(frozen=True, slots=True)
class _Compared:
    """Test of one rival against the best."""

    by_signs: bool  # by a sign test, since one of the two is constant
    runs: tuple[int, int]
    p: float

    @property
    def smallest(self) -> float:
        """Smallest p that this number of runs can have."""
        return 2 * 0.5 ** max(self.runs) if self.by_signs else smallest_p(*self.runs)


def _compared(best: Sequence[float], other: Sequence[float]) -> _Compared:
    for level, sample in ((best, other), (other, best)):
        if _is_constant(level):
            # The sample lies above or below a constant.
            return _Compared(True, (1, len(sample)), sign_test([value - level[0] for value in sample]))
    return _Compared(False, (len(best), len(other)), mann_whitney(best, other))


def _remarks(
    best: str, exact: Sequence[str], comparisons: Mapping[str, _Compared], tested: Sequence[str], tiny: Sequence[str]
) -> list[str]:
    remarks, rivals = [], len(comparisons)
    if len(tiny) > 1:
        remarks.append(f"{', '.join(tiny)}: losses below {ROUNDING:g} are rounding errors; their order is meaningless.")
    of = f"{rivals} rival{'' if rivals == 1 else 's'}"
    for by_signs, test in ((False, "the Mann-Whitney test"), (True, "the sign test")):
        refused = {n: one for n, one in comparisons.items() if n not in tested and one.by_signs is by_signs}
        if refused:
            least = min(one.smallest for one in refused.values())
            remarks.append(
                f"no test of {', '.join(refused)} against {best}: with so few runs the smallest p of {test} is "
                f"{least:.2g}, and {min(1.0, rivals * least):.2g} after correction for {of}, above {LEVEL:g} in any "
                f"case; {seeds_needed(rivals, by_signs=by_signs)} seeds would be enough."
            )
    if signed := [name for name in tested if comparisons[name].by_signs]:
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


def _diverged(values: Sequence[float]) -> float:
    return sum(not math.isfinite(value) for value in values) / len(values)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite)
