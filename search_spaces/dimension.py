"""One hyperparameter as the search sees it: its scale, default and bounds.

The search runs in a transformed space, one coordinate u a hyperparameter v ("Learning to Optimize Quasi-Newton
Methods", arXiv 2210.06171, where every optimizer is tuned this way):

    scale    encode            decode                    no bounds given: u within
    log      u = ln v          v = e^u                   [-700, 700]
    decay    u = ln(1 - v)     v = max(0, 1 - e^u)       [ln 2^-53, 0], so that 0 <= v < 1

A hyperparameter's scale is declared, never guessed from its name. Numbers go through the C library's functions one
by one, not through numpy's vectorized ones, whose last bit depends on the processor's instruction set.
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

    LOG = "log"  # u = ln v, for what is positive
    DECAY = "decay"  # u = ln(1 - v), for what lies in [0, 1) and is felt by its distance from 1


class DimensionError(ValueError):
    """A dimension that cannot be. `field` names the constructor's argument at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Dimension:
    """One hyperparameter of a search space.

    Args:
        name: Lower-case letters, digits and underscores, a letter first.
        scale: LOG or DECAY, or their names.
        default: Where the search starts, in natural units. LOG: positive; DECAY: in [0, 1).
        low: Least value, in natural units. Defaults to None, the scale's own least.
        high: Greatest value, in natural units. Defaults to None, the scale's own greatest.

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
        """The least value, in natural units."""
        return _natural_limits(self.scale)[0] if self.low is None else self.low

    @property
    def greatest(self) -> float:
        """The greatest value, in natural units; for DECAY the last float64 below 1 unless `high` says less."""
        return _natural_limits(self.scale)[1] if self.high is None else self.high

    @property
    def lower(self) -> float:
        """The lower bound in the transformed space; finite."""
        return self._transformed(self.least if self.scale is Scale.LOG else self.greatest)

    @property
    def upper(self) -> float:
        """The upper bound in the transformed space; finite. DECAY turns the order around: it belongs to `least`."""
        return self._transformed(self.greatest if self.scale is Scale.LOG else self.least)

    def encode(self, value: float) -> float:
        """Take a value in natural units to the transformed space.

        Raises:
            ValueError: The value is no finite number within [least, greatest].
        """
        number = self._on_scale(self.name, value)
        if not self.least <= number <= self.greatest:
            raise ValueError(
                f"{self.name} must lie within [{self.least!r}, {self.greatest!r}]. Received: {value!r:.80}"
            )
        return self._transformed(number)

    def decode(self, coordinate: float) -> float:
        """Take a coordinate of the transformed space to natural units; outside the bounds, the bound counts."""
        u = min(max(coordinate, self.lower), self.upper)
        # -expm1(u) is 1 - e^u without its cancellation near v = 0. max first, so that v is never -0.0.
        value = math.exp(u) if self.scale is Scale.LOG else max(0.0, -math.expm1(u))
        # e^(ln low) may miss `low` by a rounding error, and what encode refuses must not be decoded.
        return min(max(value, self.least), self.greatest)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the name, as in the YAML files; bounds only where they were given."""
        bounds = {key: bound for key, bound in (("low", self.low), ("high", self.high)) if bound is not None}
        return {"scale": self.scale.value, "default": self.default, **bounds}

    def _on_scale(self, field: str, value: object) -> float:
        """Return a finite number that the scale can represent, as a float."""
        least, greatest = _natural_limits(self.scale)
        number = _float(value)
        if least <= number <= greatest:  # refuses nan, inf
            return number
        accepted = "within [e^-700, e^700]" if self.scale is Scale.LOG else "at least 0 and below 1"
        raise DimensionError(
            field,
            f"{field} must be a number {accepted} on the scale '{self.scale}'. Received: {value!r:.80}",
        )

    def _transformed(self, value: float) -> float:
        """Return u of a value that is known to be on the scale."""
        if self.scale is Scale.LOG:
            return min(max(math.log(value), -LOG_LIMIT), LOG_LIMIT)
        return math.log1p(-value) + 0.0  # + 0.0 turns log1p(-0.0) = -0.0 into 0.0


def _float(value: object) -> float:
    """Return a real number, numpy's included, as a float; NaN for all else, True and False included."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int beyond float64
        return math.inf


def _natural_limits(scale: Scale) -> tuple[float, float]:
    """Return the least and the greatest value that a scale can represent, in natural units."""
    if scale is Scale.LOG:
        return math.exp(-LOG_LIMIT), math.exp(LOG_LIMIT)
    return 0.0, 1.0 - 2.0**-53  # the greatest float64 below 1
