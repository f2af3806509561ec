"""The loss of a Keras model as a pure function of variables and data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tasks.errors import TaskError
from tasks.keras_data import mapped
from tasks.keras_features import ADDED_LOSS, ASSIGNED, FLAT, LOGITS, MOVING, has_own
from tasks.keras_fitting import refuse_misfit
from tasks.keras_losses import Recorder, Share, accuracy_of_each, keras_losses
from tasks.random_operations import SEED_STATE
from tasks.task import Tensor


def _unmarked(tensor: Tensor) -> Tensor:
    """Return an input of which Keras knows no mask, which it keeps on tensors: those of one trace are none of another.

    A layer may return its input. What is traced is not shared by traces, and stays as it is.
    """
    return tensor if tf.is_symbolic_tensor(tensor) else tf.identity(tensor)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A minibatch: nests of tensors as `fit` passes them to a training step."""

    inputs: Any
    targets: Any  # None if the model has none
    weights: Any  # sample weights, or None


def variables_of(model: Any, unused: Sequence[int] = ()) -> tuple[list[Any], list[Any]]:
    """Return the variables of a model that are trained, and the others.

    Args:
        model: A built model.
        unused: Places of the trainable variables that the loss does not depend on: `fit` does not move them, whatever
            the optimizer, so they are among the others. Default: none.
    """
    trainable = list(enumerate(model.trainable_variables))
    left_out = [variable for place, variable in trainable if place in unused]
    return [variable for place, variable in trainable if place not in unused], [
        *model.non_trainable_variables,
        *left_out,
    ]


