"""The numbers that a traced function holds, and fingerprints of arrays."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.fingerprint import arrays_fingerprint
from tasks.graph_contents import assigned, contents_hash

X = tf.TensorSpec([2], tf.float64)


def graph(function: Any) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(X).graph


def test_numbers_count_wherever_they_come_from_and_what_was_traced_before_does_not() -> None:
    def hashed(matrix: Any, factor: float) -> str:
        return contents_hash(
            [graph(lambda x: tf.cond(x[0] > 0, lambda: factor * tf.reduce_sum(matrix @ x[:, None]), lambda: x[1]))]
        )

    eye, other = np.eye(2), np.array([[1.0, 0.0], [0.0, np.nextafter(1, 2)]])
    assert hashed(eye, 0.5) == hashed(eye, 0.5)
    assert hashed(tf.constant(eye), 0.5) == hashed(tf.constant(eye), 0.5)
    assert len({hashed(eye, 0.5), hashed(other, 0.5), hashed(eye, 0.25), hashed(tf.constant(other), 0.5)}) == 4


@pytest.mark.parametrize(
    "within", [lambda f: f, lambda f: lambda x: tf.while_loop(lambda i: i < 2, lambda i: (f(x), i + 1)[1:], [0])]
)
def test_a_variable_that_is_assigned_to_is_found_also_in_a_loop(within: Any) -> None:
    count = tf.Variable(0.0, name="count")
    assert assigned(graph(within(lambda x: x + tf.cast(count.assign_add(1.0), x.dtype)))) == "count"
    assert assigned(graph(lambda x: x + tf.cast(count, x.dtype))) is None


def test_the_fingerprint_of_arrays_is_that_of_their_bytes_whatever_their_layout() -> None:
    array = np.arange(12, dtype=np.int32).reshape(4, 3)
    found = arrays_fingerprint("mine", {"train": {"x": array}})
    expected = hashlib.sha256(b"train['x'] int32 [4, 3] " + array.tobytes()).hexdigest()
    assert found == {
        "name": "mine",
        "sizes": {"train": 4},
        "arrays": {"train['x']": "int32 [4, 3]"},
        "sha256": expected,
    }
    for same in (np.asfortranarray(array), np.repeat(array, 2, axis=0)[::2], tf.constant(array)):
        assert arrays_fingerprint("mine", {"train": {"x": same}}) == found
    for other in (array.astype(np.int64), array.reshape(3, 4), array + 1):
        assert arrays_fingerprint("mine", {"train": {"x": other}})["sha256"] != expected
