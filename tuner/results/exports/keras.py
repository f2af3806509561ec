"""Keras export: a configuration for `keras.optimizers.deserialize`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tuner.results.exports.configuration import Configuration
from tuner.results.exports.library import Call
from tuner.results.tables.formats import strict_json

# The class, and the constants of lodo-tune's optimizer (those of the modules of lodo with the same names).
_CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "Adam": ("keras.optimizers.Adam", {"epsilon": 1e-7, "amsgrad": False}),
        "LODO": ("lodo.keras.LODO", {}),
        "LODO-Diagonal": ("lodo.keras.LODODiagonal", {}),
        "Momentum": ("keras.optimizers.SGD", {"nesterov": False}),
        "RMSprop": ("keras.optimizers.RMSprop", {"epsilon": 1e-7, "centered": False}),
    }
)
_OF_KERAS = "keras:"  # prefix of the names of Keras' own optimizers
_NAMES = {"initial_learning_rate": "learning_rate"}  # hyperparameters with another name in Keras


def has(optimizer: str) -> bool:
    """Return whether Keras or `lodo.keras` has the optimizer."""
    return optimizer in _CLASSES or optimizer.startswith(_OF_KERAS)


def call(configuration: Configuration) -> Call:
    """Return the class and its arguments; arguments that were not tuned have the defaults of Keras."""
    of_keras: tuple[str, Mapping[str, Any]] = (
        f"keras.optimizers.{configuration.optimizer.removeprefix(_OF_KERAS)}",
        {},
    )
    target, constants = _CLASSES.get(configuration.optimizer, of_keras)
    named = {_NAMES.get(name, name): value for name, value in configuration.hyperparameters.items()}
    return Call(target, {**named, **constants})


def write(configuration: Configuration) -> str:
    """Return JSON for `keras.optimizers.deserialize(json.load(file))`, which ignores the provenance.

    Keras finds the class of one of our optimizers once `lodo.keras` is imported, and that of a user's own once its
    module is. It keeps a learning rate in float32 and returns it rounded. `deserialize` lacks Lamb; use
    `keras.saving.deserialize_keras_object` for it.
    """
    if configuration.registered is not None:
        return strict_json(_own(configuration, configuration.registered)) + "\n"
    constructor = call(configuration)
    module, _, class_name = constructor.target.rpartition(".")
    layout = {
        "module": module,
        "class_name": class_name,
        "config": dict(constructor.arguments),
        "registered_name": None if module.startswith("keras.") else f"lodo>{class_name}",
        "provenance": dict(configuration.provenance),
    }
    return strict_json(layout) + "\n"


def _own(configuration: Configuration, registered: str) -> dict[str, Any]:
    """Return the layout of a user's own class, which Keras finds by its registered name once its module is imported."""
    return {
        "module": None,
        "class_name": registered.rpartition(">")[2],
        "config": dict(configuration.hyperparameters),
        "registered_name": registered,
        "provenance": dict(configuration.provenance),
    }
