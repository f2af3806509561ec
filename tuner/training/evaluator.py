"""Evaluation of metrics on a task's validation or test set, batch by batch.

A seed determines the order of the examples: the first thousand are the same for every number of examples, and a part of
a large set is a random sample of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.task import Evaluated, State, Tensor
from tasks.tracing import compiled
from tuner.training.averaged import averaged
from tuner.training.loop import Carry

Split = Literal["validation", "test"]


class Evaluator:
    """Computes a task's metrics on one of its sets; compiled once, at its first use.

    Args:
        task: The trained task.
        split: "validation" or "test".

    Raises:
        ValueError: The task has no such set.
    """

    def __init__(self, task: Any, split: Split) -> None:
        jit_compile, name = task.jit_compile, task.name
        if not isinstance(task, Evaluated):
            raise ValueError(f"{task.name} has no {split} set")
        self.metrics = tuple(task.metrics)
        self.examples = task.examples(split)
        if not self.examples:
            raise ValueError(f"{name} has no {split} set")
        self._batch = max(1, min(task.evaluation_batch, self.examples))
        evaluate, self._project = task.evaluate, getattr(task, "project", None)
        self._compiled = compiled(lambda x, state, chosen: evaluate(x, state, split, chosen), jit_compile=jit_compile)

    def order(self, seed: int) -> NDArray[np.int32]:
        """Return the indices of all examples in the order of this seed."""
        return np.random.default_rng(seed).permutation(self.examples).astype(np.int32)

    def batches(self, x: Tensor, state: State, chosen: NDArray[np.int32]) -> Iterator[NDArray[np.float64]]:
        """Compute the metrics of examples, in order.

        Args:
            x: The parameters [n, P].
            state: The task's state.
            chosen: Indices of examples.

        Yields:
            [examples, metrics, P] of each batch; the batches together are all chosen examples.

        Raises:
            ValueError: The task returns another shape.
        """
        lanes = int(x.shape[1])
        for first in range(0, len(chosen), self._batch):
            some = chosen[first : first + self._batch]
            padded = np.concatenate(
                [some, np.full(self._batch - len(some), some[-1], np.int32)]
            )  # one shape, one trace
            metrics = self._compiled(x, state, tf.constant(padded)).numpy()
            expected = (self._batch, len(self.metrics), lanes)
            if metrics.shape != expected:
                raise ValueError(
                    f"`evaluate` returns [examples, metrics, lanes], here {expected}. Received: {metrics.shape}"
                )
            yield metrics[: len(some)].astype(np.float64)

    def means(self, x: Tensor, state: State, chosen: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        """Return each metric's mean over examples, by default over the whole set, [metrics, P]."""
        chosen = np.arange(self.examples, dtype=np.int32) if chosen is None else chosen
        total = sum(batch.sum(axis=0) for batch in self.batches(x, state, chosen))
        return np.asarray(total) / len(chosen)

    def mean_metrics(self, carry: Carry, chosen: NDArray[np.int32] | None = None) -> dict[str, list[float]]:
        """Return the same means by name, one number per lane, at the current state of training."""
        return dict(zip(self.metrics, self.means(*averaged(carry, self._project)[:2], chosen).tolist(), strict=True))
