"""The documents keep their word: their commands run one after the other as printed, and print what they show."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def load(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


sessions = load(ROOT / "docs" / "sessions.py")
STEPS = sessions.steps(README)
ALL = [("README.md", step) for step in STEPS]
PAGES = ("docs/exports.md", "docs/keras.md", "docs/own-tasks.md")
ALL += [
    pytest.param(page, step, marks=pytest.mark.slow)  # `make test-docs`
    for page in PAGES
    for step in sessions.steps((ROOT / page).read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A reader's folder for each document, empty before the first command."""
    return {document: tmp_path_factory.mktemp("reader") for document in ("README.md", *PAGES)}


@pytest.mark.parametrize(("document", "step"), ALL, ids=lambda of: getattr(of, "line", getattr(of, "name", str(of))))
def test_a_document_s_command_prints_what_it_shows_but_for_the_numbers(document, step, folders):
    folder = folders[document]
    if isinstance(step, sessions.File):
        (folder / step.name).write_text(step.text, encoding="utf-8")
        return
    assert sessions.shape(sessions.run(step, folder)) == sessions.shape(step.shown)


def test_the_readme_shows_every_verb():
    from tuner.cli import commands

    shown = " ".join(step.line for step in STEPS if isinstance(step, sessions.Command))
    assert "lodo-tune --task" in shown
    for verb in commands.commands:
        assert f"lodo-tune {verb}" in shown


def test_every_make_target_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, name


def test_every_file_that_the_readme_links_to_exists():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link
