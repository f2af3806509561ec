"""Where runs of a Keras task start: in new weights by the seed alone, and in the same model otherwise."""

from __future__ import annotations

import random
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tasks.errors import TaskError
from tasks.keras_task import keras_task
from tuner.checks.check import PromiseError
from tuner.checks.probe import Probe
from tuner.checks.reproducibility import same_start
from tuner.core.fingerprint import Fingerprint, differences
from tuner.training.fingerprint import _start

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(60, 3))
CLASSES = RANDOM.integers(0, 3, 60)
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SEEDS = tf.constant([[1, 2]])
ACTIVATIONS = ("relu", "tanh", "gelu", "sigmoid")


def net(*middle: Any) -> Any:
    return keras.Sequential([keras.Input([3]), *middle, layers.Dense(3)])


def test_a_build_that_returns_the_same_model_twice_is_refused() -> None:
    model = net()
    task = keras_task(lambda: model, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, name="mine")()
    with pytest.raises(TaskError, match=r"^mine: `build` must return a new model at each call"):
        task.initial(SEEDS)


@pytest.mark.parametrize(
    ("build", "received"),
    [
        (lambda: net(layers.Dropout(random.uniform(0.1, 0.5))), r"Dropout with rate 0\.\d+, and with 0\.\d+$"),
        (lambda: net(layers.Dense(3, random.choice(ACTIVATIONS))), r"Dense with activation '\w+', and with '\w+'$"),
        (lambda: net(*[layers.ReLU() for _ in range(random.randrange(1, 9))]), r"the layers .*ReLU.*, and .*ReLU"),
    ],
    ids=["a number", "a choice", "layers"],
)
def test_what_build_draws_besides_weights_is_refused_as_all_runs_would_have_that_of_the_first(
    build: Any, received: str
) -> None:
    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, name="mine")()

    def start() -> None:
        for seed in range(20):  # a choice may repeat itself
            task.initial(tf.constant([[seed, 0]]))

    with pytest.raises(TaskError, match=rf"^mine: `build` must return the same model at each call.*{received}"):
        start()


def test_names_and_seeds_of_layers_may_differ_between_calls_of_build() -> None:
    def build() -> Any:
        number = random.randrange(1_000_000)
        return net(layers.Dropout(0.5, seed=number, name=f"dropout_{number}"))

    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)()
    assert not np.array_equal(task.initial(SEEDS)[0], task.initial(tf.constant([[3, 4]]))[0])


class Scale(layers.Layer):
    """Multiplies by a number that it takes from where `hold` has put it."""

    def __init__(self, hold: Any) -> None:
        super().__init__()
        self.held = hold(random.random())

    def call(self, x: Any) -> Any:
        held = self.held
        while isinstance(held, dict | list):
            held = next(iter(held.values())) if isinstance(held, dict) else held[0]
        return x * (held() if callable(held) else tf.cast(held, x.dtype))


class OwnModel(keras.Model):
    """Divides by a number of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.divisor, self.dense = 1 + random.random(), layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.dense(x) / self.divisor


class Regularised(layers.Layer):
    """Has a regularizer with a factor that no configuration tells."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(3,), regularizer=keras.regularizers.L2(random.random()))

    def call(self, x: Any) -> Any:
        return x * self.scale


class PerObject(layers.Layer):
    """Tells and holds what differs between objects, and computes nothing with it."""

    def __init__(self) -> None:
        super().__init__()
        self.number, self.token = id(self), random.random()

    def get_config(self) -> dict[str, Any]:
        return {"id": self.number, "shown": repr(object()), "tokens": [self.token]}

    def call(self, x: Any) -> Any:
        return x


def times_a_number() -> Any:
    inputs = keras.Input([3])
    return keras.Model(inputs, layers.Dense(3)(inputs * random.random()))


def adapted(count: int) -> Any:
    layer = layers.Normalization()
    layer.adapt(POINTS[np.random.permutation(60)[:count]])  # noqa: NPY002 - by the seed of the run
    return net(layer)


SHARED = layers.Normalization()
SHARED.adapt(POINTS)


