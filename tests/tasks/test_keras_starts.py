"""Where runs of a Keras task start: in new weights by the seed alone, and in the same model otherwise."""

from __future__ import annotations

import random
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
