"""Console sessions of the documentation: run as printed, they print what the documents show, but for numbers."""

import fcntl
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import sessions  # noqa: E402

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md")
    if sessions.steps(path.read_text(encoding="utf-8"))
)
STEPS = [
    pytest.param(page, step, marks=pytest.mark.slow)  # `make test-docs`
    for page in ("README.md", *PAGES)
    for step in sessions.steps((ROOT / page).read_text(encoding="utf-8"))
]

SEARCH = re.compile(r"(lodo-tune --task [\w ,-]+?)( > /dev/null 2>&1| 2> /dev/null)")
"""A search that reads no file of the page (no name has a dot), and where its output goes."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A reader's folder for each document, empty before the first command."""
    return {document: tmp_path_factory.mktemp("reader") for document in ("README.md", *PAGES)}


@pytest.fixture(scope="module")
def searches(tmp_path_factory):
    """A folder of all processes of pytest-xdist, for what a search prints and writes into an empty folder."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "searches"
    folder.mkdir(exist_ok=True)
    return folder


def printed(command, folder, searches):
    """Run a command and return what it prints; a search with which several pages begin runs once for all of them."""
    search = SEARCH.fullmatch(command.line)
    if not search or list(folder.glob("*.db")):
        return sessions.run(command, folder)
    kept = searches / hashlib.sha256(search[1].encode()).hexdigest()[:12]
    with open(f"{kept}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not Path(f"{kept}.out").exists():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir()
            output = sessions.run(sessions.Command(f"{search[1]} 2> /dev/null", ""), kept)
            Path(f"{kept}.out").write_text(output, encoding="utf-8")
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return "" if search[2].startswith(" >") else Path(f"{kept}.out").read_text(encoding="utf-8")


@pytest.mark.parametrize(("document", "step"), STEPS, ids=lambda of: getattr(of, "line", getattr(of, "name", str(of))))
def test_a_document_s_command_prints_what_it_shows_but_for_the_numbers(document, step, folders, searches):
    folder = folders[document]
    if isinstance(step, sessions.File):
        (folder / step.name).write_text(step.text, encoding="utf-8")
        return
    assert sessions.shape(printed(step, folder, searches)) == sessions.shape(step.shown)


def test_the_documents_show_every_verb():
    from tuner.cli import commands

    shown = " ".join(step.line for mark in STEPS for step in mark.values[1:] if isinstance(step, sessions.Command))
    assert "lodo-tune --task" in shown
    for verb in commands.commands:
        assert f"lodo-tune {verb}" in shown
