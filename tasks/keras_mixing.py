"""Test whether the loss of an example depends on the others of its batch.

`evaluate` would then give a number that is not a mean over examples, and that depends on the batch size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.errors import TaskError
from tasks.keras_behaviour import moved
from tasks.keras_data import mapped
from tasks.keras_features import BATCH_LOSS, MOVING
from tasks.keras_losses import Share
from tasks.keras_objective import Batch, Objective
from tasks.outside import REMEDY, outside
from tasks.task import Tensor
from tasks.tracing import compiled

MIN_ROWS, MAX_ROWS = 4, 32  # examples in a batch that is tried, if there are as many
MAX_NUMBERS = 2**16  # in the inputs of such a batch: large examples are expensive
DEVIATIONS = (0.03, 0.3, 1.0)  # of what is added to the weights: gates that start closed would hide what is behind them
NOISE = 0.1  # in inputs that are the same in all examples, relative to 1 + |input|
# Tolerances, in float32 or float64 and where layers compute in bfloat16. Among others, an example is computed by the
# same operations, usually to the bit; alone by those of another shape.
AMONG_OTHERS = (1e-4, 2e-2)  # relative to the spread of the losses
ROUNDING = (1e-5, 1e-2)  # relative to the losses
ALONE = (1e-3, 5e-2)

Array = NDArray[Any]
Values = Sequence[Tensor]  # of variables


def rows_of(count: int, inputs: Any, batch_size: int) -> Array:
    """Return the examples of a batch that is tried, and as many others in their places: int32 [2 N].

    Args:
        count: Number of examples.
        inputs: A nest of arrays, the first axis over the examples.
        batch_size: Of the task.
    """
    numbers = max(1, sum(math.prod(array.shape[1:]) for array in tf.nest.flatten(inputs)))
    number = min(count, max(MIN_ROWS, min(batch_size, MAX_ROWS, MAX_NUMBERS // numbers)))
    chosen = np.random.default_rng(0).choice(count, min(2 * number, count), replace=False).astype(np.int32)
    return chosen if len(chosen) == 2 * number else np.concatenate([chosen[:number], np.roll(chosen[:number], 1)])


def refuse_mixing(
    objective: Objective,
    both: Batch,
    variables: tuple[Values, Values],
    is_seed: Sequence[bool],
    scales_of: Callable[[Sequence[Share]], Sequence[Array | None]],
    *,
    with_accuracy: bool,
) -> None:
    """Compare the losses of some examples in one batch, among other examples, and alone.

    This is done at several points near the given one.

    Args:
        objective: The model and its loss.
        both: 2 N examples: a batch, and others in the same places.
        variables: Values of the trainable variables, and of the others.
        is_seed: Which of the others are seeds of layers.
        scales_of: Returns the factors [N] of the shares of N examples that make their mean the loss of their batch.
        with_accuracy: Whether accuracy is measured.

    Raises:
        TaskError: They differ, or the loss depends on seeds, or on what is read from outside of the task.
    """
    parts = mapped(_told_apart, both.inputs), both.targets, both.weights
    number = int(tf.nest.flatten(both.inputs)[0].shape[0]) // 2
    places = np.arange(number)
    precise = int(any(layer.compute_dtype == "bfloat16" for layer in objective.model._flatten_layers()))

    def taken(chosen: Array) -> tuple[Any, Any, Any]:
        return tuple(mapped(lambda array: tf.gather(array, chosen), part) for part in parts)

    def shares(values: Values, others: Values, batch: Any, scales: Any = ()) -> Any:
        return objective.shares(values, others, Batch(*batch), scales=scales, with_accuracy=with_accuracy)

    first = taken(places)
    scales = [None if scale is None else tf.constant(scale) for scale in scales_of(shares(*variables, first)[1])]

    def shares_of_each(values: Values, others: Values, batch: Any) -> list[Tensor]:
        found = [(share.values, share.counts) for share in shares(values, others, batch)[1]]
        return [part for pair in found for part in pair if part is not None]

    def whole(values: Values, others: Values) -> tuple[Tensor, Tensor]:
        loss, _ = objective.loss(values, others, Batch(*first), training=False)
        return loss, shares(values, others, first, scales[: len(scales) - with_accuracy])[0]

    each, together = compiled(shares_of_each), compiled(whole)
    for seed, deviation in enumerate(DEVIATIONS):
        at = moved(variables[0], deviation, seed), _moved_state(variables[1], is_seed, seed)
        if seed == 0 and (read := outside(together.get_concrete_function(*at).graph)):
            raise TaskError(f"a layer or the loss reads {read} in inference. Accepted: {REMEDY}")
        try:
            loss, losses = together(*at)
            among = each(*at, first)
        except tf.errors.OpError:
            if seed == 0:
                raise
            continue  # a model's own assertion about numbers
        if seed == 0:
            reseeded = [value + 1 if of_seed else value for value, of_seed in zip(at[1], is_seed, strict=True)]
            if np.isfinite(loss) and together(at[0], reseeded)[0] != loss:
                raise MOVING.refusal("a loss that depends on the seeds of layers")
        mean = float(np.mean(losses))
        if abs(mean - float(loss)) > ROUNDING[precise] * 10 * float(np.mean(np.abs(losses))) + 1e-7:
            raise BATCH_LOSS.refusal(
                f"{float(loss):.4g} for {number} examples together, and alone {mean:.4g} on average"
            )
        if number == 1:
            return
        kept = np.random.default_rng(seed).permutation(number) < (number + 1) // 2
        others = each(*at, taken(np.where(kept, places, number + places)))
        for one, other in zip(among, others, strict=True):
            spread, size = np.ptp(_finite(one)), np.abs(_finite(one)).max(initial=0)
            _compare(one[kept], other[kept], AMONG_OTHERS[precise] * spread + ROUNDING[precise] * size, "among others")
        if seed == 0:
            for one, other in zip(among, each(*at, taken(places[:1])), strict=True):
                _compare(one[:1], other, ALONE[precise] * np.abs(_finite(one)).max(initial=0) + 1e-7, "alone")


def _compare(one: Any, other: Any, tolerance: Any, where: str) -> None:
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    with np.errstate(invalid="ignore"):
        same = (one == other) | (np.isnan(one) & np.isnan(other)) | (np.abs(one - other) <= tolerance)
    if not same.all():
        place = int(np.flatnonzero(~same)[0])
        raise BATCH_LOSS.refusal(
            f"an example with a loss of {one[place]:.6g} in one batch, and of {other[place]:.6g} {where}"
        )


def _finite(array: Any) -> Array:
    numbers = np.asarray(array, np.float64)
    return numbers[np.isfinite(numbers)] if np.isfinite(numbers).any() else np.zeros(1)


def _moved_state(values: Values, is_seed: Sequence[bool], seed: int) -> list[Tensor]:
    """Return the other variables with positive numbers added to those of floats, but for the first point."""
    if seed == 0:
        return list(values)
    added = moved([tf.zeros_like(value) for value in values], DEVIATIONS[seed], seed)
    return [
        value + tf.abs(noise) if value.dtype.is_floating and not of_seed else value
        for value, noise, of_seed in zip(values, added, is_seed, strict=True)
    ]


def _told_apart(array: Tensor) -> Tensor:
    """Return an input with noise if all examples have the same numbers: what mixes them would not be seen."""
    if not array.dtype.is_floating or bool(tf.reduce_any(array != array[:1])):
        return array
    noise = tf.random.stateless_normal(array.shape, [0, 0], stddev=NOISE, dtype=array.dtype)
    return array + noise * (1 + tf.abs(array))
