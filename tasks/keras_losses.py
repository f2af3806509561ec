"""Losses and accuracy of Keras models, of minibatches and of single examples.

`model.evaluate` gives one number for a data set, and a task is asked for one per example. The loss of an example is
defined so that the mean over a data set is the number that `evaluate` gives in batches of the task's `batch_size`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from tasks.errors import TaskError
from tasks.task import Tensor

UNREDUCED = (None, "none")  # reductions with which `fit` descends the sum over examples and shows the mean
ACCEPTED = "`loss` must be a name of a loss of Keras, a keras.losses.Loss, or a function (y_true, y_pred)"


@dataclass(frozen=True, slots=True)
class Share:
    """What each of E examples contributes to a mean that is taken over batches."""

    values: Tensor  # [E]
    counts: Tensor | None = None  # [E], what the sum of values is divided by; None: `values` are means already
    is_sum: bool = False  # whether `values` are not divided at all: each batch has their sum


@dataclass(slots=True)
class Recorder:
    """Collects the shares of examples in the losses of all outputs while it is open, in the order of the outputs."""

    is_open: bool = False
    scales: Sequence[Tensor | None] = ()  # [E] per output: factors of the values
    shares: list[Share] = field(default_factory=list)

    @contextmanager
    def recording(self, scales: Sequence[Tensor | None] = ()) -> Iterator[list[Share]]:
        """Make losses return one number per example in a `with` block, times these factors where there are any."""
        self.is_open, self.scales, self.shares = True, scales, []
        try:
            yield self.shares
        finally:
            self.is_open = False

    def add(self, share: Share) -> Tensor:
        """Record a share, and return the values [E] times their factors."""
        scale = self.scales[len(self.shares)] if self.scales else None
        self.shares.append(share)
        return share.values if scale is None else share.values * tf.cast(scale, share.values.dtype)


class OutputLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
    """The loss of one output: a number per minibatch or, while its recorder is open, a number per example."""

    def __init__(self, loss: Any, recorder: Recorder) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction, dtype=loss.dtype)
        self._loss, self._recorder = loss, recorder
        self.takes_logits = bool(getattr(loss, "from_logits", False))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a minibatch, a scalar, or those of its examples [E]."""
        if sample_weight is not None and sample_weight.shape.rank == 1 and y_pred.shape.rank > 2:
            values = self._loss.call(y_true, y_pred)
            if values.shape.rank > 1:  # Keras would take the weights of examples for those of positions
                positions = ", ".join(map(str, values.shape[1:]))
                raise TaskError(
                    f"sample_weight must be one number per position [examples, {positions}], as this loss has."
                    " Received: shape (examples,)"
                )
        if not self._recorder.is_open:
            return self._loss(y_true, y_pred, sample_weight)
        return self._recorder.add(share_of_each(self._loss, y_true, y_pred, sample_weight))


class _FunctionLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss computed by a function of targets and predictions, whose ranks may differ by a last axis of size 1."""

    def __init__(self, function: Callable[[Any, Any], Any], dtype: str) -> None:
        super().__init__(name=getattr(function, "__name__", "loss").strip("<>"), dtype=dtype)
        self._function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Call the function with arrays of the same rank, as Keras does."""
        return self._function(*_of_one_rank(y_true, y_pred))


def keras_losses(given: Any, dtype: str, recorder: Recorder) -> Any:
    """Return the losses of a model's outputs, in the structure in which they are given.

    Args:
        given: A name of a loss of Keras, a keras.losses.Loss, a function of targets and predictions that returns one
            number per example or one for the minibatch; a tuple, list or dictionary of these, as `model.compile` takes
            it; or None, for an output without a loss.
        dtype: Dtype of the computation; a Loss of a user's own class keeps its own.
        recorder: Collects the losses of examples while it is open.

    Raises:
        TaskError: It is none of these, or does not reduce to one number.
    """
    if isinstance(given, dict):
        return {key: keras_losses(each, dtype, recorder) for key, each in given.items()}
    if isinstance(given, tuple | list):
        return [keras_losses(each, dtype, recorder) for each in given]
    return None if given is None else OutputLoss(single_loss(given, dtype), recorder)


def single_loss(given: Any, dtype: str) -> Any:
    """Return the loss of one output as a keras.losses.Loss; see `keras_losses`."""
    if isinstance(given, str):
        try:
            known = keras.losses.get(given)
        except ValueError as error:
            raise TaskError(f"{ACCEPTED}. Received: {given!r:.80}") from error
        # Keras has some losses as a function and as a class, which adjusts ranks.
        given = getattr(keras.losses, getattr(known, "__name__", "").title().replace("_", ""), known)
        given = given() if isinstance(given, type) else given
    if isinstance(given, type):
        raise TaskError(f"{ACCEPTED}. Received: the class {given.__name__}; its instance is {given.__name__}()")
    if isinstance(given, keras.metrics.Metric):
        raise TaskError(f"{ACCEPTED}. Received: the metric {type(given).__name__}, which counts over all batches")
    if isinstance(given, keras.losses.Loss):
        if given.reduction in UNREDUCED:
            raise TaskError(
                "`loss` must reduce to one number, as with reduction='sum_over_batch_size' or 'sum'. Received:"
                f" {type(given).__name__} with reduction={given.reduction!r}, with which `fit` descends the sum over"
                " the minibatch and shows the mean"
            )
        if given.dtype == dtype or type(given).__module__.partition(".")[0] != "keras":
            return given
        return type(given).from_config(given.get_config() | {"dtype": dtype})
    if callable(given):
        return _FunctionLoss(given, dtype)
    raise TaskError(f"{ACCEPTED}. Received: {given!r:.80}")


