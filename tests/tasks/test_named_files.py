"""Files that a task, a training function or an optimizer names: what identifies them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from tasks.importing import imported
from tasks.named_files import hashes_of_named
from tuner.core.fingerprint import Fingerprint, differences
from tuner.core.trial import Workload
from tuner.training.code_fingerprint import optimizer_code
from tuner.training.fingerprint import fingerprint_of

TEXT = """
import functools
from lodo.momentum import Momentum

def named(function):
    @functools.wraps(function)
    def wrapped(*arguments, **keywords):
        return function(*arguments, **keywords)
    return wrapped

@named
def train(hyperparameters, *, report):
    pass

class Mine(Momentum):
    search_space = {"learning_rate": {"scale": "log", "default": 0.1}, "momentum": {"scale": "decay", "default": 0.9}}
    files = ["folder", "{absolute}"]
    def update(self, *arguments):
        return super().update(*arguments)

train.files = Mine.files
"""


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module whose files are a folder beside it, and one elsewhere; the working directory is another one."""
    (tmp_path / "code" / "folder" / "within").mkdir(parents=True)
    (tmp_path / "code" / "folder" / "within" / "b.npy").write_bytes(b"b")
    (tmp_path / "a.npy").write_bytes(b"a")
    (tmp_path / "code" / "mine.py").write_text(TEXT.replace("{absolute}", str(tmp_path / "a.npy")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "code" / "mine.py"


@pytest.mark.parametrize("name", ["train", "Mine"])
def test_a_relative_path_starts_at_the_file_and_a_folder_stands_for_all_in_it(place: Path, name: str) -> None:
    found = hashes_of_named(imported(f"{place}:{name}", "object"))
    absolute = str(place.parents[1] / "a.npy")
    assert found == {"folder/within/b.npy": sha(b"b"), absolute: sha(b"a")}
    (place.parent / "folder" / "within" / "b.npy").write_bytes(b"changed")
    assert hashes_of_named(imported(f"{place}:{name}", "object"))["folder/within/b.npy"] == sha(b"changed")


def test_a_file_is_read_again_only_if_it_has_changed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, read = imported(f"{place}:Mine", "object"), []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: (read.append(file.name), digest(file, name))[1])
    for _ in range(3):
        hashes_of_named(kind)
    assert len(read) == 2
    os.utime(place.parents[1] / "a.npy", ns=(0, 1))
    hashes_of_named(kind)
    assert len(read) == 3


def test_data_of_an_optimizer_that_has_changed_is_named(place: Path) -> None:
    before = optimizer_code(f"{place}:Mine")
    (place.parents[1] / "a.npy").unlink()
    (place.parent / "folder" / "c.npy").touch()
    with pytest.raises(ValueError, match=r"^Mine\.files: .*a\.npy cannot be read: No such file or directory$"):
        optimizer_code(f"{place}:Mine")
    (place.parents[1] / "a.npy").write_bytes(b"other")
    fingerprints = (Fingerprint(None, {"optimizer": each}) for each in (before, optimizer_code(f"{place}:Mine")))
    assert differences(*fingerprints) == [
        f"other data of the optimizer ({place.parents[1]}/a.npy changed, folder/c.npy added)"
    ]


TASK = """
import os
import numpy as np
from tasks.rosenbrock import Rosenbrock

class Valley(Rosenbrock):
    files = ["test.npy"]
    def evaluate(self, x, state, split):
        return {"distance": float(np.load(os.path.join(os.path.dirname(__file__), "test.npy")).sum())}
"""


def test_data_that_a_task_reads_in_its_evaluation_alone_is_compared_if_it_is_named(place: Path) -> None:
    place.with_name("valley.py").write_text(TASK)
    np.save(place.with_name("test.npy"), [1.0])
    workload = Workload(f"{place.with_name('valley.py')}:Valley", "Adam", 1)
    before = fingerprint_of(workload)
    assert before == fingerprint_of(workload)
    np.save(place.with_name("test.npy"), [2.0])
    assert differences(before, fingerprint_of(workload)) == ["other data of the task (test.npy changed)"]
