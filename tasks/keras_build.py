"""Where a Keras model starts: built from a seed, in a precision, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from tensorflow.python.eager import context  # has the seed of tf.random.set_seed, which nothing public tells

from tasks.errors import TaskError, described


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Make a floating-point type Keras' own while it is entered, in this thread and for what does not ask otherwise."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    if policy.name in ("float32", "float64"):  # not a mixed precision that the user has chosen
        keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def built(build: Callable[[], Any], sample: Any, seed: int, dtype: str, policy: Any) -> Any:
    """Return a model as a function builds it after `keras.utils.set_random_seed`, with its weights made.

    It is built in a thread of its own: Keras counts names, and keeps its generator of seeds, by thread, so that both
    are as in a process that has built nothing. The seeds of Python, NumPy and TensorFlow are put back.

    Args:
        build: Returns a keras.Model.
        sample: Inputs of one example, [1, ...], for a model that makes its weights when it first sees some.
        seed: 0 <= seed < 2**32.
        dtype: "float32" or "float64".
        policy: Keras' dtype policy where the user's module was read.

    Raises:
        TaskError: The function raises or returns something else, or the model cannot take the sample.
    """
    with ThreadPoolExecutor(1, "keras_start") as thread:
        return thread.submit(_built, build, sample, seed, dtype, policy).result()


def _built(build: Callable[[], Any], sample: Any, seed: int, dtype: str, policy: Any) -> Any:
    keras.config.set_dtype_policy(policy)
    with _seeded(seed), precision(dtype):
        try:
            model = build()
        except Exception as error:
            raise TaskError(f"`build` raises {described(error, None)}") from error
        if not isinstance(model, keras.Model):
            raise TaskError(f"`build` must return a keras.Model. Received: {type(model).__name__} {model!r:.80}")
        if not model.built:
            try:
                model(sample)
            except Exception as error:
                raise TaskError(f"the model cannot take the inputs: {described(error, None)}") from error
    return model


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed all that a model may draw from, while it is entered."""
    of_tensorflow = context.context()
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is NumPy's global one
    before = {name: getattr(of_tensorflow, name) for name in ("_seed", "_rng") if hasattr(of_tensorflow, name)}
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        vars(of_tensorflow).update(before)
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
