"""The size of an optimizer's state, and its refusal before a search."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import lodo.registry
from tests.support.command_line import call
from tests.support.narrow_resnet import write_noise
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


@pytest.mark.parametrize("name", lodo.registry.NUMBERS_PER_WEIGHT)
def test_the_upper_bound_of_a_state_is_the_least_whole_one(name: str) -> None:
    for weights in (1_000, 11_173_962):
        size = state_size(lodo.registry.load(name), weights)
        assert size is not None
        bound = lodo.registry.NUMBERS_PER_WEIGHT[name]
        assert bound - 1 < size.numbers / weights <= bound


def test_only_an_optimizer_with_a_dense_matrix_or_of_unknown_size_has_no_upper_bound() -> None:
    assert set(lodo.registry.OPTIMIZERS) - set(lodo.registry.NUMBERS_PER_WEIGHT) == {"BFGS", "Levenberg-Marquardt"}


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


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a folder `data` of images of noise, on a machine of 16 GiB."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tuner.training.memory.total_bytes", lambda: 16 << 30)
    folder = tmp_path / "data"
    folder.mkdir()
    write_noise(folder)
    digits = np.random.default_rng(0).integers(0, 256, (200, 28, 28), np.uint8)
    np.savez(folder / "mnist.npz", x_train=digits[:150], x_test=digits[150:])
    return tmp_path


# 94,696² + 3 · 94,696 = 8,967,616,504. LODO: 449.5 · 11,173,962 = 5,022,695,919 numbers of four bytes.
BFGS = "BFGS keeps 8,967,616,504 numbers for 94,696 weights, in one array of 8,967,332,416; TensorFlow's arrays have at"
LODO = "LODO keeps 5,022,695,919 numbers for 11,173,962 weights: 18.7 GiB"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("--task", "pixelcnn", "--optimizers", "Adam,BFGS,LODO"), f"--optimizers: {BFGS}"),
        (
            ("--task", "resnet18-cifar10", "--optimizers", "Adam,LODO", "--workers", 2),
            f"--optimizers: {LODO} × 2 workers in float32; this machine has 16.0 GiB of memory",
        ),
        (
            ("--task", "resnet18-cifar10", "--optimizers", "LODO", "--workers", 2, "--precision", "bfloat16"),
            f"--optimizers: {LODO} × 2 workers in float32; this machine has 16.0 GiB of memory",
        ),
        (("compare", "--task", "pixelcnn", "--defaults", "--optimizers", "Adam,BFGS"), f"--optimizers: {BFGS}"),
        (("paper", "--task", "pixelcnn", "--optimizers", "BFGS", "--output", "results"), f"--optimizers: {BFGS}"),
        (("train", "--task", "pixelcnn", "--optimizer", "BFGS", "--steps", 5), f"--optimizer: {BFGS}"),
    ],
)
def test_the_same_holds_for_a_task_that_ships(images: Path, command: tuple[object, ...], expected: str) -> None:
    outcome = call(*command, "--data-dir", "data")
    assert outcome.code == 2
    assert expected in outcome.err.splitlines()[-1]
    assert not Path("lodo-tune.db").exists()


def test_a_sweep_of_the_depth_is_refused_for_its_deepest_network(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Memory between what LODO keeps at its own depth of 16 (162 MiB per worker) and at 28.
    monkeypatch.setattr("tuner.training.memory.total_bytes", lambda: 200 << 20)
    command = ("compare", "--task", "pixelcnn", "--defaults", "--workers", 1, "--data-dir", "data")
    outcome = call(*command, "--sweep", "depth")
    assert outcome.code == 2
    assert "LODO keeps" in outcome.err


@pytest.mark.parametrize(
    ("task", "optimizers"),
    [
        ("rosenbrock", ["BFGS", "LODO"]),
        ("noisy-quadratic-bowl", ["BFGS", "Levenberg-Marquardt", "LODO"]),
        ("pixelcnn", ["Adam", "LODO"]),
        ("resnet18-cifar10", ["Adam", "Momentum", "RMSprop", "LARS", "Yogi"]),
    ],
)
def test_tensorflow_is_not_loaded_to_see_that_small_states_fit(task: str, optimizers: list[str]) -> None:
    program = (
        "import sys\n"
        "from tuner.core.trial import Workload\n"
        "from tuner.studies.memory import check_state\n"
        f"for optimizer in {optimizers!r}:\n"
        f"    check_state('optimizers', Workload({task!r}, optimizer, 1), [], workers=2)\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
