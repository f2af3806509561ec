"""Write or check the parts of the documentation that are made from the code.

`python tools/in_step.py` writes the references of the command line, of the Python API, of the HTTP API and of the
database schema, and the tables of exports, metrics and Keras tasks; `--check` reports what is out of date instead. Both
report modules that break the rules of names and docstrings, rooms without a section in docs/architecture.md, and broken
links of the Markdown files in the root.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import reference

ROOT = Path(__file__).parent.parent
PACKAGES = ("tuner", "lodo", "tasks", "search_spaces")
REFUSED_NAMES = {"utils", "util", "helpers", "misc", "common"}
MAX_FIRST_LINE = 79  # characters of a module's first docstring line

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")


def main() -> int:
    """Write or check, report what is wrong, and return the exit code."""
    check = "--check" in sys.argv
    faults = [*faults_of_modules(), *faults_of_rooms(), *faults_of_links(), *reference.undescribed_columns()]
    for path, make in generated().items():
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            faults.append(f"{path.relative_to(ROOT)} is out of date: run `make docs`")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def generated() -> dict[Path, Callable[[], str]]:
    """Return what makes the text of each file that is made from the code, or that has a part which is."""
    exports, monitoring = ROOT / "docs/guides/exports.md", ROOT / "docs/guides/monitoring.md"
    own_task = ROOT / "docs/guides/own-task.md"
    return {
        ROOT / "docs/reference/command-line.md": reference.command_line,
        ROOT / "docs/reference/python.md": reference.python,
        ROOT / "docs/reference/database.md": reference.database,
        ROOT / "docs/reference/openapi.json": reference.openapi,
        exports: lambda: reference.put_in(exports, "counterparts", reference.counterparts()),
        monitoring: lambda: reference.put_in(monitoring, "metrics", reference.metrics()),
        own_task: lambda: reference.put_in(own_task, "features of Keras", reference.features_of_keras()),
    }


def faults_of_modules() -> Iterator[str]:
    """Yield what is wrong with the names and the first docstring lines of modules."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT)
            if path.stem in REFUSED_NAMES:
                yield f"{place}: a module is named after what it holds. Received: {path.stem!r}"
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            first = docstring.splitlines()[0] if docstring else ""
            if not first:
                yield f"{place}: a module begins with a docstring that says what it holds"
            elif len(first) > MAX_FIRST_LINE:
                yield (
                    f"{place}: the first docstring line has at most {MAX_FIRST_LINE} characters. Received: {len(first)}"
                )


def faults_of_rooms() -> Iterator[str]:
    """Yield the rooms of `tuner` that docs/architecture.md has no section on, and the sections without a room."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^###+ `tuner/([a-z_/]+)/`", text, re.MULTILINE))
    rooms = {path.parent.name for path in (ROOT / "tuner").glob("*/__init__.py")}
    for room in sorted(rooms - described):
        yield f"docs/architecture.md: the room tuner/{room} has no section (### `tuner/{room}/`)"
    for section in sorted(described):
        if not (ROOT / "tuner" / section / "__init__.py").exists():
            yield f"docs/architecture.md: there is no room tuner/{section}"


def faults_of_links() -> Iterator[str]:
    """Yield links of the Markdown files in the root that lead nowhere; MkDocs checks those within docs/."""
    for path in sorted(ROOT.glob("*.md")):
        for found in _LINK.finditer(path.read_text(encoding="utf-8")):
            target = found[1] or found[2]
            if not re.match(r"[a-z]+:", target) and not (ROOT / target).exists():
                yield f"{path.name}: the link {target} leads nowhere"


if __name__ == "__main__":
    sys.exit(main())
