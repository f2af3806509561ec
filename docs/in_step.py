"""The parts of the docs that are made from the code: the commands' reference and the README's map of the house.

`python docs/in_step.py` writes them, `--check` fails if they are not what the code says. The map is made from each
module's first docstring line; a module without one, or one named `utils`, fails too.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
PACKAGES = ("tuner", "lodo", "tasks", "search_spaces")
BEGIN, END = "<!-- map: made from the code -->", "<!-- end of the map -->"
REFUSED = {"utils", "util", "helpers", "misc", "common"}


def main() -> int:
    """Write or check; return the exit code."""
    check = "--check" in sys.argv
    wanted = {ROOT / "docs/commands.md": commands(), ROOT / "README.md": readme()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}")
        return 0
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what the code says: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


def commands() -> str:
    """Return the reference of the command line: every verb's --help."""
    from tuner.cli import commands as group

    context = click.Context(group, info_name="lodo-tune", max_content_width=110, terminal_width=110)
    parts = ["# Commands\n\nMade from `--help` by `make docs`.\n", _section("lodo-tune", group, context)]
    parts += _verbs(group, context)
    return "\n".join(parts)


def _verbs(group: click.Group, context: click.Context) -> list[str]:
    """Return a section a verb of a group, and after one that is a group itself those of its own."""
    parts = []
    for name in sorted(group.commands):
        verb = group.commands[name]
        inner = click.Context(verb, info_name=name, parent=context, terminal_width=110)
        parts.append(_section(inner.command_path, verb, inner))
        parts += _verbs(verb, inner) if isinstance(verb, click.Group) else []
    return parts


def _section(title: str, command: click.Command, context: click.Context) -> str:
    return f"## {title}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"


def readme() -> str:
    """Return the README with its map of the house made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{house()}{END}{after}"


def house() -> str:
    """Return the map: every module with the first line of its docstring."""
    lines = []
    for package in PACKAGES:
        for path in sorted(
            (ROOT / package).rglob("*.py"), key=lambda path: (path.parent, path.name != "__init__.py", path.name)
        ):
            place = path.relative_to(ROOT)
            if path.stem in REFUSED:
                raise SystemExit(f"{place}: a module is named after its one idea, not {path.stem!r}")
            if "versions" in place.parts and path.name != "__init__.py":
                continue
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            if not docstring:
                raise SystemExit(f"{place}: a module begins with a docstring that says what lives here")
            name = f"{place.parent}/" if path.name == "__init__.py" else f"  {path.name}"
            lines.append(f"{name:32} {docstring.splitlines()[0].rstrip('.')}")
    return "```text\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    sys.exit(main())
