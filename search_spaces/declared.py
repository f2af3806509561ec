"""A search space that is declared in Python, as `search_space` of a class.

search_space = {
        "learning_rate": {"scale": "log", "default": 0.01, "high": 10.0},
        "momentum": "decay",
    }

A dimension is a mapping as in the files, or its scale alone; without a default it has that of the constructor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.dimension import Dimension, DimensionError
from search_spaces.scales import SCALES, Scale
from search_spaces.space import SearchSpace

_KEYS = ("scale", "default", "low", "high", "log", "values", "ordered", "only_when")


def read(optimizer: str, layout: Any, defaults: Mapping[str, float | None]) -> SearchSpace:
    """Return a search space from the layout in the module's text.

    Args:
        optimizer: The optimizer's name.
        layout: As above.
        defaults: Those of the constructor, name -> default or None.

    Raises:
        ValueError: The layout has another form, or a dimension is not accepted; one line.
    """
    if not isinstance(layout, Mapping) or not layout:
        raise ValueError(f"`search_space` maps hyperparameters to dimensions. Received: {layout!r:.80}")
    dimensions = []
    for name, entry in layout.items():
        dimension = {"scale": entry} if isinstance(entry, str) else entry
        if not isinstance(dimension, Mapping) or not {"scale"} <= dimension.keys() <= set(_KEYS):
            raise ValueError(
                f"`search_space`: {name!s:.40} is a scale ({SCALES}), or a mapping with scale and, optionally,"
                f" {', '.join(_KEYS[1:])}. Received: {entry!r:.80}"
            )
        default = dimension.get("default", defaults.get(name))
        if default is None and dimension["scale"] != Scale.CHOICE:
            raise ValueError(f"`search_space`: {name!s:.40} needs a default, because the constructor has none")
        try:
            dimensions.append(Dimension(name, **{**dimension, "default": default}))
        except ValueError as error:
            raise ValueError(f"`search_space`: {name!s:.40}: {error}") from None
    try:
        return SearchSpace(optimizer, tuple(dimensions))
    except DimensionError as error:  # of a condition
        raise ValueError(f"`search_space`: {error}") from None
