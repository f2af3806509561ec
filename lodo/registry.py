"""Find optimizers by name, and names of optimizer classes.

TensorFlow is loaded only with an optimizer's module, or to look up a name of Keras.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lodo.names import KERAS, check_known, is_of_keras

__all__ = [
    "EVALUATIONS_PER_STEP",
    "KERAS",
    "NUMBERS_PER_WEIGHT",
    "OPTIMIZERS",
    "RANDOM",
    "SETTINGS",
    "check",
    "is_of_keras",
    "load",
    "name_of",
]

OPTIMIZERS: Mapping[str, str] = MappingProxyType(
    {
        "Adam": "lodo.adam:Adam",
        "BFGS": "lodo.bfgs:BFGS",
        "L-BFGS": "lodo.lbfgs:LBFGS",
        "LARS": "lodo.lars:LARS",
        "Levenberg-Marquardt": "lodo.levenberg_marquardt:LevenbergMarquardt",
        "LODO": "lodo.lodo:LODO",
        "LODO-Diagonal": "lodo.lodo_diagonal:LODODiagonal",
        "LODO-Global": "lodo.lodo_global:LODOGlobal",
        "LODO-No-Momentum": "lodo.lodo_no_momentum:LODONoMomentum",
        "LODO-Residuals": "lodo.lodo_residuals:LODOResiduals",
        "LODO-SGD": "lodo.lodo_sgd:LODOSGD",
        "Momentum": "lodo.momentum:Momentum",
        "O-LBFGS": "lodo.olbfgs:OLBFGS",
        "RMSprop": "lodo.rmsprop:RMSprop",
        "Yogi": "lodo.yogi:Yogi",
    }
)

_NETWORK = MappingProxyType({"depth": 16, "block_size": 4})
SETTINGS: Mapping[str, Mapping[str, int]] = MappingProxyType(  # integer arguments of constructors, with their defaults
    {
        "LODO": _NETWORK,
        "LODO-No-Momentum": _NETWORK,
        "LODO-Residuals": MappingProxyType({"depth": 64}),
        "LODO-SGD": _NETWORK,
    }
)

EVALUATIONS_PER_STEP: Mapping[str, int] = MappingProxyType({"L-BFGS": 2, "O-LBFGS": 2})
"""Gradient evaluations of a step, of built-in optimizers that have another number than 1."""

RANDOM = frozenset({"LODO", "LODO-No-Momentum", "LODO-Residuals", "LODO-SGD"})
"""Built-in optimizers that draw from their seeds: the initial network. All others take the same steps with any seed."""

# Upper bounds of the numbers that a state has per weight, of a task of at least 1,000 weights. An optimizer that is not
# listed keeps a dense matrix, or its state depends on the task.
NUMBERS_PER_WEIGHT: Mapping[str, int] = MappingProxyType(
    {
        "Adam": 2,
        "L-BFGS": 97,
        "LARS": 1,
        "LODO": 450,
        "LODO-Diagonal": 6,
        "LODO-Global": 3,
        "LODO-No-Momentum": 450,
        "LODO-Residuals": 650,
        "LODO-SGD": 194,
        "Momentum": 1,
        "O-LBFGS": 97,
        "RMSprop": 2,
        "Yogi": 2,
    }
)


def check(name: str) -> str:
    """Return the name if there is such an optimizer.

    Raises:
        ValueError: There is none; the message suggests the nearest name and lists all.
    """
    if not is_of_keras(name):
        return check_known(name, tuple(OPTIMIZERS))
    from lodo import keras_adapter

    return check_known(name, keras_adapter.names())


def load(name: str, hyperparameters: Sequence[str] | None = None) -> type:
    """Return an optimizer's class; imports its module, and TensorFlow with it.

    Args:
        name: A name that `check` accepts.
        hyperparameters: The arguments of the constructor that are tuned, of an optimizer of Keras; ignored for built-in
            optimizers. Default: all that can be tuned.

    Raises:
        ValueError: There is no such optimizer, or an optimizer of Keras lacks one of the hyperparameters.
    """
    if is_of_keras(check(name)):
        from lodo import keras_adapter

        return keras_adapter.optimizer_class(name, hyperparameters)
    module, _, attribute = OPTIMIZERS[name].partition(":")
    loaded: type = getattr(importlib.import_module(module), attribute)
    return loaded


def name_of(optimizer: object) -> str | None:
    """Return the name of the class of a built-in optimizer or of one of `keras.optimizers`.

    Returns:
        A name that `check` accepts; None of any other object.
    """
    where = f"{getattr(optimizer, '__module__', '')}:{getattr(optimizer, '__qualname__', '')}"
    builtin = {place: name for name, place in OPTIMIZERS.items()}
    if where in builtin:
        return builtin[where]
    if where.startswith("keras.") and isinstance(optimizer, type):
        from lodo import keras_adapter

        return keras_adapter.name_of(optimizer)
    return None
