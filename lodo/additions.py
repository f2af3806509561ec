"""Names and values of the additions that any optimizer takes.

These are a schedule, weight decay, clipping and averaging of the weights. An addition is switched on by giving it a
value, as a hyperparameter of the optimizer that it is added to. It belongs to the optimizer itself if that has a
hyperparameter of the same name, such as the weight decay of LARS.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

RATES = ("learning_rate", "initial_learning_rate", "lr")  # what a schedule scales: the first that an optimizer has
WARMUP, WEIGHT_DECAY, AVERAGE = "warmup_ratio", "weight_decay", "ema_momentum"
SCHEDULES = ("cosine_final", "linear_final", "step_final")
CLIPPINGS = ("clipnorm", "global_clipnorm", "clipvalue")
_NEED_A_RATE = (WARMUP, *SCHEDULES, WEIGHT_DECAY)


@dataclass(frozen=True, slots=True)
class Addition:
    """What an addition does, and the values that it takes."""

    text: str
    accepted: str
    least: float
    greatest: float


_SHARE = ("a number from 0 to 1", 0.0, 1.0)
_POSITIVE = ("a number above 0", math.ulp(0.0), math.inf)
ADDITIONS: Mapping[str, Addition] = MappingProxyType(
    {
        WARMUP: Addition("share of the steps in which the learning rate rises linearly", *_SHARE),
        "cosine_final": Addition("half a cosine, down to this share of the learning rate", *_SHARE),
        "linear_final": Addition("a straight line, down to this share of the learning rate", *_SHARE),
        "step_final": Addition("two equal falls, at 1/2 and 3/4, to this share of the learning rate", *_SHARE),
        WEIGHT_DECAY: Addition("decoupled weight decay, as in AdamW", "a number of at least 0", 0.0, math.inf),
        "clipnorm": Addition("greatest norm of the gradient of each variable", *_POSITIVE),
        "global_clipnorm": Addition("greatest norm of the whole gradient", *_POSITIVE),
        "clipvalue": Addition("greatest absolute value of an entry of the gradient", *_POSITIVE),
        AVERAGE: Addition(
            "momentum of an average of the weights, which is evaluated in their place",
            "a number from 0 to below 1",
            0.0,
            math.nextafter(1.0, 0.0),
        ),
    }
)


class AdditionError(ValueError):
    """Additions, or the value of one, cannot be used; the message is one line."""


def available(own: Collection[str]) -> tuple[str, ...]:
    """Return the additions to an optimizer that has these hyperparameters itself.

    An optimizer of which no hyperparameter is known may have a weight decay of its own: it gets none.
    """
    return tuple(name for name in ADDITIONS if name not in own and (own or name != WEIGHT_DECAY))


def rate_of(own: Collection[str]) -> str | None:
    """Return the name of the learning rate among an optimizer's own hyperparameters; None if it has none."""
    return next((name for name in RATES if name in own), None)


def check(optimizer: str, added: Collection[str], own: Collection[str]) -> None:
    """Check that additions can be made together.

    Args:
        optimizer: The optimizer's name.
        added: Names of additions.
        own: Names of the optimizer's own hyperparameters.

    Raises:
        AdditionError: Two of them exclude each other, or one needs a learning rate that the optimizer does not have.
    """
    for what, names in (("schedule", SCHEDULES), ("clipping", CLIPPINGS)):
        given = [name for name in names if name in added]
        if len(given) > 1:
            raise AdditionError(f"{optimizer} takes one {what} of {', '.join(names)}. Received: {' and '.join(given)}")
    needing = [name for name in _NEED_A_RATE if name in added]
    if needing and rate_of(own) is None:
        raise AdditionError(
            f"{needing[0]} is for an optimizer with a learning rate ({', '.join(RATES)}). Received: {optimizer} with"
            f" {', '.join(own)}"
        )


def check_value(name: str, value: float) -> None:
    """Check the value of an addition.

    Raises:
        AdditionError: The addition does not take it.
    """
    addition = ADDITIONS[name]
    if not (math.isfinite(value) and addition.least <= value <= addition.greatest):
        raise AdditionError(f"{name} is {addition.accepted}. Received: {value!r}")
