"""The optimizers there are, by the names that people type. Loads TensorFlow only for the names of Keras' own."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

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
SETTINGS: Mapping[str, Mapping[str, int]] = MappingProxyType(  # whole numbers of constructors, and their defaults
    {
        "LODO": _NETWORK,
        "LODO-No-Momentum": _NETWORK,
        "LODO-Residuals": MappingProxyType({"depth": 64}),
        "LODO-SGD": _NETWORK,
    }
)

KERAS = "keras:"  # before the name of a class in keras.optimizers


def is_of_keras(name: str) -> bool:
    """Return whether a name is meant for an optimizer of Keras' own."""
    return name.lower().startswith(KERAS)


def check(name: str) -> str:
    """Return the name if there is such an optimizer.

    Raises:
        ValueError: There is none; the message suggests the nearest name and lists them all.
    """
    known: Sequence[str] = tuple(OPTIMIZERS)
    if is_of_keras(name):
        from lodo import from_keras

        known = from_keras.names()
    if name in known:
        return name
    by_lower = {one.lower().removeprefix(KERAS): one for one in known}
    near = difflib.get_close_matches(name.lower().removeprefix(KERAS), by_lower, n=1)
    suggestion = f" Did you mean {by_lower[near[0]]!r}?" if near else ""
    also = "" if known[0].startswith(KERAS) else f", and {KERAS}NAME for those that Keras has"
    raise ValueError(f"Unknown optimizer.{suggestion} Optimizers: {', '.join(known)}{also}. Received: {name!r:.80}")


def load(name: str, hyperparameters: Sequence[str] | None = None) -> type:
    """Return an optimizer's class; imports its module, and TensorFlow with it.

    Args:
        name: A name that `check` takes.
        hyperparameters: Of an optimizer of Keras', the arguments of its constructor that are tuned; one of ours has
            its own. Default: all that can be.

    Raises:
        ValueError: There is no such optimizer, or one of Keras' has no such hyperparameters.
    """
    if is_of_keras(check(name)):
        from lodo import from_keras

        return from_keras.optimizer_class(name, hyperparameters)
    module, _, attribute = OPTIMIZERS[name].partition(":")
    loaded: type = getattr(importlib.import_module(module), attribute)
    return loaded
