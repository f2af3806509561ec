"""Tasks of users in Ray's workers: other data than the driver's, and files that have the names of packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tests.api import test_objectives_of_tasks
from tests.support.command_line import run
from tuner.storage import Store

SEARCH = ("--preset", "quick", "--generations", 1, "--population", 2, "--steps", 5, "--optimizers", "Momentum",
          "--workers", 1, "--no-dashboard", "--name", "run")  # fmt: skip
KERAS = """
import keras
import numpy as np

from tasks.keras_task import keras_task

x = np.random.default_rng({seed}).normal(size=(64, 3)).astype("float32")
Mine = keras_task(
    lambda: keras.Sequential([keras.Input([3]), keras.layers.Dense(1, "sigmoid")]),
    train=(x, x[:, :1] > 0), loss="binary_crossentropy",
)
"""
START = """
import keras
import numpy as np

from tasks.keras_task import keras_task


def model():
    return keras.Sequential([keras.Input([3]), keras.layers.Dense(1, "sigmoid")])


def copy():
    made = model()
    made.set_weights(first.get_weights())
    return made


first = model()
x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Mine = keras_task(copy, train=(x, x[:, :1] > 0), loss="binary_crossentropy")
"""
FUNCTION = """
import random

import tensorflow as tf

from tasks.function_task import function_task

slope = {number}
Mine = function_task(lambda x: slope * tf.reduce_sum(x**2), start=[1.0, 2.0])
"""


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        (KERAS.format(seed=""), "other data (lambda: train 64, sha256 ", "draw data with a seed"),
        (START, "another starting point of the task with the same seed", "make weights within `build`"),
        pytest.param(
            FUNCTION.format(number="random.random()"),
            "other numbers or operations in the task, of the same code",
            "draw data with a seed",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["arrays", "start", "numbers"],
)
def test_a_worker_with_other_data_than_the_driver_ends_the_search_in_one_line(
    tmp_path: Path, text: str, told: str, remedy: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    outcome = run("--task", "mine.py:Mine", *SEARCH, folder=tmp_path)
    assert outcome.code == 1
    assert outcome.out == ""
    last = outcome.err.splitlines()[-1]
    assert last.startswith(f"lodo-tune: mine.py:Mine is not the same in every process: {told}")
    assert remedy in last
    assert "resume" not in outcome.err
    with Store.open(str(tmp_path / "lodo-tune.db"), read_only=True) as store:
        assert store.runs() == []  # the name is free for the next attempt


def test_files_with_the_names_of_packages_do_not_disturb_workers(tmp_path: Path) -> None:
    for name in ("tasks", "lodo", "search_spaces", "numpy", "tensorflow", "keras"):
        (tmp_path / "work").mkdir(exist_ok=True)
        (tmp_path / "work" / f"{name}.py").write_text("raise RuntimeError('hidden')\n")
    (tmp_path / "mine.py").write_text(
        FUNCTION.format(number="2.0").replace("Mine =", "import os\nos.chdir('/')\nMine =")
    )
    program = "import os, sys; sys.path.pop(0); os.chdir('work'); from tuner.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "--task", "../mine.py:Mine", *map(str, SEARCH)],
        cwd=tmp_path,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "work" / "lodo-tune.db").exists()  # although the task's module changes the working directory


def test_the_seconds_of_a_step_are_measured_once_by_the_arguments_of_the_task(tmp_path):
    (tmp_path / "bowl.py").write_text(test_objectives_of_tasks.FILE)
    (tmp_path / "space.yaml").write_text(test_objectives_of_tasks.SPACE)
    request = [
        *("--task", "bowl.py:Bowl", "--optimizers", "Momentum", "--search-space", "space.yaml", "--workers", "2"),
        *("--objective", "training-loss,seconds-per-step", "--database", "studies.db", "--no-dashboard"),
        *("--generations", "2", "--population", "6", "--steps", "5", "--seed", "3"),
    ]
    found = []
    for name in ("first", "again"):
        outcome = run(*request, "--name", name, folder=tmp_path)
        assert outcome.code == 0, outcome.err
        found.append(tuner.open_database(str(tmp_path / "studies.db")).run(name).trials())
    first, again = found
    assert (first.status == "finished").all()
    seconds = first.groupby("task.size").fitness_2.unique()
    assert len(seconds) == 2
    for (value,) in seconds:
        assert 1e-7 < value < 1.0  # microseconds for a handful of numbers, on a machine however busy
    columns = ["role", "generation", "slot", "seed", "learning_rate", "task.size", "fitness", "fitness_2"]
    assert again[columns].equals(first[columns])  # nothing is measured again
