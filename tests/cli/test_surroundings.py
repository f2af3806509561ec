"""Commands depend on our flags and documented variables alone, whatever surrounds them."""

import io
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.command_line import call, run
from tests.support.report_values import database
from tuner.core.files import NotWritten
from tuner.results.tables.table import Table

TRAIN = ("train", "--optimizer", "Adam", "--steps", 5)
KERAS = """
    import keras, numpy as np
    from tasks.keras_task import keras_task
    print("printed on import")
    X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    def build():
        net = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1, "sigmoid")])
        net.summary()
        return net
    MyTask = keras_task(build, train=(X, (X[:, :1] > 0).astype("float32")), loss="binary_crossentropy")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    return tmp_path


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-8"])
def test_a_character_that_the_terminal_lacks_is_printed_as_a_question_mark(encoding, folder):
    database("studies.db")
    command = [sys.executable, "-m", "tuner.cli", "table", "first", "--database", "studies.db"]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    expected = call(*command[3:]).out
    assert "→" in expected
    if encoding in ("latin-1", "cp1252"):  # of ascii click makes UTF-8
        expected = expected.encode(encoding, "replace").decode(encoding)
        assert done.stdout.decode(encoding) == expected
    else:
        assert done.stdout.decode() == expected


def test_json_is_the_same_in_every_encoding(folder):
    database("studies.db")
    for arguments in (("table", "--database", "studies.db"), ("tasks",), ("studies", "--database", "studies.db")):
        found = [run(*arguments, "--json", folder=folder, PYTHONIOENCODING=name).out for name in ("latin-1", "utf-8")]
        assert json.loads(found[0]) == json.loads(found[1])


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_are_no_reason_to_fail(closed, folder):
    command = f"{sys.executable} -m tuner.cli tasks {closed}"
    assert subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("arguments", ["tasks", "--help", "tasks --help", "table --database studies.db"])
def test_a_command_whose_reader_has_ended_ends_as_other_programs_do(arguments, folder):
    database("studies.db")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tuner.cli", *arguments.split()]
    done = subprocess.run(command, cwd=folder, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")  # 128 and SIGPIPE, 13


def test_another_broken_pipe_is_an_error_and_not_the_end_of_the_reader(folder):
    program = (
        "import sys, tuner.api.database\n"
        "def broken(*_, **__):\n    raise BrokenPipeError(32, 'Broken pipe')\n"
        "tuner.api.database.Database.table = broken\n"
        "from tuner import cli; sys.argv = ['lodo-tune', 'table', '--database', 'studies.db']; cli.main()"
    )
    database("studies.db")
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "lodo-tune: a connection is broken: [Errno 32] Broken pipe\n"


@pytest.mark.parametrize("place", ["variable", pytest.param("file", marks=pytest.mark.slow)])
def test_another_backend_of_keras_is_not_used_and_said(place, folder):
    (folder / "mine.py").write_text(textwrap.dedent(KERAS))
    (folder / "keras.json").write_text('{"backend": "jax"}')
    settings = {"KERAS_BACKEND": "torch"} if place == "variable" else {"KERAS_HOME": str(folder), "KERAS_BACKEND": ""}
    outcome = run(*TRAIN, "--task", "mine.py:MyTask", folder=folder, **settings)
    assert outcome.code == 0, outcome.err
    backend, where = ("torch", "KERAS_BACKEND") if place == "variable" else ("jax", f"{folder}/keras.json")
    assert f"the Keras backend '{backend}' of {where} is not used" in outcome.err


def test_keras_that_is_imported_with_another_backend_is_refused_in_one_line(folder):
    program = (
        "import sys, types, tuner\n"
        "keras = types.ModuleType('keras')\n"  # stands for Keras with PyTorch, which is not installed
        "keras.config = types.SimpleNamespace(backend=lambda: 'torch')\n"
        "sys.modules['keras'] = keras\n"
        "tuner.train('rosenbrock', 'Adam', steps=1)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ValueError: Keras was imported with its backend 'torch'")
    assert "set KERAS_BACKEND=tensorflow" in done.stderr


def test_what_a_users_code_prints_does_not_spoil_json(folder):
    (folder / "mine.py").write_text(textwrap.dedent(KERAS))
    for arguments in ((*TRAIN, "--task", "mine.py:MyTask"), ("tasks", "check", "mine.py:MyTask")):
        outcome = run(*arguments, "--json", folder=folder)
        assert outcome.code == 0, outcome.err
        assert isinstance(json.loads(outcome.out), dict)
        assert "printed on import" in outcome.err
        assert "Total params" in outcome.err


def test_a_file_without_the_name_of_a_task_is_answered_with_what_it_offers(folder):
    (folder / "mine.py").write_text(textwrap.dedent(KERAS))
    outcome = call(*TRAIN, "--task", "mine.py")
    assert outcome.code == 2
    assert "It offers mine.py:MyTask" in outcome.err
    assert "There is no file" in call(*TRAIN, "--task", "other.py").err


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--task", "rosenbrock", "--seed", 1, "--seed", 2), "--seed"),
        (("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps=5", "--steps", 6), "--steps"),
        (("tasks", "check", "rosenbrock", "--preset", "quick", "--preset", "paper"), "--preset"),
        (("database", "check", "--database", "a.db", "--database", "b.db"), "--database"),
    ],
)
def test_an_option_with_one_value_is_refused_where_it_is_given_twice(arguments, option, folder):
    outcome = call(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{option} takes one value, and is given twice" in outcome.err


def test_options_that_take_several_values_may_be_repeated(folder):
    outcome = call(*TRAIN, "--task", "rosenbrock", "--set", "beta_1=0.5", "--set", "beta_2=0.6", "--json")
    assert json.loads(outcome.out)["hyperparameters"] == {"learning_rate": 0.001, "beta_1": 0.5, "beta_2": 0.6}


def test_weights_and_losses_are_kept_where_the_figure_fails(folder, monkeypatch):
    def fails(_):
        raise RuntimeError("no font at all")

    monkeypatch.setattr("tuner.results.figures.learning.losses_figure", fails)
    outcome = call(*TRAIN, "--task", "rosenbrock", "--output", "trained", "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out)["runs"][0]["status"] == "finished"
    assert outcome.err == ("lodo-tune: losses.png was not written: no font at all. All else is in trained\n")
    assert {path.name for path in (folder / "trained").iterdir()} == {"run.json", "seed-0.npz"}


def test_all_files_that_can_be_written_are_written(folder, monkeypatch):
    import tuner

    database("studies.db")
    found = tuner.open_database("studies.db").run("first")
    complete = {path.name for path in found.save("complete").iterdir()}

    def fails(self, format):
        raise NotWritten("cannot write it: No space left on device", 74) if format == "latex" else OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "to_format", fails)
        patch.setattr("tuner.results.figures.fitness.panel_figure", lambda *_, **__: 1 / 0)
        with pytest.raises(Exception, match=r"table\.txt was not written \(and 6 more\): gone") as caught:
            found.save("incomplete")
    assert caught.value.exit_code == 1
    kept = {path.name for path in (folder / "incomplete").iterdir()}
    assert complete - kept == {f"table.{end}" for end in ("txt", "md", "tex", "json", "csv")} | {
        "search.png", "search.pdf",
    }  # fmt: skip


def test_a_reader_that_leaves_does_not_prevent_the_files(folder, monkeypatch):
    from tests.support.in_process import without_ray

    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("tuner.cli.silence.silence", lambda stream: None)
    search = ("--task", "rosenbrock", "--optimizers", "Adam", "--generations", 1, "--population", 4, "--steps", 10)
    with without_ray():
        arguments = [str(one) for one in (*search, "--output", "found")]
        monkeypatch.setattr(sys, "argv", ["lodo-tune", *arguments])
        monkeypatch.setattr(sys, "stdout", Gone())
        from tuner import cli

        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 141
    assert (folder / "found" / "table.json").is_file()
    assert (folder / "found" / "search.pdf").is_file()


@pytest.mark.parametrize("name", ["XLA_FLAGS", pytest.param("TF_XLA_FLAGS", marks=pytest.mark.slow)])
def test_flags_of_xla_for_other_programs_end_nothing_change_nothing_and_are_said(name, folder):
    flags = "--xla_gpu_cuda_data_dir=/usr/local/cuda --xla_flag_of_another_program=1"
    outcome = run(*TRAIN, "--task", "rosenbrock", "--curve", "--json", folder=folder, **{name: flags})
    assert outcome.code == 0, outcome.err
    assert "--xla_flag_of_another_program=1" in outcome.err
    assert ("cuda_data_dir" in outcome.err) == (name == "TF_XLA_FLAGS")
    plain = run(*TRAIN, "--task", "rosenbrock", "--curve", "--json", folder=folder)
    assert json.loads(outcome.out)["runs"][0]["losses"] == json.loads(plain.out)["runs"][0]["losses"]


def test_values_of_variables_for_which_tensorflow_ends_the_process_are_not_used_and_said(folder):
    values = {"TF_DETERMINISTIC_OPS": "yes", "TF_DETERMINISTIC_ORDER": "", "TF_MKL_ALLOC_MAX_BYTES": "a lot"}
    outcome = run(*TRAIN, "--task", "rosenbrock", folder=folder, **values, TF_ENABLED_DEVICE_TYPES="x")
    assert outcome.code == 0, outcome.err
    (told,) = outcome.err.splitlines()
    assert told.endswith("not used: TF_DETERMINISTIC_OPS=yes TF_MKL_ALLOC_MAX_BYTES=a lot TF_ENABLED_DEVICE_TYPES=x")


@pytest.mark.parametrize("stream", ["2>/dev/full", pytest.param("2>&-", marks=pytest.mark.slow)])
def test_progress_that_cannot_be_written_ends_nothing(stream, folder):
    command = f"{sys.executable} -m tuner.cli train --task rosenbrock --optimizer Adam --steps 5 --seeds 2 {stream}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"XLA_FLAGS": "--xla_of_another=1"},
    )  # so that there is something to say
    assert done.returncode == 0
    assert "seed 1: finished" in done.stdout


def test_a_working_directory_that_was_deleted_is_said(folder):
    command = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m tuner.cli table"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": root}
    )
    assert done.returncode == 1
    assert done.stderr == "lodo-tune: the working directory was deleted; change into another folder\n"
