"""The search space of one optimizer: hyperparameters and genomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from search_spaces.dimension import Dimension, DimensionError, Scale
from search_spaces.suggestion import nearest

__all__ = ["Dimension", "DimensionError", "Scale", "SearchSpace"]

_OPTIMIZER = re.compile(r"(?=.{1,64}\Z)(keras:)?[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """The hyperparameters of one optimizer that are tuned.

    Args:
        optimizer: The optimizer's name: at most 64 letters, digits, '-', '_' and '.', starting with a letter, with or
            without the prefix "keras:".
        dimensions: At least one, in the order of a genome's entries, with different names.
        fixed: Hyperparameters that are not tuned, name -> value; they are added to what a genome decodes to.
        place: Where the class of a user's own optimizer is. Default: None, it is built in or of Keras.
        registered: The name under which Keras finds this class. Default: None, it does not.

    Raises:
        ValueError: The name or the dimensions are not accepted.
    """

    optimizer: str
    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, float] = field(default_factory=dict, hash=False)
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

    def defaults(self) -> dict[str, float]:
        """Return the default hyperparameters, in natural units, and the fixed ones."""
        return {dimension.name: dimension.default for dimension in self.dimensions} | dict(self.fixed)

    def default_genome(self) -> NDArray[np.float64]:
        """Return the defaults in the transformed space; float64 [d]."""
        return self.encode({dimension.name: dimension.default for dimension in self.dimensions})

    def encode(self, hyperparameters: Mapping[str, float]) -> NDArray[np.float64]:
        """Transform hyperparameters to a genome.

        Args:
            hyperparameters: A value for each of `names`, in natural units, in any order.

        Returns:
            The genome; float64 [d], in the order of `names`, within the bounds.

        Raises:
            ValueError: A name is unknown or missing, or a value is not a number within its bounds.
        """
        for name in hyperparameters:
            if name not in self.names:
                raise ValueError(
                    f"{self.optimizer} has no hyperparameter of this name{nearest(name, self.names)}. "
                    f"Accepted: {', '.join(self.names)}. Received: {name!r:.80}"
                )
        missing = [name for name in self.names if name not in hyperparameters]
        if missing:
            raise ValueError(
                f"{self.optimizer} needs a value for {', '.join(missing)}. Received: {', '.join(hyperparameters)}"
            )
        return np.array([dimension.encode(hyperparameters[dimension.name]) for dimension in self.dimensions])

    def decode(self, genome: ArrayLike) -> dict[str, float]:
        """Transform a genome to hyperparameters; entries outside the bounds are clipped.

        Args:
            genome: float64 [d], in the order of `names`; entries may be infinite.

        Returns:
            Hyperparameters in natural units, each within its bounds, in the order of `names`; then the fixed ones.

        Raises:
            ValueError: The shape is not [d], or an entry is NaN.
        """
        coordinates = np.asarray(genome, dtype=np.float64)
        if coordinates.shape != (len(self.dimensions),) or np.isnan(coordinates).any():
            raise ValueError(
                f"a genome of {self.optimizer} must be {len(self.dimensions)} numbers, none of them NaN. "
                f"Received: {coordinates.tolist()!r:.200}"
            )
        pairs = zip(self.dimensions, coordinates.tolist(), strict=True)
        return {dimension.name: dimension.decode(coordinate) for dimension, coordinate in pairs} | dict(self.fixed)

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
            _check_keys(f"hyperparameter {name!r:.80}", entry, required=("scale", "default"), optional=("low", "high"))
        dimensions = tuple(Dimension(name, **entry) for name, entry in hyperparameters.items())
        return cls(layout["optimizer"], dimensions, **{key: layout[key] for key in further if key in layout})


def _check_keys(what: str, mapping: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise ValueError unless this is a mapping with all required keys and no others but optional ones."""
    keys = set(mapping) if isinstance(mapping, Mapping) else None
    if keys is None or not set(required) <= keys <= {*required, *optional}:
        also = f" and may have {', '.join(optional)}" if optional else ""
        received = sorted(map(repr, keys)) if keys is not None else mapping
        raise ValueError(f"{what} must have the keys {', '.join(required)}{also}. Received: {received!s:.200}")
