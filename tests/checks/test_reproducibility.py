"""State that outlives a candidate, and starts that a seed does not decide, in tasks of Keras models."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tasks.keras_task import keras_task
from tuner.checks.check import PromiseError
from tuner.checks.probe import Probe
from tuner.checks.reproducibility import no_variables, same_start

X = np.random.default_rng(0).normal(size=(256, 3)).astype("float32")
Y = X[:, :1] > 0


def probe(build: Any, loss: Any = "binary_crossentropy") -> Probe:
    return Probe(keras_task(build, name="mine", train=(X, Y), loss=loss)())


def net(**options: Any) -> Any:
    return keras.Sequential([keras.Input([3]), layers.Dense(8, "relu", **options), layers.Dense(1, "sigmoid")])


class Counting(layers.Layer):
    """Scales by a number that grows with each call."""

    def __init__(self, *, raw: bool) -> None:
        super().__init__()
        self.count = tf.Variable(0.0, name="count") if raw else self.add_weight(shape=(), trainable=False)

    def call(self, x: Any) -> Any:
        self.count.assign_add(1.0) if isinstance(self.count, tf.Variable) else self.count.assign(self.count + 1.0)
        return x * (1 + 0.001 * tf.convert_to_tensor(self.count))


def counting(raw: bool) -> Any:
    return lambda: keras.Sequential([keras.Input([3]), Counting(raw=raw), layers.Dense(1, "sigmoid")])


def test_a_raw_variable_in_a_layer_is_refused_and_one_of_the_layer_is_not() -> None:
    with pytest.raises(PromiseError, match=r"assigns to the variable 'count'.*self\.add_weight"):
        no_variables(probe(counting(raw=True)))
    no_variables(probe(counting(raw=False)))


def test_a_variable_in_the_loss_is_refused_wherever_it_was_made() -> None:
    scale = tf.Variable(1.0, name="scale")

    def loss(true: Any, predicted: Any) -> Any:
        scale.assign(scale * 1.01)
        return scale * tf.reduce_mean((tf.cast(true, predicted.dtype) - predicted) ** 2, axis=-1)

    with pytest.raises(PromiseError, match="assigns to the variable 'scale'"):
        no_variables(probe(net, loss))


def seeded() -> Any:
    keras.utils.set_random_seed(42)
    return net()


def one_seeded() -> Any:
    return net(kernel_initializer=keras.initializers.GlorotUniform(seed=1))


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (net, None),
        (seeded, "2 of 4 weight arrays (32 numbers) start alike on every seed"),  # 3 × 8 and 8 × 1; biases are 0
        (one_seeded, "1 of 4 weight arrays (24 numbers) start alike on every seed"),
    ],
)
def test_weights_that_start_alike_on_every_seed_are_remarked(build: Any, told: str | None) -> None:
    note = same_start(probe(build))
    assert note is None if told is None else str(note).startswith(told)


def test_a_start_that_no_seed_repeats_is_refused() -> None:
    drawn = np.random.default_rng()

    def build() -> Any:
        return net(kernel_initializer=keras.initializers.Constant(drawn.normal(size=(3, 8))))

    with pytest.raises(PromiseError, match=r"the same x for the same seed\. Received: another one in 24 of 41 numbers"):
        same_start(probe(build))


class Features(layers.Layer):
    """Multiplies by a random matrix, which is not a weight."""

    def __init__(self, draw: Any) -> None:
        super().__init__()
        self.matrix = draw()

    def call(self, x: Any) -> Any:
        return x @ tf.convert_to_tensor(self.matrix)


@pytest.mark.parametrize("hold", [lambda x: x, tf.Variable, np.asarray], ids=["tensor", "variable", "array"])
def test_random_numbers_that_a_layer_holds_besides_its_weights_are_refused(hold: Any) -> None:
    def build() -> Any:
        return keras.Sequential([keras.Input([3]), Features(lambda: hold(tf.random.normal([3, 5]))), layers.Dense(1)])

    with pytest.raises(PromiseError, match=r"Features with other numbers in matrix \(.*self\.add_weight"):
        same_start(probe(build, "mse"))


def test_constants_that_a_layer_holds_are_not_refused() -> None:
    def build() -> Any:
        return keras.Sequential([keras.Input([3]), Features(lambda: tf.ones([3, 5])), layers.Dense(1)])

    assert same_start(probe(build, "mse")) is None