def with_a_shared_layer() -> Any:
    inputs = keras.Input([3])
    return keras.Model(inputs, layers.Dense(3)(SHARED(SHARED(inputs)) * 2.0))


def dense(**options: Any) -> Any:
    return net(layers.Dense(3, **options))


@pytest.mark.parametrize(
    ("build", "received"),
    [
        (times_a_number, r"Multiply with argument 1 0\.\d+, and with 0\.\d+ \(all seeds would have"),
        (OwnModel, r"OwnModel with divisor 1\.\d+, and with 1\.\d+ \("),
        (lambda: net(Scale(float)), r"Scale with held 0\.\d+, and with 0\.\d+ \(.*self\.add_weight"),
        (lambda: net(Scale(lambda x: [{"a": x}])), r"Scale with held\.0\.a 0\.\d+, and with"),
        (lambda: net(Scale(lambda x: [np.array([x])])), r"Scale with other numbers in held\.0 \("),
        (lambda: net(Scale(lambda x: np.array([int(1e6 * x)]))), r"Scale with other numbers in held \("),
        (
            lambda: net(Scale(lambda x: lambda: x)),
            r"models that compute different losses with equal weights, because of random values that are not weights",
        ),
        (lambda: net(Regularised()), r"models that compute different losses with equal weights"),
        (lambda: adapted(10), r"Normalization with other numbers in mean \(adapt it to the same data in each call"),
    ],
    ids=["operation", "model", "number", "nest", "arrays", "integers", "closure", "regularizer", "adapted"],
)
def test_numbers_that_build_draws_and_no_weight_holds_are_refused(build: Any, received: str) -> None:
    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)()
    told = task.difference(task.built(1), is_thorough=True)
    assert re.search(rf"^`build` must return the same model at each call.*Received: {received}", told), told


@pytest.mark.parametrize(
    "build",
    [
        lambda: net(PerObject()),
        lambda: net(Scale(lambda x: [0.5, x])),  # it uses the first alone
        lambda: adapted(60),
        with_a_shared_layer,
        lambda: dense(kernel_initializer=keras.initializers.RandomNormal(stddev=random.random())),
        lambda: net(layers.BatchNormalization(), layers.GaussianNoise(0.3), layers.Dropout(0.5)),
    ],
    ids=["per object", "unused", "adapted", "shared", "initializer", "noise"],
)
def test_what_differs_between_models_that_compute_the_same_is_accepted(build: Any) -> None:
    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, validation=(POINTS, CLASSES))()
    assert task.difference(task.built(1), is_thorough=True) == ""


def frozen(kernel: Any) -> Any:
    """Return a function that builds a model whose first layer is frozen with some weights."""

    def build() -> Any:
        model = net(layers.Dense(3, trainable=False))
        model.layers[0].kernel.assign(kernel())
        return model

    return build


def test_frozen_weights_that_no_seed_repeats_are_refused() -> None:
    build = frozen(lambda: np.random.default_rng().normal(size=(3, 3)))
    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)()
    with pytest.raises(PromiseError, match=r"^initial returns the same state for the same seed"):
        same_start(Probe(task, is_random=True))


@pytest.mark.parametrize("change", [0.0, 1e-6, 0.5])
def test_other_frozen_weights_are_another_start_unless_they_are_rounded_otherwise(change: float) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3))
    prints = []
    for factor in (1.0, 1.0 + change):
        build = frozen(lambda factor=factor: factor * kernel)
        task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)()
        prints.append(Fingerprint(code={"task": {"files": {}, "start": _start(task)}}))
    found = differences(*prints)
    assert found == (["another starting point of the task with the same seed"] if change == 0.5 else [])


def test_the_constants_in_the_bias_of_an_lstm_are_not_taken_for_weights_that_a_seed_does_not_reach() -> None:
    def build() -> Any:
        return keras.Sequential([keras.Input([3, 1]), layers.LSTM(4), layers.Dense(3)])

    task = keras_task(build, train=(POINTS[..., np.newaxis], CLASSES), loss=CROSS_ENTROPY)()
    assert same_start(Probe(task, is_random=True)) is None
