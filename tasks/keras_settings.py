"""What two models of one function differ in, apart from their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

UNCOMPARED = ("name", "seed", "initializer")  # the ends of keys; they decide weights and random numbers alone

Settings = list[tuple[str, dict[str, Any]]]  # the class, and the numbers, texts and flags of each layer


def layer_settings(model: Any) -> Settings:
    """Return the class and the plain settings of each layer, in the model's order.

    A layer that cannot say what it was made with has no settings.
    """
    return [(type(layer).__name__, _settings(layer)) for layer in model._flatten_layers()]


def difference(first: Settings, second: Settings) -> str:
    """Return the first difference in words; "" if there is none."""
    kinds = [[kind for kind, _ in settings] for settings in (first, second)]
    if kinds[0] != kinds[1]:
        return f"the layers {', '.join(kinds[0])}, and {', '.join(kinds[1])}"
    for (kind, one), (_, other) in zip(first, second, strict=True):
        for setting, value in one.items():
            if setting in other and not _is_equal(value, other[setting]):
                return f"{kind} with {setting} {value!r:.40}, and with {other[setting]!r:.40}"
    return ""


def _settings(layer: Any) -> dict[str, Any]:
    if isinstance(layer, keras.Sequential | keras.Model):
        return {}  # its layers follow
    try:
        config = layer.get_config()
    except Exception:  # a user's own layer, which may raise anything
        return {}
    return dict(_plain(config, ""))


def _plain(value: Any, place: str) -> Sequence[tuple[str, Any]]:
    """Return the numbers, texts and flags in a nest, each with its path."""
    if isinstance(value, Mapping):
        entries = [(key, each) for key, each in value.items() if not str(key).endswith(UNCOMPARED)]
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    else:
        return [(place, value)] if isinstance(value, bool | int | float | str) else []
    return [each for key, entry in entries for each in _plain(entry, f"{place}.{key}" if place else str(key))]


def _is_equal(one: Any, other: Any) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or bool(one == other)
