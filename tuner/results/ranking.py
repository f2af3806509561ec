"""Who is best, and who is not to be told from the best.

Best is whoever has the lowest mean among those that diverged least often. Each of the others is tested against it, and
the p values are corrected for their number. Where runs do not depend on the seed there is no chance to reason about,
and so no test: the order is exact if all runs of one lie below all runs of the other, and else there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.results.significance import LEVEL, holm, mann_whitney, seeds_needed, smallest_p


class Standing(StrEnum):
    """How an optimizer stands to the best."""

    BEST = "best"
    TIE = "tie"  # not to be told from it
    WORSE = "worse"
    LOWER = "lower"  # where it came to an end: it diverged more often
    UNTESTED = ""  # there are too few runs for a test, or none that tells


@dataclass(frozen=True, slots=True)
class Place:
    """An optimizer's place in a ranking."""

    standing: Standing
    p: float | None = None  # after correction; None where nothing was tested


@dataclass(frozen=True, slots=True)
class Ranking:
    """Places by name, and what must be said of the tests."""

    places: Mapping[str, Place]
    remarks: tuple[str, ...]


def rank(losses: Mapping[str, Sequence[float]]) -> Ranking:
    """Rank optimizers by the losses of their runs.

    Args:
        losses: Of each that is compared, one a run that finished or diverged; +inf of one that diverged.
    """
    told = {name: list(values) for name, values in losses.items() if any(map(math.isfinite, values))}
    places = dict.fromkeys(losses, Place(Standing.UNTESTED))
    if not told:
        return Ranking(places, ())
    best = min(told, key=lambda name: (_diverged(told[name]), _mean(told[name])))
    places[best] = Place(Standing.BEST)
    rivals = [name for name in told if name != best]
    exact = [name for name in rivals if _is_constant(told[name]) or _is_constant(told[best])]
    for name in exact:
        apart = max(told[best]) < min(told[name])
        places[name] = Place(Standing.WORSE if apart else Standing.TIE)
    left = [name for name in rivals if name not in exact]
    tested = [name for name in left if len(left) * smallest_p(len(told[best]), len(told[name])) <= LEVEL]
    raw = [mann_whitney(told[best], told[name]) for name in tested]
    # Those that cannot be tested count as well: they are asked about, too.
    corrected = holm([*raw, *[1.0] * (len(left) - len(tested))])
    for name, p in zip(tested, corrected, strict=False):
        places[name] = Place(_standing(told[best], told[name], p), p)
    return Ranking(places, tuple(_remarks(told, best, exact, [name for name in left if name not in tested], len(left))))


def _remarks(
    told: Mapping[str, Sequence[float]], best: str, exact: Sequence[str], refused: Sequence[str], rivals: int
) -> list[str]:
    remarks = []
    if refused:
        least = min(smallest_p(len(told[best]), len(told[name])) for name in refused)
        remarks.append(
            f"no test of {', '.join(refused)} against {best}: with so few runs Mann and Whitney's smallest p is "
            f"{least:.2g}, and {min(1.0, rivals * least):.2g} after correction for {rivals} "
            f"rival{'' if rivals == 1 else 's'}, above {LEVEL:g} whatever they are; {seeds_needed(rivals)} seeds would"
            " do."
        )
    if exact:
        remarks.append(
            f"no test of {', '.join(exact)} against {best}: runs that are the same on every seed are not a sample. "
            "Worse is what lies above every run of the best, a tie what does not."
        )
    return remarks


def _standing(best: Sequence[float], other: Sequence[float], p: float) -> Standing:
    if p > LEVEL:
        return Standing.TIE
    below = sum((mine < theirs) - (mine > theirs) for mine in best for theirs in other)
    return Standing.WORSE if below > 0 else Standing.LOWER


def _is_constant(values: Sequence[float]) -> bool:
    return len(values) > 1 and len(set(values)) == 1


def _diverged(values: Sequence[float]) -> float:
    return sum(not math.isfinite(value) for value in values) / len(values)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite)
