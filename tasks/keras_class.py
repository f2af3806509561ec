"""The base class of tasks made by `keras_task`."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.arguments import checked
from tasks.errors import TaskError, described
from tasks.fingerprint import arrays_fingerprint
from tasks.keras_behaviour import DEVIATION, computed, is_alike, moved, values_of
from tasks.keras_build import build_model, precision
from tasks.keras_data import Examples, examples, mapped
from tasks.keras_features import Setting, refuse
from tasks.keras_objective import Batch, Objective, variables_of
from tasks.keras_settings import UNSEEN, difference, parts_of
from tasks.options import MAX_BATCH_SIZE, float_dtype, single_seed, whole_number
from tasks.outside import REMEDY, outside
from tasks.random_operations import SEED_STATE, unseeded
from tasks.shared_memory import shared
from tasks.task import State, Tensor
from tasks.tensors import constant

COMPARED = 8  # examples on which two models are compared


class KerasTask:
    """A task that trains a Keras model; `keras_task` returns subclasses with the model and the data.

    x consists of the model's trainable variables, flattened, in the model's order; those that the loss does not depend
    on are left out, because `fit` does not move them. The state is the indices of the minibatch's examples, int32 [B],
    and the model's other variables (running statistics, seeds).

    Args:
        dtype: "float32" or "float64". Default: that given to `keras_task`.
        batch_size: Examples per step, 1 to 65,536. Default: that given to `keras_task`.
        **arguments: Arguments of `build` that have a default. Default: these.

    Raises:
        TaskError: Data, model or loss cannot be used, or are not compatible.
    """

    name: str
    own_dtype: str
    own_batch_size: int
    jit_compile: bool
    build: Callable[..., Any]
    arguments: dict[str, Any]  # those with a default
    given_loss: tuple[Any, Any]  # `loss` and `loss_weights`
    given: dict[str, Any]
    policy: Any
    cohort_size = 1
    eager_initial = True  # building a model needs Python
    project: Callable[[Tensor], Tensor] | None = None

    def __init__(self, *, dtype: str | None = None, batch_size: int | None = None, **arguments: Any) -> None:
        self._arguments = checked(self.name, arguments, self.arguments)
        self.dtype = float_dtype(dtype, default=self.own_dtype)
        chosen = self.own_batch_size if batch_size is None else batch_size
        self.batch_size = whole_number("batch_size", chosen, low=1, high=MAX_BATCH_SIZE)
        self._read: dict[str, Examples] = {}
        self._split("train")
        self._sample = self._gathered("train", [0])
        with self._reported("model, loss and data are not compatible"):
            self._objective = self._first_objective()
        self._parts = parts_of(self._objective.model)
        self._unused: tuple[int, ...] = ()
        self._computed: Any = None
        self._arrange()
        if unused := self._try():
            self._unused = unused
            self._objective.trainable, self._objective.others = variables_of(self._objective.model, unused)
            self._arrange()
            self._try()
        if self._objective.is_constrained:
            self.project = self._projected

    def _arrange(self) -> None:
        """Lay out x and the state by the variables of the objective."""
        self._trainable, self._others = self._objective.trainable, self._objective.others
        self.variable_shapes = tuple(tuple(variable.shape) for variable in self._trainable)
        self.variable_paths = tuple(str(variable.path) for variable in self._trainable)
        self._sizes = [math.prod(shape) for shape in self.variable_shapes]
        self.layers = _layers(self.variable_paths, self._sizes)

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the weights x [n, 1] of a model built with the seed, and the state before the first step."""
        seed = single_seed(seeds, self.name)
        if tf.executing_eagerly():
            weights, *others = self._start(seed)
        else:
            kinds = [tf.as_dtype(self.dtype), *(tf.as_dtype(variable.dtype) for variable in self._others)]
            weights, *others = tf.py_function(self._start, [seed], kinds)
        weights = tf.ensure_shape(weights, [sum(self._sizes)])
        pairs = zip(others, self._others, strict=True)
        blank = tf.zeros([self.batch_size], tf.int32)
        return weights[:, tf.newaxis], (blank, tuple(tf.ensure_shape(value, of.shape) for value, of in pairs))

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the minibatch of step t and the seeds of layers, which depend on the seed and t alone."""
        seed = tf.random.experimental.stateless_fold_in(single_seed(seeds, self.name), t)
        of_batch, of_layers = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        chosen = tf.random.stateless_uniform([self.batch_size], of_batch, 0, self._read["train"].count, tf.int32)
        others = [
            tf.cast(tf.random.experimental.stateless_fold_in(of_layers, place), value.dtype) if is_seed else value
            for place, (value, is_seed) in enumerate(zip(state[1], self._is_seed(), strict=True))
        ]
        return chosen, tuple(others)

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the minibatch's loss as `fit` computes it [1], its gradient [n, 1], and the state."""
        chosen, others = state
        with self._reported("model, loss and data are not compatible"):
            batch = self._gathered("train", chosen)
            weights = self._weights(x)
            with precision(self.dtype), tf.GradientTape() as tape:
                tape.watch(weights)
                loss, updated = self._objective.loss(weights, others, batch, training=True)
            gradients = tape.gradient(loss, weights)
        self._without_gradient = tuple(place for place, gradient in enumerate(gradients) if gradient is None)
        if len(self._without_gradient) == len(gradients):
            raise TaskError(f"{self.name}: the loss does not depend on the model's trainable weights")
        flat = [
            tf.zeros([size], self.dtype) if gradient is None else tf.cast(tf.reshape(gradient, [-1]), self.dtype)
            for gradient, size in zip(gradients, self._sizes, strict=True)
        ]
        # Seeds stay those of `advance`, so that all evaluations of a step have the same dropout.
        others = [old if is_seed else new for old, new, is_seed in zip(others, updated, self._is_seed(), strict=True)]
        return loss[tf.newaxis], tf.concat(flat, axis=0)[:, tf.newaxis], (chosen, tuple(others))

    def _projected(self, x: Tensor) -> Tensor:
        """Return x [n, 1] after the constraints of its variables, as after a step of `fit`."""
        with self._reported("a constraint cannot be applied"), precision(self.dtype):
            values = self._objective.constrained(self._weights(x))
        return tf.concat([tf.cast(tf.reshape(value, [-1]), self.dtype) for value in values], axis=0)[:, tf.newaxis]

    def fingerprint(self) -> dict[str, Any]:
        """Return what identifies the training and validation examples, as they are trained on."""
        return arrays_fingerprint(self.name, {split: self._nest(split) for split in self.given if split != "test"})

    def own_tensors(self) -> list[Tensor]:
        """Return the tensors that `fingerprint` identifies."""
        tensors = [tensor for split in self._read for tensor in tf.nest.flatten(self._nest(split))]
        return [tensor for tensor in tensors if tensor is not None]

    def _nest(self, split: str) -> dict[str, Any]:
        data = self._split(split)
        return {field.name: getattr(data, field.name) for field in fields(data) if field.name != "count"}

    def _is_seed(self) -> list[bool]:
        """Return which of the other variables are seeds of layers."""
        return [variable.name == SEED_STATE for variable in self._others]

    def _first_objective(self) -> Objective:
        """Build a model, refuse what a task cannot train as `fit` would, and return the model with its loss."""
        model = self.built(0)
        loss, loss_weights = self.given_loss
        metrics = getattr(self, "metrics", ())  # of a task that is evaluated
        setting = Setting(
            dtype=self.dtype,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics[1:],
            is_evaluated=bool(metrics),
        )
        refuse(model, setting)
        if not model.trainable_variables:
            raise TaskError("the model has no trainable weights")
        if loss is not None and self._sample.targets is None:
            raise TaskError(
                "`loss` compares with targets. Accepted: loss=None, or `train` as (x, y). Received: (x, None)"
            )
        with precision(self.dtype):
            return Objective(model, loss, loss_weights, self.dtype, self._sample)

    def _start(self, seed: Tensor) -> list[Any]:
        """Return the flattened weights, and the other variables, of a model built with a seed [2]."""
        number = np.random.SeedSequence(np.asarray(seed).astype(np.uint32).tolist()).generate_state(1)
        with self._reported("the model cannot be built"):
            model = self.built(int(number[0]))
        if model is self._objective.model:
            raise TaskError(f"{self.name}: `build` must return a new model at each call. Received: the same one")
        if differs := self.difference(model):
            raise TaskError(f"{self.name}: {differs}")
        trainable, others = variables_of(model, self._unused)
        flat = np.concatenate([variable.numpy().ravel() for variable in trainable]).astype(self.dtype)
        return [tf.constant(flat), *(tf.constant(variable.numpy()) for variable in others)]

    def built(self, seed: int) -> Any:
        """Return a model that is built with a seed, 0 <= seed < 2**32."""
        build = functools.partial(type(self).build, **self._arguments)
        return build_model(build, self._sample.inputs, seed, self.dtype, self.policy)

    def difference(self, model: Any, *, is_thorough: bool = False) -> str:
        """Return in what a model of `build` differs from that of the constructor, apart from its weights.

        All runs compute with the model of the constructor, so that its numbers would be those of all seeds.

        Args:
            model: The model.
            is_thorough: Whether what both compute is compared in any case, and not only where something in them
                differs that may be of no consequence, such as an address. Default: False.

        Returns:
            A message, or "".
        """
        accepted = "`build` must return the same model at each call, except for its weights"
        shapes = [
            [tuple(variable.shape) for variable in each]
            for each in (*variables_of(model, self._unused), self._trainable, self._others)
        ]
        if shapes[:2] != shapes[2:]:
            return accepted
        found = difference(self._parts, parts_of(model))
        if found is None:
            return "" if not is_thorough or self._computes_the_same(model) else f"{accepted}. Received: {UNSEEN}"
        if not found.is_certain and self._computes_the_same(model):
            return ""
        return f"{accepted}. Received: {found.text}"

    def _computes_the_same(self, model: Any) -> bool:
        """Return whether a model computes what that of the constructor does, with the same values of all variables."""
        loss, loss_weights = self.given_loss
        number = min(COMPARED, self._split("train").count)
        batch = self._gathered("train", tf.range(number))
        is_evaluated = bool(getattr(self, "metrics", ()))
        with self._reported("the model cannot be compared"), precision(self.dtype):
            other = Objective(model, loss, loss_weights, self.dtype, self._sample, self._unused)
            at = moved(values_of(self._trainable), DEVIATION), values_of(self._others)
            if self._computed is None:
                self._computed = computed(self._objective, *at, batch, is_evaluated=is_evaluated)
            return is_alike(self._computed, computed(other, *at, batch, is_evaluated=is_evaluated))

    def _weights(self, x: Tensor) -> list[Tensor]:
        """Cut x [n, 1] into the model's variables."""
        cuts = tf.split(x[:, 0], self._sizes)
        return [
            tf.cast(tf.reshape(cut, variable.shape), variable.dtype)
            for cut, variable in zip(cuts, self._trainable, strict=True)
        ]

    def _split(self, split: str) -> Examples:
        """Return the examples of a split as tensors that all traces share; read at the first call.

        Large arrays are mapped from a file, so that the processes of a machine have them in memory once.
        """
        if split not in self._read:
            if split not in self.given:
                raise TaskError(f"{self.name} has no {split} examples: keras_task(..., {split}=(x, y))")
            with self._reported(f"`{split}` cannot be read"):
                data = examples(self.given[split], split, self.dtype)
                if "train" in self._read and (data.targets is None) != (self._read["train"].targets is None):
                    raise TaskError(f"`{split}` must have targets if `train` has them, and none if it has none")
            parts = (data.inputs, data.targets, data.weights)
            with tf.init_scope():
                tensors = [mapped(lambda array: constant(shared(array)), part) for part in parts]
            inputs, targets, weights = tensors
            self._read[split] = Examples(inputs, targets, weights, data.count)
        return self._read[split]

    def _gathered(self, split: str, chosen: Tensor) -> Batch:
        """Return examples by their indices, int32 [B], in the task's precision."""
        data = self._split(split)
        parts = (data.inputs, data.targets, data.weights)

        def gathered(array: Tensor) -> Tensor:
            some = tf.gather(array, chosen)
            return tf.cast(some, self.dtype) if some.dtype.is_floating else some

        return Batch(*(mapped(gathered, part) for part in parts))

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Turn an exception of a `with` block, such as one of Keras, into a TaskError of one line with the name."""
        try:
            yield
        except TaskError as error:
            named = str(error).startswith(f"{self.name}: ")
            raise (error if named else TaskError(f"{self.name}: {error}")) from error.__cause__
        except Exception as error:
            raise TaskError(f"{self.name}: {what}: {described(error, None)}") from error

    def _try(self) -> tuple[int, ...]:
        """Trace a step, to find errors before anything is trained, and return the places of variables without gradient.

        Raises:
            TaskError: Model, loss and data are not compatible, or one of them draws random numbers without the seed.
        """
        x = tf.TensorSpec([sum(self._sizes), 1], self.dtype)
        others = tuple(tf.TensorSpec(variable.shape, variable.dtype) for variable in self._others)
        state = (tf.TensorSpec([self.batch_size], tf.int32), others)
        traced = tf.function(self.loss_and_gradient, autograph=False).get_concrete_function(x, state)
        self.graph = traced.graph
        if drawn := unseeded(traced.graph):
            raise TaskError(
                f"{self.name}: a layer or the loss draws random numbers that no seed repeats ({drawn}). Accepted:"
                " keras.random with a keras.random.SeedGenerator that the layer holds"
            )
        if read := outside(traced.graph):
            raise TaskError(f"{self.name}: a layer or the loss reads {read} in every step. Accepted: {REMEDY}")
        return self._without_gradient


def _layers(paths: Sequence[str], sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return (start, stop) of each layer in x: of consecutive variables whose paths have the same parent."""
    stops = list(itertools.accumulate(sizes))
    variables = zip(paths, [0, *stops[:-1]], stops, strict=True)
    groups = [list(group) for _, group in itertools.groupby(variables, lambda variable: variable[0].rpartition("/")[0])]
    return tuple((group[0][1], group[-1][2]) for group in groups)
