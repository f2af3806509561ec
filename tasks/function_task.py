"""A task from a Python function: `function_task(loss, start=[0, 0])` is a class that the command line takes.

Importing this loads no TensorFlow; calling `function_task` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tasks.errors import TaskError
from tasks.options import float_dtype, task_name, whole_number

MOST_LANES = 256
_CALL = "loss(x), or loss(x, seed) where it is random"


def function_task(
    loss: Callable[..., Any],
    *,
    start: Sequence[float] | Callable[[Any], Any],
    name: str | None = None,
    dtype: str = "float64",
    cohort_size: int = 16,
    jit_compile: bool = True,
) -> type:
    """Return a task's class that minimises a function written in TensorFlow; its gradient is TensorFlow's.

        def loss(x):
            return tf.reduce_sum((x - 1.0) ** 2)

        MyTask = function_task(loss, start=[0.0, 0.0])  # `--task file.py:MyTask`

    A class of your own may extend it: with `presets`, a `line_up`, or `layers` where x has more than one.

    Args:
        loss: x [n] -> a floating-point scalar, by TensorFlow operations only. With a second argument, `loss(x, seed)`,
            it is given an int32 [2] that is another one at each step and in each run, for `tf.random.stateless_*`.
            It is told the same seed whenever it is asked within one step.
        start: Where every run begins: n finite numbers; or a function of a seed, int32 [2], that returns x [n].
        name: In lower case with hyphens. Default: the function's name.
        dtype: "float32" or "float64", of x; a user may choose the other with --precision. Default: "float64".
        cohort_size: Candidates trained in lockstep, 1 to 256. Default: 16.
        jit_compile: Whether XLA compiles the loop. False for operations that XLA does not have. Default: True.

    Raises:
        TaskError: An argument is not what is said here; a ValueError. That the function returns what it should is
            seen, and said, when the class is called.
    """
    if not callable(loss):
        raise TaskError(f"`loss` must be a function {_CALL}. Received: {loss!r:.80}")
    own_name = task_name(name, getattr(loss, "__name__", type(loss).__name__))
    members = {
        "__doc__": inspect.getdoc(loss) or f"Minimises {own_name}.",
        "__module__": getattr(loss, "__module__", __name__),
        "name": own_name,
        "loss": staticmethod(loss),
        "is_random": _is_random(loss, own_name),
        "start": staticmethod(start) if callable(start) else _numbers(start, own_name),
        "own_dtype": float_dtype(dtype, default="float64"),
        "cohort_size": whole_number("cohort_size", cohort_size, low=1, high=MOST_LANES),
        "jit_compile": bool(jit_compile),
    }
    from tasks.function_class import FunctionTask

    return type("FunctionTask", (FunctionTask,), members)


def _is_random(loss: Callable[..., Any], name: str) -> bool:
    """Return whether a loss takes a seed."""
    try:
        parameters = inspect.signature(loss).parameters.values()
    except (TypeError, ValueError):  # of C, without a signature
        return False
    by_place = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = [one for one in by_place if one.default is one.empty]
    by_name = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    takes_any = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    if len(needed) > 2 or by_name or not (by_place or takes_any):
        raise TaskError(f"{name}: `loss` must be a function {_CALL}. Received: {inspect.signature(loss)}")
    return len(needed) == 2 or [one.name for one in by_place[1:2]] == ["seed"]


def _numbers(start: Any, name: str) -> tuple[float, ...]:
    """Return a start as numbers."""
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