def share_of_each(loss: Any, targets: Any, predicted: Any, weights: Any = None) -> Share:
    """Return the shares of E examples in the loss of one output.

    Args:
        loss: A keras.losses.Loss that reduces.
        targets: [E, …].
        predicted: [E, …], possibly with a mask that layers have attached.
        weights: Sample weights [E] or [E, …]. Default: none.

    Raises:
        TaskError: The loss is one number per minibatch, which weights or a mask multiply: no example has a share of it.
    """
    mask = mask_of(predicted)
    reduction, loss.reduction = loss.reduction, None
    try:
        values = loss(targets, predicted, weights)
        if (weights is not None or mask is not None) and loss(targets, tf.identity(predicted)).shape.rank == 0:
            raise TaskError(
                "loss: a function that returns one number per minibatch cannot be measured on a validation set with"
                " sample weights or a mask; return one number per example"
            )
        if values.shape.rank == 0:  # one number per minibatch: call it with each example alone
            values = tf.map_fn(
                lambda pair: loss(*tf.nest.map_structure(lambda part: part[tf.newaxis], pair)),
                (targets, predicted),
                fn_output_signature=values.dtype,
            )
    finally:
        loss.reduction = reduction
    flat = tf.reshape(values, [values.shape[0], -1])
    if reduction == "sum":
        return Share(tf.reduce_sum(flat, axis=1), is_sum=True)
    if reduction == "mean_with_sample_weight" and (weights is not None or mask is not None):
        parts = [_flat(part, flat.dtype) for part in (weights, mask) if part is not None]
        return Share(tf.reduce_sum(flat, axis=1), tf.reduce_sum(math.prod(parts), axis=1))
    if mask is None:
        return Share(tf.reduce_mean(flat, axis=1))
    valid = _flat(mask, flat.dtype)
    return Share(tf.reduce_sum(flat, axis=1), tf.reduce_sum(valid, axis=1) * (flat.shape[1] / valid.shape[1]))


def accuracy_of_each(targets: Any, predicted: Any) -> Share:
    """Return the shares of E examples in Keras' "accuracy".

    The shapes decide which it is: predictions with a last axis of size 1 are binary, with a threshold of 0.5; targets
    of the predictions' shape are one-hot; other targets are class indices. A mask that layers have attached counts.

    Raises:
        TaskError: Targets or predictions are not arrays of such shapes.
    """
    if not (isinstance(targets, tf.Tensor) and isinstance(predicted, tf.Tensor)) or predicted.shape.rank < 2:
        raise TaskError('metrics: "accuracy" needs one array of targets and a model with one output [examples, …, n]')
    shapes = f"Received: targets {targets.shape} and predictions {predicted.shape}"
    if predicted.shape[-1] == 1:
        if targets.shape not in (predicted.shape, predicted.shape[:-1]):
            raise TaskError(f'metrics: "accuracy" needs one target of 0 or 1 per prediction. {shapes}')
        accuracy = keras.metrics.binary_accuracy(tf.reshape(targets, predicted.shape), predicted)
    elif targets.shape == predicted.shape:
        accuracy = keras.metrics.categorical_accuracy(targets, predicted)
    elif targets.shape in (predicted.shape[:-1], [*predicted.shape[:-1], 1]):
        accuracy = keras.metrics.sparse_categorical_accuracy(targets, predicted)
    else:
        raise TaskError(f'metrics: "accuracy" needs class indices or one-hot vectors as targets. {shapes}')
    flat, mask = _flat(accuracy, tf.float32), mask_of(predicted)
    if mask is None:
        return Share(tf.reduce_mean(flat, axis=1))
    valid = _flat(mask, flat.dtype)
    return Share(tf.reduce_sum(flat * valid, axis=1), tf.reduce_sum(valid, axis=1))


def mask_of(predicted: Any) -> Tensor | None:
    """Return the mask that layers have attached to an output, bool [E, …]; None if there is none."""
    return getattr(predicted, "_keras_mask", None)


def _flat(array: Any, dtype: Any) -> Tensor:
    """Return an array [E, …] as [E, positions]."""
    return tf.reshape(tf.cast(array, dtype), [array.shape[0], -1])


def _of_one_rank(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two arrays whose ranks may differ by a last axis of size 1 with the same rank, as Keras' losses do."""
    if not (isinstance(one, tf.Tensor) and isinstance(other, tf.Tensor)):
        return one, other
    if one.shape.rank == other.shape.rank + 1 and one.shape[-1] == 1:
        other, one = _of_one_rank(other, one)
    elif one.shape.rank + 1 == other.shape.rank and other.shape[-1] == 1:
        if one.shape.rank == 1:
            one = one[..., tf.newaxis]
        else:
            other = other[..., 0]
    return one, other
