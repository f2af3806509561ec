"""A search on a training function that is killed goes on to the same result, on Ray."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

import tuner
from tests.support.ray_sessions import ROOT

FUNCTION = """
import time
import tuner

def train(hyperparameters, *, seed, budget, report, resources):
    for step in range(1, budget + 1):
        time.sleep(0.02)
        report(step, loss=abs(hyperparameters["x"] - 3.0) + (seed % 11) / 100 + 1 / step)

train.search_space = tuner.space(x=tuner.linear(0.0, low=-10.0, high=10.0), kind=tuner.choice("a", "b", "c"))
"""
SIZE = ["--generations", "4", "--population", "6", "--steps", "5", "--workers", "2", "--no-dashboard"]


def command(*arguments, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tuner.cli", *arguments]
    return subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(folder):
    """Return how many candidates have finished; 0 before there is a run."""
    database = folder / "lodo-tune.db"
    runs = tuner.open_database(str(database)).runs() if database.exists() else []
    return sum(int((run.trials().status == "finished").sum()) for run in runs)


def trials(folder):
    frame = tuner.open_database(str(folder / "lodo-tune.db")).run("train").trials()
    return frame[["role", "generation", "slot", "status", "fitness", "x", "kind", "seed", "budget"]]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.faults
def test_a_killed_driver_is_resumed_to_the_same_result(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        (folder / "mine.py").write_text(FUNCTION)
    assert command("--task", "mine.py:train", *SIZE, folder=whole).wait(300) == 0
    process = command("--task", "mine.py:train", *SIZE, folder=killed)
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.1)
        with contextlib.suppress(tuner.LodoTuneError):  # while the database is being made
            if finished(killed) > 8:
                break
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    assert 8 < finished(killed) < 24
    resumed = command("resume", "train", *SIZE[-3:], folder=killed)
    _, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors.decode()
    assert trials(killed).equals(trials(whole))
