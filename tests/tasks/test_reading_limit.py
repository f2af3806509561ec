"""Datasets that do not end, or do not fit into memory, are refused while they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks import reading_limit
from tasks.errors import TaskError
from tasks.keras_data import examples
from tasks.reading_limit import chunk_elements

SPEC = (tf.TensorSpec([1 << 20], tf.float32), tf.TensorSpec([], tf.int32))  # 4 MiB an element


def dataset(elements: int | None, drawn: list[int]) -> Any:
    def generate() -> Any:
        place = 0
        while elements is None or place < elements:
            drawn.append(place)
            yield np.zeros(1 << 20, np.float32), place
            place += 1

    return tf.data.Dataset.from_generator(generate, output_signature=SPEC)


def test_an_endless_generator_is_refused_after_a_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_limit, "MAX_BYTES", 64 << 20)
    drawn: list[int] = []
    with pytest.raises(
        TaskError,
        match=r"^`train` cannot be read into memory, and may be endless: its first 18 elements.*Use \.take\(n\)",
    ):
        examples(dataset(None, drawn), "train", "float32")
    assert len(drawn) < 30  # 16 elements are 64 MiB, read three at a time; a few more are drawn ahead


def test_half_of_the_free_memory_is_the_limit_of_a_dataset_that_knows_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading_limit, "free_bytes", lambda: 32 << 20)
    known = dataset(None, []).take(8).apply(tf.data.experimental.assert_cardinality(8))
    with pytest.raises(TaskError, match=r"half of the free memory is 0\.02 GiB"):
        examples(known, "train", "float32")
    monkeypatch.setattr(reading_limit, "free_bytes", lambda: 128 << 20)
    assert examples(known, "train", "float32").count == 8


def test_large_elements_are_read_a_few_at_a_time() -> None:
    assert chunk_elements(SPEC) == 3  # 16 MiB hold three elements of 4 MiB and 4 bytes
    assert chunk_elements([tf.TensorSpec([], tf.float32)]) == 1_024
    assert chunk_elements([tf.TensorSpec([1 << 30], tf.float64)]) == 1


def test_a_dataset_that_is_shuffled_with_a_seed_is_the_same_however_often_it_is_read() -> None:
    def shuffled() -> Any:
        rows = np.arange(64, dtype=np.float32)
        return tf.data.Dataset.from_tensor_slices((rows[:, None], rows)).shuffle(64, seed=0)

    dataset = shuffled()
    once, again, in_another_process = (
        examples(each, "train", "float32").inputs.ravel().tolist() for each in (dataset, dataset, shuffled())
    )
    assert once == again == in_another_process
    assert once != sorted(once)
