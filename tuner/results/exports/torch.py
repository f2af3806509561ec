"""PyTorch: a class of `torch.optim` and its keyword arguments, and in what it differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tuner.results.exports.configuration import Call, Configuration, spelled
from tuner.results.exports.differences import bias_in_epsilon, parted, rate_in_velocity
from tuner.results.exports.rules import rule_of, values_of
from tuner.results.tables.formats import strict_json

Values = Mapping[str, float]


def has(optimizer: str) -> bool:
    """Return whether PyTorch has a counterpart of the optimizer."""
    return rule_of(optimizer) in _RULES


def call(configuration: Configuration) -> Call:
    """Return the class with its arguments, but for the parameters to train.

    Raises:
        NotExported: Something was tuned that the counterpart does not take.
    """
    return _RULES[rule_of(configuration.optimizer) or ""](values_of(configuration))


def write(configuration: Configuration) -> str:
    """Return JSON: `class` and `arguments`, for `class(parameters, **arguments)`; warnings; the provenance.

    Raises:
        NotExported: As `call`.
    """
    made = call(configuration)
    layout = {
        **spelled(made, _node),
        "warnings": list(made.warnings),
        "provenance": dict(configuration.provenance),
    }
    return strict_json(layout) + "\n"


def _node(target: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"class": target, "arguments": arguments}


def _betas(values: Values) -> list[float]:
    return [values["beta_1"], values["beta_2"]]


def _adam(values: Values) -> Call:
    arguments = {"lr": values["learning_rate"], "betas": _betas(values), "eps": values["epsilon"]}
    return Call("torch.optim.Adam", arguments, (bias_in_epsilon("PyTorch", values),))


def _adamw(values: Values) -> Call:
    arguments = {**_adam(values).arguments, "weight_decay": values["weight_decay"]}
    return Call("torch.optim.AdamW", arguments, (bias_in_epsilon("PyTorch", values),))


def _sgd(values: Values) -> Call:
    arguments = {"lr": values["learning_rate"], "momentum": values["momentum"], "dampening": 0.0, "nesterov": False}
    return Call("torch.optim.SGD", arguments, rate_in_velocity("PyTorch", values))


def _rmsprop(values: Values) -> Call:
    arguments = {
        "lr": values["learning_rate"],
        "alpha": values["rho"],
        "eps": math.sqrt(values["epsilon"]),
        "momentum": values["momentum"],
        "centered": False,
    }
    inside = (
        f"PyTorch divides by √v + eps, what was tuned by √(v + {values['epsilon']:g}): eps is the root of that, so "
        "that both agree where the gradient vanishes. PyTorch's steps are the shorter ones, by 29 % where √v is eps, "
        f"by a share of eps/√v where it is far above. {parted(0.01)}"
    )
    return Call("torch.optim.RMSprop", arguments, (inside, *rate_in_velocity("PyTorch", values)))


def _adadelta(values: Values) -> Call:
    return Call("torch.optim.Adadelta", {"lr": values["learning_rate"], "rho": values["rho"], "eps": values["epsilon"]})


def _adagrad(values: Values) -> Call:
    start = values["initial_accumulator_value"]
    arguments = {"lr": values["learning_rate"], "initial_accumulator_value": start, "eps": 0.0}
    share = math.sqrt(1 + values["epsilon"] / start) - 1 if start > 0 else math.inf
    return Call(
        "torch.optim.Adagrad",
        arguments,
        (
            f"PyTorch adds eps outside the root, what was tuned {values['epsilon']:g} inside: eps is 0 here, and "
            f"PyTorch's steps are the longer ones, by a share of {share:.1g} at most. {parted(2e-7)}",
        ),
    )


def _nadam(values: Values) -> Call:
    # With a momentum_decay of 1 PyTorch's momentum warms up as Keras' does.
    arguments = {
        "lr": values["learning_rate"],
        "betas": _betas(values),
        "eps": values["epsilon"],
        "momentum_decay": 1.0,
    }
    return Call("torch.optim.NAdam", arguments)


_RULES: Mapping[str | None, Callable[[Values], Call]] = MappingProxyType(
    {
        "Adadelta": _adadelta,
        "Adagrad": _adagrad,
        "Adam": _adam,
        "AdamW": _adamw,
        "Nadam": _nadam,
        "RMSprop": _rmsprop,
        "SGD": _sgd,
    }
)
