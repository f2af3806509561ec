"""Sizes of gains in per cent, with their intervals."""

from __future__ import annotations

import math
from typing import Any

from tuner.results.analysis.relative import Relative
from tuner.results.analysis.verdict import Gain
from tuner.results.tables.numbers import mean_or_exact, number

MAX_DECIMALS = 6
_NEARLY_ALL = 90.0  # per cent; from here on two decimals at most, so that all but nothing is "> 99.99 %"
_MAX_PLAIN = 1e5  # per cent; beyond it numbers are written with a power of ten


def size(gain: Gain) -> str:
    """Return a gain relative to the default with its interval, or as a difference where it has no such size."""
    if gain.relative.value is None:
        return mean_or_exact(gain.mean, gain.spread)
    return relative_size(gain.relative)


def relative_size(relative: Relative) -> str:
    """Return "12.3 % (10.1 to 14.5)", both ends to the second significant digit of half their distance."""
    if relative.value is None:
        return number(None)
    value, ends = 100 * relative.value, [100 * end for end in (relative.low, relative.high) if end is not None]
    if len(ends) < 2 or ends[0] == ends[1] or not all(map(math.isfinite, (value, *ends))):
        return percent(relative.value)
    decimals = _decimals((ends[1] - ends[0]) / 2, value)
    texts = [_plain(each, decimals) for each in (value, *ends)]
    if texts[1] == texts[2]:
        return f"{texts[0]} %"
    return f"{texts[0]} % ({texts[1]} to {texts[2]})"


def percent(share: float) -> str:
    """Return a share in per cent, with three significant digits and at most two decimals near 100 %."""
    value = 100 * share
    if not math.isfinite(value):
        return f"{value} %"
    return f"{_plain(value, _decimals(value / 10, value))} %" if value else "0 %"


def as_json(gain: Gain) -> dict[str, Any]:
    """Return a gain in a form for JSON."""
    one = gain.relative
    relative = {"value": one.value, "low": one.low, "high": one.high}
    return {"mean": gain.mean, "spread": gain.spread, "relative": relative, "margin": gain.margin}


def _decimals(uncertainty: float, value: float) -> int:
    """Return the decimals down to the second significant digit of an uncertainty."""
    most = 2 if value > _NEARLY_ALL else MAX_DECIMALS
    return 0 if not uncertainty else min(most, max(0, 1 - math.floor(math.log10(abs(uncertainty)))))


def _plain(value: float, decimals: int) -> str:
    if abs(value) >= _MAX_PLAIN:
        return number(value, 3)
    text = f"{value:.{decimals}f}"
    if value < 100 <= float(text):
        return "> 99.99"
    return text.removeprefix("-") if not float(text) else text
