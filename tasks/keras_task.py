"""Make a task from a Keras model, with `keras_task(build, train=…, loss=…)`.

Calling `keras_task` loads Keras; importing this module does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tasks.arguments import arguments_of
from tasks.errors import TaskError
from tasks.keras_kinds import KERAS_2, is_of_keras, is_of_keras_2
from tasks.options import MAX_BATCH_SIZE, float_dtype, task_name, whole_number

METRICS = ("accuracy",)
# Arguments of `fit` and `compile` that a user may try, and what to do instead.
INSTEAD = {
    "class_weight": "the weight of each example, as `train`=(x, y, sample_weight)",
    "sample_weight": "the weight of each example, as `train`=(x, y, sample_weight)",
    "x": "`train`=(x, y)",
    "y": "`train`=(x, y)",
    "validation_data": "`validation`=(x, y)",
    "validation_split": "`validation`=(x, y), with examples that `train` leaves out",
    "optimizer": "omit it; optimizers are chosen per search",
    "learning_rate": "omit it; optimizers are chosen per search",
    "callbacks": "a search without them; what is measured on the way is chosen for each search",
    "epochs": "steps, which are chosen for each search; a step is one minibatch",
    "steps_per_epoch": "steps, which are chosen for each search; a step is one minibatch",
    "shuffle": "nothing; each step draws its minibatch by the seed and the step",
    "weighted_metrics": "`metrics`, which count all examples alike; sample weights count in the loss",
    "model": "`build`, a function without arguments that returns a new keras.Model",
}


def keras_task(
    build: Callable[..., Any],
    *,
    train: Any,
    loss: Any,
    loss_weights: Any = None,
    batch_size: int = 32,
    validation: Any = None,
    test: Any = None,
    metrics: Sequence[str] = (),
    jit_compile: bool = False,
    name: str | None = None,
    dtype: str = "float32",
    **others: Any,
) -> type:
    """Return the class of a task that trains a Keras model, which may have any of Keras' layers.

        def build():
            return keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10)])

        MyTask = keras_task(build, train=(images, labels), loss=keras.losses.SparseCategoricalCrossentropy(True))

    A step's minibatch is drawn uniformly, with replacement. The objective is the loss that `fit` computes of it, with
    regularisation; validation and test have the loss that `evaluate` computes. What would be trained or measured
    otherwise is refused; `tasks.keras_features.FEATURES` lists all of it. Every run builds a new model after
    `keras.utils.set_random_seed` with its seed; minibatches and dropout depend on the seed and the step alone.
    A subclass may define `presets`, `line_up` or `objective`.

    Parameters of `build` that have a default, as in `build(units=64, dropout=0.1)`, are options of the task, and can be
    tuned as `task.units` and `task.dropout`.

    Args:
        build: Function that returns a new keras.Model, which differs between calls in its random weights alone. The
            optimizer of a compiled model is not used; its loss must be `loss`.
        train: (x, y), or (x, y, sample_weight), each an array, or a tuple, list or dictionary of arrays for several
            inputs or outputs, or (x, None) for a model without targets; a function without arguments that returns
            them, called by the constructor; or a finite, unbatched tf.data.Dataset of them, which is read into memory.
        loss: A name of a loss of Keras, a keras.losses.Loss, or a function (y_true, y_pred); for several outputs one
            for all, or a list or dictionary as `model.compile` takes it; None if layers add all of the loss.
        loss_weights: Factors of the losses of several outputs, a list or dictionary. Default: 1.
        batch_size: Examples per step, 1 to 65,536. Default: 32.
        validation: Validation data, like `train`. Default: none.
        test: Test data, like `train`; not read before it is used. Default: none.
        metrics: ("accuracy",) to measure it, in addition to the loss, on validation and test data. Default: none.
        jit_compile: Whether XLA compiles the loop, including the model. Default: False.
        name: In lower case with hyphens. Default: the function's name, or keras-model if that is `build`.
        dtype: "float32" or "float64", of x, losses, and layers without a dtype of their own. Default: "float32".
        others: None; arguments of `fit` or `compile` are refused with what takes their place.

    Raises:
        TaskError: An argument is not accepted; a ValueError. Data and model are checked when the class is called.
    """
    for argument in others:
        raise TaskError(_unknown(argument))
    if not callable(build) or is_of_keras(build) or is_of_keras_2(build):
        raise TaskError(
            f"`build` must be a function without arguments that returns a new keras.Model. {_received(build)}"
        )
    if train is None:
        raise TaskError("`train` must be (x, y), a function that returns them, or a tf.data.Dataset. Received: None")
    if isinstance(metrics, str) or not all(metric in METRICS for metric in metrics):
        raise TaskError(f"`metrics` must be a list of these: {', '.join(METRICS)}. Received: {metrics!r:.80}")
    if metrics and validation is None and test is None:
        raise TaskError("`metrics` need `validation` or `test` data. Received: neither")
    splits = {"train": train, "validation": validation, "test": test}
    function = getattr(build, "__name__", type(build).__name__)
    own_name = task_name(name, "keras-model" if function == "build" else function)
    from tasks.keras_build import policy
    from tasks.keras_class import KerasTask
    from tasks.keras_evaluated import EvaluatedKerasTask

    evaluated = validation is not None or test is not None
    members = {
        "__doc__": inspect.getdoc(build) or f"Trains the Keras model of {own_name}.",
        "__module__": getattr(build, "__module__", __name__),
        "name": own_name,
        "own_dtype": float_dtype(dtype, default="float32"),
        "own_batch_size": whole_number("batch_size", batch_size, low=1, high=MAX_BATCH_SIZE),
        "jit_compile": bool(jit_compile),
        "build": staticmethod(build),
        "arguments": arguments_of(build, without=("dtype", "batch_size")),
        "given_loss": (loss, loss_weights),  # a tuple, so that a function does not become a method
        "given": {split: given for split, given in splits.items() if given is not None},
        "policy": policy(),
        **({"metrics": ("loss", *dict.fromkeys(metrics))} if evaluated else {}),
    }
    return type("KerasTask", (EvaluatedKerasTask if evaluated else KerasTask,), members)


def _unknown(argument: str) -> str:
    """Return the message about an argument that `keras_task` does not have."""
    known = [
        name for name, each in inspect.signature(keras_task).parameters.items() if each.kind is not each.VAR_KEYWORD
    ]
    instead = INSTEAD.get(argument)
    return f"`{argument}` is not an argument. Accepted: {instead or ', '.join(known)}. Received: {argument}=…"


def _received(build: Any) -> str:
    hint = ""
    if is_of_keras_2(build):
        hint = f", {KERAS_2}"
    elif is_of_keras(build):
        hint = "; return it from a function, so that every run starts from a new model"
    return f"Received: {type(build).__name__}{hint}"
