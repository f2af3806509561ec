"""Losses and the accuracy of Keras models: of a minibatch as `model.fit` has it, and example by example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tasks.errors import TaskError
from tasks.task import Tensor


class _OfFunction(keras.losses.Loss):  # type: ignore[misc]  # Keras has no types
    """A loss from a function of targets and predictions; ranks that differ by a last axis of 1 are made alike."""

    def __init__(self, function: Callable[[Any, Any], Any], dtype: str) -> None:
        super().__init__(name=getattr(function, "__name__", "loss").strip("<>"), dtype=dtype)
        self._function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function returns."""
        if isinstance(y_true, tf.Tensor) and isinstance(y_pred, tf.Tensor):
            if y_true.shape.rank + 1 == y_pred.shape.rank and y_pred.shape[-1] == 1:
                y_true = y_true[..., tf.newaxis]
            elif y_true.shape.rank == y_pred.shape.rank + 1 and y_true.shape[-1] == 1:
                y_true = y_true[..., 0]
        return self._function(y_true, y_pred)


def keras_loss(given: Any, dtype: str) -> Any:
    """Return a loss as Keras' class has it.

    Args:
        given: A name that Keras knows, a keras.losses.Loss, or a function of targets and predictions that returns one
            number an example, or one for the minibatch.
        dtype: In which it computes; a Loss of the user's own class stays at its own.

    Raises:
        TaskError: It is none of these.
    """
    accepted = "`loss` must be a name that Keras knows, a keras.losses.Loss, or a function (y_true, y_pred)"
    if isinstance(given, str):
        try:
            found = keras.losses.get(given)
        except ValueError as error:
            raise TaskError(f"{accepted}. Received: {given!r:.80}") from error
        # Of what Keras has as a function and as a class, the class is what `fit` uses: it makes ranks alike.
        given = getattr(keras.losses, getattr(found, "__name__", "").title().replace("_", ""), found)
        given = given() if isinstance(given, type) else given
    if isinstance(given, keras.losses.Loss):
        if given.dtype == dtype or type(given).__module__.partition(".")[0] != "keras":
            return given
        return type(given).from_config(given.get_config() | {"dtype": dtype})
    if callable(given):
        return _OfFunction(given, dtype)
    raise TaskError(f"{accepted}. Received: {given!r:.80}")


def of_each(loss: Any, targets: Any, predicted: Any) -> Tensor:
    """Return the loss of each of E examples, [E]."""
    reduction, loss.reduction = loss.reduction, None
    try:
        found = loss(targets, predicted)
        if found.shape.rank == 0:  # one number for a minibatch: of each alone, then
            found = tf.map_fn(
                lambda pair: loss(*tf.nest.map_structure(lambda part: part[tf.newaxis], pair)),
                (targets, predicted),
                fn_output_signature=found.dtype,
            )
    finally:
        loss.reduction = reduction
    return tf.reduce_mean(tf.reshape(found, [found.shape[0], -1]), axis=1)


def accuracy_of_each(loss: Any, targets: Any, predicted: Any) -> Tensor:
    """Return how much of each of E examples is classified rightly, [E]; 0 or 1 where it has one class.

    As Keras' "accuracy" goes by shapes: predictions whose last axis is 1 are of two classes, divided at 0.5, or at 0
    where the loss takes logits; targets of the predictions' shape are one-hot; others are numbers of classes.

    Raises:
        TaskError: Targets or predictions are not one array of such shapes.
    """
    if not (isinstance(targets, tf.Tensor) and isinstance(predicted, tf.Tensor)) or predicted.shape.rank < 1:
        raise TaskError('metrics: "accuracy" needs one array of targets and a model with one output')
    if predicted.shape.rank == 1 or predicted.shape[-1] == 1:
        truth = tf.reshape(targets, [predicted.shape[0], -1])
        edge = 0.0 if getattr(loss, "from_logits", False) else 0.5
        right = tf.equal(tf.reshape(predicted, truth.shape) > edge, tf.cast(truth, tf.float32) > 0.5)
    else:
        if targets.shape == predicted.shape:
            truth = tf.argmax(targets, axis=-1)
        elif targets.shape[: predicted.shape.rank] == [*predicted.shape[:-1], 1]:
            truth = tf.cast(targets[..., 0], tf.int64)
        elif targets.shape == predicted.shape[:-1]:
            truth = tf.cast(targets, tf.int64)
        else:
            raise TaskError(
                'metrics: "accuracy" needs numbers of classes, or one-hot vectors, as targets. Received: targets'
                f" {targets.shape} and predictions {predicted.shape}"
            )
        right = tf.equal(tf.argmax(predicted, axis=-1), truth)
    return tf.reduce_mean(tf.reshape(tf.cast(right, tf.float32), [predicted.shape[0], -1]), axis=1)
