"""A task from a Keras model: `keras_task(build, train=(x, y), loss=...)` is a class that the command line takes.

Importing this loads no Keras; calling `keras_task` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tasks.errors import TaskError
from tasks.options import float_dtype, task_name, whole_number

LARGEST_BATCH = 65_536
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
    """Return a task's class that trains a Keras model; all that Keras has may be in it, dropout and all.

        def build():
            return keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])

        MyTask = keras_task(build, train=(images, labels), loss=keras.losses.SparseCategoricalCrossentropy(True))

    A step's minibatch is drawn uniformly, with replacement. What is minimised is the mean loss of the minibatch with
    the model in training mode, plus what its layers add (regularisation). Every run builds the model afresh from its
    seed, as after `keras.utils.set_random_seed`; minibatches and dropout follow from the seed and the step alone.
    A class of your own may extend it: with `presets`, or a `line_up`.

    Args:
        build: Returns a new keras.Model, the same but for its random weights whenever it is called. An optimizer or a
            loss that it is compiled with is not used.
        train: (x, y): arrays, or tuples, lists or dictionaries of arrays where the model takes several; a function
            without arguments that returns them, called when the class is; or a finite tf.data.Dataset of
            pairs, unbatched, which is read once, into memory.
        loss: A name that Keras knows, a keras.losses.Loss, or a function (y_true, y_pred).
        batch_size: Examples a step, 1 to 65,536. Default: 32.
        validation: Like `train`, and never trained on. Default: none.
        test: Like `train`; not even read before it is asked for. Default: none.
        metrics: ("accuracy",), to measure it on validation and test beside the loss. Default: the loss alone.
        jit_compile: Whether XLA compiles the loop, model and all. Default: False.
        name: In lower case with hyphens. Default: the function's name; keras-model if that is `build`.
        dtype: "float32" or "float64", of x, losses, and what of the model does not ask otherwise. Default: "float32".

    Raises:
        TaskError: An argument is not what is said here; a ValueError. Data and model are looked at when the class is
            called.
    """
    if not callable(build) or _is_of_keras(build):
        raise TaskError(f"`build` must be a function without arguments that returns a new keras.Model. {_what(build)}")
    if train is None:
        raise TaskError("`train` must be (x, y), a function that returns them, or a tf.data.Dataset. Received: None")
    if isinstance(metrics, str) or not set(metrics) <= set(METRICS):
        raise TaskError(f"`metrics` must be a list of these: {', '.join(METRICS)}. Received: {metrics!r:.80}")
    if metrics and validation is None and test is None:
        raise TaskError("`metrics` are of validation and test: one of them must be given. Received: neither")
    splits = {"train": train, "validation": validation, "test": test}
    function = getattr(build, "__name__", type(build).__name__)
    own_name = task_name(name, "keras-model" if function == "build" else function)
    from tasks.keras_class import EvaluatedKerasTask, KerasTask, policy

    evaluated = validation is not None or test is not None
    members = {
        "__doc__": inspect.getdoc(build) or f"Trains the Keras model of {own_name}.",
        "__module__": getattr(build, "__module__", __name__),
        "name": own_name,
        "own_dtype": float_dtype(dtype, default="float32"),
        "own_batch_size": whole_number("batch_size", batch_size, low=1, high=LARGEST_BATCH),
        "jit_compile": bool(jit_compile),
        "build": staticmethod(build),
        "given_loss": (loss,),  # in a tuple, so that a function is not taken for a method
        "given": {split: given for split, given in splits.items() if given is not None},
        "policy": policy(),
        **({"metrics": ("loss", *metrics)} if evaluated else {}),
    }
    return type("KerasTask", (EvaluatedKerasTask if evaluated else KerasTask,), members)


def _is_of_keras(thing: Any) -> bool:
    """Return whether a thing is a model or a layer, which are callable, too."""
    return any(base.__module__.partition(".")[0] == "keras" for base in type(thing).__mro__)


def _what(build: Any) -> str:
    hint = "; return it from a function, so that every run starts afresh" if _is_of_keras(build) else ""
    return f"Received: {type(build).__name__}{hint}"
