"""LODO for Keras models: `model.compile(optimizer=lodo.keras.LODO(), …)`.

Keras' backend must be TensorFlow. LODO's vector x consists of all trainable variables, in the model's order: its
preconditioner mixes the layers. The step is that of `lodo.lodo.LODO`, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import keras
import tensorflow as tf

from lodo.learned_preconditioner import LearnedPreconditioner, LearnedState
from lodo.lodo import LODO as Rule  # noqa: N811 (the class below has the same name)
from lodo.lodo_diagonal import LODODiagonal as DiagonalRule
from lodo.optimizer import Tensor


class _LearnedOptimizer(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Base class: all variables as one vector, and the state of an optimizer of `lodo` (the rule) as Keras variables.

    Keras applies weight decay, clipping, EMA, loss scaling, gradient accumulation and learning-rate schedules before or
    after the step, as for any Keras optimizer.
    """

    seed = 0  # of the initial θ, if it is random

    def __init__(
        self, learning_rate: Any = 1.0, meta_learning_rate: float = 0.001, momentum: float = 0.9, **of_keras: Any
    ) -> None:
        if isinstance(learning_rate, Real):
            learning_rate = _number("learning_rate", learning_rate, "a positive number", lambda value: value > 0)
        super().__init__(learning_rate=learning_rate, **of_keras)
        self.meta_learning_rate = _number(
            "meta_learning_rate", meta_learning_rate, "a number, at least 0", lambda value: value >= 0
        )
        self.momentum = _number("momentum", momentum, "a number from 0 to below 1", lambda value: 0 <= value < 1)

    def rule(self) -> LearnedPreconditioner:
        """Return the optimizer of `lodo` whose steps are taken."""
        raise TypeError(f"{type(self).__name__} does not define `rule`.")

    def build(self, variables: Sequence[Any]) -> None:
        """Create the rule's state for the vector of these variables.

        Raises:
            ValueError: There is nothing to train, or a variable is not of a floating-point dtype.
        """
        if self.built:
            return
        for variable in variables:
            if not tf.as_dtype(variable.dtype).is_floating:
                raise ValueError(
                    f"trainable variables must be floating-point. Received: {variable.name} {variable.dtype}"
                )
        self._sizes = [math.prod(variable.shape) for variable in variables]
        if not sum(self._sizes):
            raise ValueError("there is nothing to train: the trainable variables have no entries")
        super().build(variables)
        self._rule = self.rule()
        wide = any(tf.as_dtype(variable.dtype) == tf.float64 for variable in variables)
        self._dtype = "float64" if wide else "float32"
        with tf.init_scope():  # these variables outlive the graph of a training step that may be being traced
            origin = tf.zeros([sum(self._sizes), 1], self._dtype)
            state = self._rule.initial_state(origin, self._hyperparameters(1.0), tf.constant([[self.seed, 0]]))
            kept = state._replace(rates=())  # computed from the meta learning rate at each step
            self._state = [
                self.add_variable(
                    part.shape, initializer=lambda *_, part=part, **__: part, dtype=self._dtype, name=f"state_{number}"
                )
                for number, part in enumerate(tf.nest.flatten(kept))
            ]
        # A partial, because Keras wraps structures that are assigned to attributes.
        self._unpacked = partial(tf.nest.pack_sequence_as, tf.nest.map_structure(lambda _: None, kept))
        self._lanes = state.rates.shape[0]

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        """Take the rule's step.

        The gradient of a variable without one is taken as zero, and the variable is not changed.

        Raises:
            ValueError: A gradient is sparse, or the strategy has several replicas.
        """
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            raise ValueError(f"{type(self).__name__} trains on one replica; a strategy with several is not supported")
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            if isinstance(gradient, tf.IndexedSlices):
                raise ValueError(
                    f"{type(self).__name__} needs dense gradients, since its preconditioner mixes all variables. "
                    f"Received: the sparse gradient of {variable.name} (embeddings have these)"
                )
        gradient = self._vector(dict(zip(places, grads, strict=True)))
        x = self._vector(dict(enumerate(self._trainable_variables)))
        hyperparameters = self._hyperparameters(learning_rate)
        rates = tf.repeat(hyperparameters["meta_learning_rate"], self._lanes)
        kept = self._unpacked([tf.convert_to_tensor(part) for part in self._state])
        x, state, _ = self._rule.step(
            lambda _: (tf.zeros([1], self._dtype), gradient),
            x,
            LearnedState(*kept)._replace(rates=rates),
            hyperparameters,
            tf.cast(self.iterations, tf.int32) + 1,
            tf.constant(0),
        )
        for variable, part in zip(self._state, tf.nest.flatten(state._replace(rates=())), strict=True):
            variable.assign(part)
        moved = tf.split(x[:, 0], self._sizes)
        for place, variable in zip(places, trainable_variables, strict=True):
            self.assign(variable, tf.reshape(moved[place], variable.shape))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which Keras restores the optimizer without its state."""
        return {
            **super().get_config(),
            "meta_learning_rate": self.meta_learning_rate,
            "momentum": self.momentum,
        }

    def _hyperparameters(self, learning_rate: Any) -> dict[str, Tensor]:
        values = {
            "initial_learning_rate": learning_rate,
            "meta_learning_rate": self.meta_learning_rate,
            "momentum": self.momentum,
        }
        rounded = {
            name: value if isinstance(value, float) else tf.cast(value, self._dtype) for name, value in values.items()
        }
        return {name: tf.reshape(tf.convert_to_tensor(value, self._dtype), [1]) for name, value in rounded.items()}

    def _vector(self, parts: dict[int, Any]) -> Tensor:
        """Return parts by variable index as a vector [n, 1]; missing parts are zero."""
        pieces = [
            tf.reshape(tf.cast(parts[place], self._dtype), [-1]) if place in parts else tf.zeros([size], self._dtype)
            for place, size in enumerate(self._sizes)
        ]
        return tf.concat(pieces, axis=0)[:, tf.newaxis]


@keras.saving.register_keras_serializable(package="lodo")
class LODO(_LearnedOptimizer):
    """LODO, Learning to Optimize During Optimization (arXiv 2210.06171, algorithm 1), for a Keras model.

    Its state has 449 numbers per parameter: the network's blocks and their two averages (384), intermediate results of
    the preconditioner for the next step's hypergradient (64), and the average of the gradient (1).

    Args:
        learning_rate: The initial learning rate α_0, a positive float, or a Keras schedule of it. Default: 1.0.
        meta_learning_rate: α, the learning rate of the preconditioner, at least 0. Default: 0.001.
        momentum: β, from 0 to below 1. Default: 0.9.
        depth: Layers of the network, at least 1. Default: 16.
        block_size: Rows of a block of its matrices, at least 1. Default: 4.
        seed: Seed of the network's initial blocks, from 0 to 2**31 - 1. Default: 0.
        **of_keras: Arguments of every Keras optimizer: weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema,
            ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        learning_rate: Any = 1.0,
        meta_learning_rate: float = 0.001,
        momentum: float = 0.9,
        *,
        depth: int = 16,
        block_size: int = 4,
        seed: int = 0,
        **of_keras: Any,
    ) -> None:
        super().__init__(learning_rate, meta_learning_rate, momentum, **of_keras)
        self.depth = _whole("depth", depth, "at least 1", lambda value: value >= 1)
        self.block_size = _whole("block_size", block_size, "at least 1", lambda value: value >= 1)
        self.seed = _whole("seed", seed, "from 0 to 2**31 - 1", lambda value: 0 <= value < 2**31)

    def rule(self) -> LearnedPreconditioner:
        """Return LODO."""
        return Rule(depth=self.depth, block_size=self.block_size)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which Keras restores the optimizer without its state."""
        return {**super().get_config(), "depth": self.depth, "block_size": self.block_size, "seed": self.seed}


@keras.saving.register_keras_serializable(package="lodo")
class LODODiagonal(_LearnedOptimizer):
    """LODO with a diagonal preconditioner (arXiv 2210.06171, ablations), for a Keras model.

    Its state has five numbers per parameter.

    Args:
        learning_rate: The initial learning rate α_0, a positive float, or a Keras schedule of it. Default: 1.0.
        meta_learning_rate: α, the learning rate of the diagonal, at least 0. Default: 0.001.
        momentum: β, from 0 to below 1. Default: 0.9.
        **of_keras: Arguments of every Keras optimizer.

    Raises:
        ValueError: An argument is out of range.
    """

    def rule(self) -> LearnedPreconditioner:
        """Return LODO-Diagonal."""
        return DiagonalRule()


def _number(name: str, value: Any, accepted: str, within: Callable[[float], bool]) -> float:
    """Return a value if it is a finite number for which `within` is true.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not within(float(value)):
        raise ValueError(f"`{name}` must be {accepted}. Received: {value!r}")
    return float(value)


def _whole(name: str, value: Any, accepted: str, within: Callable[[int], bool]) -> int:
    """Return a value if it is an integer for which `within` is true.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not within(int(value)):
        raise ValueError(f"`{name}` must be a whole number {accepted}. Received: {value!r}")
    return int(value)
