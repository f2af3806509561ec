"""Cells of rows as they are read: what cannot be there is named with its row and column, before anything trips over it.

A file can be edited by hand and comes from anywhere; SQLite stores a text in a column of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from tuner.storage.errors import BadName, Damaged

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class NotJson:
    """What was read where JSON belongs."""

    text: Any


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its place, as an error names it. Each method returns a column's value, or raises Damaged."""

    values: Mapping[Any, Any]
    place: str

    def text(self, column: str) -> str:
        """A text."""
        value = self.values[column]
        return value if isinstance(value, str) else self._refuse(column, "not a text")

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        """One of some texts."""
        value = self.values[column]
        return str(value) if value in allowed else self._refuse(column, f"none of {', '.join(allowed)}")

    def name(self, column: str, check: Callable[[str], None]) -> str:
        """A name that keeps the rule for names: it becomes the name of files."""
        try:
            check(self.text(column))
        except BadName:
            self._refuse(column, "not a name")
        return self.text(column)

    def integer(self, column: str, least: int = 0) -> int:
        """A whole number of at least so much."""
        value = self.values[column]
        is_one = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return int(value) if is_one else self._refuse(column, f"not a whole number of at least {least}")

    def number(self, column: str, *, infinite: bool = False) -> float:
        """A number: a finite one, or perhaps infinity."""
        value = self.values[column]
        return float(value) if _is_number(value, infinite=infinite) else self._refuse(column, "not a number")

    def numbers(self, column: str, count: int | None = None) -> tuple[float, ...]:
        """Some finite numbers, or so many."""
        value = self.values[column]
        if not isinstance(value, list) or not all(map(_is_number, value)) or count not in (None, len(value)):
            self._refuse(column, f"not a list of {'' if count is None else f'{count} '}numbers")
        return tuple(value)

    def integers(self, column: str, count: int) -> tuple[int, ...]:
        """So many whole numbers."""
        value = self.numbers(column, count)
        if not all(isinstance(each, int) for each in value):
            self._refuse(column, f"not a list of {count} whole numbers")
        return tuple(map(int, value))

    def equal_integers(self, column: str, count: int) -> int:
        """The whole number that so many entries of a list all are."""
        values = self.integers(column, count)
        if len(set(values)) != 1:
            self._refuse(column, f"not {count} times the same whole number")
        return values[0]

    def texts(self, column: str) -> tuple[str, ...]:
        """Some texts."""
        value = self.values[column]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._refuse(column, "not a list of texts")
        return tuple(value)

    def mapping(self, column: str) -> Mapping[str, Any]:
        """A mapping from names."""
        value = self.values[column]
        return value if isinstance(value, dict) else self._refuse(column, "not a mapping")

    def parameters(self, column: str, generations: int) -> Mapping[str, Any]:
        """A mapping of a strategy's parameters, in which σ is a number per generation."""
        value = self.mapping(column)
        sigmas = value.get("sigmas", [0.0] * generations)
        if not isinstance(sigmas, list) or len(sigmas) != generations or not all(map(_is_number, sigmas)):
            self._refuse(column, f"not a mapping with {generations} finite sigmas")
        return value

    def named_numbers(self, column: str, names: Collection[str] | None = None) -> Mapping[str, float]:
        """A mapping from names, any or just these, to finite numbers."""
        value = self.mapping(column)
        if not all(map(_is_number, value.values())):
            self._refuse(column, "not numbers by name")
        if names is not None and set(value) != set(names):
            self._refuse(column, f"not a number for each of {', '.join(names)}")
        return value

    def space(self, column: str) -> Mapping[str, Any]:
        """A search space, as far as names of hyperparameters go."""
        named = self.mapping(column).get("hyperparameters")
        if not isinstance(named, dict) or not named or not all(isinstance(each, dict) for each in named.values()):
            self._refuse(column, "not a search space")
        return self.mapping(column)

    def made(self, column: str, make: Callable[[Mapping[str, Any]], Value]) -> Value:
        """What is made of a mapping."""
        try:
            return make(self.mapping(column))
        except (KeyError, TypeError, ValueError, AttributeError):
            self._refuse(column, "not what belongs there")

    def optional(self, column: str, read: Callable[[str], Value]) -> Value | None:
        """Nothing, or what another method reads."""
        return None if self.values[column] is None else read(column)

    def _refuse(self, column: str, fault: str) -> NoReturn:
        value = self.values[column]
        shown = ascii(value.text if isinstance(value, NotJson) else value)
        raise Damaged(f"{self.place} is damaged: its {column} is {fault}. Received: {shown:.80}")


def _is_number(value: object, *, infinite: bool = False) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and (math.isfinite(value) or (infinite and value == math.inf))  # type: ignore[arg-type]
