"""Bad input: one line that names what is wrong and what is accepted, exit code 2 or 1, nothing half-written."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import call
from tests.support.store_values import driven
from tuner.storage import Store, schema

ROSENBROCK = ("--task", "rosenbrock", "--preset", "quick")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every command runs in an empty folder, and leaves no database there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_DATA_DIR", raising=False)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    return tmp_path


def refused(*arguments, code=2):
    """Runs a command that must be refused before anything is written; returns its one line."""
    outcome = call(*arguments)
    assert outcome.out == ""
    assert outcome.code == code, outcome.err
    lines = outcome.err.strip().splitlines()
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("lodo-tune: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--task", "rosenbruck"), "Did you mean 'rosenbrock'?"),
        ((*ROSENBROCK, "--optimizers", "Adm"), "Did you mean 'Adam'?"),
        ((*ROSENBROCK, "--optimizers", "Adam,,LODO"), "takes names, separated by commas. Received: 'Adam,,LODO'"),
        ((*ROSENBROCK, "--optimizers", ""), "takes names, separated by commas. Received: ''"),
        (("--task", "rosenbrock", "--preset", "fast"), "--preset is one of paper, quick"),
        ((*ROSENBROCK, "--strategy", "grid"), "--strategy is one of paper, genetic, cma-es, random"),
        ((*ROSENBROCK, "--workers", "0"), "--workers is at least 1. Received: 0"),
        ((*ROSENBROCK, "--cpus-per-candidate", "0"), "--cpus-per-candidate is at least 1. Received: 0"),
        ((*ROSENBROCK, "--gpus-per-candidate", "-1"), "--gpus-per-candidate is at least 0. Received: -1"),
        ((*ROSENBROCK, "--timeout", "0"), "--timeout is a positive number of seconds, at most 100000000. Received: 0"),
        (
            (*ROSENBROCK, "--timeout", "nan"),
            "--timeout is a positive number of seconds, at most 100000000. Received: nan",
        ),
        (
            (*ROSENBROCK, "--timeout", "1e300"),
            "--timeout is a positive number of seconds, at most 100000000. Received: 1e+300",
        ),
        ((*ROSENBROCK, "--max-attempts", "0"), "--max-attempts is at least 1. Received: 0"),
        ((*ROSENBROCK, "--generations", "0"), "--generations is at least 1. Received: 0"),
        ((*ROSENBROCK, "--population", "-3"), "--population is at least 1. Received: -3"),
        ((*ROSENBROCK, "--steps", "10,x"), "takes whole numbers, separated by commas. Received: '10,x'"),
        ((*ROSENBROCK, "--steps", "0"), "--steps takes whole numbers, at least 1. Received: 0"),
        ((*ROSENBROCK, "--steps", "1,2", "--generations", "3"), "one for each of the 3 generations. Received: 2"),
        ((*ROSENBROCK, "--sigma", "-1"), "--sigma takes finite numbers, at least 0. Received: -1"),
        ((*ROSENBROCK, "--sigma", "inf"), "--sigma takes finite numbers, at least 0. Received: inf"),
        ((*ROSENBROCK, "--fresh-seeds", "0"), "--fresh-seeds is a whole number from 1 to 10,000. Received: 0"),
        ((*ROSENBROCK, "--search-seeds", "0"), "--search-seeds is a whole number from 1 to 1,000. Received: 0"),
        ((*ROSENBROCK, "--seed", "-1"), "--seed is a whole number, at least 0. Received: -1"),
        ((*ROSENBROCK, "--seed", str(2**63)), f"--seed is at most {2**63 - 1}. Received: {2**63}"),
        ((*ROSENBROCK, "--population", "3000000000"), "--population is at most 100000. Received: 3000000000"),
        ((*ROSENBROCK, "--generations", "99999999"), "--generations is at most 10000. Received: 99999999"),
        ((*ROSENBROCK, "--steps", "3000000000"), "at most 2147483647. Received: 3000000000"),
        ((*ROSENBROCK, "--steps", ""), "takes whole numbers, separated by commas. Received: ''"),
        ((*ROSENBROCK, "--output", "/dev/null/results"), "--output: /dev/null is not a folder"),
        ((*ROSENBROCK, "--output", "/proc/results"), "--output: nothing can be written to /proc/results: No such file"),
        ((*ROSENBROCK, "--output", ""), "'--output': a path must not be empty"),
        ((*ROSENBROCK, "--database", ""), "--database is a file or a URL. Received: ''"),
        ((*ROSENBROCK, "--database", ":memory:"), "--database: a database in memory would be lost with this command"),
        ((*ROSENBROCK, "--database", "sqlite://"), "would be lost with this command; give a file"),
        ((*ROSENBROCK, "--database", "file::memory:"), "neither the name of a file nor a URL"),
        ((*ROSENBROCK, "--seed", "one"), "'one' is not a valid integer"),
        ((*ROSENBROCK, "--precision", "float16"), "is not one of 'float32', 'float64'"),
        ((*ROSENBROCK, "--name", "../out"), "a run's name is 1 to 64 letters"),
        ((*ROSENBROCK, "--data-dir", "nowhere"), "--data-dir: there is no folder nowhere"),
        ((*ROSENBROCK, "--search-space", "missing.yaml"), "missing.yaml"),
        (("--tusk", "rosenbrock"), "--task"),
        ((), None),
        (("--seed", "1"), "--task is missing"),
        (("stuides",), "Did you mean 'studies'?"),
        (("--seed", "1", "studies"), "options of 'studies' must follow it"),
        (("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", "0"), "--steps is at least 1"),
        (("train", "--task", "rosenbrock", "--optimizer", "Adam"), "'--steps'"),
        (
            ("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", "9", "--cpus-per-candidate", "-5"),
            "--cpus-per-candidate is at least 1. Received: -5",
        ),
        (
            ("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", "9", "--timeout", "0"),
            "--timeout is a positive number of seconds, at most 100000000. Received: 0",
        ),
        (
            ("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", "9", "--seeds", "99999999999"),
            "--seeds one from 1 to 10000",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, expected, folder):
    if expected is None:
        outcome = call(*arguments)
        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.startswith("Usage:")
    else:
        assert expected in refused(*arguments)
    assert not list(folder.iterdir())


TRAIN = ("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", "5", "--set")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("learning_rat=0.1", "did you mean 'learning_rate'?"),
        ("learning_rate", "--set takes NAME=VALUE"),
        ("learning_rate=fast", "--set takes NAME=VALUE with a finite number"),
        ("learning_rate=-1", "learning_rate"),
        ("beta_1=1.5", "beta_1"),
    ],
)
def test_a_setting_that_the_optimizer_does_not_take_is_refused(setting, expected):
    assert expected in refused(*TRAIN, setting)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_finds_no_space_ends_the_command_in_one_line(unbuffered):
    with open("/dev/full", "w") as full:
        command, environment = (
            [sys.executable, "-m", "tuner.cli", "tasks"],
            os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
        done = subprocess.run(command, stdout=full, stderr=-1, text=True, env=environment)
    assert (done.returncode, done.stderr) == (
        74,
        "lodo-tune: No space left on device: standard output, or a temporary file\n",
    )


def test_a_setting_that_is_given_twice_is_refused():
    assert "--set names beta_1 twice" in refused(*TRAIN, "beta_1=0.5", "--set", "beta_1=0.6")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer: Adam\nhyperparameters:\n  learning_rate: {scale: log, defalt: 1}\n", "defalt"),
        ("optimizer: Adam\nhyperparameters:\n  learning_rate: {scale: linear, default: 1}\n", "scale"),
        ("optimizer: LODO\nhyperparameters:\n  momentum: {scale: decay, default: 0.9}\n", "it is for LODO"),
        ("optimizer: [\n", "line"),
    ],
)
def test_a_search_space_file_that_does_not_fit_is_refused_by_name_and_place(text, expected, folder):
    (folder / "space.yaml").write_text(text)
    line = refused(*ROSENBROCK, "--optimizers", "Adam", "--search-space", "space.yaml")
    assert "space.yaml" in line
    assert expected in line
    assert not (folder / "lodo-tune.db").exists()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('no licence')", "raises on import: RuntimeError: no licence"),
        ("class Task\n    pass", "SyntaxError"),
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("class Other: pass", "has no class 'Mine'"),
        ("class Mine: pass", "is not a Task"),
    ],
)
def test_a_users_task_that_cannot_be_used_is_refused_by_file_and_fault(source, expected, folder):
    (folder / "mine.py").write_text(textwrap.dedent(source))
    line = refused("--task", "mine.py:Mine")
    assert "mine.py" in line
    assert expected in line
    assert not (folder / "lodo-tune.db").exists()


def test_a_users_task_that_is_not_there_is_refused():
    assert "There is no file" in refused("--task", "elsewhere/mine.py:Mine")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda path: path.write_bytes(b"not a zip"), "mnist.npz"),
        (lambda path: np.savez(path, x_train=np.zeros([9, 28, 28], np.uint8)), "x_test"),
        (lambda path: np.savez(path, x_train=np.zeros([9, 2, 28]), x_test=np.zeros([9, 28, 28])), "x_train"),
    ],
)
def test_a_broken_data_file_is_refused_by_name(spoil, expected, folder):
    (folder / "data").mkdir()
    spoil(folder / "data" / "mnist.npz")
    line = refused("--task", "pixelcnn", "--preset", "quick", "--data-dir", "data")
    assert "mnist.npz" in line
    assert expected in line
    assert not (folder / "lodo-tune.db").exists()


def test_a_data_folder_without_data_is_refused(folder):
    (folder / "data").mkdir()
    assert "mnist.npz" in refused("--task", "pixelcnn", "--data-dir", "data")


def test_a_database_that_is_not_ours_is_refused_and_left_as_it_is(folder):
    with sqlite3.connect(folder / "other.db") as other:
        other.execute("create table people (name text)")
    other.close()
    before = (folder / "other.db").read_bytes()
    refused(*ROSENBROCK, "--database", "other.db", code=1)
    assert (folder / "other.db").read_bytes() == before


def test_a_text_file_is_no_database(folder):
    (folder / "notes.txt").write_text("dear diary\n" * 100)
    refused(*ROSENBROCK, "--database", "notes.txt", code=1)


def test_a_database_of_a_later_version_is_refused_and_left_as_it_is(folder):
    Store.open(str(folder / "newer.db")).close()
    with sqlite3.connect(folder / "newer.db") as later:
        later.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    later.close()
    before = (folder / "newer.db").read_bytes()
    for arguments in (ROSENBROCK, ("studies",), ("resume", "x")):
        assert "update lodo-tune" in refused(*arguments, "--database", "newer.db", code=1)
    assert (folder / "newer.db").read_bytes() == before


def test_a_database_in_a_missing_folder_is_refused():
    assert "nowhere" in refused(*ROSENBROCK, "--database", "nowhere/studies.db", code=1)


@pytest.mark.parametrize(("wait", "command"), [((), "resume run)"), (("--wait",), "resume run --wait)")])
def test_a_run_s_name_that_is_taken_is_refused_before_anything_starts(wait, command):
    with Store.open("lodo-tune.db") as store:
        driven(store)
    assert command in refused(*ROSENBROCK, "--name", "run", *wait, code=1)


def test_an_unknown_kind_of_database_is_refused():
    assert "mysql" in refused(*ROSENBROCK, "--database", "mysql://somewhere/x")


@pytest.mark.parametrize("verb", [("studies",), ("table",), ("show", "x"), ("export", "x"), ("table", "x")])
def test_reading_a_database_that_is_not_there_makes_none(verb, folder):
    refused(*verb, code=1)
    assert not list(folder.iterdir())


def test_resuming_in_a_database_that_is_not_there_makes_none(folder):
    refused("resume", "x", code=1)
    assert not list(folder.iterdir())


def test_a_password_in_a_url_is_not_repeated():
    line = refused("studies", "--database", "postgresql://me:s3cret@127.0.0.1:9/x?password=s3cret", code=75)
    assert "s3cret" not in line
