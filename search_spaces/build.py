"""Search spaces that are written in Python.

    space(
        learning_rate=log(1e-3, low=1e-6, high=1),
        width=integer(64, low=8, high=1024, log=True),
        activation=choice("relu", "gelu"),
        momentum=decay(0.9, only_when={"activation": "relu"}),
        batch_size=32,  # a constant
    )

Each scale is a function that returns a dimension as the files have it, a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.dimension import Dimension, DimensionError
from search_spaces.scales import Value
from search_spaces.space import SearchSpace

Layout = dict[str, Any]
"""A dimension without its name, as the files have it."""

OnlyWhen = Mapping[str, Any]
"""Name of another hyperparameter -> its value, or values, with which this one has an effect."""

NAME = "function"
"""Name of a space until it is that of a study."""


def log(
    default: float, *, low: float | None = None, high: float | None = None, only_when: OnlyWhen | None = None
) -> Layout:
    """Return a positive hyperparameter of which ratios matter, such as a learning rate.

    Args:
        default: Start of the search.
        low: Lower bound. Default: none.
        high: Upper bound. Default: none.
        only_when: Name of another hyperparameter -> its value, or values, with which this one has an effect. Default:
            it always has.

    Example:
        >>> tuner.log(1e-3, low=1e-6, high=1.0)
        {'scale': 'log', 'default': 0.001, 'low': 1e-06, 'high': 1.0}
    """
    return _layout("log", default=default, low=low, high=high, only_when=only_when)


def decay(
    default: float, *, low: float | None = None, high: float | None = None, only_when: OnlyWhen | None = None
) -> Layout:
    """Return a hyperparameter from 0 to below 1 of which the distance from 1 matters, such as a momentum.

    Args:
        default: Start of the search.
        low: Lower bound. Default: 0.
        high: Upper bound. Default: the greatest number below 1.
        only_when: See `log`.

    Example:
        >>> tuner.decay(0.9)
        {'scale': 'decay', 'default': 0.9}
    """
    return _layout("decay", default=default, low=low, high=high, only_when=only_when)


def linear(default: float, *, low: float, high: float, only_when: OnlyWhen | None = None) -> Layout:
    """Return a hyperparameter of which differences matter, such as a dropout.

    Args:
        default: Start of the search.
        low: Lower bound.
        high: Upper bound.
        only_when: See `log`.

    Example:
        >>> tuner.linear(0.1, low=0.0, high=0.5)
        {'scale': 'linear', 'default': 0.1, 'low': 0.0, 'high': 0.5}
    """
    return _layout("linear", default=default, low=low, high=high, only_when=only_when)


def integer(default: int, *, low: int, high: int, log: bool = False, only_when: OnlyWhen | None = None) -> Layout:
    """Return a whole number, such as a number of layers.

    Args:
        default: Start of the search.
        low: Lower bound.
        high: Upper bound, which is included.
        log: Whether ratios matter rather than differences; `low` is at least 1 then. Default False.
        only_when: See `log`.

    Example:
        >>> tuner.integer(64, low=8, high=1024, log=True)
        {'scale': 'integer', 'default': 64, 'low': 8, 'high': 1024, 'log': True}
    """
    return _layout("integer", default=default, low=low, high=high, log=log or None, only_when=only_when)


def choice(
    *values: Value, default: Value | None = None, ordered: bool = False, only_when: OnlyWhen | None = None
) -> Layout:
    """Return a choice among 2 to 64 texts, numbers or booleans.

    Args:
        *values: The values.
        default: Start of the search. Default: the first value.
        ordered: Whether neighbours resemble each other more than others do. Default False.
        only_when: See `log`.

    Example:
        >>> tuner.choice("relu", "gelu")
        {'scale': 'choice', 'values': ['relu', 'gelu']}
    """
    return _layout("choice", default=default, values=list(values), ordered=ordered or None, only_when=only_when)


def space(**hyperparameters: Any) -> SearchSpace:
    """Return a search space of hyperparameters by name.

    Args:
        **hyperparameters: What `log`, `decay`, `linear`, `integer` or `choice` returned; or a number, a text or a
            boolean, which is a constant.

    Raises:
        ValueError: A hyperparameter is not accepted; one line.

    Example:
        >>> space = tuner.space(width=tuner.integer(64, low=8, high=1024), act=tuner.choice("relu", "gelu"), epochs=3)
        >>> space.defaults()
        {'width': 64, 'act': 'relu', 'epochs': 3}
    """
    dimensions, fixed = [], {}
    for name, layout in hyperparameters.items():
        if not isinstance(layout, Mapping):
            fixed[name] = layout
            continue
        try:
            dimensions.append(Dimension(name, **layout))
        except (DimensionError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from None
    if not dimensions:
        raise ValueError("a search space must tune something: name=log(…), decay, linear, integer or choice")
    return SearchSpace(NAME, tuple(dimensions), fixed)


def _layout(scale: str, **fields: Any) -> Layout:
    return {"scale": scale, **{name: value for name, value in fields.items() if value is not None}}
