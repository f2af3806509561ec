"""Make a task from a Keras model, with `keras_task(build, train=…, loss=…)`.

Calling `keras_task` loads Keras; importing this module does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tasks.errors import TaskError
from tasks.options import MAX_BATCH_SIZE, float_dtype, task_name, whole_number

METRICS = ("accuracy",)


def keras_task(
    build: Callable[[], Any],
    *,
    train: Any,
    loss: Any,
    batch_size: int = 32,
    validation: Any = None,
    test: Any = None,
    metrics: Sequence[str] = (),
    jit_compile: bool = False,
    name: str | None = None,
    dtype: str = "float32",
) -> type:
    """Return the class of a task that trains a Keras model, which may have any of Keras' layers.

        def build():
            return keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])

        MyTask = keras_task(build, train=(images, labels), loss=keras.losses.SparseCategoricalCrossentropy(True))

    A step's minibatch is drawn uniformly, with replacement. The objective is the mean loss of the minibatch, with the
    model in training mode, plus the losses of its layers (regularisation). Every run builds a new model after
    `keras.utils.set_random_seed` with its seed; minibatches and dropout depend on the seed and the step alone.
    A subclass may define `presets` or `line_up`.

    Args:
        build: Function that returns a new keras.Model, which differs between calls in its random weights alone. The
            optimizer and loss of a compiled model are ignored.
        train: (x, y), each an array, or a tuple, list or dictionary of arrays for several inputs; a function without
            arguments that returns such a pair, called by the constructor; or a finite, unbatched tf.data.Dataset of
            pairs, which is read into memory.
        loss: A name of a loss of Keras, a keras.losses.Loss, or a function (y_true, y_pred).
        batch_size: Examples per step, 1 to 65,536. Default: 32.
        validation: Validation data, like `train`. Default: none.
        test: Test data, like `train`; not read before it is used. Default: none.
        metrics: ("accuracy",) to measure it, in addition to the loss, on validation and test data. Default: none.
        jit_compile: Whether XLA compiles the loop, including the model. Default: False.
        name: In lower case with hyphens. Default: the function's name, or keras-model if that is `build`.
        dtype: "float32" or "float64", of x, losses, and layers without a dtype of their own. Default: "float32".

    Raises:
        TaskError: An argument is not accepted; a ValueError. Data and model are checked when the class is called.
    """
    if not callable(build) or _is_of_keras(build):
        raise TaskError(
            f"`build` must be a function without arguments that returns a new keras.Model. {_received(build)}"
        )
    if train is None:
        raise TaskError("`train` must be (x, y), a function that returns them, or a tf.data.Dataset. Received: None")
    if isinstance(metrics, str) or not set(metrics) <= set(METRICS):
        raise TaskError(f"`metrics` must be a list of these: {', '.join(METRICS)}. Received: {metrics!r:.80}")
    if metrics and validation is None and test is None:
        raise TaskError("`metrics` need `validation` or `test` data. Received: neither")
    splits = {"train": train, "validation": validation, "test": test}
    function = getattr(build, "__name__", type(build).__name__)
    own_name = task_name(name, "keras-model" if function == "build" else function)
    from tasks.keras_build import policy
    from tasks.keras_class import EvaluatedKerasTask, KerasTask

    evaluated = validation is not None or test is not None
    members = {
        "__doc__": inspect.getdoc(build) or f"Trains the Keras model of {own_name}.",
        "__module__": getattr(build, "__module__", __name__),
        "name": own_name,
        "own_dtype": float_dtype(dtype, default="float32"),
        "own_batch_size": whole_number("batch_size", batch_size, low=1, high=MAX_BATCH_SIZE),
        "jit_compile": bool(jit_compile),
        "build": staticmethod(build),
        "given_loss": (loss,),  # a tuple, so that a function does not become a method
        "given": {split: given for split, given in splits.items() if given is not None},
        "policy": policy(),
        **({"metrics": ("loss", *metrics)} if evaluated else {}),
    }
    return type("KerasTask", (EvaluatedKerasTask if evaluated else KerasTask,), members)


def _is_of_keras(build: Any) -> bool:
    """Return whether an object is a model or a layer, which are callable too."""
    return any(base.__module__.partition(".")[0] == "keras" for base in type(build).__mro__)


def _received(build: Any) -> str:
    hint = "; return it from a function, so that every run starts from a new model" if _is_of_keras(build) else ""
    return f"Received: {type(build).__name__}{hint}"
