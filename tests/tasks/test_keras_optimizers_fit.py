"""Optimizers of Keras on a Keras task: each variable is treated by its name and its gradient as in `fit`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from lodo.keras_adapter import tunable
from tasks.keras_task import keras_task
from tuner.training.loop import Loop, build_optimizer

RANDOM = np.random.default_rng(0)
WORDS = np.stack(
    [RANDOM.permutation(12)[:5] for _ in range(64)]
)  # no word twice in an example: see docs/guides/keras.md
TARGETS = RANDOM.normal(size=(64, 1)).astype("float32")
SEEDS = tf.constant([[1, 2]])


class Idle(layers.Layer):
    """Has a weight that nothing depends on, which weight decay and a constraint would move."""

    def build(self, shape: Any) -> None:
        self.idle = self.add_weight(shape=(3,), initializer="ones", constraint="unit_norm", name="idle")

    def call(self, inputs: Any) -> Any:
        return inputs


def build() -> Any:
    middle = [layers.Flatten(), Idle(), layers.Dense(3, "tanh"), layers.Dense(1)]
    return keras.Sequential([keras.Input([5], dtype="int32"), layers.Embedding(12, 4), *middle])


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("name", ["Muon", "AdamW"])
def test_embeddings_and_variables_without_gradient_are_treated_as_in_fit(name: str) -> None:
    task = keras_task(build, train=(WORDS, TARGETS), loss="mse", batch_size=1)()
    values = {key: value for key, value in tunable(f"keras:{name}").items() if value is not None} | {
        "learning_rate": 0.05
    }
    loop = Loop(task, build_optimizer(f"keras:{name}", task, tuple(values)), 1)
    hyperparameters = {key: tf.constant([value]) for key, value in values.items()}
    carry = loop.begin(hyperparameters, SEEDS, SEEDS)
    model = build()
    model.compile(getattr(keras.optimizers, name)(**values), "mse")
    trained = [variable for variable in model.trainable_variables if variable.name != "idle"]
    cuts = tf.split(carry[0][:, 0], [int(np.prod(shape)) for shape in task.variable_shapes])
    for variable, cut in zip(trained, cuts, strict=True):
        variable.assign(tf.reshape(cut, variable.shape))
    for t in range(1, 4):
        chosen = task.advance(carry[1], SEEDS, tf.constant(t))[0].numpy()
        model.fit(WORDS[chosen], TARGETS[chosen], verbose=0)
        carry, _ = loop.run(carry, hyperparameters, SEEDS, t, 1, 3)
    expected = np.concatenate([np.ravel(variable) for variable in trained])
    np.testing.assert_allclose(carry[0][:, 0], expected, rtol=1e-5, atol=1e-5)
    idle = next(variable for variable in model.trainable_variables if variable.name == "idle")
    np.testing.assert_array_equal(idle, [1, 1, 1])
