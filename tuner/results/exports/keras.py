"""Keras export: a configuration for `keras.optimizers.deserialize`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tuner.results.exports.additions import CLIPPINGS, Additions, lacking, separated
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
_SCHEDULES = "keras.optimizers.schedules"
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
    return Call(target, {**_arguments(configuration), **constants})


def _arguments(configuration: Configuration) -> dict[str, Any]:
    """Return the hyperparameters as Keras' classes take them, with additions.

    Raises:
        NotExported: Keras has no such schedule.
    """
    rest, added = separated(configuration, ())
    arguments: dict[str, Any] = {_NAMES.get(name, name): value for name, value in rest.hyperparameters.items()}
    if added.is_scheduled:
        arguments["learning_rate"] = _schedule(added)
    others = {name: added.values[name] for name in ("weight_decay", *CLIPPINGS) if name in added.values}
    if "ema_momentum" in added.values:
        others |= {"use_ema": True, "ema_momentum": added.values["ema_momentum"]}
    return {**arguments, **others}


def _schedule(added: Additions) -> Call:
    """Return the schedule of a learning rate."""
    start = {"initial_learning_rate": added.rate}
    if added.schedule in (None, "cosine_final"):
        if added.rise:
            start = {"initial_learning_rate": added.first, "warmup_target": added.rate, "warmup_steps": added.rise}
        return Call(f"{_SCHEDULES}.CosineDecay", {**start, "decay_steps": added.left, "alpha": added.final})
    if added.rise:
        raise lacking("Keras", "warm-up before a linear schedule or one in steps, only before a cosine or alone")
    if added.schedule == "linear_final":
        end = {"decay_steps": added.left, "end_learning_rate": added.rate * added.final}
        return Call(f"{_SCHEDULES}.PolynomialDecay", {**start, **end})
    boundaries = [fall - 1 for fall in added.falls]  # Keras changes the rate after them
    return Call(f"{_SCHEDULES}.PiecewiseConstantDecay", {"boundaries": boundaries, "values": list(added.levels)})


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
        "config": _config(constructor.arguments),
        "registered_name": None if module.startswith("keras.") else f"lodo>{class_name}",
        "provenance": dict(configuration.provenance),
    }
    return strict_json(layout) + "\n"


def _own(configuration: Configuration, registered: str) -> dict[str, Any]:
    """Return the layout of a user's own class, which Keras finds by its registered name once its module is imported."""
    return {
        "module": None,
        "class_name": registered.rpartition(">")[2],
        "config": _config(_arguments(configuration)),
        "registered_name": registered,
        "provenance": dict(configuration.provenance),
    }


def _config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as Keras' configurations have them: a schedule is one itself."""
    return {
        name: {
            "module": _SCHEDULES,
            "class_name": value.target.rpartition(".")[2],
            "config": dict(value.arguments),
            "registered_name": None,
        }
        if isinstance(value, Call)
        else value
        for name, value in arguments.items()
    }
