"""Refuse settings of TensorFlow with which nothing trains as it should."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tasks.errors import TaskError


def _has_callbacks(_: Any) -> bool:
    context: Any = sys.modules["tensorflow.python.eager.context"]  # has no public getter; loaded with TensorFlow
    return bool(context.context().op_callbacks)


# What leaves each setting, and how it is recognised.
SETTINGS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    (
        "tf.compat.v1.disable_eager_execution() or disable_v2_behavior()",
        lambda tf: not tf.compat.v1.executing_eagerly_outside_functions(),
    ),
    ("tf.compat.v1.disable_v2_tensorshape()", lambda tf: not isinstance(tf.TensorShape([1])[0], int)),
    ("tf.compat.v1.disable_control_flow_v2()", lambda tf: not tf.compat.v1.control_flow_v2_enabled()),
    ("tf.compat.v1.disable_resource_variables()", lambda tf: not tf.compat.v1.resource_variables_enabled()),
    ("tf.config.run_functions_eagerly(True)", lambda tf: tf.config.functions_run_eagerly()),
    ("tf.debugging.enable_check_numerics() or enable_dump_debug_info()", _has_callbacks),
)


def refuse_settings(where: str) -> None:
    """Raise if TensorFlow, where it is loaded, does not compile functions as the training loop needs it.

    Args:
        where: The task, for the message.

    Raises:
        TaskError: It has such a setting; the message says what leaves it.
    """
    tf = sys.modules.get("tensorflow")
    for left_by, is_set in SETTINGS if tf is not None and hasattr(tf, "TensorShape") else ():
        if is_set(tf):
            name = where.rpartition("/")[2]
            raise TaskError(
                f"{name}: TensorFlow runs in debug mode or TensorFlow 1 compatibility mode, in which the training"
                f" loop fails or is many times slower. Accepted: its defaults; remove the call. Received: {left_by}"
            )
