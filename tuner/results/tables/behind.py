"""The table of how far each optimizer of a comparison is behind the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tuner.core.objective import Objective
from tuner.results.analysis.behind import Behind
from tuner.results.analysis.comparison import Contender
from tuner.results.analysis.ranking import Standing
from tuner.results.tables import sizes
from tuner.results.tables.text_table import TextTable

COLUMNS = ("behind", "behind_low", "behind_high", "behind_margin", "is_equivalent")
"""Columns of the CSV: the relative distance, the ends of its interval, and the margin."""

_BY_SIZE = (Standing.TIE, Standing.WORSE)


def tables(
    contenders: Sequence[Contender], name: str, label: Callable[[Contender], str], objective: Objective
) -> list[TextTable]:
    """Return the table of distances from the best; none without a distance.

    Args:
        contenders: All contenders.
        name: Header of their names.
        label: Returns the name of a contender.
        objective: The objective that ranks them.
    """
    best = next((one for one in contenders if one.by_steps.rank.standing is Standing.BEST), None)
    known = [(one, one.behind) for one in contenders if one.behind is not None and one.behind.distance.mean is not None]
    if best is None or not known:
        return []
    rows = [
        [label(one), sizes.size(found.distance), f"{found.wins}/{found.seeds}", standing(one, objective)]
        for one, found in known
    ]
    header = [name, "worse by", "seeds won", "standing"]
    return [TextTable(header, rows, left=(0, 3), title=f"Distance from {label(best)}, seed by seed")]


def standing(one: Contender, objective: Objective) -> str:
    """Return the standing of a contender by steps: that of the test, or "equivalent" where the size says so."""
    if is_equivalent(one):
        return "equivalent"
    found = one.by_steps.rank.standing
    return objective.better if found is Standing.LOWER else found.value


def is_equivalent(one: Contender) -> bool:
    """Return whether a contender is not told from the best by anything that matters."""
    return one.behind is not None and one.by_steps.rank.standing in _BY_SIZE and one.behind.is_equivalent


def legend(contenders: Sequence[Contender]) -> list[str]:
    """Return the explanations of the table."""
    known = [one for one in contenders if one.behind is not None and one.behind.distance.mean is not None]
    if not known:
        return []
    text = "worse by: mean distance from the best, seed by seed, in % of the best"
    if any(one.behind is not None and one.behind.distance.relative.low is not None for one in known):
        text += " with its 95 % interval"
    text += ". seeds won: seeds on which it is better than the best"
    has_p = any(one.by_steps.rank.p is not None for one in known)
    pairs = " The test behind p does not pair runs by seed, so that it finds less." if has_p else ""
    lines = [f"{text}.{pairs}"]
    if any(map(is_equivalent, known)):
        lines.append("equivalent: the interval lies within the margin.")
    return lines


def as_json(found: Behind | None) -> dict[str, Any] | None:
    """Return a distance in a form for JSON."""
    if found is None:
        return None
    numbers = {"wins": found.wins, "seeds": found.seeds, "is_equivalent": found.is_equivalent}
    return {**sizes.as_json(found.distance), **numbers}


def cells(found: Behind | None) -> list[Any]:
    """Return the values of `COLUMNS`."""
    if found is None:
        return [None] * len(COLUMNS)
    one = found.distance
    return [one.relative.value, one.relative.low, one.relative.high, one.margin, found.is_equivalent]
