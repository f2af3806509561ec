"""Scales of hyperparameters: between values and coordinates.

A search runs in a transformed space, with one coordinate u per hyperparameter v. The first two are those of
arXiv 2210.06171:

    scale           encode                          decode                        u without given bounds
    log             u = ln v                        v = e^u                       [-700, 700]
    decay           u = ln(1 - v)                   v = max(0, 1 - e^u)           [ln 2^-53, 0], so that 0 <= v < 1
    linear          u = 12 (v - low)/(high - low)   the inverse                   [0, 12]
    integer         the middle of its cell          the number of the cell of u   [0, 12]
    choice          the middle of its cell          the value of the cell of u    [0, 12]

Where [0, 12] is divided into cells, each value has one. They are of equal width, except those of an integer with `log`,
whose ends are the logarithms of low - 1/2, low + 1/2, …, high + 1/2. Twelve units are four times the standard deviation
with which searches begin, so that they reach the whole range.

Values are transformed one by one by the C library's functions. NumPy's vectorized functions may differ in the last bit
between processors.
"""

from __future__ import annotations

import math
from enum import StrEnum

LOG_LIMIT = 700.0  # e^±700 is a normal float64; e^±710 is not
SPAN = 12.0  # of the coordinates of the scales with given bounds
MAX_LINEAR = 1e300  # so that the difference of two bounds is finite
MAX_INTEGER = 10**12  # so that rounding never reaches the neighbour, also through logarithms

Value = float | int | str | bool
"""A value of a hyperparameter; bool and str on the scale `choice` alone."""


class Scale(StrEnum):
    """How a hyperparameter is transformed."""

    LOG = "log"  # u = ln v, for positive values
    DECAY = "decay"  # u = ln(1 - v), for values in [0, 1) of which the distance from 1 matters
    LINEAR = "linear"  # for numbers between two bounds of which only differences matter
    INTEGER = "integer"  # for whole numbers between two bounds
    CHOICE = "choice"  # for one of some given values

    @property
    def is_bounded(self) -> bool:
        """Whether the scale has no limits of its own, so that bounds have to be given."""
        return self is Scale.LINEAR or self is Scale.INTEGER

    @property
    def is_continuous(self) -> bool:
        """Whether there are further values between any two."""
        return self is not Scale.INTEGER and self is not Scale.CHOICE


SCALES = "'log', 'decay', 'linear', 'integer' or 'choice'"


def log_coordinate(value: float) -> float:
    """Return u of a positive value on LOG."""
    return min(max(math.log(value), -LOG_LIMIT), LOG_LIMIT)


def decay_coordinate(value: float) -> float:
    """Return u of a value on DECAY."""
    return math.log1p(-value) + 0.0  # + 0.0 turns log1p(-0.0) = -0.0 into 0.0


def decay_value(coordinate: float) -> float:
    """Return the value at u on DECAY."""
    # -expm1(u) is 1 - e^u without cancellation near v = 0; max avoids -0.0.
    return max(0.0, -math.expm1(coordinate))


def linear_coordinate(value: float, low: float, high: float) -> float:
    """Return u of a value on LINEAR."""
    return SPAN * ((value - low) / (high - low)) if low < high else 0.0


def linear_value(coordinate: float, low: float, high: float) -> float:
    """Return the value at u on LINEAR."""
    return low + (high - low) * (coordinate / SPAN)


def cell_coordinate(cell: int, cells: int) -> float:
    """Return u of one of some cells of equal width, counted from 0."""
    return SPAN * ((cell + 0.5) / cells)


def cell_at(coordinate: float, cells: int) -> int:
    """Return the number of the cell of equal width at u."""
    return min(max(math.floor(coordinate / SPAN * cells), 0), cells - 1)


def log_cell_coordinate(value: int, low: int, high: int) -> float:
    """Return u of a whole number from `low`, at least 1, to `high` on INTEGER with `log`."""
    start, end = math.log(low - 0.5), math.log(high + 0.5)
    return SPAN * ((math.log(value) - start) / (end - start))


def log_cell_value(coordinate: float, low: int, high: int) -> int:
    """Return the whole number at u on INTEGER with `log`."""
    start, end = math.log(low - 0.5), math.log(high + 0.5)
    return round(math.exp(start + (end - start) * (coordinate / SPAN)))


def natural_limits(scale: Scale) -> tuple[float, float]:
    """Return the limits of a scale of numbers, in natural units."""
    if scale is Scale.LOG:
        return math.exp(-LOG_LIMIT), math.exp(LOG_LIMIT)
    if scale is Scale.DECAY:
        return 0.0, 1.0 - 2.0**-53  # the greatest float64 below 1
    return (-MAX_LINEAR, MAX_LINEAR) if scale is Scale.LINEAR else (-MAX_INTEGER, MAX_INTEGER)


ACCEPTED = {
    Scale.LOG: "a number within [e^-700, e^700]",
    Scale.DECAY: "a number at least 0 and below 1",
    Scale.LINEAR: "a number within [-1e300, 1e300]",
    Scale.INTEGER: "a whole number within [-10^12, 10^12]",
}
"""What each scale of numbers accepts, for errors."""
