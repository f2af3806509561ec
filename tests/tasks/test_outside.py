"""What a task's graph reads from outside: refused, or part of its fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tasks.errors import TaskError
from tasks.function_task import function_task
from tasks.graph_contents import contents_hash
from tasks.keras_task import keras_task
from tests.conformance.broken_tasks import Sound
from tuner.checks.check import PromiseError
from tuner.checks.probe import Probe
from tuner.checks.reproducibility import nothing_from_outside

NUMBERS = np.array([1.0, 2.0])


@pytest.fixture
def numbers(tmp_path: Path) -> str:
    """A file of two numbers."""
    path = tmp_path / "numbers.bin"
    path.write_bytes(NUMBERS.tobytes())
    return str(path)


def read(path: str) -> Any:
    return tf.io.decode_raw(tf.io.read_file(path), tf.float64)


def from_records(path: str) -> Any:
    dataset = tf.data.FixedLengthRecordDataset([path], 16)
    return tf.io.decode_raw(dataset.get_single_element(), tf.float64)


def from_an_iterator(path: str) -> Any:
    return tf.cast(tf.reshape(next(iterator), [1]), tf.float64)


iterator = iter(tf.data.Dataset.range(1000))
table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float64, 0.0)


def from_a_table_that_changes(path: str) -> Any:
    table.insert(tf.constant([1], tf.int64), tf.constant([2.0], tf.float64))
    return table.lookup(tf.constant([1], tf.int64))


READING = (
    (read, r"a file \(ReadFile\)"),
    (lambda path: tf.strings.length(tf.io.matching_files(path)), r"a file \(MatchingFiles\)"),
    (lambda path: tf.raw_ops.RestoreV2(prefix=path, tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float64])[0],
     r"a file \(RestoreV2\)"),
    (from_records, r"a tf\.data\.Dataset \(\w+\)"),
    (from_an_iterator, r"a tf\.data\.Dataset \(IteratorGetNext\)"),
    (from_a_table_that_changes, r"a queue or a table \(LookupTableInsertV2\)"),
    (lambda path: tf.timestamp(), r"the clock \(Timestamp\)"),
)  # fmt: skip


@pytest.mark.parametrize(("reading", "told"), READING)
def test_a_loss_that_reads_from_outside_is_refused_with_the_way_out(numbers: str, reading: Any, told: str) -> None:
    def loss(x: Any) -> Any:
        return tf.reduce_sum(tf.cast(reading(numbers), x.dtype) * (x - 1) ** 2)

    task = function_task(loss, start=[0.0, 0.0], name="mine", jit_compile=False)
    with pytest.raises(
        TaskError, match=rf"^mine: the loss reads {told} .*read them at the top of the module"
    ) as caught:
        task()
    assert "\n" not in str(caught.value)


def test_a_start_that_reads_a_file_is_refused(numbers: str) -> None:
    def start(seed: Any) -> Any:
        return tf.ensure_shape(read(numbers), [2])

    with pytest.raises(TaskError, match=r"^mine: `start` reads a file \(ReadFile\)"):
        function_task(lambda x: tf.reduce_sum(x**2), start=start, name="mine")()


def test_what_was_read_once_is_a_constant_of_the_task(numbers: str) -> None:
    scale = np.fromfile(numbers)
    loss, _, _ = function_task(lambda x: tf.reduce_sum(scale * (x - 1) ** 2), start=[0.0, 0.0])().loss_and_gradient(
        tf.zeros([2, 1], tf.float64), ()
    )
    assert loss.numpy().tolist() == [NUMBERS.sum()]  # of (0 - 1)² each


class Reading(layers.Layer):
    """Adds numbers of a file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.file = path

    def call(self, x: Any) -> Any:
        return x + tf.cast(tf.ensure_shape(read(self.file), [2]), x.dtype)


@pytest.mark.parametrize("where", ["layer", "loss"])
def test_a_layer_or_a_loss_of_keras_that_reads_a_file_is_refused(numbers: str, where: str) -> None:
    def build() -> Any:
        return keras.Sequential([keras.Input([2]), *([Reading(numbers)] if where == "layer" else []), layers.Dense(1)])

    def loss(true: Any, predicted: Any) -> Any:
        return tf.cast(read(numbers)[0], predicted.dtype) * tf.reduce_mean((true - predicted) ** 2, axis=-1)

    data = np.ones([8, 2], np.float32), np.ones([8, 1], np.float32)
    task = keras_task(build, train=data, loss=loss if where == "loss" else "mse", name="mine", jit_compile=False)
    with pytest.raises(TaskError, match=r"^mine: a layer or the loss reads a file \(ReadFile\) in every step"):
        task()


class ReadingInInference(Reading):
    """Adds them in inference only."""

    def call(self, x: Any, training: bool = False) -> Any:
        return x if training else super().call(x)


def test_a_layer_that_reads_in_inference_is_refused_where_there_is_a_validation_set(numbers: str) -> None:
    def build() -> Any:
        return keras.Sequential([keras.Input([2]), ReadingInInference(numbers), layers.Dense(1)])

    data = np.ones([8, 2], np.float32), np.ones([8, 1], np.float32)
    given = {"train": data, "loss": "mse", "name": "mine"}
    keras_task(build, **given)()
    with pytest.raises(
        TaskError, match=r"^mine: a layer or the loss reads a file \(ReadFile\) in inference\. Accepted"
    ):
        keras_task(build, validation=data, **given)()


class ReadsInTheStep(Sound):
    """Its centre is in a file."""

    path: str

    def centre(self, seed: Any, t: Any) -> Any:
        return tf.pad(tf.ensure_shape(read(self.path), [2]), [[0, 3]])


def test_a_class_that_reads_in_a_step_is_refused_unless_it_identifies_what_it_reads(numbers: str) -> None:
    ReadsInTheStep.path = numbers
    with pytest.raises(PromiseError, match=r"a method fingerprint .* Received: it reads a file \(ReadFile\)"):
        nothing_from_outside(Probe(ReadsInTheStep()))
    identified = type("Identified", (ReadsInTheStep,), {"fingerprint": lambda self: {"sha256": "…"}})
    nothing_from_outside(Probe(identified()))


def test_the_contents_of_a_table_are_part_of_the_fingerprint_in_whatever_order_they_were_added() -> None:
    def hashed(keys: list[int], values: list[float]) -> str:
        pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.int64), tf.constant(values, tf.float64))
        made = tf.lookup.StaticHashTable(pairs, 0.0)
        traced = tf.function(made.lookup, autograph=False).get_concrete_function(tf.TensorSpec([1], tf.int64))
        return contents_hash([traced.graph])

    assert hashed([1, 2], [0.5, 0.25]) == hashed([2, 1], [0.25, 0.5])
    assert len({hashed([1, 2], [0.5, 0.25]), hashed([1, 2], [0.5, 0.125]), hashed([1, 3], [0.5, 0.25])}) == 3
