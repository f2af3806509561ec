"""Build a Keras model from a seed, in a precision, without side effects."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context  # holds the seed of tf.random.set_seed, which has no public getter

from tasks.errors import TaskError, described
from tasks.keras_kinds import KERAS_2, is_of_keras_2


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Set Keras' default floating-point type in this thread while the context is open."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    if policy.name in ("float32", "float64"):  # keep a mixed precision that the user has chosen
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def policy() -> Any:
    """Return Keras' dtype policy of this thread."""
    return keras.config.dtype_policy()


def build_model(build: Callable[[], Any], sample: Any, seed: int, dtype: str, policy: Any) -> Any:
    """Return the model that a function builds after `keras.utils.set_random_seed`, with its weights created.

    It is built in a new thread, because Keras counts names and keeps its seed generator per thread: both are then as in
    a new process. The seeds of Python, NumPy and TensorFlow are restored.

    Args:
        build: Function that returns a keras.Model.
        sample: Inputs of one example, [1, ...], for a model that creates its weights at its first call.
        seed: 0 <= seed < 2**32.
        dtype: "float32" or "float64".
        policy: Keras' dtype policy at the time when the user's module was imported.

    Raises:
        TaskError: The function raises or does not return a model, or the model does not accept the sample.
    """
    with ThreadPoolExecutor(1, "keras_build") as thread:
        return thread.submit(_build, build, sample, seed, dtype, policy).result()


def _build(build: Callable[[], Any], sample: Any, seed: int, dtype: str, policy: Any) -> Any:
    keras.config.set_dtype_policy(policy)
    with _seeded(seed), precision(dtype):
        try:
            model = build()
        except Exception as error:
            raise TaskError(f"`build` raises {described(error, None)}") from error
        if not isinstance(model, keras.Model):
            hint = f", {KERAS_2}" if is_of_keras_2(model) else ""
            raise TaskError(f"`build` must return a keras.Model. Received: {type(model).__name__} {model!r:.80}{hint}")
        if not model.built:
            try:
                model(tf.nest.map_structure(tf.identity, sample))  # on which Keras may keep a mask
            except Exception as error:
                raise TaskError(f"the model does not accept the inputs: {described(error, None)}") from error
    return model


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all generators that a model may use, while the context is open."""
    of_tensorflow = context.context()
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - NumPy's global generator
    before = {name: getattr(of_tensorflow, name) for name in ("_seed", "_rng") if hasattr(of_tensorflow, name)}
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        vars(of_tensorflow).update(before)
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
