"""Hydra export: `_target_` and arguments, under one key per library.

Each key holds an input of `hydra.utils.instantiate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tuner.results.exports import keras
from tuner.results.exports.configuration import Configuration, NotExported
from tuner.results.exports.library import Call
from tuner.results.exports.optax import OPTAX
from tuner.results.exports.plain import yaml_of
from tuner.results.exports.torch import TORCH

_LIBRARIES: Mapping[str, tuple[Callable[[str], bool], Callable[[Configuration], Call]]] = MappingProxyType(
    {"keras": (keras.has, keras.call), "torch": (TORCH.has, TORCH.call), "optax": (OPTAX.has, OPTAX.call)}
)


def has(optimizer: str) -> bool:
    """Return whether one of the libraries has the optimizer."""
    return any(known(optimizer) for known, _ in _LIBRARIES.values())


def write(configuration: Configuration) -> str:
    """Return YAML with a node for each library that has the optimizer, and the provenance.

    PyTorch's node is partial, since the class also takes the parameters to train. `warnings` lists the differences of
    each library.

    Raises:
        NotExported: No library takes all tuned hyperparameters.
    """
    calls = _calls(configuration)
    nodes = {name: call.as_mapping(_node) for name, call in calls.items()}
    if "torch" in nodes:
        nodes["torch"]["_partial_"] = True
    warnings = {name: list(call.warnings) for name, call in calls.items() if call.warnings}
    return yaml_of({**nodes, "warnings": warnings, "provenance": dict(configuration.provenance)})


def _calls(configuration: Configuration) -> dict[str, Call]:
    """Return the call of each library that has the optimizer with these hyperparameters."""
    calls: dict[str, Call] = {}
    refusals: list[NotExported] = []
    for name, (known, call) in _LIBRARIES.items():
        if known(configuration.optimizer):
            try:
                made = call(configuration)
                if made.beside:
                    raise NotExported(f"a node of Hydra has no {' and '.join(made.beside)} beside the optimizer", 2)
                calls[name] = made
            except NotExported as refusal:
                refusals.append(refusal)
    if not calls:
        raise refusals[0]
    return calls


def _node(target: str, arguments: dict[str, Any], positional: list[Any]) -> dict[str, Any]:
    return {"_target_": target, **({"_args_": positional} if positional else {}), **arguments}
