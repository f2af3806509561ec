"""Single values of hyperparameters: numbers, and the values of a choice."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from numbers import Integral, Real

from search_spaces.scales import Value

MAX_TEXT = 200  # characters of a value of a choice


def plain_value(value: object) -> Value | None:
    """Return a value of a choice as Python's own type; None if it cannot be one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if 1 <= len(value) <= MAX_TEXT and value.isprintable() else None
    if isinstance(value, Integral):
        return int(value)
    number = real(value)
    return number if math.isfinite(number) else None


def number_of(text: str) -> float | int:
    """Return the finite number that a text is, whole if it is written so.

    Raises:
        ValueError: It is none.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not finite")
    with contextlib.suppress(ValueError):
        return int(text)
    return number


def value_of(text: str) -> Value:
    """Return what a text reads as: a finite number, true or false, or else itself."""
    if text in ("true", "false"):
        return text == "true"
    with contextlib.suppress(ValueError):
        return number_of(text)
    return text


def is_same(one: object, other: object) -> bool:
    """Return whether two values of a choice are the same: True is not 1, and 1 is 1.0."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def is_among(value: object, values: Iterable[object]) -> bool:
    """Return whether a value is one of some."""
    return any(is_same(value, each) for each in values)


def place_among(value: object, values: Iterable[object]) -> int:
    """Return the place of a value among some, of which it is one."""
    return next(place for place, each in enumerate(values) if is_same(value, each))


def listed(values: Iterable[object]) -> str:
    """Return values as text, for errors."""
    return ", ".join(map(repr, values))


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number, NumPy's and 64.0 included; True and False are not."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Integral) or (isinstance(value, Real) and float(value).is_integer())


def real(value: object) -> float:
    """Return a real number, including NumPy's, as a float; NaN for anything else, including bool."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int beyond float64
        return math.inf
