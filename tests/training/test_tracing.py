"""Functions that are traced once per task, of which there may be many, without a warning of TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tasks.function_task import function_task
from tasks.keras_task import keras_task
from tasks.tracing import compiled
from tuner.training.evaluator import Evaluator
from tuner.training.loop import Loop, build_optimizer

SEEDS = tf.constant([[1, 2]])
MANY = 6  # TensorFlow warns at the fifth trace of one piece of code within 15 calls


def squared(number: int) -> Any:
    return lambda x: number * x**2


def train(number: int) -> None:
    task = function_task(lambda x: tf.reduce_sum((x - number) ** 2), start=[0.0], jit_compile=False)()
    loop = Loop(task, build_optimizer("Momentum", task), 1)
    hyperparameters = {"learning_rate": tf.constant([0.1], tf.float64), "momentum": tf.constant([0.0], tf.float64)}
    carry = loop.begin(hyperparameters, SEEDS, SEEDS)
    _, losses = loop.run(carry, hyperparameters, SEEDS, 1, 1, 1)
    assert losses.tolist() == [[number**2]]


def told(act: Callable[[int], Any], caplog: Any) -> list[str]:
    """Return what TensorFlow says while something is done several times."""
    tf.get_logger().addHandler(caplog.handler)
    try:
        for number in range(1, MANY + 1):
            act(number)
    finally:
        tf.get_logger().removeHandler(caplog.handler)
    return list(caplog.messages)


@pytest.fixture(scope="module")
def task() -> Any:
    data = np.ones([8, 2], np.float32), np.ones([8, 1], np.float32)
    return keras_task(lambda: keras.Sequential([keras.layers.Dense(1)]), train=data, validation=data, loss="mse")()


@pytest.mark.parametrize("kind", ["function", "loop", "evaluator", "trial of a model"])
def test_many_tasks_are_traced_without_a_warning(kind: str, task: Any, caplog: Any) -> None:
    start = task.initial(SEEDS)
    acts: dict[str, Callable[[int], Any]] = {
        "function": lambda number: compiled(squared(number))(tf.constant(2.0)),
        "loop": train,
        "evaluator": lambda _: Evaluator(task, "validation").means(*start),
        "trial of a model": lambda _: task._try_evaluation(),
    }
    assert told(acts[kind], caplog) == []


def test_a_warning_of_tensorflow_would_be_seen(caplog: Any) -> None:
    messages = told(lambda number: tf.function(squared(number))(tf.constant(2.0)), caplog)
    assert "triggered tf.function retracing" in messages[0]
