"""The search space of one optimizer: hyperparameters and genomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.dimension import Condition, Dimension, DimensionError, Scale, Value
from search_spaces.suggestion import nearest
from search_spaces.values import is_among, plain_value

__all__ = ["Dimension", "DimensionError", "Scale", "SearchSpace", "Value"]

_FIELDS = ("default", "low", "high", "log", "values", "ordered", "only_when")  # of a dimension, beside its scale
_OPTIMIZER = re.compile(r"(?=.{1,64}\Z)(keras:)?[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The hyperparameters of one optimizer that are tuned.

    Args:
        optimizer: The optimizer's name: at most 64 letters, digits, '-', '_' and '.', starting with a letter, with or
            without the prefix "keras:".
        dimensions: At least one, in the order of a genome's entries, with different names. A condition names
            hyperparameters before its own: choices, whole numbers or fixed ones.
        fixed: Hyperparameters that are not tuned, name -> value; they are added to what a genome decodes to.
        place: Where the class of a user's own optimizer is. Default: None, it is built in or of Keras.
        registered: The name under which Keras finds this class. Default: None, it does not.

    Raises:
        DimensionError: A condition cannot be met.
        ValueError: The name or the dimensions are not accepted.
    """

    optimizer: str
    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict, hash=False)
    place: str | None = None
    registered: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", tuple(self.dimensions))
        if not isinstance(self.optimizer, str) or not _OPTIMIZER.fullmatch(self.optimizer):
            raise ValueError(
                "optimizer must be a name of at most 64 letters, digits, '-', '_' and '.', starting with a letter, "
                f"with or without the prefix 'keras:'. Received: {self.optimizer!r:.80}"
            )
        if not self.dimensions:
            raise ValueError(f"the search space of {self.optimizer} must have a dimension. Received: none")
        names = [*self.names, *self.fixed]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the dimensions of {self.optimizer} must have different names. Received twice: {twice}")
        for name, value in self.fixed.items():
            if plain_value(value) is None:
                raise ValueError(f"{name} must be a finite number, a text or a boolean. Received: {value!r:.80}")
        for place, dimension in enumerate(self.dimensions):
            self._check_condition(dimension, self.dimensions[:place])

    def _check_condition(self, dimension: Dimension, before: tuple[Dimension, ...]) -> None:
        """Refuse a condition on something else than a choice, a whole number or a fixed value before the dimension."""
        others = {each.name: each for each in before if not each.scale.is_continuous}
        for name, values in dimension.only_when:
            if name not in others and name not in self.fixed:
                known = ", ".join((*others, *self.fixed)) or "none"
                raise DimensionError(
                    "only_when",
                    f"only_when of {dimension.name} must name a choice, a whole number or a constant before it. "
                    f"Accepted: {known}. Received: {name!r:.80}",
                )
            for value in values if name in others else ():
                try:
                    others[name].encode(value)
                except ValueError as error:
                    raise DimensionError("only_when", f"only_when of {dimension.name}: {error}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hyperparameters, in the order of a genome's entries."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def lower(self) -> NDArray[np.float64]:
        """Lower bounds of a genome's entries; finite; float64 [d]."""
        return np.array([dimension.lower for dimension in self.dimensions])

    @property
    def upper(self) -> NDArray[np.float64]:
        """Upper bounds of a genome's entries; finite; float64 [d]."""
        return np.array([dimension.upper for dimension in self.dimensions])

    @property
    def is_continuous(self) -> bool:
        """Whether all coordinates are continuous and have an effect everywhere."""
        return all(one.scale.is_continuous and not one.only_when for one in self.dimensions)

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each coordinate by name: "real", "integer", "ordered" or "unordered"."""
        unordered = self.unordered
        return {
            one.name: "real"
            if one.scale.is_continuous
            else ("integer" if one.scale is Scale.INTEGER else "unordered" if place in unordered else "ordered")
            for place, one in enumerate(self.dimensions)
        }

    @property
    def unordered(self) -> dict[int, tuple[float, ...]]:
        """For each choice among three or more values without an order: its coordinate for each of them."""
        return {
            place: tuple(one.encode(value) for value in one.values)
            for place, one in enumerate(self.dimensions)
            if one.scale is Scale.CHOICE and not one.ordered and len(one.values) > 2
        }

    def defaults(self) -> dict[str, Any]:
        """Return the default hyperparameters, in natural units, and the fixed ones; None where they have no effect."""
        return self._effective({one.name: one.default for one in self.dimensions})

    def default_genome(self) -> NDArray[np.float64]:
        """Return the defaults in the transformed space; float64 [d]."""
        return self.encode({dimension.name: dimension.default for dimension in self.dimensions})

    def encode(self, hyperparameters: Mapping[str, Any]) -> NDArray[np.float64]:
        """Transform hyperparameters to a genome.

        Args:
            hyperparameters: A value for each of `names`, in natural units, in any order; None, or none, for one whose
                condition does not hold.

        Returns:
            The genome; float64 [d], in the order of `names`, within the bounds; with its default where a hyperparameter
            has no effect.

        Raises:
            ValueError: A name is unknown or missing, or a value is not within its bounds or among its values.
        """
        for name in hyperparameters:
            if name not in self.names:
                raise ValueError(
                    f"{self.optimizer} has no hyperparameter of this name{nearest(name, self.names)}. "
                    f"Accepted: {', '.join(self.names)}. Received: {name!r:.80}"
                )
        given = {name: value for name, value in hyperparameters.items() if value is not None}
        effective = self._effective({name: given.get(name) for name in self.names})
        missing = [
            one.name for one in self.dimensions if one.name not in given and self._holds(one.only_when, effective)
        ]
        if missing:
            raise ValueError(
                f"{self.optimizer} needs a value for {', '.join(missing)}. Received: {', '.join(hyperparameters)}"
            )
        return np.array(
            [one.encode(one.default if effective[one.name] is None else effective[one.name]) for one in self.dimensions]
        )

    def decode(self, genome: ArrayLike) -> dict[str, Any]:
        """Transform a genome to hyperparameters; entries outside the bounds are clipped.

        Args:
            genome: float64 [d], in the order of `names`; entries may be infinite.

        Returns:
            Hyperparameters in natural units, each within its bounds, in the order of `names`; then the fixed ones. None
            for a hyperparameter whose condition does not hold.

        Raises:
            ValueError: The shape is not [d], or an entry is NaN.
        """
        self._check_genome(coordinates := np.asarray(genome, dtype=np.float64))
        pairs = zip(self.dimensions, coordinates.tolist(), strict=True)
        return self._effective({dimension.name: dimension.decode(coordinate) for dimension, coordinate in pairs})

    def snapped(self, genome: ArrayLike) -> NDArray[np.float64]:
        """Return the one genome that stands for all with the same hyperparameters, but for rounding; float64 [d].

        Integers and choices have the middle of their cell, and hyperparameters without an effect their default.

        Raises:
            ValueError: The shape is not [d], or an entry is NaN.
        """
        self._check_genome(coordinates := np.asarray(genome, dtype=np.float64))
        pairs = zip(self.dimensions, coordinates.tolist(), strict=True)
        snapped = [dimension.snapped(coordinate) for dimension, coordinate in pairs]
        if any(one.only_when for one in self.dimensions):
            decoded = self.decode(snapped)
            snapped = [
                one.encode(one.default) if decoded[one.name] is None else coordinate
                for one, coordinate in zip(self.dimensions, snapped, strict=True)
            ]
        return np.array(snapped)

    def _check_genome(self, coordinates: NDArray[np.float64]) -> None:
        if coordinates.shape != (len(self.dimensions),) or np.isnan(coordinates).any():
            raise ValueError(
                f"a genome of {self.optimizer} must be {len(self.dimensions)} numbers, none of them NaN. "
                f"Received: {coordinates.tolist()!r:.200}"
            )

    def _effective(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with the fixed ones, and None in place of those whose condition does not hold."""
        effective = {**values, **self.fixed}
        for one in self.dimensions:  # conditions name what stands before
            if not self._holds(one.only_when, effective):
                effective[one.name] = None
        return effective

    @staticmethod
    def _holds(condition: Condition, values: Mapping[str, Any]) -> bool:
        return all(values[name] is not None and is_among(values[name], accepted) for name, accepted in condition)

    def to_dict(self) -> dict[str, Any]:
        """Return the space as JSON accepts it: the layout of the YAML files, with further keys only where they are set.

        Keys of `hyperparameters` are in the order of a genome.
        """
        further = {"fixed": dict(self.fixed), "place": self.place, "registered": self.registered}
        return {
            "optimizer": self.optimizer,
            "hyperparameters": {dimension.name: dimension.to_dict() for dimension in self.dimensions},
            **{key: value for key, value in further.items() if value},
        }

    @classmethod
    def from_dict(cls, layout: Mapping[str, Any]) -> SearchSpace:
        """Build a space from the layout that `to_dict` returns.

        Raises:
            ValueError: A key is unknown or missing, or a value is not what `Dimension` accepts.
        """
        further = ("fixed", "place", "registered")
        _check_keys("a search space", layout, required=("optimizer", "hyperparameters"), optional=further)
        hyperparameters = layout["hyperparameters"]
        if not isinstance(hyperparameters, Mapping):
            raise ValueError(f"hyperparameters must map names to dimensions. Received: {hyperparameters!r:.80}")
        for name, entry in hyperparameters.items():
            _check_keys(f"hyperparameter {name!r:.80}", entry, required=("scale",), optional=_FIELDS)
        dimensions = tuple(Dimension(name, **entry) for name, entry in hyperparameters.items())
        return cls(layout["optimizer"], dimensions, **{key: layout[key] for key in further if key in layout})


def _check_keys(what: str, mapping: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise ValueError unless this is a mapping with all required keys and no others but optional ones."""
    keys = set(mapping) if isinstance(mapping, Mapping) else None
    if keys is None or not set(required) <= keys <= {*required, *optional}:
        also = f" and may have {', '.join(optional)}" if optional else ""
        received = sorted(map(repr, keys)) if keys is not None else mapping
        raise ValueError(f"{what} must have the keys {', '.join(required)}{also}. Received: {received!s:.200}")
