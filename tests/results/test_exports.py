"""Exports of tuned configurations, and files that are written whole or not at all."""

import errno
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from tests.support.builders import ADAM, LODO, MOMENTUM, RMSPROP, TUNED, YOGI, fresh, search, spec, study
from tuner.core import files
from tuner.core.files import NotWritten, write
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.summary import summarise
from tuner.results.exports import FORMATS, NotExported, export, formats_of

SPACES = (ADAM, LODO, MOMENTUM, RMSPROP, YOGI)
READERS = {"json": json.loads, "yaml": yaml.safe_load}


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("space", SPACES, ids=lambda space: space["optimizer"])
def test_json_and_yaml_give_back_the_same_numbers_for_every_optimizer(space, format):
    read = READERS[format](export(study(spec(space)), format))
    assert read["optimizer"] == space["optimizer"]
    assert read["hyperparameters"] == TUNED[space["optimizer"]]
    assert list(read["hyperparameters"]) == list(space["hyperparameters"])  # in the order of the space


@pytest.mark.parametrize("format", READERS)
def test_an_export_says_where_it_comes_from_and_how_to_get_it_again(format):
    of = spec(ADAM, task="pixelcnn", seed=7, options={"batch_size": 32}, data={"name": "mnist", "sha256": "0f"})
    provenance = READERS[format](export(study(of), format))["provenance"]
    expected = {
        "study": "first/Adam",
        "task": "pixelcnn",
        "options": {"batch_size": 32},
        "data": {"name": "mnist", "sha256": "0f"},
        "strategy": "paper",
        "seed": 7,
        "generations": 2,
        "population": 4,
        "sigmas": [3.0, 1.5],
        "steps": [100, 200],
        "search_space": ADAM,
        "versions": {"lodo-tune": "0.1.0", "tensorflow": "2.21.0"},
    }
    assert {key: provenance[key] for key in expected} == expected
    assert "fitness" not in provenance


@pytest.mark.parametrize("format", READERS)
def test_with_a_summary_the_provenance_has_the_fitness_of_default_and_tuned(format):
    record = study()
    runs = [*search(record.spec, (1.0,) * 4, (1.0,) * 4), *fresh([1.0, 2.0, 3.0], [Status.DIVERGED] * 3)]
    found = READERS[format](export(record, format, summarise(record, runs)))["provenance"]["fitness"]
    assert (found["default"]["mean"], found["default"]["spread"]) == (2.0, 1.0)
    assert (found["tuned"]["mean"], found["verdict"]) == (None, "tuned diverged")


def test_yaml_needs_no_anchors_even_where_one_value_stands_twice():
    shared = {"batch_size": [32]}
    text = export(study(spec(options=shared, data=shared)), "yaml")
    assert not any(sign in text for sign in ("&", "*", "!!"))


KERAS = {
    "Adam": ("Adam", {"epsilon": 1e-7, "amsgrad": False}),
    "Momentum": ("SGD", {"nesterov": False}),
    "RMSprop": ("RMSprop", {"epsilon": 1e-7, "centered": False}),
    "LODO": ("LODO", {}),
}


def test_keras_itself_takes_the_keras_exports_and_has_the_tuned_hyperparameters(tmp_path):
    paths = [tmp_path / f"{space['optimizer']}.json" for space in (ADAM, MOMENTUM, RMSPROP, LODO)]
    for space, path in zip((ADAM, MOMENTUM, RMSPROP, LODO), paths, strict=True):
        write(path, export(study(spec(space)), "keras"))
    code = (
        "import json, sys, keras, lodo.keras\n"
        "made = [keras.optimizers.deserialize(json.load(open(path))) for path in sys.argv[1:]]\n"
        "print(json.dumps([[type(each).__name__, each.get_config()] for each in made]))"
    )
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", code, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=quiet)
    for (optimizer, (class_name, constants)), (made, config) in zip(
        KERAS.items(), json.loads(done.stdout.splitlines()[-1]), strict=True
    ):
        assert made == class_name
        wanted = {key.removeprefix("initial_"): value for key, value in {**TUNED[optimizer], **constants}.items()}
        # Keras keeps the learning rate in float32, whose rounding error is at most 2**-24 of the value.
        assert config["learning_rate"] == pytest.approx(wanted.pop("learning_rate"), rel=2**-24)
        assert {key: config[key] for key in wanted} == wanted


def test_an_optimizer_that_keras_lacks_is_refused_with_the_formats_that_there_are():
    with pytest.raises(NotExported, match=r"'keras' has no Yogi\. Accepted for .*: json, yaml, optax,") as raised:
        export(study(spec(YOGI)), "keras")
    assert raised.value.exit_code == 2


