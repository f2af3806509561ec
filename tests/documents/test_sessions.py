"""Console sessions of the documentation: run as printed, they print what the documents show, but for numbers."""

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


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A reader's folder for each document, empty before the first command."""
    return {document: tmp_path_factory.mktemp("reader") for document in ("README.md", *PAGES)}


@pytest.mark.parametrize(("document", "step"), STEPS, ids=lambda of: getattr(of, "line", getattr(of, "name", str(of))))
def test_a_document_s_command_prints_what_it_shows_but_for_the_numbers(document, step, folders):
    folder = folders[document]
    if isinstance(step, sessions.File):
        (folder / step.name).write_text(step.text, encoding="utf-8")
        return
    assert sessions.shape(sessions.run(step, folder)) == sessions.shape(step.shown)


def test_the_documents_show_every_verb():
    from tuner.cli import commands

    shown = " ".join(step.line for mark in STEPS for step in mark.values[1:] if isinstance(step, sessions.Command))
    assert "lodo-tune --task" in shown
    for verb in commands.commands:
        assert f"lodo-tune {verb}" in shown
