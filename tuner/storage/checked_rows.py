"""Rows that are checked as they are read.

An error names the row and the column at fault. A database file can come from elsewhere or be edited by hand, and SQLite
stores text in a column of numbers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from tuner.storage.errors import BadName, Damaged

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """Text that was read from a column of JSON and cannot be decoded."""

    text: Any


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """Row of a table, and its description for errors.

    Each method returns the value of a column, and raises Damaged if the value is not of the kind that belongs there.
    """

    values: Mapping[Any, Any]
    description: str

    def text(self, column: str) -> str:
        """Return a text."""
        value = self.values[column]
        return value if isinstance(value, str) else self.refuse(column, "not a text")

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        """Return a text that is one of those allowed."""
        value = self.values[column]
        return str(value) if value in allowed else self.refuse(column, f"not one of {', '.join(allowed)}")

    def name(self, column: str, check: Callable[[str], None]) -> str:
        """Return a name that passes a check of `validation`, because it is used in the names of files."""
        try:
            check(self.text(column))
        except BadName:
            self.refuse(column, "not a name")
        return self.text(column)

    def integer(self, column: str, minimum: int = 0) -> int:
        """Return an integer that is not below a minimum."""
        value = self.values[column]
        is_one = isinstance(value, int) and not isinstance(value, bool) and value >= minimum
        return int(value) if is_one else self.refuse(column, f"not a whole number of at least {minimum}")

    def number(self, column: str, *, infinite: bool = False) -> float:
        """Return a finite number, or +inf where `infinite` permits it."""
        value = self.values[column]
        return float(value) if _is_number(value, infinite=infinite) else self.refuse(column, "not a number")

    def numbers(self, column: str, count: int | None = None) -> tuple[float, ...]:
        """Return a list of finite numbers, of a given length unless `count` is None."""
        value = self.values[column]
        if not isinstance(value, list) or not _are_numbers(value) or count not in (None, len(value)):
            self.refuse(column, f"not a list of {'' if count is None else f'{count} '}numbers")
        return tuple(value)

    def integers(self, column: str, count: int) -> tuple[int, ...]:
        """Return a list of integers of a given length."""
        value = self.numbers(column, count)
        if float in map(type, value):
            self.refuse(column, f"not a list of {count} whole numbers")
        return value  # type: ignore[return-value]  # of int, as was checked

    def repeated_integer(self, column: str, count: int) -> int:
        """Return the integer of which a list of a given length consists."""
        values = self.integers(column, count)
        if len(set(values)) != 1:
            self.refuse(column, f"not a list of {count} equal whole numbers")
        return values[0]

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values[column]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.refuse(column, "not a list of texts")
        return tuple(value)

    def mapping(self, column: str) -> Mapping[str, Any]:
        """Return a mapping whose keys are texts."""
        value = self.values[column]
        return value if isinstance(value, dict) else self.refuse(column, "not a mapping")

    def rows(self, column: str) -> tuple[CheckedRow, ...]:
        """Return a list of mappings as rows of their own, at least one."""
        value = self.values[column]
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            self.refuse(column, "not a list of mappings")
        return tuple(
            CheckedRow(defaultdict(lambda: None, each), f"{self.description}, number {number} of its {column},")
            for number, each in enumerate(value)
        )

    def parameters(self, column: str, generations: int) -> Mapping[str, Any]:
        """Return the parameters of a strategy; `sigmas`, if present, is a list of one number per generation."""
        value = self.mapping(column)
        sigmas = value.get("sigmas", [0.0] * generations)
        if not isinstance(sigmas, list) or len(sigmas) != generations or not _are_numbers(sigmas):
            self.refuse(column, f"not a mapping with {generations} finite sigmas")
        return value

    def named_values(
        self, column: str, names: Collection[str] | None = None, numbers: Collection[str] = ()
    ) -> Mapping[str, Any]:
        """Return a mapping from names to values of hyperparameters, from exactly the given names unless they are None.

        A value is a finite number, a text, a boolean, or None where it has no effect; that of each of `numbers` is a
        number.
        """
        value = self.mapping(column)
        if not all(each is None or isinstance(each, str | bool) or _is_number(each) for each in value.values()):
            self.refuse(column, "not a mapping from names to values")
        if not all(_is_number(value.get(name, 0)) for name in numbers):
            self.refuse(column, "not a mapping from names to numbers")
        if names is not None and set(value) != set(names):
            self.refuse(column, f"not a value for each of {', '.join(names)}")
        return value

    def space(self, column: str) -> Mapping[str, Any]:
        """Return a search space, of which only the names of the hyperparameters and the place are checked."""
        space = self.mapping(column)
        named, place = space.get("hyperparameters"), space.get("place", "")
        if not isinstance(named, dict) or not named or not all(isinstance(each, dict) for each in named.values()):
            self.refuse(column, "not a search space")
        if not isinstance(place, str) or not isinstance(space.get("fixed", {}), dict):
            self.refuse(column, "not a search space")
        return space

    def decoded(self, column: str, decode: Callable[[Mapping[str, Any]], Value]) -> Value:
        """Return the value that a function decodes from a mapping."""
        try:
            return decode(self.mapping(column))
        except (KeyError, TypeError, ValueError, AttributeError):
            self.refuse(column, "not valid")

    def optional(self, column: str, read: Callable[[str], Value]) -> Value | None:
        """Return None for NULL, and otherwise the value that another method reads."""
        return None if self.values[column] is None else read(column)

    def refuse(self, column: str, fault: str) -> NoReturn:
        """Raise an error for the value of a column.

        Raises:
            Damaged: Always; the text names the row and the column.
        """
        value = self.values[column]
        shown = ascii(value.text if isinstance(value, InvalidJson) else value)
        raise Damaged(f"{self.description} is damaged: its {column} is {fault}. Received: {shown:.80}")


def _is_number(value: object, *, infinite: bool = False) -> bool:
    return _are_numbers([value]) or (infinite and value == math.inf)


def _are_numbers(values: Sequence[Any]) -> bool:
    """Return whether all are finite numbers. Lists of thousands of them are read: no call of Python's for each."""
    try:
        return {int, float}.issuperset(map(type, values)) and all(map(math.isfinite, values))
    except OverflowError:  # a whole number beyond the range of float
        return False
