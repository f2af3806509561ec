"""Make a task from a Python function, with `function_task(loss, start=…)`.

Calling `function_task` loads TensorFlow; importing this module does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tasks.arguments import arguments_of
from tasks.errors import TaskError
from tasks.options import MAX_COHORT_SIZE, float_dtype, task_name, whole_number

_CALL = "loss(x), or loss(x, seed) if it is random"


def function_task(
    loss: Callable[..., Any],
    *,
    start: Sequence[float] | Callable[[Any], Any],
    name: str | None = None,
    dtype: str = "float64",
    cohort_size: int = 16,
    jit_compile: bool = True,
) -> type:
    """Return the class of a task that minimises a function; TensorFlow computes its gradient.

        def loss(x):
            return tf.reduce_sum((x - 1.0) ** 2)

        MyTask = function_task(loss, start=[0.0, 0.0])  # `--task file.py:MyTask`

    A subclass may define `presets`, `line_up`, `objective`, or `layers` if x has more than one.

    Further parameters of the loss that have a default, as in `loss(x, *, noise=0.1)`, are options of the task, and can
    be tuned as `task.noise`.

    Args:
        loss: Function of x [n] that returns a floating-point scalar, by TensorFlow operations only. With a second
            argument, `loss(x, seed)`, it receives a seed for `tf.random.stateless_*`, int32 [2], which differs between
            runs and steps and is the same for all evaluations of a step.
        start: Starting point of every run: n finite numbers, or a function of a seed, int32 [2], that returns x [n].
        name: In lower case with hyphens. Default: the function's name.
        dtype: Dtype of x, "float32" or "float64"; a run may choose another one (`precision`). Default: "float64".
        cohort_size: Candidates trained in lockstep, 1 to 256. Default: 16.
        jit_compile: Whether XLA compiles the loop; False for operations that XLA does not support. Default: True.

    Raises:
        TaskError: An argument is not accepted; a ValueError. What the function returns is checked when the class is
            called.
    """
    if not callable(loss):
        raise TaskError(f"`loss` must be a function {_CALL}. Received: {loss!r:.80}")
    own_name = task_name(name, getattr(loss, "__name__", type(loss).__name__))
    takes_seed = _takes_seed(loss, own_name)
    members = {
        "__doc__": inspect.getdoc(loss) or f"Minimises {own_name}.",
        "__module__": getattr(loss, "__module__", __name__),
        "name": own_name,
        "loss": staticmethod(loss),
        "takes_seed": takes_seed,
        "is_random": takes_seed or callable(start),
        "arguments": _arguments(loss, takes_seed),
        "start": staticmethod(start) if callable(start) else _numbers(start, own_name),
        "own_dtype": float_dtype(dtype, default="float64"),
        "cohort_size": whole_number("cohort_size", cohort_size, low=1, high=MAX_COHORT_SIZE),
        "jit_compile": bool(jit_compile),
    }
    from tasks.function_class import FunctionTask

    return type("FunctionTask", (FunctionTask,), members)


def _arguments(loss: Callable[..., Any], takes_seed: bool) -> dict[str, Any]:
    """Return the parameters of a loss beside x and the seed that have a default."""
    try:
        names = list(inspect.signature(loss).parameters)
    except (TypeError, ValueError):
        return {}
    return arguments_of(loss, without=("dtype", *names[: 2 if takes_seed else 1]))


def _takes_seed(loss: Callable[..., Any], name: str) -> bool:
    """Return whether a loss takes a seed.

    Raises:
        TaskError: It cannot be called with x, nor with x and a seed.
    """
    try:
        parameters = inspect.signature(loss).parameters.values()
    except (TypeError, ValueError):  # functions of C extensions may have no signature
        return False
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    required = [one for one in positional if one.default is one.empty]
    keyword_only = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    takes_any = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    if len(required) > 2 or keyword_only or not (positional or takes_any):
        raise TaskError(f"{name}: `loss` must be a function {_CALL}. Received: {inspect.signature(loss)}")
    return len(required) == 2 or [one.name for one in positional[1:2]] == ["seed"]


def _numbers(start: Any, name: str) -> tuple[float, ...]:
    """Return the starting point as a tuple.

    Raises:
        TaskError: It is not a list of finite numbers.
    """
    try:
        array = np.asarray(start, np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise TaskError(
            f"{name}: `start` must be a list of n finite numbers, n at least 1, or a function of a seed that returns"
            f" them. Received: {start!r:.80}"
        )
    return tuple(array.tolist())