class Objective:
    """A model and its loss.

    It must be used in the task's precision (`tasks.keras_build.precision`).

    Args:
        model: A built model, which is compiled with the losses.
        loss: As `keras_task` accepts it.
        loss_weights: As `model.compile` accepts them.
        dtype: "float32" or "float64", of losses.
        sample: A minibatch as the model accepts it, of any values.
        unused: Places of the trainable variables that the loss does not depend on. Default: none.

    Raises:
        TaskError: `loss` is not a loss.
    """

    def __init__(
        self, model: Any, loss: Any, loss_weights: Any, dtype: str, sample: Batch, unused: Sequence[int] = ()
    ) -> None:
        self.model, self.dtype = model, dtype
        self.trainable, self.others = variables_of(model, unused)
        self._recorder = Recorder()
        losses = keras_losses(loss, dtype, self._recorder)
        self._given_loss = loss
        self._has_loss, self._has_own = loss is not None, has_own(model, "compute_loss")
        self._takes_logits = getattr(losses, "takes_logits", False)
        self._takes_training = "training" in model.call_signature_parameters
        keras.Model.compile(model, optimizer=None, loss=losses, loss_weights=loss_weights, jit_compile=False)
        # As `fit` does before its first step: with several outputs, losses have variables, which no trace may create.
        try:
            model._symbolic_build(data_batch=(sample.inputs, sample.targets, sample.weights))
        except Exception:
            self._check_fit(model(sample.inputs), sample)
            raise

    def loss(
        self, values: Sequence[Tensor], others: Sequence[Tensor], batch: Batch, *, training: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the loss that `fit` (or, without `training`, `evaluate`) computes of a minibatch, and the variables.

        Args:
            values: Values of the trainable variables.
            others: Values of the other variables.
            batch: The minibatch.
            training: Whether the model is called in training mode.

        Returns:
            A scalar, and the new values of the other variables.

        Raises:
            TaskError: There is no loss, it is not a scalar, or layers assign variables that they must not.
        """
        with self._called(values, others, batch, training=training) as (predicted, scope):
            if self._has_own:
                loss = self.model._compute_loss(
                    x=batch.inputs, y=batch.targets, y_pred=predicted, sample_weight=batch.weights, training=training
                )
                terms = [tf.cast(loss, self.dtype)]
            else:
                of_layers = self._of_layers()
                terms = [tf.reduce_mean(self._compiled(batch, predicted))] if self._has_loss else []
                terms += of_layers
            if not terms or any(term.shape.rank != 0 for term in terms):
                shapes = ", ".join(str(term.shape) for term in terms) or "no `loss`, and no layer that adds one"
                raise TaskError(f"the loss must be one number for a minibatch. Received: {shapes}")
            return tf.add_n(terms), [scope.get_current_value(variable) for variable in self.others]

    def shares(
        self,
        values: Sequence[Tensor],
        others: Sequence[Tensor],
        batch: Batch,
        *,
        scales: Sequence[Tensor | None] = (),
        with_accuracy: bool = False,
    ) -> tuple[Tensor, list[Share]]:
        """Return the losses of each of E examples in inference mode, and what they consist of.

        Args:
            values: Values of the trainable variables.
            others: Values of the other variables.
            batch: The examples.
            scales: Factors [E] of each output's share. Default: 1.
            with_accuracy: Whether accuracy is measured.

        Returns:
            The losses [E], those of regularizers included; each output's share and, if measured, that of accuracy.

        Raises:
            TaskError: Layers add losses that depend on the inputs, or there is no accuracy.
        """
        with self._called(values, others, batch, training=False) as (predicted, scope):
            if scope.losses:
                raise ADDED_LOSS.refusal(f"{len(scope.losses)} of them")
            with self._recorder.recording(scales) as shares:
                losses = self._compiled(batch, predicted)
            losses = tf.add_n([losses, *(tf.broadcast_to(term, losses.shape) for term in self._of_layers())])
            if with_accuracy and isinstance(predicted, tf.Tensor) and predicted.shape.rank == 1:
                raise FLAT.refusal(f"an output of shape {predicted.shape}")
            if with_accuracy:
                shares.append(accuracy_of_each(batch.targets, predicted))
                if self._takes_logits and predicted.shape[-1] == 1:
                    raise LOGITS.refusal("a loss with from_logits=True")
        return losses, shares

    def _check_fit(self, predicted: Any, batch: Batch) -> None:
        if self._has_loss and not self._has_own:
            refuse_misfit(predicted, batch.targets, batch.weights, self._given_loss)

    @property
    def is_constrained(self) -> bool:
        """Whether a trainable variable has a constraint."""
        return any(variable.constraint is not None for variable in self.trainable)

    def constrained(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Return the values of the trainable variables after their constraints."""
        with keras.StatelessScope(list(zip(self.trainable, values, strict=True))):
            return [
                value if variable.constraint is None else tf.convert_to_tensor(variable.constraint(variable))
                for variable, value in zip(self.trainable, values, strict=True)
            ]

    @contextmanager
    def _called(
        self, values: Sequence[Tensor], others: Sequence[Tensor], batch: Batch, *, training: bool
    ) -> Iterator[tuple[Any, Any]]:
        """Call the model, and keep its variables' values for a `with` block, which receives outputs and the scope."""
        mapping = [*zip(self.trainable, values, strict=True), *zip(self.others, others, strict=True)]
        arguments = {"training": training} if self._takes_training else {}
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            kept = self.trainable if training else [*self.trainable, *self.others]
            before = [scope.get_current_value(variable) for variable in kept]
            predicted = self.model(mapped(_unmarked, batch.inputs), **arguments)
            self._check_fit(predicted, batch)
            for variable, value in zip(kept, before, strict=True):
                # Layers may draw numbers that they do not use; whether they use them is tried by the task.
                if variable.name != SEED_STATE and scope.get_current_value(variable) is not value:
                    raise (ASSIGNED if training else MOVING).refusal(str(variable.path))
            yield predicted, scope

    def _compiled(self, batch: Batch, predicted: Any) -> Tensor:
        """Return the weighted sum of the losses of the outputs."""
        # Not by `__call__`: it only opens a scope of names, by which TensorFlow orders what it adds up, and rounds.
        return tf.cast(self.model._compile_loss.call(batch.targets, predicted, batch.weights), self.dtype)

    def _of_layers(self) -> list[Tensor]:
        """Return the losses that layers add: regularisation, and those of `add_loss`."""
        terms = [tf.cast(term, self.dtype) for term in self.model.losses]
        return [term if term.shape.rank == 0 else tf.reduce_sum(term) for term in terms]
