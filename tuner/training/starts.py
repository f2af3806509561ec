"""Starts that Python builds, kept by seed, which candidates often share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.task import State, Task, Tensor

MAX_KEPT = 8  # a generation has one seed, and its finalists have a few more
MAX_BYTES = 2**20  # of one start; what a larger one takes to build is little beside its training


class Starts:
    """The starts of a task with `eager_initial`, the latest of which are kept.

    Building a small Keras model takes as long as hundreds of its training steps.

    Args:
        task: The task.
        is_kept: Whether starts are kept; without, each is built anew, as checks need it.
    """

    def __init__(self, task: Task, *, is_kept: bool) -> None:
        self._task, self._is_kept = task, is_kept
        self._kept: OrderedDict[bytes, tuple[Tensor, State]] = OrderedDict()

    def start(self, seeds: Any) -> tuple[Tensor, State]:
        """Return x [n, P] and the task's state before the first step for seeds [P, 2], called eagerly."""
        if not self._is_kept:
            return self._task.initial(seeds)
        key = np.asarray(seeds).tobytes()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        start = self._task.initial(seeds)
        if sum(_bytes(part) for part in tf.nest.flatten(start)) <= MAX_BYTES:
            self._kept[key] = start
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return start


def _bytes(part: Any) -> int:
    """Return the size of a tensor; of what else a state has, more than is kept."""
    return part.shape.num_elements() * part.dtype.size if isinstance(part, tf.Tensor) else MAX_BYTES + 1
