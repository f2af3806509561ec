"""PyTorch export: a class of `torch.optim` and its keyword arguments.

The call is `class(parameters, **arguments)`.
"""

from __future__ import annotations

import math
from types import MappingProxyType

from tuner.results.exports.library import (
    LIMITED_MEMORY,
    Call,
    Library,
    Values,
    epsilon_after_correction,
    measured_distance,
    rate_times_velocity,
    renamed,
)


def _moments(values: Values) -> dict[str, object]:
    return {"lr": values["learning_rate"], "betas": [values["beta_1"], values["beta_2"]], "eps": values["epsilon"]}


def _adam(values: Values, steps: int) -> Call:
    return Call("torch.optim.Adam", _moments(values), (epsilon_after_correction("PyTorch", values),))


def _adamw(values: Values, steps: int) -> Call:
    arguments = {**_moments(values), "weight_decay": values["weight_decay"]}
    return Call("torch.optim.AdamW", arguments, (epsilon_after_correction("PyTorch", values),))


def _sgd(values: Values, steps: int) -> Call:
    arguments = {**renamed(values, lr="learning_rate", momentum="momentum"), "dampening": 0.0, "nesterov": False}
    return Call("torch.optim.SGD", arguments, rate_times_velocity("PyTorch", values))


def _rmsprop(values: Values, steps: int) -> Call:
    arguments = {
        "lr": values["learning_rate"],
        "alpha": values["rho"],
        "eps": math.sqrt(values["epsilon"]),
        "momentum": values["momentum"],
        "centered": False,
    }
    inside = (
        f"PyTorch divides by √v + eps, the tuned optimizer by √(v + {values['epsilon']:g}): eps is the root of that, "
        "so that both agree where the gradient vanishes. PyTorch's steps are shorter, by 29 % where √v equals eps, and "
        f"by a share of eps/√v where it is much larger. {measured_distance(0.01)}"
    )
    return Call("torch.optim.RMSprop", arguments, (inside, *rate_times_velocity("PyTorch", values)))


def _adadelta(values: Values, steps: int) -> Call:
    return Call("torch.optim.Adadelta", renamed(values, lr="learning_rate", rho="rho", eps="epsilon"))


def _adagrad(values: Values, steps: int) -> Call:
    start = values["initial_accumulator_value"]
    arguments = {"lr": values["learning_rate"], "initial_accumulator_value": start, "eps": 0.0}
    share = math.sqrt(1 + values["epsilon"] / start) - 1 if start > 0 else math.inf
    outside = (
        f"PyTorch adds eps outside the root, the tuned optimizer {values['epsilon']:g} inside it: eps is 0 here, and "
        f"PyTorch's steps are longer, by a share of at most {share:.1g}. {measured_distance(2e-7)}"
    )
    return Call("torch.optim.Adagrad", arguments, (outside,))


def _nadam(values: Values, steps: int) -> Call:
    # With a momentum_decay of 1, the warm-up of PyTorch's momentum is that of Keras.
    return Call("torch.optim.NAdam", {**_moments(values), "momentum_decay": 1.0})


_LBFGS = "torch.optim.LBFGS scales its first step by the gradient's norm and skips pairs of little curvature"

TORCH = Library(
    key="class",
    counterparts=MappingProxyType(
        {
            "Adadelta": _adadelta,
            "Adagrad": _adagrad,
            "Adam": _adam,
            "AdamW": _adamw,
            "Nadam": _nadam,
            "RMSprop": _rmsprop,
            "SGD": _sgd,
        }
    ),
    differing=MappingProxyType({"BFGS": LIMITED_MEMORY, "L-BFGS": _LBFGS, "O-LBFGS": _LBFGS}),
)
