"""The optimizers of a request, and their names.

They are built in, of Keras, of installed packages, or the user's own.

An optimizer of the user's own is named as a task is, 'package.module:NAME' or 'path/to/file.py:NAME', with or without
a name to show it by: 'SignM=my_file.py:MyOptimizer'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lodo.registry
from lodo import own_class
from tuner.core.errors import InvalidRequest
from tuner.studies.lookup import absolute, variable_shapes
from tuner.training import own_optimizers
from tuner.training.tensorflow import load_tensorflow

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An optimizer of a request."""

    name: str  # in tables and in the database
    place: str | None = None  # where the class of a user's own is; None: built in or of Keras

    def __str__(self) -> str:
        """Return the optimizer as it is requested."""
        return self.name if self.place is None else f"{self.name}={self.place}"


def choose(field: str, text: str, *, file: Path | None = None) -> Chosen:
    """Return the optimizer that a text names; the module of a user's own is imported.

    Args:
        field: Name of the field in errors.
        text: A name, a place, or 'NAME=PLACE'.
        file: The file that contains the text, for errors.

    Raises:
        InvalidRequest: There is no such optimizer, it cannot be used, or its name is not free.
    """
    label, equals, rest = text.rpartition("=")
    place = own_optimizers.plugins().get(rest, rest)
    try:
        if not is_own(rest):
            if equals:
                raise ValueError(
                    f"a name is given to an optimizer of your own; {rest} keeps its own. Received: {text!r:.80}"
                )
            if lodo.registry.is_of_keras(rest):
                load_tensorflow()  # without its messages, which importing Keras would print
            return Chosen(lodo.registry.check(rest))
        place = absolute(place)
        name = _checked_name(label if equals else _own_name(rest), rest)
        load_tensorflow()
        own_optimizers.found_at(place)
    except ValueError as error:
        raise InvalidRequest(field, f"{file or ''}: {error}") from None
    return Chosen(name, place)


def choose_all(field: str, texts: Iterable[str]) -> list[Chosen]:
    """Return the optimizers that some texts name, in order.

    Raises:
        InvalidRequest: As `choose`; or two have one name.
    """
    chosen: dict[str, Chosen] = {}
    for one in (choose(field, text) for text in texts):
        if (other := chosen.get(one.name)) == one:
            raise InvalidRequest(field, f"names {one.name} twice; it is tuned once, in a study of its name")
        chosen[one.name] = one
        if other is not None:
            again = own_optimizers.shown(str(one.place))
            raise InvalidRequest(
                field,
                f": two optimizers have the name {one.name}: {other.place} and {one.place}; give one another name, as"
                f" in {one.name}-2={again}",
            )
    return list(chosen.values())


def shapes_for(chosen: Iterable[Chosen], task: str, options: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the variables that a task trains; empty if none of the optimizers is of Keras' kind.

    Raises:
        ValueError: The task cannot be created.
    """
    return variable_shapes(task, options) if any(map(is_of_keras, chosen)) else ()


def is_of_keras(chosen: Chosen) -> bool:
    """Return whether an optimizer is one of Keras, or a class of the user's own that extends Keras' class."""
    if chosen.place is None:
        return lodo.registry.is_of_keras(chosen.name)
    return own_class.is_of_keras(own_optimizers.found_at(chosen.place))


def is_own(name: str) -> bool:
    """Return whether a name without '=' is that of an optimizer that is not ours and not of Keras."""
    if lodo.registry.is_of_keras(name) or name in lodo.registry.OPTIMIZERS:
        return False
    return ":" in name or name in own_optimizers.plugins()


def names_of(chosen: Sequence[Chosen]) -> str:
    """Return the names of some optimizers as text."""
    return ", ".join(one.name for one in chosen)


def _own_name(place: str) -> str:
    """Return the name of an optimizer of which only the place is given: that of its class, without underscores."""
    return place.rpartition(":")[2].strip("_").replace("_", "-")


def _checked_name(name: str, place: str) -> str:
    """Return a name that the database takes and that none of our optimizers has."""
    shown = own_optimizers.shown(place)
    if not _NAME.fullmatch(name):
        raise ValueError(
            "an optimizer's name is 1 to 64 letters, digits, '.' or '-' and begins with a letter, as in"
            f" MyOptimizer={shown}. Received: {name!r:.80}"
        )
    if name.lower() in map(str.lower, lodo.registry.OPTIMIZERS):
        raise ValueError(
            f"{shown} would be called {name}, as one of lodo-tune's optimizers is: give it another name, as in"
            f" My{name}={shown}"
        )
    return name
