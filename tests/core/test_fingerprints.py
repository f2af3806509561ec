"""Fingerprints of code: which files count, which changes count, and what a difference is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tuner.core.fingerprint import Fingerprint, differences
from tuner.core.live_code import live_hash
from tuner.core.source_code import MAIN, source_hashes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on the search path."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return tmp_path


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "main.py"


def test_a_module_has_its_own_file_and_all_that_it_imports_within_functions_too(folder: Path) -> None:
    main = write(
        folder,
        main="import numpy, one\nfrom pack import inner\ndef later():\n    import two\n",
        one="from pack.deep import x\nimport json, main\n",
        two="",
        pack__init="",
        pack__inner="from . import sibling\n",
        pack__sibling="",
        pack__deep="x = 1\n",
        unused="",
    )
    (folder / "pack" / "init.py").rename(folder / "pack" / "__init__.py")
    assert set(source_hashes(main)) == {MAIN, "one", "two", "pack", "pack.inner", "pack.sibling", "pack.deep"}


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        ("def f(x):\n    return x + 1  # more\n\n\n# end\n", True),
        ("def f(x):\n\treturn x+1\n", True),
        ("def f(x):\n    return x + 2\n", False),
        ('def f(x):\n    return x + 1\n"# no comment"\n', False),
        ("def f(x):\n    pass\nreturn x + 1\n", False),
    ],
)
def test_what_runs_counts_and_comments_and_spaces_do_not(folder: Path, text: str, is_same: bool) -> None:
    before = source_hashes(write(folder, main="def f(x):\n    return x + 1\n"))
    assert (source_hashes(write(folder, main=text)) == before) is is_same


def test_an_imported_file_counts_although_nothing_is_imported_or_run(folder: Path) -> None:
    main = write(folder, main="import other\n", other="raise SystemExit\n")
    before = source_hashes(main)
    write(folder, other="raise KeyboardInterrupt\n")
    after = source_hashes(main)
    assert (before[MAIN] == after[MAIN], before["other"] == after["other"]) == (True, False)


def defined(text: str) -> type:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(text, scope)
    found: type = scope["Task"]
    return found


CELL = """
rate = 0.5
def loss(x): return inner(x) * rate
def inner(x): return [x + i for i in range(3)]
class Task:
    steps = {"a": 1}
    def run(self, x, y=2): return loss(x)
"""


@pytest.mark.parametrize("change", [("0.5", "0.6"), ("x + i", "x - i"), ('"a": 1', '"a": 2'), ("y=2", "y=3")])
def test_a_class_of_a_notebook_has_a_hash_of_all_that_it_uses(change: tuple[str, str]) -> None:
    assert live_hash(defined(CELL)) == live_hash(defined(f"# moved down\n\nunused = 1\n{CELL}"))
    assert live_hash(defined(CELL)) != live_hash(defined(CELL.replace(*change)))


CODE = {"task": {"files": {MAIN: "ab", "parts": "cd"}, "numbers": "ef"}}


def test_differences_are_named() -> None:
    data = {"name": "mine", "sizes": {"train": 1_000}, "sha256": "0123456789abcdef"}
    before = Fingerprint(data, CODE)
    assert differences(before, before) == []
    files = {MAIN: "ab", "parts": "xx", "new": "yy"}
    assert differences(before, Fingerprint(data, {"task": {"files": files, "numbers": "zz"}})) == [
        "other code of the task (parts changed, new added)"
    ]
    numbers = {"task": {**CODE["task"], "numbers": "zz"}}
    assert differences(before, Fingerprint(data, numbers)) == [
        "other numbers or operations in the task, of the same code"
    ]
    assert differences(before, Fingerprint({**data, "sha256": "fedcba9876543210"}, CODE)) == [
        "other data (mine: train 1,000, sha256 0123456789ab…; now mine: train 1,000, sha256 fedcba987654…)"
    ]


def test_a_study_without_a_fingerprint_and_numbers_that_are_unknown_differ_in_nothing() -> None:
    assert differences(Fingerprint(), Fingerprint({"name": "mine"}, CODE)) == []
    unknown = {"task": {**CODE["task"], "numbers": None}}
    assert differences(Fingerprint(None, unknown), Fingerprint(None, CODE)) == []
