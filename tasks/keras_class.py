"""The class behind `keras_task`: a Keras model's weights as x, and the rest of its variables in the state."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tasks.errors import TaskError, described
from tasks.keras_data import Examples, examples, mapped
from tasks.keras_losses import accuracy_of_each, keras_loss, of_each
from tasks.keras_build import built, precision
from tasks.keras_task import LARGEST_BATCH
from tasks.options import float_dtype, whole_number
from tasks.task import State, Tensor
from tasks.random_operations import SEED_STATE, unseeded


def policy() -> Any:
    """Return Keras' dtype policy of this thread."""
    return keras.config.dtype_policy()


class KerasTask:
    """Trains a Keras model; what `keras_task` makes are classes like this one that know their model and data.

    x is the model's trainable variables, flattened, in the model's order. The state is the minibatch's numbers, int32
    [B], and the model's other variables (running statistics, seeds).

    Args:
        dtype: "float32" or "float64". Default: as `keras_task` was told.
        batch_size: Examples a step, 1 to 65,536. Default: as `keras_task` was told.

    Raises:
        TaskError: Data, model or loss cannot be used, or do not fit together.
    """

    name: str
    own_dtype: str
    own_batch_size: int
    jit_compile: bool
    build: Callable[[], Any]
    given_loss: tuple[Any]
    given: dict[str, Any]
    policy: Any
    cohort_size = 1
    eager_initial = True  # a model is built by Python

    def __init__(self, *, dtype: str | None = None, batch_size: int | None = None) -> None:
        self.dtype = float_dtype(dtype, default=self.own_dtype)
        chosen = self.own_batch_size if batch_size is None else batch_size
        self.batch_size = whole_number("batch_size", chosen, low=1, high=LARGEST_BATCH)
        self._read: dict[str, Examples] = {}
        train = self._split("train")
        self._sample = mapped(lambda array: array[:1], train.inputs)
        with precision(self.dtype):
            self._loss = keras_loss(self.given_loss[0], self.dtype)
        self._model = self._built(0)
        self._trainable = self._model.trainable_variables
        self._kept = self._model.non_trainable_variables
        if not self._trainable:
            raise TaskError(f"{self.name}: the model has no trainable weights")
        self.variable_shapes = tuple(tuple(variable.shape) for variable in self._trainable)
        self._sizes = [math.prod(shape) for shape in self.variable_shapes]
        self.layers = _layers([variable.path for variable in self._trainable], self._sizes)
        self._try()

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the weights x [n, 1] of a model built from the seed, and the state before any step."""
        seed = self._only(seeds)
        if tf.executing_eagerly():
            weights, *kept = self._start(seed)
        else:
            kinds = [tf.as_dtype(self.dtype), *(tf.as_dtype(variable.dtype) for variable in self._kept)]
            weights, *kept = tf.py_function(self._start, [seed], kinds)
        weights = tf.ensure_shape(weights, [sum(self._sizes)])
        pairs = zip(kept, self._kept, strict=True)
        blank = tf.zeros([self.batch_size], tf.int32)
        return weights[:, tf.newaxis], (blank, tuple(tf.ensure_shape(value, of.shape) for value, of in pairs))

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the minibatch of step t, and what layers draw from in it; both depend on the seed and t alone."""
        seed = tf.random.experimental.stateless_fold_in(self._only(seeds), t)
        of_batch, of_layers = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        chosen = tf.random.stateless_uniform([self.batch_size], of_batch, 0, self._read["train"].count, tf.int32)
        kept = [
            tf.cast(tf.random.experimental.stateless_fold_in(of_layers, place), value.dtype) if draws else value
            for place, (value, draws) in enumerate(zip(state[1], self._draws(), strict=True))
        ]
        return chosen, tuple(kept)

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the minibatch's mean loss with what layers add [1], its gradient [n, 1], and the statistics after."""
        chosen, kept = state
        inputs, targets = self._gathered("train", chosen)
        weights = self._weights(x)
        with precision(self.dtype), tf.GradientTape() as tape:
            tape.watch(weights)
            predicted, after, added = self._called(weights, kept, inputs, training=True)
            loss = tf.reduce_mean(tf.cast(self._loss(targets, predicted), self.dtype))  # of many if it reduces none
            loss = tf.add_n([loss, *(tf.cast(term, self.dtype) for term in added)])
        gradients = tape.gradient(loss, weights)
        if all(gradient is None for gradient in gradients):
            raise TaskError(f"{self.name}: the loss does not depend on the model's trainable weights")
        flat = [
            tf.zeros([size], self.dtype) if gradient is None else tf.cast(tf.reshape(gradient, [-1]), self.dtype)
            for gradient, size in zip(gradients, self._sizes, strict=True)
        ]
        # Seeds stay as `advance` made them: whoever evaluates a step twice meets the same dropout.
        kept = [old if draws else new for old, new, draws in zip(kept, after, self._draws(), strict=True)]
        return loss[tf.newaxis], tf.concat(flat, axis=0)[:, tf.newaxis], (chosen, tuple(kept))

    def _only(self, seeds: Tensor) -> Tensor:
        """Return the seed [2] of a cohort of one."""
        if seeds.shape[0] != 1:
            raise ValueError(
                f"{self.name} trains one candidate at a time (cohort_size 1). Received: {seeds.shape[0]} seeds"
            )
        return seeds[0]

    def _draws(self) -> list[bool]:
        """Return which variables of the state are seeds of layers."""
        return [variable.name == SEED_STATE for variable in self._kept]

    def _built(self, seed: int) -> Any:
        try:
            return built(type(self).build, self._sample, seed, self.dtype, self.policy)
        except TaskError as error:
            raise TaskError(f"{self.name}: {error}") from error

    def _start(self, seed: Tensor) -> list[Any]:
        """Return the flattened weights, and the other variables, of a model built from a seed [2]."""
        whole = np.random.SeedSequence(np.asarray(seed).astype(np.uint32).tolist()).generate_state(1)
        model = self._built(int(whole[0]))
        if model is self._model:
            raise TaskError(f"{self.name}: `build` must return a new model whenever it is called. Received: the same")
        found = [tuple(variable.shape) for variable in model.trainable_variables]
        kept = [variable.numpy() for variable in model.non_trainable_variables]
        if found != list(self.variable_shapes) or len(kept) != len(self._kept):
            raise TaskError(f"{self.name}: `build` must return the same model whenever it is called, up to its weights")
        weights = [variable.numpy().ravel() for variable in model.trainable_variables]
        flat = np.concatenate(weights).astype(self.dtype)
        return [tf.constant(flat), *(tf.constant(value) for value in kept)]

    def _weights(self, x: Tensor) -> list[Tensor]:
        """Cut x [n, 1] into the model's variables."""
        cuts = tf.split(x[:, 0], self._sizes)
        return [
            tf.cast(tf.reshape(cut, variable.shape), variable.dtype)
            for cut, variable in zip(cuts, self._trainable, strict=True)
        ]

    def _called(
        self, weights: Sequence[Tensor], kept: Sequence[Tensor], inputs: Any, *, training: bool
    ) -> tuple[Any, list[Tensor], list[Tensor]]:
        """Call the model as `fit` does; return its outputs, its other variables after, and the losses of its layers."""
        mapping = [*zip(self._trainable, weights, strict=True), *zip(self._kept, kept, strict=True)]
        told = {"training": training} if "training" in self._model.call_signature_parameters else {}
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            predicted = self._model(inputs, **told)
            added = self._model.losses if training else []
        return predicted, [scope.get_current_value(variable) for variable in self._kept], added

    def _split(self, split: str) -> Examples:
        """Return the examples of a split, as tensors that all traces share; read when they are first asked for."""
        if split not in self._read:
            if split not in self.given:
                raise TaskError(f"{self.name} was given no {split} examples: keras_task(..., {split}=(x, y))")
            try:
                found = examples(self.given[split], split, self.dtype)
            except TaskError as error:
                raise TaskError(f"{self.name}: {error}") from error
            with tf.init_scope():
                inputs, targets = mapped(tf.constant, found.inputs), mapped(tf.constant, found.targets)
            self._read[split] = Examples(inputs, targets, found.count)
        return self._read[split]

    def _gathered(self, split: str, chosen: Tensor) -> tuple[Any, Any]:
        """Return inputs and targets of some examples."""
        found = self._split(split)
        inputs, targets = (
            mapped(lambda array: tf.gather(array, chosen), part) for part in (found.inputs, found.targets)
        )
        return inputs, targets

    def _try(self) -> None:
        """Trace a step, so that what does not fit together is said before anything is trained.

        Raises:
            TaskError: The model cannot take the inputs, or the loss not the targets and what the model returns; or
                one of them draws what no seed repeats.
        """
        x = tf.TensorSpec([sum(self._sizes), 1], self.dtype)
        kept = tuple(tf.TensorSpec(variable.shape, variable.dtype) for variable in self._kept)
        state = (tf.TensorSpec([self.batch_size], tf.int32), kept)
        try:
            traced = tf.function(self.loss_and_gradient, autograph=False).get_concrete_function(x, state)
        except TaskError:
            raise
        except Exception as error:
            raise TaskError(
                f"{self.name}: model, loss and data do not fit together: {described(error, None)}"
            ) from error
        if drawn := unseeded(traced.graph):
            raise TaskError(
                f"{self.name}: a layer or the loss draws what no seed repeats ({drawn}). Accepted: keras.random"
                " with a keras.random.SeedGenerator that the layer holds"
            )


