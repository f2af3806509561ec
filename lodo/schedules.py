"""Learning-rate schedules, as functions of the step and the budget.

With T steps in all, of which W = round(warm-up share · T) are the warm-up, and i = t - 1 steps before this one, the
learning rate is multiplied by

    (i + 1) / (W + 1)                          i < W        never 0, so that quasi-Newton methods get a move
    shape(p), p = (i - W) / (T - W)            i >= W

    constant   1
    cosine     f + (1 - f) (1 + cos πp) / 2                 Loshchilov and Hutter 2017, arXiv 1608.03983
    linear     1 - (1 - f) p
    step       1, then √f from p = 1/2, then f from p = 3/4     He et al. 2016, arXiv 1512.03385: f = 0.01

where f is the final share. Keras, PyTorch and Optax can express these with whole numbers of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import tensorflow as tf

from lodo.optimizer import Tensor


def _cosine(progress: Tensor, final: Tensor) -> Tensor:
    return final + (1 - final) * (0.5 * (1 + tf.cos(math.pi * progress)))


def _linear(progress: Tensor, final: Tensor) -> Tensor:
    return 1 - (1 - final) * progress


def _step(progress: Tensor, final: Tensor) -> Tensor:
    return tf.where(progress < 0.5, tf.ones_like(final), tf.where(progress < 0.75, tf.sqrt(final), final))


SHAPES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"cosine_final": _cosine, "linear_final": _linear, "step_final": _step}
)


def factor(t: Tensor, horizon: Tensor, *, warmup: Tensor, schedule: str | None, final: Tensor) -> Tensor:
    """Return what the learning rate is multiplied by at a step, [P].

    Args:
        t: int32 scalar, the step's number, from 1; beyond the horizon the last step is repeated.
        horizon: int32 scalar, T, the run's budget in steps.
        warmup: [P], the warm-up's share of the steps, in [0, 1]. None: there is no warm-up.
        schedule: A name in `SHAPES`. None: constant after the warm-up, and there is one.
        final: [P], the final share, in [0, 1]; not used without a schedule.
    """
    given = warmup if schedule is None else final
    steps = tf.cast(horizon, given.dtype)
    before = tf.cast(tf.minimum(t, horizon) - 1, given.dtype)
    rise = tf.zeros_like(steps) if warmup is None else tf.round(warmup * steps)
    result = tf.ones_like(given)
    if schedule is not None:
        result = SHAPES[schedule](tf.maximum(before - rise, 0) / tf.maximum(steps - rise, 1), final)
    return result if warmup is None else tf.where(before < rise, (before + 1) / (rise + 1), result)
