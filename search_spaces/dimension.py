"""A dimension of a search space: scale, default and bounds.

The search runs in a transformed space, with one coordinate u per hyperparameter v, as in arXiv 2210.06171:

    scale    encode            decode                    u without given bounds
    log      u = ln v          v = e^u                   [-700, 700]
    decay    u = ln(1 - v)     v = max(0, 1 - e^u)       [ln 2^-53, 0], so that 0 <= v < 1

Values are transformed one by one by the C library's functions. NumPy's vectorized functions may differ in the last bit
between processors.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real
from typing import Any

LOG_LIMIT = 700.0  # e^±700 is a normal float64; e^±710 is not

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Scale(StrEnum):
    """How a hyperparameter is transformed."""

    LOG = "log"  # u = ln v, for positive values
    DECAY = "decay"  # u = ln(1 - v), for values in [0, 1) of which the distance from 1 matters


class DimensionError(ValueError):
    """An argument of `Dimension` is not accepted.

    Attributes:
        field: Name of the argument.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Dimension:
    """One hyperparameter of a search space.

    Args:
        name: At most 64 lower-case letters, digits and underscores, starting with a letter.
        scale: LOG or DECAY, or their names.
        default: Start of the search, in natural units. LOG: positive; DECAY: in [0, 1).
        low: Lower bound, in natural units. Default: None, the scale's lower limit.
        high: Upper bound, in natural units. Default: None, the scale's upper limit.

    Raises:
        DimensionError: An argument is of the wrong type or outside its scale, or low <= default <= high fails.
    """

    name: str
    scale: Scale
    default: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise DimensionError(
                "name",
                "name must be at most 64 lower-case letters, digits and underscores, a letter first. "
                f"Received: {self.name!r:.80}",
            )
        if self.scale not in tuple(Scale):
            raise DimensionError("scale", f"scale must be 'log' or 'decay'. Received: {self.scale!r:.80}")
        object.__setattr__(self, "scale", Scale(self.scale))
        for field in ("default", "low", "high"):
            value = getattr(self, field)
            if value is not None or field == "default":
                object.__setattr__(self, field, self._on_scale(field, value))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise DimensionError("low", f"low must not exceed high, {self.high!r}. Received: {self.low!r}")
        if not self.least <= self.default <= self.greatest:
            raise DimensionError(
                "default",
                f"default must lie within [{self.least!r}, {self.greatest!r}]. Received: {self.default!r}",
            )

    @property
    def least(self) -> float:
        """The lower bound, in natural units."""
        return _natural_limits(self.scale)[0] if self.low is None else self.low

    @property
    def greatest(self) -> float:
        """The upper bound, in natural units; on DECAY the greatest float64 below 1 unless `high` is given."""
        return _natural_limits(self.scale)[1] if self.high is None else self.high

    @property
    def lower(self) -> float:
        """The lower bound in the transformed space; finite."""
        return self._transformed(self.least if self.scale is Scale.LOG else self.greatest)

    @property
    def upper(self) -> float:
        """The upper bound in the transformed space; finite. DECAY reverses the order: it belongs to `least`."""
        return self._transformed(self.greatest if self.scale is Scale.LOG else self.least)

    def encode(self, value: float) -> float:
        """Transform a value from natural units.

        Raises:
            ValueError: The value is not a finite number within [least, greatest].
        """
        number = self._on_scale(self.name, value)
        if not self.least <= number <= self.greatest:
            raise ValueError(
                f"{self.name} must lie within [{self.least!r}, {self.greatest!r}]. Received: {value!r:.80}"
            )
        return self._transformed(number)

    def decode(self, coordinate: float) -> float:
        """Transform a coordinate back to natural units; a coordinate outside the bounds is clipped."""
        u = min(max(coordinate, self.lower), self.upper)
        # -expm1(u) is 1 - e^u without cancellation near v = 0; max avoids -0.0.
        value = math.exp(u) if self.scale is Scale.LOG else max(0.0, -math.expm1(u))
        # e^(ln low) may differ from `low` by rounding, and a decoded value must be one that `encode` accepts.
        return min(max(value, self.least), self.greatest)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields but the name, as in the YAML files; bounds only if they were given."""
        bounds = {key: bound for key, bound in (("low", self.low), ("high", self.high)) if bound is not None}
        return {"scale": self.scale.value, "default": self.default, **bounds}

    def _on_scale(self, field: str, value: object) -> float:
        """Return a value as a float if the scale can represent it."""
        least, greatest = _natural_limits(self.scale)
        number = _float(value)
        if least <= number <= greatest:  # false for NaN and infinity
            return number
        accepted = "within [e^-700, e^700]" if self.scale is Scale.LOG else "at least 0 and below 1"
        raise DimensionError(
            field,
            f"{field} must be a number {accepted} on the scale '{self.scale}'. Received: {value!r:.80}",
        )

    def _transformed(self, value: float) -> float:
        """Return u of a value that the scale can represent."""
        if self.scale is Scale.LOG:
            return min(max(math.log(value), -LOG_LIMIT), LOG_LIMIT)
        return math.log1p(-value) + 0.0  # + 0.0 turns log1p(-0.0) = -0.0 into 0.0


def _float(value: object) -> float:
    """Return a real number, including NumPy's, as a float; NaN for anything else, including bool."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int beyond float64
        return math.inf


def _natural_limits(scale: Scale) -> tuple[float, float]:
    """Return the limits of a scale, in natural units."""
    if scale is Scale.LOG:
        return math.exp(-LOG_LIMIT), math.exp(LOG_LIMIT)
    return 0.0, 1.0 - 2.0**-53  # the greatest float64 below 1
