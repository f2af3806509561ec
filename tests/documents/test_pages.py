"""Pages of the documentation: what they name exists, and the site asks nothing of a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
CODE = ("benchmarks", "docker", "docs", "lodo", "search_spaces", "tasks", "tests", "tools", "tuner")
PLACEHOLDERS = ("NAME", "NNNN", "<", "…", "tasks/name.py", "search_spaces/name.yaml", "docker/secrets")


def paths_of(page):
    """Every path of the project that a page names in its text."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for path in re.findall(rf"`((?:{'|'.join(CODE)})/[^`\s:]*)`", text):
        if not any(part in path for part in PLACEHOLDERS):
            yield path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page):
    missing = [path for path in paths_of(page) if not (ROOT / path).exists()]
    assert not missing


def test_every_make_target_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page


def test_the_readme_is_short():
    assert (ROOT / "README.md").stat().st_size <= 10_000


def test_every_room_and_package_is_in_the_picture_of_the_rooms():
    picture = (ROOT / "docs/images/rooms.svg").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "tuner").glob("*/__init__.py")}
    for name in rooms | {"lodo", "tasks", "search_spaces"}:
        assert f">{name}</text>" in picture


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "true"}
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_the_pages_of_the_site_load_nothing_from_a_network(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]*\ssrc="([^"]*)"', text)
        loaded += re.findall(r'<link[^>]*rel="(?:stylesheet|preload|preconnect|icon)"[^>]*href="([^"]*)"', text)
        loaded += re.findall(r'<link[^>]*href="([^"]*)"[^>]*rel="(?:stylesheet|preload|preconnect|icon)"', text)
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page.name


@pytest.mark.slow
def test_the_stylesheets_of_the_site_load_nothing_from_a_network(site):
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name
