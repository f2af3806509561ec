"""Losses and accuracy of Keras models, for minibatches and single examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tasks.errors import TaskError
from tasks.task import Tensor


class _FunctionLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
    """A loss computed by a function of targets and predictions, whose ranks may differ by a last axis of size 1."""

    def __init__(self, function: Callable[[Any, Any], Any], dtype: str) -> None:
        super().__init__(name=getattr(function, "__name__", "loss").strip("<>"), dtype=dtype)
        self._function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Call the function with arrays of the same rank."""
        if isinstance(y_true, tf.Tensor) and isinstance(y_pred, tf.Tensor):
            if y_true.shape.rank + 1 == y_pred.shape.rank and y_pred.shape[-1] == 1:
                y_true = y_true[..., tf.newaxis]
            elif y_true.shape.rank == y_pred.shape.rank + 1 and y_true.shape[-1] == 1:
                y_true = y_true[..., 0]
        return self._function(y_true, y_pred)


def keras_loss(given: Any, dtype: str) -> Any:
    """Return a keras.losses.Loss.

    Args:
        given: A name of a loss of Keras, a keras.losses.Loss, or a function of targets and predictions that returns one
            number per example, or one for the minibatch.
        dtype: Dtype of the computation; a Loss of a user's own class keeps its own.

    Raises:
        TaskError: It is none of these.
    """
    accepted = "`loss` must be a name of a loss of Keras, a keras.losses.Loss, or a function (y_true, y_pred)"
    if isinstance(given, str):
        try:
            known = keras.losses.get(given)
        except ValueError as error:
            raise TaskError(f"{accepted}. Received: {given!r:.80}") from error
        # Keras has some losses as a function and as a class; `fit` uses the class, which adjusts ranks.
        given = getattr(keras.losses, getattr(known, "__name__", "").title().replace("_", ""), known)
        given = given() if isinstance(given, type) else given
    if isinstance(given, keras.losses.Loss):
        if given.dtype == dtype or type(given).__module__.partition(".")[0] != "keras":
            return given
        return type(given).from_config(given.get_config() | {"dtype": dtype})
    if callable(given):
        return _FunctionLoss(given, dtype)
    raise TaskError(f"{accepted}. Received: {given!r:.80}")


def loss_of_each(loss: Any, targets: Any, predicted: Any) -> Tensor:
    """Return the loss of each of E examples, [E]."""
    reduction, loss.reduction = loss.reduction, None
    try:
        losses = loss(targets, predicted)
        if losses.shape.rank == 0:  # one number per minibatch: call it with each example alone
            losses = tf.map_fn(
                lambda pair: loss(*tf.nest.map_structure(lambda part: part[tf.newaxis], pair)),
                (targets, predicted),
                fn_output_signature=losses.dtype,
            )
    finally:
        loss.reduction = reduction
    return tf.reduce_mean(tf.reshape(losses, [losses.shape[0], -1]), axis=1)


def accuracy_of_each(loss: Any, targets: Any, predicted: Any) -> Tensor:
    """Return the accuracy of each of E examples, [E]: 0 or 1, or a mean over positions.

    The shapes decide, as for Keras' "accuracy": predictions with a last axis of size 1 are binary, with a threshold of
    0.5, or 0 if the loss takes logits; targets of the predictions' shape are one-hot; other targets are class indices.

    Raises:
        TaskError: Targets or predictions are not arrays of such shapes.
    """
    if not (isinstance(targets, tf.Tensor) and isinstance(predicted, tf.Tensor)) or predicted.shape.rank < 1:
        raise TaskError('metrics: "accuracy" needs one array of targets and a model with one output')
    if predicted.shape.rank == 1 or predicted.shape[-1] == 1:
        truth = tf.reshape(targets, [predicted.shape[0], -1])
        threshold = 0.0 if getattr(loss, "from_logits", False) else 0.5
        correct = tf.equal(tf.reshape(predicted, truth.shape) > threshold, tf.cast(truth, tf.float32) > 0.5)
    else:
        if targets.shape == predicted.shape:
            truth = tf.argmax(targets, axis=-1)
        elif targets.shape[: predicted.shape.rank] == [*predicted.shape[:-1], 1]:
            truth = tf.cast(targets[..., 0], tf.int64)
        elif targets.shape == predicted.shape[:-1]:
            truth = tf.cast(targets, tf.int64)
        else:
            raise TaskError(
                'metrics: "accuracy" needs class indices or one-hot vectors as targets. Received: targets'
                f" {targets.shape} and predictions {predicted.shape}"
            )
        correct = tf.equal(tf.argmax(predicted, axis=-1), truth)
    return tf.reduce_mean(tf.reshape(tf.cast(correct, tf.float32), [predicted.shape[0], -1]), axis=1)
