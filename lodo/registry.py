"""The optimizers there are, by the names that people type. Loads no TensorFlow itself."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
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


def check(name: str) -> str:
    """Return the name if there is such an optimizer.

    Raises:
        ValueError: There is none; the message suggests the nearest name and lists them all.
    """
    if name in OPTIMIZERS:
        return name
    by_lower = {known.lower(): known for known in OPTIMIZERS}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    suggestion = f" Did you mean {by_lower[near[0]]!r}?" if near else ""
    raise ValueError(f"Unknown optimizer.{suggestion} Optimizers: {', '.join(OPTIMIZERS)}. Received: {name!r}")


def load(name: str) -> type:
    """Return an optimizer's class; imports its module, and TensorFlow with it.

    Raises:
        ValueError: There is no such optimizer.
    """
    module, _, attribute = OPTIMIZERS[check(name)].partition(":")
    loaded: type = getattr(importlib.import_module(module), attribute)
    return loaded
