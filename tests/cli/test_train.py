"""`lodo-tune train`: one configuration; and that it always comes back."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.test_runs import TASK
from tests.support.command_line import call, run, start

HANGS = """
import time
import tensorflow as tf


class Hangs:
    name, dtype, cohort_size, jit_compile, layers = "hangs", "float64", 1, False, ((0, 1),)

    def __init__(self, *, dtype=None):
        self.dtype = dtype or type(self).dtype

    def initial(self, seeds):
        return tf.zeros([1, seeds.shape[0]], self.dtype), ()

    def advance(self, state, seeds, t):
        return state

    def loss_and_gradient(self, x, state):
        with tf.control_dependencies([tf.py_function(self.work, [], [])]):
            return tf.reduce_sum(x, axis=0), tf.ones_like(x), state

    def work(self):
        print("hangs", flush=True)
        time.sleep(600)


class Raises(Hangs):
    def advance(self, state, seeds, t):
        with tf.control_dependencies([tf.py_function(self.give_up, [t], [])]):
            return state

    def loss_and_gradient(self, x, state):
        return tf.reduce_sum(x, axis=0), tf.ones_like(x), state

    def give_up(self, t):
        if t > 1:  # later than anything is looked at before training
            raise ValueError("the well has run dry")
"""


def test_train_as_json_has_every_loss_of_every_seed_and_its_fitness_is_the_mean_of_the_last_tenth():
    outcome = call(
        "train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", 40, "--seeds", 2, "--curve", "--json"
    )
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    assert {key: document[key] for key in ("task", "optimizer", "steps", "dtype")} == {
        "task": "rosenbrock", "optimizer": "Adam", "steps": 40, "dtype": "float64",
    }  # fmt: skip
    assert document["hyperparameters"] == {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999}
    assert [entry["seed"] for entry in document["runs"]] == [0, 1]
    for entry in document["runs"]:
        assert (entry["status"], entry["steps_done"], len(entry["losses"])) == ("finished", 40, 40)
        assert entry["fitness"] == pytest.approx(math.fsum(entry["losses"][36:]) / 4, rel=1e-15)


def test_a_run_that_diverges_is_told_as_such_and_its_fitness_is_null():
    outcome = call(
        "train",
        "--task",
        "rosenbrock",
        "--optimizer",
        "Momentum",
        "--set",
        "learning_rate=1e30",
        "--steps",
        40,
        "--json",
    )
    (entry,) = json.loads(outcome.out)["runs"]
    assert (entry["status"], entry["fitness"]) == ("diverged", None)
    assert entry["steps_done"] < 40


def test_lodos_depth_and_block_size_can_be_set():
    def losses(*settings):
        given = [part for setting in settings for part in ("--set", setting)]
        outcome = call(
            "train", "--task", "rosenbrock", "--optimizer", "LODO", *given, "--steps", 20, "--curve", "--json"
        )
        assert outcome.code == 0, outcome.err
        document = json.loads(outcome.out)
        return document["hyperparameters"], document["runs"][0]["losses"]

    (_, shallow), (told, wide) = losses("depth=2"), losses("depth=2", "block_size=3")
    assert (told["depth"], told["block_size"]) == (2, 3)
    assert wide[:2] == pytest.approx(shallow[:2])  # G starts as α_0 I, whatever the network
    assert abs(wide[-1] - shallow[-1]) > 1e-9
    for setting, message in (
        ("depth=0", "--set: depth must be a whole number from 1 to 1024. Received: 0.0"),
        ("block_size=2.5", "--set: block_size must be a whole number from 1 to 1024. Received: 2.5"),
        ("width=3", "Also accepted: depth, block_size"),
    ):
        refused = call("train", "--task", "rosenbrock", "--optimizer", "LODO", "--set", setting, "--steps", 5)
        assert refused.code == 2
        assert message in refused.err


def test_what_a_task_raised_while_it_trained_is_told_in_its_own_words(tmp_path):
    (tmp_path / "mine.py").write_text(HANGS)
    outcome = run("train", "--task", "mine.py:Raises", "--optimizer", "Adam", "--steps", 5, folder=tmp_path)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].endswith("ValueError: the well has run dry")


@pytest.mark.slow
@pytest.mark.faults
def test_a_hung_run_is_ended_by_its_time_limit_and_by_ctrl_c(tmp_path):
    (tmp_path / "mine.py").write_text(HANGS)
    command = ("train", "--task", "mine.py:Hangs", "--optimizer", "Adam", "--steps", 5)
    outcome = run(*command, "--timeout", 1, folder=tmp_path)
    assert (outcome.code, outcome.err.splitlines()[-1]) == (1, "lodo-tune: timed out after 1 s")
    process = start(*command, folder=tmp_path)
    assert process.stdout.readline() == "hangs\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err.splitlines()[-1]) == (130, "lodo-tune: interrupted")


def test_a_run_is_interrupted_before_anything_is_begun_also_while_ray_starts(tmp_path):
    (tmp_path / "mine.py").write_text(TASK)
    for pause in (1.5, 3.0):
        process = start("--task", "rosenbrock", "--no-dashboard", folder=tmp_path)
        time.sleep(pause)
        process.terminate()
        _, err = process.communicate(timeout=300)
        if process.returncode != -signal.SIGTERM:  # else Python itself was still starting
            assert process.returncode == 143, err
            assert err.splitlines()[-1].startswith("lodo-tune: interrupted; ")


def test_an_interruption_that_ray_swallows_while_it_starts_is_heard_all_the_same(tmp_path, monkeypatch):
    @contextlib.contextmanager
    def swallowing(*_):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        yield None, 1

    monkeypatch.setattr("tuner.api.running._executor", swallowing)
    outcome = call("--task", "rosenbrock", "--database", tmp_path / "here.db")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (143, "lodo-tune: interrupted; nothing was started")


def test_ray_that_aborts_at_the_end_does_not_change_how_an_interruption_ends():
    # A Ray that is cut off within its own start has been seen to do that, too rarely for a test.
    code = (
        "import atexit, os, sys, types\n"
        "sys.modules['ray'] = types.ModuleType('ray')\n"
        "atexit.register(os.abort)\n"
        "from tuner import cli\n"
        "def interrupted(**_): raise KeyboardInterrupt\n"
        "cli.commands.main = interrupted\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (130, "lodo-tune: interrupted\n")
