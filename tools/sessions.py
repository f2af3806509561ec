"""Run the console sessions of the documentation, and write what they print.

`python tools/sessions.py README.md docs/tutorial.md` runs those of each file in an empty folder and puts what they
print into it. A block marked `console` holds commands after `$ ` and what they print on standard output; a block that
begins with the comment `# file.py` is written to that file first. Commands of other blocks are not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(console|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.]+\.(?:py|yaml))\n")
_NUMBER = re.compile(r"[-+]?\d[\d.,e+-]*")
_RULE = re.compile(r"[-:|]*---[-:| ]*")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a session."""

    line: str
    shown: str  # what the document says that it prints


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader writes."""

    name: str
    text: str


def steps(text: str) -> list[Command | File]:
    """Return what a reader of a Markdown text would do, in order."""
    found: list[Command | File] = []
    for kind, body in _BLOCK.findall(text):
        if kind == "console":
            found += _commands(body)
        elif name := _FILE.match(body):
            found.append(File(name[1], body))
    return found


def _commands(body: str) -> list[Command]:
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", body, flags=re.MULTILINE)
    return [Command(line, shown) for line, shown in zip(parts[1::2], parts[2::2], strict=True)]


def run(command: Command, folder: Path) -> str:
    """Return what a command prints on standard output.

    Args:
        command: For bash; our own program is the one that belongs to this Python.
        folder: Where to run it.

    Raises:
        AssertionError: It fails; with what it says.
    """
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    environment = {name: value for name, value in environment.items() if not name.startswith("LODO_")}
    done = subprocess.run(
        ["bash", "-c", command.line], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise AssertionError(f"`{command.line}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def shape(output: str) -> str:
    """Return an output without what differs between machines and days.

    These are numbers, how wide they make a table, and where they have a line of text continued in the next.
    """
    output = re.sub(r"\n {11}(?=\S)", " ", output)
    lines = [re.sub(r"\s+", " ", _NUMBER.sub("#", line)).strip() for line in output.splitlines()]
    return "\n".join(_RULE.sub("---", line).strip() for line in lines)


def main() -> None:
    """Run the sessions of each file that is named, and write what they print into it."""
    for path in map(Path, sys.argv[1:]):
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            for step in steps(text):
                if isinstance(step, File):
                    (Path(folder) / step.name).write_text(step.text, encoding="utf-8")
                    continue
                print(f"$ {step.line}", file=sys.stderr)
                before = f"$ {step.line}\n{step.shown}"
                if before not in text:
                    raise SystemExit(f"{path}: a command occurs once in a document. Received twice: {step.line}")
                text = text.replace(before, f"$ {step.line}\n{run(step, Path(folder))}", 1)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
