"""Optax: a function of `optax` and its keyword arguments, and in what it differs."""

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
    """Return whether Optax has a counterpart of the optimizer."""
    return rule_of(optimizer) in _RULES


def call(configuration: Configuration) -> Call:
    """Return the function with its arguments, of which a schedule is a call itself.

    Raises:
        NotExported: Something was tuned that the counterpart does not take.
    """
    return _RULES[rule_of(configuration.optimizer) or ""](values_of(configuration), configuration.steps)


def write(configuration: Configuration) -> str:
    """Return JSON: `function` and `arguments`, for `function(**arguments)`; warnings; the provenance.

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
    return {"function": target, "arguments": arguments}


def _moments(values: Values) -> dict[str, float]:
    named = {"learning_rate": "learning_rate", "b1": "beta_1", "b2": "beta_2", "eps": "epsilon"}
    return {theirs: values[ours] for theirs, ours in named.items()}


def _adam(values: Values, steps: int) -> Call:
    return Call("optax.adam", _moments(values), (bias_in_epsilon("Optax", values),))


def _adamw(values: Values, steps: int) -> Call:
    arguments = {**_moments(values), "weight_decay": values["weight_decay"]}
    return Call("optax.adamw", arguments, (bias_in_epsilon("Optax", values),))


def _sgd(values: Values, steps: int) -> Call:
    arguments = {"learning_rate": values["learning_rate"], "momentum": values["momentum"], "nesterov": False}
    return Call("optax.sgd", arguments, rate_in_velocity("Optax", values))


def _rmsprop(values: Values, steps: int) -> Call:
    arguments = {
        "learning_rate": values["learning_rate"],
        "decay": values["rho"],
        "eps": values["epsilon"],
        "eps_in_sqrt": True,
        "momentum": values["momentum"],
    }
    return Call("optax.rmsprop", arguments)


def _adadelta(values: Values, steps: int) -> Call:
    return Call(
        "optax.adadelta",
        {"learning_rate": values["learning_rate"], "rho": values["rho"], "eps": values["epsilon"]},
    )


def _adagrad(values: Values, steps: int) -> Call:
    start = values["initial_accumulator_value"]
    return Call(
        "optax.adagrad",
        {"learning_rate": values["learning_rate"], "initial_accumulator_value": start, "eps": values["epsilon"]},
    )


def _lamb(values: Values, steps: int) -> Call:
    return Call("optax.lamb", _moments(values))


def _lion(values: Values, steps: int) -> Call:
    return Call(
        "optax.lion",
        {
            "learning_rate": values["learning_rate"],
            "b1": values["beta_1"],
            "b2": values["beta_2"],
            "weight_decay": values["weight_decay"],
        },
    )


def _yogi(values: Values, steps: int) -> Call:
    beta_1, beta_2 = values["beta_1"], values["beta_2"]
    ratio = math.sqrt(1 - beta_2) / (1 - beta_1)  # of the corrections' factors at the first step
    return Call(
        "optax.yogi",
        _moments(values),
        (
            "Optax corrects the bias of both averages, what was tuned corrects none: far above eps its first step is "
            f"{ratio:.3g} times as long, and the two agree only after some {1 / (1 - max(beta_1, beta_2)):.3g} steps. "
            f"Tune the learning rate anew for runs that are not much longer. {parted(0.7)}",
            "Optax starts both averages at 1e-06, what was tuned at 0.",
        ),
    )


def _lars(values: Values, steps: int) -> Call:
    # Ours has fallen by one step's worth at the first step already, and to 0 at the last: η (1 - t/T)², t = 1 … T.
    start = values["learning_rate"] * (1 - 1 / steps) ** 2
    rate = Call(
        "optax.polynomial_schedule",
        {"init_value": start, "end_value": 0.0, "power": 2, "transition_steps": max(1, steps - 1)},
    )
    arguments = {
        "learning_rate": rate,
        "weight_decay": values["weight_decay"],
        "trust_coefficient": 1.0,
        "eps": 0.0,
        "momentum": values["momentum"],
        "nesterov": False,
    }
    return Call(
        "optax.lars",
        arguments,
        (
            f"The learning rate falls to 0 at step {steps}, the budget with which it was tuned: change "
            "transition_steps with the length of the run.",
            "Optax divides by ‖g + wd·x‖, what was tuned by ‖g‖ + wd·‖x‖ (the paper's LARS): its rates are the greater "
            f"ones, by a share of 2·wd·‖x‖/‖g‖ at most where that is small. {parted(0.03)}",
            "A layer is a leaf of the parameters. One that is 0 moves in Optax, at the plain rate; what was tuned "
            "leaves it at 0.",
        ),
    )


_RULES: Mapping[str | None, Callable[[Values, int], Call]] = MappingProxyType(
    {
        "Adadelta": _adadelta,
        "Adagrad": _adagrad,
        "Adam": _adam,
        "AdamW": _adamw,
        "LARS": _lars,
        "Lamb": _lamb,
        "Lion": _lion,
        "RMSprop": _rmsprop,
        "SGD": _sgd,
        "Yogi": _yogi,
    }
)
