"""The memory that an optimizer's state takes, known before anything is allocated.

The state is traced for three small numbers of weights. Its size is a polynomial of at most the second degree in the
number of weights, which these determine. TensorFlow is loaded when a state is traced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import lodo.registry
from tasks.reading_limit import total_bytes
from tuner.core.errors import StudyRefused
from tuner.core.trial import Workload

MAX_ELEMENTS = 2**31 - 1  # of a tensor: TensorFlow's kernels for processors index with 32 bits
SMALL_BYTES = 1 << 29  # a problem whose dense matrix would be smaller is not looked at
_SIZES = (64, 128, 192)  # multiples of every block size that is usual


@dataclass(frozen=True, slots=True)
class StateSize:
    """Size of an optimizer's state for one candidate."""

    weights: int
    numbers: int
    largest: int  # elements of the largest tensor


def weights_of(task: Any) -> int | None:
    """Return the number of weights of a task, as far as its attributes tell."""
    if shapes := getattr(task, "variable_shapes", None):
        return sum(map(math.prod, shapes))
    layers = getattr(task, "layers", None)
    return int(layers[-1][1]) if layers else None


def state_size(kind: Any, weights: int, settings: tuple[tuple[str, int], ...] = ()) -> StateSize | None:
    """Return the size of the state of an optimizer's class for a number of weights; None if it cannot be traced."""
    if (traced := _traced(kind, settings)) is None:
        return None
    at = [round(float(np.polyval(np.polyfit(_SIZES, leaf, 2), weights))) for leaf in zip(*traced, strict=True)]
    return StateSize(weights, sum(at), max(at, default=0))


def fits_evidently(workload: Workload, weights: int, dtype: str, workers: int) -> bool:
    """Return whether the state of a built-in optimizer fits into this machine's memory by its upper bound alone.

    See `check_memory`.
    """
    of_a_weight = lodo.registry.NUMBERS_PER_WEIGHT.get(workload.optimizer)
    if of_a_weight is None or workload.settings or workload.optimizer_place is not None:
        of_a_weight = weights
    numbers = of_a_weight * (weights + 1_000) * workload.cohort_size
    return numbers <= MAX_ELEMENTS and numbers * np.dtype(dtype).itemsize * workers <= total_bytes()


def check_memory(
    workload: Workload, kind: Any, weights: int | None, dtype: str, *, workers: int = 1, is_here: bool = True
) -> None:
    """Refuse an optimizer whose state does not fit into this machine's memory.

    Args:
        workload: The workload.
        kind: The optimizer's class.
        weights: Number of weights of the task; None if it is not known, and nothing is refused.
        dtype: Their dtype.
        workers: Number of cohorts that are trained at a time on this machine.
        is_here: Whether the state lies in this machine's main memory, and not in a GPU's or another machine's.

    Raises:
        StudyRefused: It does not fit.
    """
    width, lanes = np.dtype(dtype).itemsize, workload.cohort_size
    if weights is None or (weights + 1_000) * weights * width * lanes < SMALL_BYTES:
        return
    size = state_size(kind, weights, tuple(workload.settings.items()))
    if size is None:
        return
    keeps = f"{workload.optimizer} keeps {size.numbers:,} numbers for {weights:,} weights"
    if size.largest * lanes > MAX_ELEMENTS:
        raise StudyRefused(
            f"{keeps}, in one array of {size.largest * lanes:,}; TensorFlow's arrays have at most {MAX_ELEMENTS:,}"
        )
    needed, memory = size.numbers * lanes * width, total_bytes()
    if is_here and needed * workers > memory:
        of = f" × {workers} workers" if workers > 1 else ""
        cohort = f" × {lanes} candidates in lockstep" if lanes > 1 else ""
        raise StudyRefused(
            f"{keeps}: {size.numbers * width / 2**30:.1f} GiB{cohort}{of} in {dtype}; this machine has"
            f" {memory / 2**30:.1f} GiB of memory"
        )


@lru_cache
def _traced(kind: Any, settings: tuple[tuple[str, int], ...]) -> list[list[int]] | None:
    """Return `_leaves` for each of the sizes; it takes seconds for optimizers such as LODO."""
    try:
        return [_leaves(kind, size, dict(settings)) for size in _SIZES]
    except Exception:  # whatever is wrong is reported where the optimizer is used
        return None


def _leaves(kind: Any, size: int, settings: Mapping[str, int]) -> list[int]:
    """Return the number of elements of each tensor of a state, per lane."""
    import tensorflow as tf

    known = {name: ((0, size),) if name == "layers" else None for name in (*kind.needs, *kind.wants)}
    optimizer = kind(**known, **settings)
    hyperparameters = {name: tf.TensorSpec([1], tf.float32) for name in optimizer.hyperparameters}
    specs = (tf.TensorSpec([size, 1], tf.float32), hyperparameters, tf.TensorSpec([1, 2], tf.int32))
    traced = tf.function(optimizer.initial_state, autograph=False).get_concrete_function(*specs)
    return [math.prod(leaf.shape) for leaf in tf.nest.flatten(traced.structured_outputs) if leaf is not None]
