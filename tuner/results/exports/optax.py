"""Optax export: a function of `optax` and its keyword arguments.

A schedule among the arguments is a call itself.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType

from tuner.results.exports.additions import Additions, lacking
from tuner.results.exports.library import (
    LENGTH,
    LIMITED_MEMORY,
    Call,
    Library,
    Values,
    epsilon_after_correction,
    measured_distance,
    rate_times_velocity,
    renamed,
)


def _moments(values: Values) -> dict[str, float]:
    return renamed(values, learning_rate="learning_rate", b1="beta_1", b2="beta_2", eps="epsilon")


def _adam(values: Values, steps: int) -> Call:
    return Call("optax.adam", _moments(values), (epsilon_after_correction("Optax", values),))


def _adamw(values: Values, steps: int) -> Call:
    arguments = {**_moments(values), "weight_decay": values["weight_decay"]}
    return Call("optax.adamw", arguments, (epsilon_after_correction("Optax", values),))


def _sgd(values: Values, steps: int) -> Call:
    arguments = {**renamed(values, learning_rate="learning_rate", momentum="momentum"), "nesterov": False}
    return Call("optax.sgd", arguments, rate_times_velocity("Optax", values))


def _rmsprop(values: Values, steps: int) -> Call:
    arguments = {
        **renamed(values, learning_rate="learning_rate", decay="rho", eps="epsilon"),
        "eps_in_sqrt": True,
        "momentum": values["momentum"],
    }
    return Call("optax.rmsprop", arguments)


def _adadelta(values: Values, steps: int) -> Call:
    return Call("optax.adadelta", renamed(values, learning_rate="learning_rate", rho="rho", eps="epsilon"))


def _adagrad(values: Values, steps: int) -> Call:
    start = "initial_accumulator_value"
    arguments = renamed(values, learning_rate="learning_rate", initial_accumulator_value=start, eps="epsilon")
    return Call("optax.adagrad", arguments)


def _lamb(values: Values, steps: int) -> Call:
    return Call("optax.lamb", _moments(values))


def _lion(values: Values, steps: int) -> Call:
    names = {"learning_rate": "learning_rate", "b1": "beta_1", "b2": "beta_2", "weight_decay": "weight_decay"}
    return Call("optax.lion", renamed(values, **names))


def _yogi(values: Values, steps: int) -> Call:
    beta_1, beta_2 = values["beta_1"], values["beta_2"]
    ratio = math.sqrt(1 - beta_2) / (1 - beta_1)  # of the factors of the corrections at the first step
    bias = (
        "Optax corrects the bias of both averages, the tuned optimizer of none: far above eps its first step is "
        f"{ratio:.3g} times as long, and they agree only after about {1 / (1 - max(beta_1, beta_2)):.3g} steps. Tune "
        f"the learning rate again for runs that are not much longer. {measured_distance(0.7)}"
    )
    return Call(
        "optax.yogi", _moments(values), (bias, "Optax starts both averages at 1e-06, the tuned optimizer at 0.")
    )


def _lars(values: Values, steps: int) -> Call:
    # Our schedule is η (1 - t/T)² with t = 1 … T: it is below η at the first step, and 0 at the last.
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
            "Optax divides by ‖g + wd·x‖, the tuned optimizer by ‖g‖ + wd·‖x‖ (the paper's LARS): its rates are "
            f"greater, by a share of at most 2·wd·‖x‖/‖g‖ where that is small. {measured_distance(0.03)}",
            "A layer is a leaf of the parameters. A layer at 0 moves in Optax, with the learning rate itself; the "
            "tuned optimizer leaves it at 0.",
        ),
    )


def _schedule(added: Additions) -> Call:
    """Return the schedule of a learning rate, a function of the steps before."""
    ends = {"init_value": added.rate, "end_value": added.rate * added.final}
    if added.schedule == "cosine_final":
        fall = Call("optax.cosine_decay_schedule", {"init_value": added.rate, "decay_steps": added.left})
        fall = replace(fall, arguments={**fall.arguments, "alpha": added.final})
    elif added.schedule == "linear_final":
        fall = Call("optax.linear_schedule", {**ends, "transition_steps": added.left})
    elif added.schedule == "step_final":
        fall = _joined([_constant(level) for level in added.levels], added.falls)
    else:
        fall = _constant(added.rate)
    if not added.rise:
        return fall
    rise = {"init_value": added.first, "end_value": added.rate, "transition_steps": added.rise}
    return _joined([Call("optax.linear_schedule", rise), fall], (added.rise,))


def _constant(value: float) -> Call:
    return Call("optax.constant_schedule", {"value": value})


def _joined(schedules: list[Call], boundaries: tuple[int, ...]) -> Call:
    return Call("optax.join_schedules", {"schedules": schedules, "boundaries": list(boundaries)})


def _add(call: Call, added: Additions) -> Call:
    """Return a call with additions: as arguments, or in a chain."""
    chain: list[Call] = []
    if "clipnorm" in added.values:
        raise lacking("Optax", "clipping of the norm of each variable (clipnorm), only global_clipnorm and clipvalue")
    if "global_clipnorm" in added.values:
        chain.append(Call("optax.clip_by_global_norm", {"max_norm": added.values["global_clipnorm"]}))
    if "clipvalue" in added.values:
        chain.append(Call("optax.clip", {"max_delta": added.values["clipvalue"]}))
    arguments, warnings = dict(call.arguments), list(call.warnings)
    if added.is_scheduled:
        if isinstance(arguments["learning_rate"], Call):
            raise lacking("Optax", f"schedule of {call.target}, which has one already")
        arguments["learning_rate"] = _schedule(added)
        warnings.append(LENGTH.format(steps=added.steps))
    decay = added.values.get("weight_decay")
    if decay is not None and call.target == "optax.adam":
        chain.append(Call("optax.adamw", {**arguments, "weight_decay": decay}))
    else:
        chain.append(Call(call.target, arguments))
        if decay is not None and added.is_scheduled:
            raise lacking("Optax", f"weight decay of {call.target} under a schedule, only of optax.adam")
        if decay is not None:  # added to the update itself
            chain.append(Call("optax.add_decayed_weights", {"weight_decay": -added.rate * decay}))
    if "ema_momentum" in added.values:
        share = 1 - added.values["ema_momentum"]
        warnings.append(
            "A chain of Optax keeps no average of the parameters: after each step average ="
            f" optax.incremental_update(parameters, average, {share:.6g}), which starts as those after the first step."
        )
    if len(chain) == 1:
        return replace(chain[0], warnings=tuple(warnings))
    return Call("optax.chain", {}, tuple(warnings), tuple(chain))


_LBFGS = "optax.lbfgs scales its first step by the gradient's norm and takes its pairs across minibatches"

OPTAX = Library(
    key="function",
    add=_add,
    counterparts=MappingProxyType(
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
    ),
    differing=MappingProxyType(
        {
            "BFGS": LIMITED_MEMORY,
            "L-BFGS": _LBFGS,
            "O-LBFGS": _LBFGS,
            "keras:Nadam": "optax.nadam has no warm-up of the momentum",
        }
    ),
)
