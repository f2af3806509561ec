"""What a user's file does to the process in which it is imported: output, arguments, threads."""

import json
import os
import re
import signal
import textwrap
import threading
import time

import pytest

from tests.support.command_line import run, start

HEAD = """
    import argparse, atexit, os, subprocess, sys, threading, time
    """
TASK = """
    import tensorflow as tf
    from tasks.function_task import function_task
    def loss(x):
        return tf.reduce_sum((x - 1.0) ** 2)
    T = function_task(loss, start=[0.0, 0.0])
    """
BELOW_PYTHON = """
    subprocess.run(["echo", "of a subprocess"])
    os.system("echo of a shell")
    os.write(1, b"raw\\n")
    atexit.register(lambda: (print("at exit"), os.write(1, b"below at exit\\n")))
    """
TRAIN = ("train", "--optimizer", "Adam", "--steps", 2, "--task", "mine.py:T", "--json")


def write(folder, *parts):
    (folder / "mine.py").write_text("".join(map(textwrap.dedent, (HEAD, *parts, TASK))))


@pytest.mark.parametrize("arguments", [TRAIN, ("tasks", "check", "mine.py:T", "--json")])
def test_output_below_pythons_print_does_not_spoil_json(arguments, tmp_path):
    write(tmp_path, BELOW_PYTHON)
    outcome = run(*arguments, folder=tmp_path)
    assert outcome.code == 0, outcome.err
    assert isinstance(json.loads(outcome.out), dict)
    for printed in ("of a subprocess", "of a shell", "raw", "at exit", "below at exit"):
        assert printed in outcome.err.splitlines()


def test_output_of_an_optimizer_does_not_spoil_json(tmp_path):
    write(tmp_path, BELOW_PYTHON, "import keras\nclass Mine(keras.optimizers.SGD):\n    pass\n")
    outcome = run("optimizers", "check", "mine.py:Mine", "--json", folder=tmp_path)
    assert isinstance(json.loads(outcome.out), dict), outcome.err
    assert "raw" in outcome.err.splitlines()


@pytest.mark.parametrize("closing", ["sys.stdout.close()", "os.close(1)", "sys.stderr.close()"])
def test_a_file_that_closes_a_stream_changes_nothing(closing, tmp_path):
    write(tmp_path, closing)
    outcome = run(*TRAIN, folder=tmp_path)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["runs"][0]["status"] == "finished"


PARSER = """
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    print("epochs", parser.parse_args().epochs, sys.argv)
    """


def test_a_parser_at_the_top_of_a_file_sees_no_arguments_of_ours(tmp_path):
    write(tmp_path, PARSER)
    outcome = run(*TRAIN, folder=tmp_path)
    assert outcome.code == 0, outcome.err
    assert f"epochs 3 ['{tmp_path}/mine.py']" in outcome.err


THREAD = "threading.Thread(target=time.sleep, args=(1e3,), name='of mine').start()"


def test_a_thread_that_goes_on_is_named_and_ctrl_c_ends_it_without_changing_the_exit_code(tmp_path):
    write(tmp_path, THREAD)
    process = start(*TRAIN, folder=tmp_path)
    alarm = threading.Timer(250, process.kill)
    alarm.start()
    line = ""
    while "waiting for" not in line:
        line = process.stderr.readline()
        assert line, "the process has ended"
    alarm.cancel()
    assert re.fullmatch(r"lodo-tune: done; waiting for 'of mine', which is a thread of the task's code .*\n", line)
    time.sleep(0.1)  # until it waits
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert json.loads(out)["runs"][0]["status"] == "finished"
