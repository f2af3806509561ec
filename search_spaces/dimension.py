"""A dimension of a search space: a hyperparameter and the values it may have."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces import scales
from search_spaces.scales import ACCEPTED, LOG_LIMIT, SCALES, SPAN, Scale, Value, natural_limits
from search_spaces.values import is_among, is_whole, listed, place_among, plain_value, real

__all__ = ["LOG_LIMIT", "MAX_VALUES", "Condition", "Dimension", "DimensionError", "Scale", "Value"]

MAX_VALUES = 64  # of a choice

Condition = tuple[tuple[str, tuple[Value, ...]], ...]
"""Names of other hyperparameters, and the values of each with which a hyperparameter has an effect."""

_NAME = re.compile(r"(task\.)?[a-z][a-z0-9_]{0,63}")


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
        name: At most 64 lower-case letters, digits and underscores, starting with a letter; "task." before it for an
            argument of the task.
        scale: A `Scale`, or its name.
        default: Start of the search, in natural units. LOG: positive; DECAY: in [0, 1); INTEGER: a whole number;
            CHOICE: one of `values`, the first unless it is given.
        low: Lower bound, in natural units. LINEAR and INTEGER need it. Default: None, the scale's lower limit.
        high: Upper bound, in natural units. LINEAR and INTEGER need it. Default: None, the scale's upper limit.
        log: Whether ratios matter rather than differences, for INTEGER with `low` of at least 1. Default False.
        values: The values of CHOICE, 2 to 64 different texts, numbers or booleans. Default: none.
        ordered: Whether neighbours among `values` resemble each other more than others do. Default False.
        only_when: Condition: name of another hyperparameter -> its value, or values, with which this one has an effect;
            of several, all must hold. Default: none, it always has.

    Raises:
        DimensionError: An argument is of the wrong type or outside its scale, or low <= default <= high fails.
    """

    name: str
    scale: Scale
    default: Any = None
    low: Any = None
    high: Any = None
    log: bool = False
    values: Sequence[Value] = ()
    ordered: bool = False
    only_when: Condition = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise DimensionError(
                "name",
                "name must be at most 64 lower-case letters, digits and underscores, a letter first, "
                f"or such a name after 'task.', of an argument of the task. Received: {self.name!r:.80}",
            )
        if self.scale not in tuple(Scale):
            raise DimensionError("scale", f"scale must be {SCALES}. Received: {self.scale!r:.80}")
        object.__setattr__(self, "scale", Scale(self.scale))
        object.__setattr__(self, "values", tuple(self.values) if isinstance(self.values, list) else self.values)
        object.__setattr__(self, "only_when", _condition(self.only_when, self.name))
        self._check_fields()
        if self.scale is Scale.CHOICE:
            self._check_choice()
        else:
            self._check_numbers()

    def _check_fields(self) -> None:
        """Refuse fields that belong to other scales."""
        belongs = {"log": Scale.INTEGER, "values": Scale.CHOICE, "ordered": Scale.CHOICE}
        for field, scale in belongs.items():
            if getattr(self, field) and self.scale is not scale:
                raise DimensionError(
                    field, f"{field} belongs to the scale '{scale}'. Received: {getattr(self, field)!r:.80}"
                )
        for field in ("log", "ordered"):
            if not isinstance(getattr(self, field), bool):
                raise DimensionError(field, f"{field} must be true or false. Received: {getattr(self, field)!r:.80}")
        for field in ("low", "high"):
            given = getattr(self, field)
            if given is not None and self.scale is Scale.CHOICE:
                raise DimensionError(field, f"{field} belongs to scales of numbers. Received: {given!r:.80}")
            if given is None and self.scale.is_bounded:
                raise DimensionError(field, f"{field} must be given on the scale '{self.scale}'. Received: none")

    def _check_choice(self) -> None:
        values: Sequence[Value] = self.values if isinstance(self.values, tuple) else ()
        plain = tuple(plain_value(value) for value in values)
        if not 2 <= len(plain) <= MAX_VALUES or None in plain or len({*plain}) < len(plain):
            raise DimensionError(
                "values",
                f"values must be 2 to {MAX_VALUES} different texts, finite numbers or booleans. "
                f"Received: {self.values!r:.80}",
            )
        object.__setattr__(self, "values", plain)
        default = plain[0] if self.default is None else plain_value(self.default)
        if default is None or not is_among(default, plain):
            raise DimensionError("default", f"default must be one of {listed(plain)}. Received: {self.default!r:.80}")
        object.__setattr__(self, "default", default)

    def _check_numbers(self) -> None:
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
        if self.log and self.low < 1:
            raise DimensionError("low", f"low must be at least 1 with log. Received: {self.low!r}")

    @property
    def least(self) -> Any:
        """The lower bound, in natural units; of CHOICE the first value."""
        if self.scale is Scale.CHOICE:
            return self.values[0]
        return natural_limits(self.scale)[0] if self.low is None else self.low

    @property
    def greatest(self) -> Any:
        """The upper bound, in natural units; on DECAY the greatest float64 below 1 unless `high` is given.

        Of CHOICE it is the last value.
        """
        if self.scale is Scale.CHOICE:
            return self.values[-1]
        return natural_limits(self.scale)[1] if self.high is None else self.high

    @property
    def lower(self) -> float:
        """The lower bound in the transformed space; finite."""
        if not self.scale.is_continuous:
            return 0.0
        return self._transformed(self.greatest if self.scale is Scale.DECAY else self.least)

    @property
    def upper(self) -> float:
        """The upper bound in the transformed space; finite. DECAY reverses the order: it belongs to `least`."""
        if not self.scale.is_continuous:
            return SPAN
        return self._transformed(self.least if self.scale is Scale.DECAY else self.greatest)

    @property
    def levels(self) -> int | None:
        """Number of different values; None if they are continuous."""
        if self.scale.is_continuous:
            return None
        return len(self.values) or int(self.high - self.low + 1)

    def encode(self, value: Any) -> float:
        """Transform a value from natural units.

        Raises:
            ValueError: The value is not a number within [least, greatest], or not one of the values.
        """
        if self.scale is Scale.CHOICE:
            plain = plain_value(value)
            if plain is None or not is_among(plain, self.values):
                raise ValueError(f"{self.name} must be one of {listed(self.values)}. Received: {value!r:.80}")
            return self._transformed(plain)
        number = self._on_scale(self.name, value)
        if not self.least <= number <= self.greatest:
            raise ValueError(
                f"{self.name} must lie within [{self.least!r}, {self.greatest!r}]. Received: {value!r:.80}"
            )
        return self._transformed(number)

    def decode(self, coordinate: float) -> Any:
        """Transform a coordinate back to natural units; a coordinate outside the bounds is clipped."""
        u = min(max(coordinate, self.lower), self.upper)
        if self.scale is Scale.CHOICE:
            return self.values[scales.cell_at(u, len(self.values))]
        if self.scale is Scale.INTEGER:
            if self.log:
                return min(max(scales.log_cell_value(u, self.low, self.high), self.low), self.high)
            return self.low + scales.cell_at(u, self.high - self.low + 1)
        if self.scale is Scale.LINEAR:
            value = scales.linear_value(u, self.low, self.high)
        else:
            value = math.exp(u) if self.scale is Scale.LOG else scales.decay_value(u)
        # e^(ln low) may differ from `low` by rounding, and a decoded value must be one that `encode` accepts.
        return min(max(value, self.least), self.greatest)

    def snapped(self, coordinate: float) -> float:
        """Return the coordinate that stands for all with the same value; of continuous ones, the same within bounds."""
        if self.scale.is_continuous:
            return min(max(coordinate, self.lower), self.upper)
        return self._transformed(self.decode(coordinate))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields but the name, as in the YAML files; those that are optional only if they were given."""
        given = {
            "low": self.low,
            "high": self.high,
            "log": self.log or None,
            "values": list(self.values) or None,
            "ordered": self.ordered or None,
            "only_when": {name: list(values) for name, values in self.only_when} or None,
        }
        optional = {key: value for key, value in given.items() if value is not None}
        return {"scale": self.scale.value, "default": self.default, **optional}

    def _on_scale(self, field: str, value: object) -> float | int:
        """Return a value as a number if the scale can represent it: an int on INTEGER, a float on all others."""
        least, greatest = natural_limits(self.scale)
        number = real(value)
        if self.scale is Scale.INTEGER:
            number = int(value) if is_whole(value) else math.nan  # type: ignore[call-overload]
        if least <= number <= greatest:  # false for NaN and infinity
            return number
        raise DimensionError(
            field, f"{field} must be {ACCEPTED[self.scale]} on the scale '{self.scale}'. Received: {value!r:.80}"
        )

    def _transformed(self, value: Any) -> float:
        """Return u of a value that the scale can represent, within the bounds."""
        if self.scale is Scale.LOG:
            return scales.log_coordinate(value)
        if self.scale is Scale.DECAY:
            return scales.decay_coordinate(value)
        if self.scale is Scale.LINEAR:
            return scales.linear_coordinate(value, self.low, self.high)
        if self.scale is Scale.CHOICE:
            return scales.cell_coordinate(place_among(value, self.values), len(self.values))
        if self.log:
            return scales.log_cell_coordinate(value, self.low, self.high)
        return scales.cell_coordinate(value - self.low, self.high - self.low + 1)


def _condition(given: Any, name: str) -> Condition:
    """Return a condition in its normal form."""
    pairs = list(given.items() if isinstance(given, Mapping) else given)
    condition = []
    for other, values in pairs:
        several = tuple(values) if isinstance(values, list | tuple | set | frozenset) else (values,)
        plain = tuple(plain_value(value) for value in several)
        if not isinstance(other, str) or other == name or not plain or None in plain:
            raise DimensionError(
                "only_when",
                "only_when maps names of other hyperparameters to one of their values, or a list of them. "
                f"Received: {given!r:.80}",
            )
        condition.append((other, tuple(value for value in plain if value is not None)))
    return tuple(condition)
