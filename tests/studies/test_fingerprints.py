"""Code and data that have changed: refused on resume and before a comparison, or said in the results."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Outcome, call
from tests.support.in_process import without_ray
from tuner.core.trial import Evaluation
from tuner.storage import Store

TASK = """
import keras
import numpy as np

import parts
from tasks.keras_task import keras_task

x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Mine = keras_task(parts.build, name="mine", train=(x, x[:, :1] > 0), loss="binary_crossentropy")
"""
PARTS = """
import keras


def build():
    return keras.Sequential([keras.Input([3]), keras.layers.Dense(1, "sigmoid")])
"""
SEARCH = ("--preset", "quick", "--generations", 2, "--population", 2, "--steps", 4, "--optimizers", "Momentum")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every command runs in a folder with a task of two files, without Ray."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    write(TASK, PARTS)
    with without_ray():
        yield tmp_path
    forget()


def write(task: str = TASK, parts: str = PARTS, at: Path | None = None) -> None:
    folder = at or Path.cwd()
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(task)
    (folder / "parts.py").write_text(parts)
    forget()


def forget() -> None:
    """Forget the modules and where they were, as the end of a process does."""
    sys.path[:] = [folder for folder in sys.path if "pytest-" not in folder]
    for name in [name for name in sys.modules if name == "parts" or name.startswith("mine_")]:
        del sys.modules[name]


def interrupted(monkeypatch: pytest.MonkeyPatch, *, after: int = 1, task: str = "mine.py:Mine") -> None:
    """Run a search that is interrupted after so many candidates and one more; at its first event for -1."""
    from tuner.studies.study_run import StudyRun

    tell, told = StudyRun.tell, []

    def once(self: StudyRun, event: Any) -> None:
        tell(self, event)
        told.append(event)
        if sum(isinstance(each, Evaluation) for each in told) > after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(StudyRun, "tell", once)
        assert call("--task", task, *SEARCH, "--name", "run").code == 130


def refused(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    return " ".join(outcome.err.split()).partition("lodo-tune: ")[2]


def study(name: str = "run") -> Any:
    with Store.open("lodo-tune.db", read_only=True) as store:
        return store.find(name)[0]


def test_a_run_is_resumed_where_nothing_but_comments_and_spaces_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch)
    write(TASK + "\n# done\n", PARTS.replace("def build():", "def build():  # a layer\n"))
    assert call("resume", "run").code == 0
    assert study().notes == ()


@pytest.mark.parametrize(
    ("task", "parts", "told"),
    [
        (TASK.replace("default_rng(0)", "default_rng(1)"), PARTS, "other data (mine: train 64, sha256 "),
        (TASK.replace("normal", "uniform"), PARTS, "other data"),
        (TASK, PARTS.replace('"sigmoid"', "activation='sigmoid'"), "other code of the task (parts changed)"),
        (TASK.replace("import keras\n", ""), PARTS, "other code of the task (the task itself changed)"),
    ],
)
def test_a_task_that_has_changed_is_not_resumed_unless_the_results_may_say_so(
    monkeypatch: pytest.MonkeyPatch, task: str, parts: str, told: str
) -> None:
    write(TASK)
    interrupted(monkeypatch)
    write(task, parts)
    assert told in (text := refused(call("resume", "run")))
    assert "--accept-changes" in text
    accepted = call("resume", "run", "--accept-changes")
    assert accepted.code == 0, accepted.err
    (note,) = study().notes
    assert note.startswith("code or data has changed since: ")
    assert told in note
    assert "2 runs" in note
    assert note in " ".join(call("table", "run").out.split())
    assert note in json.loads(call("show", "run/Momentum", "--json").out)["notes"]


def test_a_run_without_results_takes_the_task_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, after=-1)
    before = study()
    assert not any(count for status, count in before.counts.items() if status.is_final)
    write(TASK, PARTS.replace('"sigmoid"', "activation='sigmoid'"))
    assert call("resume", "run").code == 0
    assert study().spec.workload.code != before.spec.workload.code
    assert study().notes == ()


def test_a_moved_task_is_found_again_and_its_rows_are_those_of_an_undisturbed_run(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    interrupted(monkeypatch)
    (folder / "mine.py").unlink()
    (folder / "parts.py").unlink()
    forget()
    assert "--task: run was begun with" in refused(call("resume", "run"))
    write(at=folder / "elsewhere")
    assert call("resume", "run", "--task", "elsewhere/mine.py:Mine").code == 0
    assert study().spec.workload.task == f"{folder / 'elsewhere' / 'mine.py'}:Mine"
    assert study().notes == ()
    assert call("--task", "elsewhere/mine.py:Mine", *SEARCH, "--name", "again").code == 0
    assert study("again").tuned == study("run").tuned


def test_another_task_is_no_place_for_a_run_to_go_on(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    interrupted(monkeypatch)
    assert "--task of run is" in refused(call("resume", "run", "--task", "rosenbrock"))
    write(TASK, PARTS.replace('"sigmoid"', "activation='sigmoid'"), at=folder / "other")
    assert "parts changed" in refused(call("resume", "run", "--task", "other/mine.py:Mine"))


def test_relative_data_is_the_same_in_another_folder_or_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    import numpy as np

    load = TASK.replace('np.random.default_rng(0).normal(size=(64, 3)).astype("float32")', 'np.load("x.npy")')
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(64, 3)))
    write(load)
    interrupted(monkeypatch)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    np.save(elsewhere / "x.npy", np.random.default_rng(1).normal(size=(64, 3)))
    forget()
    os.chdir(elsewhere)
    assert "other data" in refused(call("resume", "run", "--database", folder / "lodo-tune.db"))
    np.save(elsewhere / "x.npy", np.load(folder / "x.npy"))
    forget()
    assert call("resume", "run", "--database", folder / "lodo-tune.db").code == 0


def test_a_file_besides_code_and_arrays_counts_as_far_as_it_changes_what_is_computed(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    from_file = PARTS.replace("import keras", "import json\nimport keras").replace(
        '"sigmoid"', '**json.load(open("layer.json"))'
    )
    write(TASK, from_file)
    (folder / "layer.json").write_text('{"activation": "sigmoid"}')
    interrupted(monkeypatch)
    (folder / "layer.json").write_text('{"activation": "hard_sigmoid"}')
    forget()
    assert "other numbers or operations in the task, of the same code" in refused(call("resume", "run"))
    (folder / "layer.json").write_text('{"activation": "sigmoid", "name": "other"}')
    forget()
    assert call("resume", "run").code == 0


COMPARE = ("compare", "--task", "mine.py:Mine", "--from", "run", "--seeds", 2, "--steps", 4, "--name", "contest")


def test_a_search_on_another_state_of_the_task_is_not_compared_unless_the_results_may_say_so() -> None:
    assert call("--task", "mine.py:Mine", *SEARCH, "--name", "run").code == 0
    write(TASK.replace("default_rng(0)", "default_rng(1)"))
    assert "--from: run was tuned on another state of the task: other data" in refused(call(*COMPARE))
    accepted = call(*COMPARE, "--accept-changes")
    assert accepted.code == 0, accepted.err
    assert "tuned by run at 4 evaluations; code or data has changed since: other data" in " ".join(accepted.out.split())


def test_a_search_is_compared_in_another_precision_although_its_arrays_are_cast() -> None:
    assert call("--task", "mine.py:Mine", *SEARCH, "--name", "run").code == 0
    assert call(*COMPARE, "--precision", "float64").code == 0


def test_what_was_trained_on_another_state_of_the_task_is_evaluated_with_a_remark(folder: Path) -> None:
    with_validation = TASK.replace("loss=", "validation=(x, x[:, :1] > 0), loss=")
    write(with_validation)
    train = ("train", "--task", "mine.py:Mine", "--optimizer", "Adam", "--steps", 3, "--output", "weights")
    assert call(*train).code == 0
    same = call("evaluate", "weights", "--split", "validation")
    assert (same.code, same.err) == (0, "")
    write(with_validation.replace("default_rng(0)", "default_rng(1)"))
    other = call("evaluate", "weights", "--split", "validation")
    assert other.code == 0
    assert "mine.py:Mine has changed since the training: other data" in other.err


def test_show_and_the_report_tell_counts_and_fingerprints_of_data_of_ones_own(folder: Path) -> None:
    assert call("--task", "mine.py:Mine", *SEARCH, "--name", "run").code == 0
    workload = study().spec.workload
    assert workload.data is not None
    assert workload.data["sizes"] == {"train": 64}
    shown = "".join(call("show", "run/Momentum").out.split())
    assert workload.data["sha256"] in shown
    assert f"thetaskitself{workload.code['task']['files']['(main)'][:12]}…" in shown  # type: ignore[index]
    assert call("report", "run", "--output", "report.html").code == 0
    page = (folder / "report.html").read_text()
    assert workload.data["sha256"] in page
    assert "{&#34;train&#34;: 64}" in page
