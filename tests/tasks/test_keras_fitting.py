"""Targets, sample weights and losses that do not belong to the outputs of a model: one line says what does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.errors import TaskError
from tasks.keras_task import keras_task
from tests.tasks.keras_cases import TAGS, WEIGHTS, WORDS, X, Y, net, tagger, two

NAMED = {"a": Y, "b": X}
ONES = np.ones((70, 10, 1, 1), "float32")


@pytest.mark.parametrize(
    ("build", "train", "loss", "told"),
    [
        (two("dict"), (X, {"a": Y}), "mse", r"y must be a dictionary with the outputs 'a', 'b' .*; 'b' is missing"),
        (two("dict"), (X, {"a": Y, "q": X}), "mse", r"y must be .*'a', 'b'\. Received: 'a', 'q'; .* no output 'q'"),
        (two("dict"), (X, Y), "mse", r"y must be a dictionary with the outputs 'a', 'b'\. Received: one array"),
        (two("tuple"), (X, (Y,)), "mse", r"y must have 2 parts, one for each output\. Received: 1"),
        (two("tuple"), (X, Y), "mse", r"y must be a tuple with 2 parts, one for each output\. Received: one array"),
        (net, (X, {"a": Y}), "mse", r"y must be one for the one output.*Received: a dictionary with 'a'"),
        (net, (X, Y), {"a": "mse"}, r"loss must be one for the one output.*Received: a dictionary with 'a'"),
        (two("dict"), (X, NAMED), {"a": "mse", "q": "mse"}, r"loss .*'a', 'b'\. Received: 'a', 'q'; .*no output 'q'"),
        (two("dict"), (X, NAMED, {"a": WEIGHTS}), "mse", r"sample_weight must be a dictionary .*; 'b' is missing"),
        (net, (X, Y, ONES[:, :5, 0, 0]), "mse", r"sample_weight must be one number per example.*\('examples', 5\)"),
        (net, (X, Y, ONES[:, :1, :1, 0]), "mse", r"sample_weight must be one number per example.*, 1, 1\)"),
        (tagger, (WORDS, TAGS, ONES[:, :7, 0, 0]), "mse", r"sample_weight must be .* or position \[examples, 10\]"),
        (tagger, (WORDS, TAGS, ONES), "mse", r"sample_weight must be .*Received: shape \('examples', 10, 1, 1\)"),
        (tagger, (WORDS, TAGS, WEIGHTS), "mse", r"sample_weight must be one number per position \[examples, 10\]"),
    ],
    ids=[
        *("missing", "other", "array", "short", "not a tuple", "named", "named loss", "other loss", "missing weights"),
        *("wide weights", "deep weights", "weights of other positions", "weights of 4 axes", "weights of examples"),
    ],
)
def test_what_does_not_belong_to_the_outputs_is_told_with_what_does(
    build: Any, train: Any, loss: Any, told: str
) -> None:
    with pytest.raises(TaskError, match=rf"^mine: {told}"):
        keras_task(build, name="mine", train=train, loss=loss, batch_size=10)()


def test_an_output_without_a_loss_needs_no_targets() -> None:
    task = keras_task(two("dict"), train=(X, {"a": Y}), loss={"a": "mse", "b": None})()
    assert [path.rpartition("/")[0] for path in task.variable_paths] == ["a", "a"]  # `fit` does not move the other one
