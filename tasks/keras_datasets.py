"""Read a tf.data.Dataset of examples into memory, and recognise batches."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf

from tasks.errors import TaskError, described
from tasks.reading_limit import ReadingLimit, chunk_elements

# Class names of tf.data's operators, which have no public names. Those that make batches of a known size have it as
# `_batch_size`; what the last ones yield is decided by a function, which cannot be looked into.
_BATCHES = ("Batch", "Rebatch", "TensorDataset")
_EXAMPLES = ("Unbatch",)
_FUNCTIONS = ("FlatMap", "Interleave", "GroupByWindow", "Load")
_first_epochs: MutableMapping[Any, Any] = WeakKeyDictionary()


def read(dataset: Any, split: str) -> Any:
    """Return the elements of a dataset as one nest of arrays, whose first axis runs over the elements.

    They are those of its first epoch in this process, however often it is read: a shuffle with a seed begins alike in
    every process, but is another one in each epoch.

    Args:
        dataset: A finite tf.data.Dataset with one example per element.
        split: "train", "validation" or "test", for the messages.

    Raises:
        TaskError: It is infinite, empty, batched, has elements of several shapes or without a dense shape, or raises.
    """
    if dataset not in _first_epochs:
        _first_epochs[dataset] = _epoch(dataset, split)
    return _first_epochs[dataset]


def _epoch(dataset: Any, split: str) -> Any:
    cardinality = int(dataset.cardinality())
    if cardinality == -1:
        raise TaskError(f"`{split}` is an infinite dataset (.repeat()), and cannot be read into memory. Use .take(n)")
    spec = dataset.element_spec
    leaves = tf.nest.flatten(spec)
    if any(not isinstance(leaf, tf.TensorSpec) or leaf.shape.rank is None for leaf in leaves):
        raise TaskError(f"`{split}` must have dense tensors in its elements. Received: {spec!r:.120}")
    if reason := _batched(dataset, leaves):
        raise TaskError(
            f"`{split}` looks batched ({reason}): give one element per example, as .unbatch() does; the task makes"
            f" batches of its own `batch_size`. Received: {spec!r:.120}"
        )
    chunks: list[Any] = []
    limit = ReadingLimit(split, has_length=cardinality >= 0)
    try:
        for chunk in dataset.batch(chunk_elements(leaves)).as_numpy_iterator():
            chunks.append(chunk)
            arrays = tf.nest.flatten(chunk)
            limit.count(arrays, len(arrays[0]))
        if not chunks:
            raise TaskError(f"`{split}` has no examples. Received: an empty dataset")
        return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *chunks)
    except TaskError:
        raise
    except Exception as error:
        several = any(None in leaf.shape for leaf in leaves)  # batching them, or joining what was batched, fails
        hint = "; all examples must have one shape: pad them, as .padded_batch(n).unbatch() does" if several else ""
        raise TaskError(f"`{split}` cannot be read: {described(error, None)}{hint}") from error


def _batched(dataset: Any, leaves: list[Any]) -> str:
    """Return why the elements of a dataset are batches, or may be; "" if they are examples."""
    if any(leaf.shape.rank == 0 for leaf in leaves):
        return ""
    lengths = {leaf.shape[0] for leaf in leaves} - {None}
    if len(lengths) > 1:
        return ""
    for operator in _makers(dataset):
        name = type(operator).__name__.strip("_")
        if any(part in name for part in _FUNCTIONS):
            # Batches, or sequences: a batch has at least one array of more than one axis, as layers require.
            if not lengths and ("GroupByWindow" in name or any(leaf.shape.rank > 1 for leaf in leaves)):
                return f"its first axis has no fixed length, and {name} hides where it comes from"
        else:
            size = getattr(operator, "_batch_size", None)
            size = None if size is None else tf.get_static_value(size)
            if not lengths or size is None or lengths == {int(size)}:  # else a function has split the batch: a window
                return name.removesuffix("Dataset").lower() or "batch"
    return ""


def _makers(dataset: Any) -> Iterator[Any]:
    """Yield the last operators of the chains behind a dataset that decide what its elements are."""
    name = type(dataset).__name__.strip("_")
    if any(part in name for part in _EXAMPLES):
        return
    before: list[Any] = getattr(dataset, "_inputs", list)()
    if name == "DirectedInterleaveDataset":
        before = before[1:]  # the first decides from which of the others the next element comes
    elif any(part in name for part in (*_BATCHES, *_FUNCTIONS)):
        yield dataset
        return
    for each in before:
        yield from _makers(each)
