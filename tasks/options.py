"""Check the arguments of a task's constructor."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

FLOATS = ("float32", "float64")
MAX_BATCH_SIZE = 65_536
MAX_COHORT_SIZE = 256
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def float_dtype(received: Any, *, default: str, accepted: tuple[str, ...] = FLOATS) -> str:
    """Return the name of a floating-point type.

    Args:
        received: A name such as "float32", an object with such a `name` (a tf.DType), or None for the default.
        default: The name that None stands for.
        accepted: The accepted names. Default: "float32" and "float64".

    Raises:
        ValueError: It is none of them.
    """
    if received is None:
        return default
    name = getattr(received, "name", received)
    if name not in accepted:
        raise ValueError(f"`dtype` is one of {', '.join(accepted)}. Received: {received!r}")
    return str(name)


def whole_number(name: str, received: Any, *, low: int, high: int) -> int:
    """Return an integer within low..high, both included.

    Args:
        name: The argument's name, for the message.
        received: An int or one of NumPy's integers; not a bool, not a float.
        low: The least accepted number.
        high: The greatest accepted number.

    Raises:
        ValueError: It is not an integer, or out of range.
    """
    message = f"`{name}` is a whole number from {low:,} to {high:,}. Received: {received!r}"
    if isinstance(received, bool):
        raise ValueError(message)
    try:
        number = operator.index(received)
    except TypeError as error:
        raise ValueError(message) from error
    if not low <= number <= high:
        raise ValueError(message)
    return number


def task_name(received: Any, origin: str) -> str:
    """Return a task's name: lower case, with hyphens.

    Args:
        received: Such a name, or None to derive one.
        origin: The Python name that it is derived from.

    Raises:
        ValueError: It is not such a name.
    """
    if received is None:
        return "-".join(re.findall(r"[a-z0-9]+", origin.lower())) or "task"
    if not isinstance(received, str) or not _NAME.fullmatch(received):
        raise ValueError(
            f"`name` consists of lower-case letters, digits and hyphens, such as my-task. Received: {received!r}"
        )
    return received


def real_number(name: str, received: Any, *, low: float) -> float:
    """Return a finite number of at least `low`.

    Args:
        name: The argument's name, for the message.
        received: An int, a float, or one of NumPy's numbers; not a bool, not a string.
        low: The least accepted number.

    Raises:
        ValueError: It is not a number, not finite, or less than `low`.
    """
    message = f"`{name}` is a finite number, at least {low}. Received: {received!r}"
    if isinstance(received, (bool, str, bytes)):
        raise ValueError(message)
    try:
        number = float(received)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(message) from error
    if not math.isfinite(number) or number < low:
        raise ValueError(message)
    return number


def switch(name: str, received: Any) -> bool:
    """Return a bool.

    Raises:
        ValueError: It is not a bool.
    """
    if not isinstance(received, bool):
        raise ValueError(f"`{name}` is True or False. Received: {received!r}")
    return received


def single_seed(seeds: Any, task: str) -> Any:
    """Return the seed [2] of a cohort of one.

    Args:
        seeds: int32 [P, 2].
        task: The task's name, for the message.

    Raises:
        ValueError: P is not 1.
    """
    if seeds.shape[0] != 1:
        raise ValueError(f"{task} trains one candidate at a time (cohort_size 1). Received: {seeds.shape[0]} seeds")
    return seeds[0]
