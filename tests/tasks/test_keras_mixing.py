"""Models and losses that mix the examples of a batch are refused where they are evaluated; all others are not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tasks.errors import TaskError
from tasks.keras_mixing import rows_of
from tasks.keras_task import keras_task

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 6)).astype("float32")
Y = X[:, :1] ** 2
ALIKE = np.ones_like(X)
IMAGES = RANDOM.random((40, 8, 8, 3)).astype("float32")
WORDS = RANDOM.integers(1, 9, (40, 6))


def task(build: Any, x: Any = X, loss: Any = "mse", **given: Any) -> Any:
    y = Y[: len(x)] if loss == "mse" else np.arange(len(x)) % 3
    return keras_task(build, train=(x, y), validation=(x, y), loss=loss, name="mine", **given)()


class Mixing(layers.Layer):
    """Passes its inputs on, or what a function of the batch makes of them; behind a gate if it has one."""

    def __init__(self, mix: Any, *, gated: bool = False) -> None:
        super().__init__()
        self.mix, self.gated = mix, gated

    def build(self, shape: Any) -> None:
        self.gate = self.add_weight(shape=(), initializer="zeros") if self.gated else 1.0

    def call(self, x: Any) -> Any:
        return x + self.gate * (self.mix(x) - x)


def centred(x: Any) -> Any:
    return x - ops.mean(x, axis=0)


def centred_if_many(x: Any) -> Any:
    return centred(x) if (x.shape[0] or 0) > 4 else x


def net(*middle: Any) -> Any:
    return keras.Sequential([keras.Input([6]), *middle, layers.Dense(1)])


@pytest.mark.parametrize(
    ("build", "x", "loss"),
    [
        (lambda: net(Mixing(centred_if_many)), X, "mse"),
        (lambda: net(Mixing(centred, gated=True)), X, "mse"),
        (lambda: net(Mixing(centred)), ALIKE, "mse"),
        (lambda: net(Mixing(lambda x: x + 1e-2 * ops.mean(x, axis=0))), X, "mse"),
        (lambda: net(Mixing(lambda x: ops.roll(x, 11, axis=0))), X, "mse"),
        (lambda: net(Mixing(lambda x: x / ops.max(ops.abs(x)))), X, "mse"),
        (lambda: net(layers.Dense(5), layers.UnitNormalization(axis=0)), X, "mse"),
        (net, X, lambda y, p: ops.mean((y - p) ** 2, axis=-1) + 1e-2 * ops.std(p)),
    ],
    ids=["of many", "gated", "equal inputs", "small", "far rows", "scaled", "layer of Keras", "loss"],
)
def test_what_mixes_examples_is_refused_however_it_hides(build: Any, x: Any, loss: Any) -> None:
    with pytest.raises(TaskError, match=r"^mine: a loss or model that mixes the examples of a batch"):
        task(build, x, loss)


def images(*middle: Any) -> Any:
    return keras.Sequential([keras.Input([8, 8, 3]), *middle, layers.GlobalAveragePooling2D(), layers.Dense(3)])


def attention() -> Any:
    words = keras.Input([6], dtype="int32")
    h = layers.Embedding(9, 8)(words)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4, dropout=0.1)(h, h))
    return keras.Model(words, layers.Dense(3)(layers.GlobalMaxPooling1D()(h)))


def recurrent() -> Any:
    return keras.Sequential(
        [layers.Embedding(9, 8, mask_zero=True), layers.Bidirectional(layers.LSTM(6)), layers.Dense(3)]
    )


def deep() -> Any:
    return keras.Sequential([keras.Input([6]), *[layers.Dense(16, "relu") for _ in range(12)], layers.Dense(3)])


@pytest.mark.parametrize(
    ("build", "x", "given"),
    [
        (lambda: images(layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU()), IMAGES, {}),
        (lambda: images(layers.Conv2D(8, 3), layers.GroupNormalization(4), layers.ReLU()), IMAGES, {}),
        (lambda: images(layers.RandomFlip(), layers.RandomRotation(0.1), layers.Conv2D(8, 3)), IMAGES, {}),
        (lambda: images(layers.Conv2D(8, 3)), np.zeros_like(IMAGES), {}),
        (attention, WORDS, {}),
        (recurrent, WORDS, {}),
        (deep, X, {"metrics": ["accuracy"]}),
        (deep, X[:1], {}),
        (deep, X[:3], {"dtype": "float64"}),
    ],
    ids=["batch", "group", "augmented", "zeros", "attention", "lstm", "deep", "one example", "three examples"],
)
def test_what_measures_examples_independently_is_accepted(build: Any, x: Any, given: Any) -> None:
    task(build, x, keras.losses.SparseCategoricalCrossentropy(from_logits=True), **given)


@pytest.mark.parametrize(
    ("count", "size", "batch", "number"), [(100, 6, 16, 16), (100, 6, 64, 32), (100, 10**6, 32, 4), (5, 6, 16, 5)]
)
def test_as_many_examples_are_tried_as_are_cheap(count: int, size: int, batch: int, number: int) -> None:
    rows = rows_of(count, tf.zeros([1, size]), batch)
    assert len(rows) == 2 * number
    assert len(set(rows[:number].tolist())) == number
    assert (rows[:number] != rows[number:]).all()