class EvaluatedKerasTask(KerasTask):
    """A Keras model's task with a validation or a test set.

    The loss of an example leaves out what layers add.
    """

    metrics: tuple[str, ...]
    evaluation_batch = 256

    def examples(self, split: str) -> int:
        """Return how many examples there are in a split; none where the task was not given it."""
        return self._split(split).count if split in self.given else 0

    def evaluate(self, x: Tensor, state: State, split: str, chosen: Tensor) -> Tensor:
        """Return the metrics of some examples in inference mode, [E, metrics, 1]."""
        inputs, targets = self._gathered(split, chosen)
        with precision(self.dtype):
            predicted, _, _ = self._called(self._weights(x), state[1], inputs, training=False)
            found = [of_each(self._loss, targets, predicted)]
            if "accuracy" in self.metrics:
                found.append(accuracy_of_each(self._loss, targets, predicted))
        return tf.stack([tf.cast(metric, self.dtype) for metric in found], axis=1)[:, :, tf.newaxis]


def _layers(paths: Sequence[str], sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return the (start, stop) of each layer within x: of what stands together and is of one layer, as its kernel."""
    stops = list(itertools.accumulate(sizes))
    places = zip(paths, [0, *stops[:-1]], stops, strict=True)
    groups = [list(group) for _, group in itertools.groupby(places, lambda place: place[0].rpartition("/")[0])]
    return tuple((group[0][1], group[-1][2]) for group in groups)
