"""Search spaces of other libraries, as spaces that strategies search.

Such a space maps keys to *parameters*, each a dimension and the names of its values in the other library. The names of
its dimensions are internal: p0, p1, …
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Generic, TypeVar

from search_spaces.build import NAME
from search_spaces.dimension import MAX_VALUES, Dimension
from search_spaces.space import SearchSpace

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A hyperparameter of another library.

    Attributes:
        layout: Its dimension, without a name, as `Dimension` takes it; None if it has one value.
        read: Returns its value outside for a value of the dimension; for None without a dimension.
    """

    layout: Mapping[str, Any] | None
    read: Callable[[Any], Any]


def constant(value: Any) -> Parameter:
    """Return a parameter that has one value."""
    return Parameter(None, partial(_constant, value))


def real(low: float, high: float, *, log: bool) -> Parameter:
    """Return a number between two bounds, of which ratios matter with `log`; it starts in the middle."""
    if low == high:
        return constant(low)
    middle = math.sqrt(low) * math.sqrt(high) if log else low / 2 + high / 2
    default = min(max(middle, low), high)
    return Parameter({"scale": "log" if log else "linear", "default": default, "low": low, "high": high}, float)


def whole(low: int, high: int, *, log: bool) -> Parameter:
    """Return a whole number from `low` to `high`, of which ratios matter with `log`; it starts in the middle."""
    return _cells(low, high, log, int)


def multiples(first: int, last: int, step: float, *, log: bool, start: float = 0.0, of: type = float) -> Parameter:
    """Return a number from start + first · step to start + last · step, in steps.

    Args:
        first: Number of the first step.
        last: Number of the last step.
        step: Length of a step.
        log: Whether ratios matter; not where `first` is below 1.
        start: See above.
        of: Type of the values, `int` or `float`.
    """
    return _cells(first, last, log and first >= 1, partial(_multiple, start, step, of))


def one_of(values: Sequence[Any]) -> Parameter:
    """Return a choice among values of any type; numbers that rise or fall are a choice with an order.

    Raises:
        ValueError: There are none, or too many.
    """
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"a choice has 1 to {MAX_VALUES} values. Received: {len(values)}")
    if len(values) == 1:
        return constant(values[0])
    places = list(range(len(values)))
    return Parameter({"scale": "choice", "values": places, "ordered": _is_ordered(values)}, partial(_one_of, values))


class OutsideSpace(Generic[Key]):
    """A search space of another library.

    Args:
        parameters: Its parameters by key, at least one of which has more than one value.

    Raises:
        ValueError: Nothing can be searched, or a parameter is not accepted; one line that names it.
    """

    def __init__(self, parameters: Mapping[Key, Parameter]) -> None:
        self._parameters = dict(parameters)
        self._names = {key: f"p{place}" for place, key in enumerate(self._parameters)}
        dimensions = []
        for key, parameter in self._parameters.items():
            if parameter.layout is not None:
                try:
                    dimensions.append(Dimension(self._names[key], **parameter.layout))
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None
        if not dimensions:
            keys = ", ".join(map(str, self._parameters)) or "no parameter"
            raise ValueError(f"a search space has a parameter with more than one value. Received: {keys}")
        self.space = SearchSpace(NAME, tuple(dimensions))

    def values(self, hyperparameters: Mapping[str, Any]) -> dict[Key, Any]:
        """Return the values of all parameters for what a genome of `space` decodes to."""
        return {
            key: parameter.read(hyperparameters.get(self._names[key])) for key, parameter in self._parameters.items()
        }


def _cells(first: int, last: int, log: bool, read: Callable[[Any], Any]) -> Parameter:
    if first == last:
        return constant(read(first))
    middle = round(math.sqrt(first) * math.sqrt(last)) if log else (first + last) // 2
    default = min(max(middle, first), last)
    return Parameter({"scale": "integer", "default": default, "low": first, "high": last, "log": log}, read)


def _is_ordered(values: Sequence[Any]) -> bool:
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return False
    return all(a < b for a, b in pairwise(values)) or all(a > b for a, b in pairwise(values))


def _constant(value: Any, _: Any) -> Any:
    return value


def _multiple(start: float, step: float, of: type, number: int) -> Any:
    return of(round(start + number * step, 12)) if of is int else float(f"{start + number * step:.15g}")


def _one_of(values: Sequence[Any], place: int) -> Any:
    return values[place]