def test_an_unknown_format_is_refused_with_the_nearest_name():
    with pytest.raises(NotExported, match=r"did you mean 'yaml'\?.*Accepted for Adam: json, yaml, keras") as raised:
        export(study(), "yml")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_study_without_a_tuned_point_has_nothing_to_export(format):
    unfinished = study(tuned=False, status=StudyStatus.INTERRUPTED)
    with pytest.raises(NotExported, match="first/Adam has no tuned point yet: its search is interrupted") as raised:
        export(unfinished, format)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space["optimizer"])
def test_every_format_an_optimizer_has_gives_a_text_that_ends_with_its_line(space):
    formats = formats_of(space["optimizer"])
    assert set(formats) >= {"json", "yaml"}
    for format in formats:
        text = export(study(spec(space)), format)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_a_file_is_written_with_exactly_the_content_and_the_umasks_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "text.json", "one\ntwo µ\n")
        write(tmp_path / "figure.png", b"\x89PNG\r\n")
    finally:
        os.umask(before)
    assert (tmp_path / "text.json").read_bytes() == "one\ntwo µ\n".encode()
    assert (tmp_path / "figure.png").read_bytes() == b"\x89PNG\r\n"
    assert stat.S_IMODE((tmp_path / "text.json").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "text.json"]


def test_a_file_that_is_there_is_kept_unless_overwriting_is_asked_for(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(NotWritten, match="the file exists") as raised:
        write(path, "new")
    assert (path.read_text(), raised.value.exit_code) == ("old", 1)
    write(path, "new", overwrite=True)
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_appears_while_another_is_written_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    real = files._write_through

    def somebody_else_is_faster(beside, data):
        real(beside, data)
        path.write_text("theirs")

    monkeypatch.setattr(files, "_write_through", somebody_else_is_faster)
    with pytest.raises(NotWritten, match="the file exists"):
        write(path, "ours")
    assert path.read_text() == "theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_where_a_file_system_has_no_second_names_the_file_is_renamed(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "a.json", "text")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.json", "text")]
    with pytest.raises(NotWritten, match="the file exists"):
        write(tmp_path / "a.json", "other")
    assert (tmp_path / "a.json").read_text() == "text"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_symbolic_link_is_neither_followed_nor_replaced(tmp_path, overwrite, dangling):
    aim, link = tmp_path / "aim", tmp_path / "link"
    if not dangling:
        aim.write_text("precious")
    link.symlink_to(aim)
    with pytest.raises(NotWritten, match="symbolic link"):
        write(link, "new", overwrite)
    assert link.is_symlink()
    assert aim.exists() is not dangling
    assert dangling or aim.read_text() == "precious"


def test_a_folder_and_a_pipe_are_refused_even_for_overwriting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, what in ((tmp_path, "a folder"), (tmp_path / "pipe", "not an ordinary file")):
        with pytest.raises(NotWritten, match=f"it is {what}"):
            write(path, "x", overwrite=True)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing/a.json", "No such file"), ("a\0b", "null byte"), ("x" * 300, "too long")]
)
def test_a_path_that_cannot_be_is_refused_in_one_line(tmp_path, name, reason):
    with pytest.raises(NotWritten, match=reason) as raised:
        write(f"{tmp_path}/{name}", "x")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match="No space left") as raised:
        write(path, "new", overwrite=True)
    assert raised.value.exit_code == 74
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.json", "old")]


def test_a_real_limit_on_the_size_of_files_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    code = (
        "import resource, signal, sys\n"
        "from tuner.core.files import NotWritten, write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    write(sys.argv[1], 'x' * 5000, overwrite=True)\n"
        "except NotWritten as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=300)
    assert done.returncode == 74
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.json", "old")]


def test_an_export_is_of_the_tuned_point_and_not_of_the_defaults():
    record = replace(study(), tuned={"learning_rate": 3.0, "beta_1": 0.25, "beta_2": 0.5})
    assert json.loads(export(record, "keras"))["config"] == {
        "learning_rate": 3.0,
        "beta_1": 0.25,
        "beta_2": 0.5,
        "epsilon": 1e-7,
        "amsgrad": False,
    }


def test_a_search_in_which_nothing_finished_has_nothing_to_export():
    record = study()
    with pytest.raises(NotExported, match="first/Adam has no tuned point: none of its individuals finished"):
        export(record, "json", summarise(record, []))
