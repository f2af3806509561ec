"""Datasets of examples are read, and datasets of batches are recognised by how they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.errors import TaskError
from tasks.keras_data import examples

X = np.arange(192, dtype=np.float32).reshape(64, 3)
Y = np.arange(64)
PAIRS = tf.data.Dataset.from_tensor_slices((X, Y[:, np.newaxis]))
Dataset = tf.data.Dataset


def same(x: Any, y: Any) -> Any:
    return x, y


def one_batch(x: Any, y: Any) -> Any:
    return Dataset.from_tensors((x, y)).batch(2)


def zero(x: Any, y: Any) -> Any:
    return tf.constant(0, tf.int64)


def batches() -> Iterator[Any]:
    yield X[:4], Y[:4, np.newaxis]


def sequences() -> Iterator[Any]:
    for start in range(5):
        yield np.arange(start, start + 7.0), np.arange(start, start + 7)


BATCHED: dict[str, Callable[[], Any]] = {
    "batch": lambda: PAIRS.batch(8),
    "drop_remainder, prefetch": lambda: PAIRS.batch(32, drop_remainder=True).prefetch(2),
    "map after it": lambda: PAIRS.batch(32, drop_remainder=True).map(same),
    "cache": lambda: PAIRS.batch(32, drop_remainder=True).cache().prefetch(1),
    "shuffle, take, options": lambda: PAIRS.batch(16, True).shuffle(2).take(2).with_options(tf.data.Options()),
    "parallel": lambda: PAIRS.batch(16, True, num_parallel_calls=2).map(same, num_parallel_calls=2),
    "padded_batch": lambda: PAIRS.padded_batch(16, drop_remainder=True),
    "rebatch": lambda: PAIRS.batch(4, True).rebatch(8, drop_remainder=True),
    "batch of unbatched": lambda: PAIRS.batch(4).unbatch().batch(16, True),
    "zip": lambda: Dataset.zip((PAIRS.map(lambda x, y: x).batch(8, True), PAIRS.map(lambda x, y: y).batch(8, True))),
    "concatenate": lambda: PAIRS.batch(8, True).concatenate(PAIRS.batch(8, True)),
    "enumerate": lambda: PAIRS.batch(8, True).enumerate().map(lambda number, pair: pair),
    "assert_cardinality": lambda: PAIRS.batch(8, True).apply(tf.data.experimental.assert_cardinality(8)),
    "group_by_window": lambda: PAIRS.group_by_window(zero, lambda key, window: window.batch(8), 8),
    "interleave": lambda: PAIRS.interleave(one_batch),
    "from_tensors": lambda: Dataset.from_tensors((X, Y)),
    "a generator of batches": lambda: Dataset.from_generator(
        batches, output_signature=(tf.TensorSpec([None, 3]), tf.TensorSpec([None, 1]))
    ),
}
NOT_BATCHED: dict[str, tuple[Callable[[], Any], int, tuple[int, ...]]] = {  # with the number and shape of inputs
    "slices": (lambda: PAIRS.shuffle(64, seed=1).prefetch(2), 64, (3,)),
    "unbatch": (lambda: PAIRS.batch(8, True).map(same).unbatch().cache(), 64, (3,)),
    "scalar targets": (lambda: Dataset.from_tensor_slices((X, Y)), 64, (3,)),
    "targets as long as inputs": (lambda: Dataset.from_tensor_slices((X, X)).prefetch(1), 64, (3,)),
    "windows": (
        lambda: Dataset.range(33).batch(11, drop_remainder=True).map(lambda window: (window[:-1], window[1:])),
        3,
        (10,),
    ),
    "windows by flat_map": (
        lambda: Dataset.range(30).window(10).flat_map(lambda window: window.batch(10, True)).map(lambda w: (w, w)),
        3,
        (10,),
    ),
    "sequences of a generator": (
        lambda: Dataset.from_generator(sequences, output_signature=(tf.TensorSpec([None]), tf.TensorSpec([None]))),
        5,
        (7,),
    ),
    "sampled from several": (lambda: Dataset.sample_from_datasets([PAIRS, PAIRS], seed=1), 128, (3,)),
    "parsed": (
        lambda: PAIRS.map(lambda x, y: (tf.io.serialize_tensor(x), y)).map(
            lambda text, y: (tf.ensure_shape(tf.io.parse_tensor(text, tf.float32), [None]), y)
        ),
        64,
        (3,),
    ),
}


@pytest.mark.parametrize("name", BATCHED)
def test_batches_are_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(
        TaskError, match=r"^`train` looks batched \(.*\): give one element per example, as .unbatch\(\)"
    ):
        examples(BATCHED[name](), "train", "float32")


@pytest.mark.parametrize("name", BATCHED)
def test_the_way_out_leads_out(name: str) -> None:
    if name not in ("from_tensors", "enumerate"):
        assert examples(BATCHED[name]().unbatch(), "train", "float32").inputs.shape[1:] == (3,)


@pytest.mark.parametrize("name", NOT_BATCHED)
def test_examples_are_not_taken_for_batches(name: str) -> None:
    make, count, shape = NOT_BATCHED[name]
    found = examples(make(), "train", "float32")
    assert (found.count, found.inputs.shape) == (count, (count, *shape))


def test_sequences_of_several_lengths_are_refused_with_the_way_out() -> None:
    ragged = Dataset.range(1, 5).map(lambda n: (tf.range(n), tf.range(n)))
    with pytest.raises(TaskError, match=r"`train` cannot be read: .*; all examples must have one shape: pad them"):
        examples(ragged, "train", "float32")
    padded = ragged.padded_batch(4).unbatch()
    assert examples(padded, "train", "float32").inputs.shape == (4, 4)


def test_sample_weights_and_absent_targets_are_read() -> None:
    found = examples(Dataset.from_tensor_slices((X, Y, np.ones(64))), "train", "float32")
    assert (found.weights.shape, found.weights.dtype) == ((64,), np.float32)
    assert examples((X, None), "train", "float32").targets is None
