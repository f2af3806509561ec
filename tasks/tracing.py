"""Functions that TensorFlow traces."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a tf.function whose traces are counted by themselves.

    TensorFlow counts the traces of all functions of one piece of code together, and warns of many: each task, optimizer
    or split has a function of its own here, which is traced once or twice.

    Args:
        function: What is traced.
        options: Of tf.function, besides `autograph`, which is off.
    """
    return tf.function(functools.partial(function), autograph=False, **options)
