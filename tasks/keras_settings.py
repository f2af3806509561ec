"""Differences other than weights between two models built by one function."""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

UNCOMPARED = ("name", "seed", "initializer")  # the ends of keys; they decide weights and random numbers alone
ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")  # of an object, in its representation
ADAPT = "adapt it to the same data in each call, chosen with a seed of their own"
DRAW = "all seeds would have those of the first; what is drawn must be a weight: self.add_weight(..., trainable=False)"
UNSEEN = (
    f"models that compute different losses with equal weights, because of random values that are not weights ({DRAW})"
)
MAX_DEPTH = 8  # of nested values, which may contain themselves

Values = dict[str, Any]  # numbers, texts and flags by name


@dataclass(frozen=True, slots=True)
class Part:
    """A layer or an operation of a model."""

    kind: str  # its class
    config: Values  # what a class of Keras says that it was made with
    held: Values  # what else there is: attributes, arguments, and all of classes of the user's own
    is_adapted: bool = False  # whether it is a layer with numbers of the data that it was adapted to


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference of two models.

    Attributes:
        text: In words.
        is_certain: Whether it makes the models compute something else. If not, only a comparison of what they compute
            can tell: a name, an address or a counter may differ as well.
    """

    text: str
    is_certain: bool


def parts_of(model: Any) -> list[Part]:
    """Return the layers of a model, and the operations between them, in the model's order."""
    layers = list(model._flatten_layers())
    return [*map(_of_layer, layers), *(part for layer in layers for part in _of_operations(layer))]


def difference(first: list[Part], second: list[Part]) -> Difference | None:
    """Return the first difference of two models, a certain one if there is any; None if there is none."""
    kinds = [[part.kind for part in parts] for parts in (first, second)]
    if kinds[0] != kinds[1]:
        return Difference(f"the layers {', '.join(kinds[0])}, and {', '.join(kinds[1])}", is_certain=True)
    found = [each for one, other in zip(first, second, strict=True) for each in _differences(one, other)]
    return min(found, key=lambda each: not each.is_certain, default=None)


def _differences(one: Part, other: Part) -> Iterator[Difference]:
    for values, others, is_config in ((one.config, other.config, True), (one.held, other.held, False)):
        for name in [name for name in values if name in others]:
            value, another = values[name], others[name]
            if not _is_equal(value, another):
                text = f"{name} {value!r:.40}, and with {another!r:.40}"
                if isinstance(value, _Array):
                    text = f"other numbers in {name}"
                advice = "" if is_config else f" ({ADAPT if one.is_adapted else DRAW})"
                yield Difference(f"{one.kind} with {text}{advice}", is_config)


def _of_layer(layer: Any) -> Part:
    is_own = not type(layer).__module__.startswith("keras.")
    config: Values = {}
    held: Values = {}
    for place, value, is_part_own in _plain(_config(layer), "", is_own):
        (held if is_part_own else config)[place] = value
    attributes = {
        name: value
        for name, value in vars(layer).items()
        if name not in _of_keras() and not name.startswith("_self_")  # TensorFlow's, which repeat the others
    }
    held |= {place: value for place, value, _ in _plain(attributes, "", is_own) if is_own or isinstance(value, _Array)}
    return Part(type(layer).__name__, config, held, hasattr(layer, "adapt"))


def _config(layer: Any) -> Mapping[str, Any]:
    if isinstance(layer, keras.Sequential | keras.Model):
        return {}  # its layers follow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lambdas, which are not saved here
        try:
            config: Mapping[str, Any] = layer.get_config()
        except Exception:  # a user's own layer, which may raise anything
            return {}
    return config


def _of_operations(model: Any) -> Iterator[Part]:
    """Yield what the calls of a functional model's operations are given: numbers, and which tensors.

    A layer that several models share has calls in each of them; those of other models do not count.
    """
    own = {id(node) for nodes in getattr(model, "_nodes_by_depth", {}).values() for node in nodes}
    operations = getattr(model, "operations", None) or []
    calls = [node for operation in operations for node in operation._inbound_nodes if id(node) in own]
    places = {id(node): place for place, node in enumerate(calls)}
    for node in calls:
        given = {
            f"argument {place}": _origin(value, places) if isinstance(value, keras.KerasTensor) else value
            for place, value in enumerate(node.arguments._flat_arguments)
        }
        kind = type(node.operation).__name__
        yield Part(kind, {}, {place: value for place, value, _ in _plain(given, "", True)})


def _origin(tensor: Any, places: Mapping[int, int]) -> str:
    """Return where a tensor comes from, in a form that is the same in every model of one function."""
    history = tensor._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    return f"output {history.tensor_index} of call {places.get(id(node))}"


@dataclass(frozen=True, slots=True)
class _Array:
    """The contents of an array, by their hash."""

    sha256: str


def _plain(value: Any, place: str, is_own: bool, depth: int = 0) -> Iterator[tuple[str, Any, bool]]:
    """Yield the numbers, texts, flags and arrays in a nest, each with its path and whether it is of the user's own."""
    if isinstance(value, Mapping):
        entries = [(key, each) for key, each in value.items() if not str(key).endswith(UNCOMPARED)]
        # Keras writes objects so.
        is_own = is_own or ("class_name" in value and not str(value.get("module")).startswith("keras"))
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    elif isinstance(value, np.ndarray | tf.Tensor | tf.Variable):
        yield place, _Array(_hash(value)), is_own
        return
    else:
        if isinstance(value, bool | int | float | str | np.generic):
            yield place, ADDRESS.sub("0x", value) if isinstance(value, str) else value, is_own
        return
    if depth < MAX_DEPTH:
        for key, entry in entries:
            yield from _plain(entry, f"{place}.{key}" if place else str(key), is_own, depth + 1)


def _hash(value: Any) -> str:
    try:
        array = np.asarray(value)
    except Exception:  # of a kind that NumPy does not have
        return ""
    return hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + array.tobytes()).hexdigest()


@lru_cache
def _of_keras() -> frozenset[str]:
    """Return the attributes that layers and models of Keras have in any case, such as names."""
    bases = [keras.layers.Layer(name="base"), keras.Model(name="base"), keras.Sequential(name="base")]
    return frozenset(name for base in bases for name in vars(base))


def _is_equal(one: Any, other: Any) -> bool:
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return both_nan or bool(one == other)
