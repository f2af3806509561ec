"""The parts of the docs that are made from the code: commands, the README's map of the house, what exports where.

`python docs/in_step.py` writes them, `--check` fails if they are not what the code says. The map is made from each
module's first docstring line; a module without one, or one named `utils`, fails too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
PACKAGES = ("tuner", "lodo", "tasks", "search_spaces")
OF_MAP = ("<!-- map: made from the code -->", "<!-- end of the map -->")
OF_EXPORTS = ("<!-- counterparts: made from the code -->", "<!-- end of the counterparts -->")
REFUSED = {"utils", "util", "helpers", "misc", "common"}


def main() -> int:
    """Write or check; return the exit code."""
    check = "--check" in sys.argv
    wanted = {
        ROOT / "docs/commands.md": commands(),
        ROOT / "docs/exports.md": put_in(ROOT / "docs/exports.md", counterparts(), OF_EXPORTS),
        ROOT / "README.md": put_in(ROOT / "README.md", house(), OF_MAP),
    }
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
    parts = ["# Commands\n\nMade from `--help` by `make docs`.\n", *_sections("lodo-tune", group, context)]
    return "\n".join(parts)


def _sections(title: str, command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield a command's section, and those of the commands within it."""
    yield _section(title, command, context)
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        below = click.Context(inner, info_name=name, parent=context, terminal_width=110)
        yield from _sections(f"{title} {name}", inner, below)


def _section(title: str, command: click.Command, context: click.Context) -> str:
    return f"## {title}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"


def put_in(path: Path, made: str, marks: tuple[str, str]) -> str:
    """Return a document with what stands between two marks made anew."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise SystemExit(f"{path.relative_to(ROOT)} must have the marks {' and '.join(marks)}")
    return f"{before}{begin}\n{made}{end}{after}"


def counterparts() -> str:
    """Return which optimizer is what in other libraries, and what each warns of, at the defaults."""
    import lodo.registry
    from search_spaces.loader import builtin
    from tuner.results.exports import Configuration, keras, optax, rules, torch

    libraries = {"Keras": keras, "PyTorch": torch.TORCH, "Optax": optax.OPTAX}
    names = [*lodo.registry.OPTIMIZERS, *(name for name in rules.RULES if lodo.registry.is_of_keras(name))]
    rows: list[str] = []
    warned: dict[tuple[str, str], list[str]] = {}  # library and warning -> optimizers
    for name in names:
        own = name in lodo.registry.OPTIMIZERS
        values = builtin(name).defaults() if own else dict(rules.RULES[name].constants)
        values |= {"momentum": values["momentum"] or 0.9} if "momentum" in values else {}
        configuration = Configuration(name, values, 1000, {})
        calls = {library: of.call(configuration) if of.has(name) else None for library, of in libraries.items()}
        cells = [f"`{call.target}`{' *' * bool(call.warnings)}" if call else "–" for call in calls.values()]
        rows.append(f"| {name} | {' | '.join(cells)} |")
        for library, call in calls.items():
            for warning in call.warnings if call else ():
                warned.setdefault((library, warning), []).append(name)
    remarks = [f"- **{library}: {', '.join(of)}.** {warning}" for (library, warning), of in sorted(warned.items())]
    head = f"| optimizer | {' | '.join(libraries)} |\n|---|{'---|' * len(libraries)}"
    return "\n".join(
        ["", head, *rows, "", "\\* with a warning, here at the defaults (momentum 0.9):", "", *remarks, "", ""]
    )


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
