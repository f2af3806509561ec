"""PyTorch export: a class of `torch.optim` and its keyword arguments.

The call is `class(parameters, **arguments)`.
"""

from __future__ import annotations

import math
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


_SCHEDULERS = "torch.optim.lr_scheduler"


def _scheduler(added: Additions) -> Call:
    """Return the scheduler of a learning rate, which takes a step after each of the optimizer."""
    falls: list[Call] = []
    if added.schedule == "cosine_final":
        end = added.rate * added.final
        falls = [Call(f"{_SCHEDULERS}.CosineAnnealingLR", {"T_max": added.left, "eta_min": end})]
    elif added.schedule == "linear_final":
        falls = [_line(1.0, added.final, added.left)]
    elif added.schedule == "step_final":
        milestones = list(added.falls)
        falls = [Call(f"{_SCHEDULERS}.MultiStepLR", {"milestones": milestones, "gamma": added.final**0.5})]
    rises = [_line(1 / (added.rise + 1), 1.0, added.rise)] if added.rise else []
    if len(rises) + len(falls) == 1:
        return (rises + falls)[0]
    return Call(f"{_SCHEDULERS}.SequentialLR", {"schedulers": rises + falls, "milestones": [added.rise]})


def _line(start: float, end: float, steps: int) -> Call:
    return Call(f"{_SCHEDULERS}.LinearLR", {"start_factor": start, "end_factor": end, "total_iters": steps})


def _add(call: Call, added: Additions) -> Call:
    """Return a call with additions: a scheduler and clipping are calls of their own."""
    beside, warnings, target, arguments = {}, list(call.warnings), call.target, dict(call.arguments)
    if added.is_scheduled:
        beside["scheduler"] = _scheduler(added)
        warnings.append(LENGTH.format(steps=added.steps))
    if "clipnorm" in added.values:
        raise lacking("PyTorch", "clipping of the norm of each variable (clipnorm), only global_clipnorm and clipvalue")
    if "global_clipnorm" in added.values:
        beside["clipping"] = Call("torch.nn.utils.clip_grad_norm_", {"max_norm": added.values["global_clipnorm"]})
        warnings.append("PyTorch adds 1e-06 to the norm of a gradient that it clips.")
    if "clipvalue" in added.values:
        beside["clipping"] = Call("torch.nn.utils.clip_grad_value_", {"clip_value": added.values["clipvalue"]})
    if "weight_decay" in added.values:
        if target != "torch.optim.Adam":
            raise lacking("PyTorch", f"decoupled weight decay of {target}, only of torch.optim.Adam")
        target, arguments = "torch.optim.AdamW", {**arguments, "weight_decay": added.values["weight_decay"]}
    if "ema_momentum" in added.values:
        warnings.append(
            "PyTorch keeps averages beside the optimizer: torch.optim.swa_utils.AveragedModel(model, multi_avg_fn="
            f"torch.optim.swa_utils.get_ema_multi_avg_fn({added.values['ema_momentum']:.6g})), updated after each step."
        )
    return Call(target, arguments, tuple(warnings), beside=beside)


_LBFGS = "torch.optim.LBFGS scales its first step by the gradient's norm and skips pairs of little curvature"

TORCH = Library(
    key="class",
    add=_add,
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
