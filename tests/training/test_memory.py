"""The size of an optimizer's state, and its refusal before a search."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import lodo.registry
from tests.support.command_line import call
from tuner.training.memory import state_size


@pytest.mark.parametrize("name", [name for name in lodo.registry.OPTIMIZERS if name != "Levenberg-Marquardt"])
def test_the_size_is_that_of_the_state_itself(name: str) -> None:
    kind: Any = lodo.registry.load(name)
    n = 1_000
    optimizer = kind(**dict.fromkeys(kind.needs, ((0, n),)))
    ones = {hyperparameter: tf.ones([1]) for hyperparameter in optimizer.hyperparameters}
    leaves = tf.nest.flatten(optimizer.initial_state(tf.ones([n, 1]), ones, tf.zeros([1, 2], tf.int32)))
    sizes = [math.prod(leaf.shape) for leaf in leaves]
    size = state_size(kind, n)
    assert size is not None
    assert (size.numbers, size.largest) == (sum(sizes), max(sizes, default=0))


TASK = """
import tensorflow as tf

from tasks.function_task import function_task

options = {"dtype": "float32", "cohort_size": 1}
Dense = function_task(lambda x: tf.reduce_sum(x**2), start=lambda seed: tf.zeros([46_341]), **options)
Large = function_task(lambda x: tf.reduce_sum(x**2), start=lambda seed: tf.zeros([5_000_000]), **options)
"""


@pytest.mark.parametrize(
    ("task", "optimizers", "expected"),
    [
        # 46,341² = 2,147,488,281, and 2³¹ - 1 = 2,147,483,647; with it, three vectors.
        ("Dense", "Adam,BFGS", "BFGS keeps 2,147,627,304 numbers for 46,341 weights, in one array of 2,147,488,281;"),
        # 449.5 numbers per weight: 384 + 64 + 1, and the rates of the blocks.
        ("Large", "Momentum,LODO", "LODO keeps 2,247,500,000 numbers for 5,000,000 weights: 8.4 GiB × 1000 workers in"),
    ],
)
def test_an_optimizer_whose_state_does_not_fit_is_refused_before_the_search_with_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, optimizers: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.py").write_text(TASK)
    outcome = call("--task", f"large.py:{task}", "--optimizers", optimizers, "--preset", "quick", "--workers", 1_000)
    assert outcome.code == 2
    assert f"--optimizers: {expected}" in outcome.err
    assert not Path("lodo-tune.db").exists()
