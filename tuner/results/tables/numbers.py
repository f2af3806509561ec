"""Formatting of numbers with few significant digits.

Neither format specifications nor `numpy.format_float_positional` offer what the tables need: a mean and its standard
deviation rounded to the same digit, and decays near 1 with the digits of their distance from 1.
"""

from __future__ import annotations

import math
from typing import Any

from search_spaces.dimension import Scale
from tuner.core.text import one_line

NOTHING = "–"  # in place of a number that is absent


def number(value: float | None, digits: int = 4, *, zeros: bool = False) -> str:
    """Return a number with this many significant digits, without trailing zeros unless `zeros`.

    Decimal from 0.0001 to below 1,000,000, otherwise as 7.95e-6; NOTHING for None.
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return str(float(value))
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")  # rounded first, so that 9.9999 has the exponent of 10
    if -4 <= int(exponent) < 6:
        mantissa, tail = f"{value:.{max(0, digits - 1 - int(exponent))}f}", ""
    else:
        tail = f"e{int(exponent)}"
    return (mantissa if zeros else _without_zeros(mantissa)) + tail


def measured(value: float | None, digits: int = 4) -> str:
    """Return a measured number: as `number` does, with trailing zeros."""
    return number(value, digits, zeros=True)


def hyperparameter(value: Any, scale: Scale | None = None) -> str:
    """Return a hyperparameter with the digits that are significant on its scale; of a whole number all digits.

    The effect of a decay depends on its distance from 1, so that distance has three significant digits: 0.999877, not
    0.9999. A decay within a millionth of 1 is written as "1 - 1.11e-16".
    """
    if isinstance(value, str | bool):
        return one_line(value) if isinstance(value, str) else str(value).lower()
    if scale is Scale.INTEGER and value is not None:
        return f"{value:,}"
    if value is None or scale is not Scale.DECAY or value <= 0.9 or value >= 1:
        return number(value)
    distance = 1 - value
    if distance < 1e-6:
        return f"1 - {number(distance, 3)}"
    return _without_zeros(f"{value:.{2 - math.floor(math.log10(distance))}f}")


def mean_and_spread(mean: float | None, spread: float | None, precision: int = 2) -> str:
    """Return "mean ± spread", both to the last significant digit of the spread; the mean has 2 to 8 digits, or more.

    Args:
        mean: The mean.
        spread: Its uncertainty.
        precision: Significant digits of the spread. Default 2.
    """
    if mean is None or spread is None:
        return measured(mean)
    if not (mean and spread and math.isfinite(mean) and math.isfinite(spread)):
        return f"{measured(mean)} ± {measured(spread, precision)}"
    exponent, of_spread = (int(f"{value:.{precision - 1}e}".split("e")[1]) for value in (mean, spread))
    digits = min(max(exponent - of_spread + precision, min(precision, 2)), 6 + precision)
    decimals = max(0, digits - 1 - exponent)
    # Outside this range a decimal spread would be rounded to 0.
    plain = -4 <= exponent < 6 and of_spread < 6 and of_spread + decimals >= 0
    return f"{measured(mean, digits)} ± {f'{spread:.{decimals}f}' if plain else measured(spread, precision)}"


def mean_or_exact(mean: float | None, spread: float | None) -> str:
    """Return "mean ± spread", or "mean exact" where nothing varies."""
    return f"{measured(mean)} exact" if mean is not None and spread == 0 else mean_and_spread(mean, spread)


def counted(number: int, noun: str) -> str:
    """Return a whole number with its noun, in the plural unless it is 1."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    """Return a duration in seconds: one decimal from 1 to 100, none above, two significant digits below."""
    if value < 1:
        return number(value, 2)
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def _without_zeros(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal
