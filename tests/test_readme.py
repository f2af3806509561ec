"""The README keeps its word: its commands run one after the other as printed, and print what it shows."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def load(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


sessions = load(ROOT / "docs" / "sessions.py")
STEPS = sessions.steps(README)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The reader's folder, empty before the first command."""
    return tmp_path_factory.mktemp("reader")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: getattr(step, "line", getattr(step, "name", "")))
def test_the_readme_s_command_prints_what_it_shows_but_for_the_numbers(step, folder):
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
