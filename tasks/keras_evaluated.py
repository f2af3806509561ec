"""Keras tasks with a validation or a test set, measured as `evaluate` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.keras_behaviour import values_of
from tasks.keras_build import precision
from tasks.keras_class import KerasTask
from tasks.keras_losses import Share
from tasks.keras_mixing import refuse_mixing, rows_of
from tasks.task import State, Tensor
from tasks.tracing import compiled

Scale = NDArray[np.floating] | None  # factors [N] of shares; None: 1


class EvaluatedKerasTask(KerasTask):
    """A Keras model's task with a validation or a test set.

    The loss of an example is its part of what `evaluate` gives in batches of `batch_size`, in the order of the data:
    regularisation is included; with masks, sample weights or sums the parts are scaled so that their mean over all
    examples is that number.
    """

    metrics: tuple[str, ...]
    evaluation_batch = 256

    def __init__(self, *, dtype: str | None = None, batch_size: int | None = None, **arguments: Any) -> None:
        super().__init__(dtype=dtype, batch_size=batch_size, **arguments)
        self._scales: dict[str, list[Scale]] = {}
        with self._reported("the model cannot be evaluated"):
            self._try_evaluation()

    def examples(self, split: str) -> int:
        """Return the number of examples in "validation" or "test"; 0 if the task does not have it."""
        return self._split(split).count if split in self.given else 0

    def evaluate(self, x: Tensor, state: State, split: str, chosen: Tensor) -> Tensor:
        """Return the metrics of examples in inference mode [E, metrics, 1]."""
        with self._reported(f"the {split} examples cannot be evaluated"):
            scales = [
                None if scale is None else tf.gather(tf.constant(scale), chosen) for scale in self._scales_of(split)
            ]
            losses, shares = self._shares(split, self._weights(x), state[1], chosen, scales)
            metrics = [losses]
            if "accuracy" in self.metrics:
                accuracy = shares[-1].values
                metrics.append(accuracy if scales[-1] is None else accuracy * tf.cast(scales[-1], accuracy.dtype))
        return tf.stack([tf.cast(metric, self.dtype) for metric in metrics], axis=1)[:, :, tf.newaxis]

    def _shares(
        self, split: str, values: Sequence[Tensor], others: Sequence[Tensor], chosen: Tensor, scales: Sequence[Any] = ()
    ) -> tuple[Tensor, list[Share]]:
        """Return losses [E] of examples, with these factors [E], and the shares of outputs and, if any, of accuracy."""
        with_accuracy = "accuracy" in self.metrics
        with precision(self.dtype):
            return self._objective.shares(
                values,
                others,
                self._gathered(split, chosen),
                scales=scales[:-1] if with_accuracy else scales,
                with_accuracy=with_accuracy,
            )

    def _scales_of(self, split: str) -> list[Scale]:
        """Return the factors [N] of each output's share and, if any, of accuracy; computed once per split."""
        if split not in self._scales:
            total = self._split(split).count
            with tf.init_scope():
                counted = self._counted(split, total)
            batches = [self.batch_size] * len(counted)
            if "accuracy" in self.metrics:
                batches[-1] = total  # Keras' metrics add up over all batches
            self._scales[split] = [
                _scale(counts, is_sum, total, size) for (counts, is_sum), size in zip(counted, batches, strict=True)
            ]
        return self._scales[split]

    def _counted(self, split: str, total: int) -> list[tuple[Scale, bool]]:
        """Return the divisors of all shares of a split, and whether the shares are sums.

        Masks come from the inputs: one pass with the weights that the model was built with finds them.
        """
        size = min(self.evaluation_batch, total)
        values, others = self._built_values()

        def count(chosen: Tensor) -> list[Tensor]:
            return [
                share.counts for share in self._shares(split, values, others, chosen)[1] if share.counts is not None
            ]

        kinds = self._shares(split, values, others, tf.range(size))[1]
        if all(share.counts is None for share in kinds):
            return [(None, share.is_sum) for share in kinds]
        counting = compiled(count)
        chunks = [np.minimum(np.arange(first, first + size), total - 1) for first in range(0, total, size)]
        parts = [counting(tf.constant(chunk, tf.int32)) for chunk in chunks]
        counts = iter(np.concatenate([part.numpy() for part in each])[:total] for each in zip(*parts, strict=True))
        return [(None if share.counts is None else next(counts), share.is_sum) for share in kinds]

    def _built_values(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the values of the variables of the model that the constructor has built."""
        return values_of(self._objective.trainable), values_of(self._objective.others)

    def _try_evaluation(self) -> None:
        """Find out whether examples are measured independently of each other.

        Raises:
            TaskError: They are not, so that `evaluate` gives a number that is not a mean over examples.
        """
        data = self._split("train")
        rows = rows_of(data.count, data.inputs, self.batch_size)
        number = len(rows) // 2

        def scales_of(shares: Sequence[Share]) -> list[Scale]:
            counts = [None if share.counts is None else share.counts.numpy() for share in shares]
            return [_scale(of, share.is_sum, number, number) for of, share in zip(counts, shares, strict=True)]

        with precision(self.dtype):
            refuse_mixing(
                self._objective,
                self._gathered("train", tf.constant(rows)),
                self._built_values(),
                self._is_seed(),
                scales_of,
                with_accuracy="accuracy" in self.metrics,
            )


def _scale(counts: Scale, is_sum: bool, total: int, size: int) -> Scale:
    """Return factors [N] that make the mean of N shares that of the batches, weighted by their sizes.

    Args:
        counts: [N], what sums of shares are divided by; None: nothing.
        is_sum: Whether a batch has the sum of its shares.
        total: N.
        size: Of a batch; the last has the rest.
    """
    if counts is None and not is_sum:
        return None
    batches = np.arange(total) // size
    sizes = np.bincount(batches).astype(np.float64)
    if counts is None:
        return sizes[batches]
    divisors = np.bincount(batches, weights=counts)
    scales: Scale = np.divide(sizes, divisors, out=np.zeros_like(sizes), where=divisors != 0)[batches]
    return scales
