"""Scripts that use the API on Ray: without a guard, with a task of their own, and interrupted."""

import os
import signal
import subprocess
import sys
import time

import pytest

import tuner

SCRIPT = """
import sys

import tensorflow as tf

import tuner
from tasks.function_task import function_task


def loss(x):
    return tf.reduce_sum((x - 3.0) ** 2)


Valley = function_task(loss, start=[0.0, 1.0])
if sys.argv[1] == "tune":
    run = tuner.tune(
        Valley, ["Momentum", "Adam"], generations=3, population=4, steps=int(sys.argv[2]), sigma=0.5, workers=2
    )
else:
    run = tuner.resume("Valley", task=Valley, workers=1)
print(run.is_complete, len(run.trials()))
"""


def start(folder, *arguments):
    (folder / "script.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, "script.py", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow  # the README's script has no guard either, and test_executors sends a task by value
def test_a_script_without_a_guard_tunes_on_a_task_that_it_defines(tmp_path):
    process = start(tmp_path, "tune", 20)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out == f"True {2 * (3 * 4 + 2)}\n"
    run = tuner.open_database(tmp_path / "lodo-tune.db").run("Valley")
    assert run["Adam"].spec.workload.task == "session:Valley"
    assert (run.trials().status == "finished").all()


@pytest.mark.slow  # test_both_ways interrupts and resumes without Ray
def test_a_script_that_is_interrupted_keeps_what_is_finished_and_another_goes_on(tmp_path):
    process = start(tmp_path, "tune", 200_000)
    place = tuner.open_database(tmp_path / "lodo-tune.db")
    finished = 0
    while not finished:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
        if (tmp_path / "lodo-tune.db").exists():
            finished = sum(sum(study.record.counts.values()) for study in place.studies())
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    assert "Continue with tuner.resume('Valley', database='sqlite:///lodo-tune.db')" in err
    assert {study.status for study in place.studies()} <= {"interrupted", "complete"}
    process = start(tmp_path, "resume")
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (0, f"True {2 * (3 * 4 + 2)}\n"), err
