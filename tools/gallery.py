"""Write or check the gallery of the documentation, from a small stored database.

`python tools/gallery.py` draws each figure into docs/images/gallery and writes docs/gallery.md; `--check` reports what
is out of date instead. The runs are in tools/gallery.db; `--record` trains them anew, which takes two minutes.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from tuner.api.database import Database
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH

ROOT = Path(__file__).parent.parent
DATABASE = ROOT / "tools/gallery.db"
IMAGES = ROOT / "docs/images/gallery"
PAGE = ROOT / "docs/gallery.md"
MAX_DIFFERENCE = 0.001  # mean over the pixels, of 1; pictures of other runs differ by 0.006 and more
WIDTH = 7.0  # inches

SEARCH, COMPARISON, SWEEP, FRONT = "valley", "valley-comparison", "bowl-sweep", "bumps"
CODE = ROOT / "docs/guides/objectives.md"  # has the file of the training function that is tuned for two objectives
RECORD = (
    f"--task rosenbrock --preset quick --population 8 --steps 100 --optimizers Adam,RMSprop,LODO --name {SEARCH}",
    f"compare --task rosenbrock --from {SEARCH} --optimizers Adam,RMSprop,LODO --seeds 6 --name {COMPARISON}",
    "compare --task noisy-quadratic-bowl --optimizers LODO --defaults --sweep momentum --steps 100 --seeds 3"
    f" --name {SWEEP}",
    "--task wide:train --objective validation.loss,validation.parameters --generations 16 --population 16 --steps 1"
    f" --name {FRONT}",
)

HEAD = """\
# Gallery

Figures and tables, each with the command that makes it. The page is made by `tools/gallery.py` from a small database
with four runs: the search `{search}` and the comparison `{comparison}` of three optimizers on Rosenbrock's function,
the sweep `{sweep}` of a parameter of LODO on the noisy quadratic bowl, and the search `{front}` of a [training
function](guides/objectives.md#two-or-three-objectives) for two objectives. What other tasks have in addition is not
shown: validation, learning curves by time, and fitness on several tasks.
"""

TABLES = (
    ("Search", f"lodo-tune table {SEARCH}", lambda db: db.table(SEARCH).to_text()),
    ("Comparison", f"lodo-tune table {COMPARISON}", lambda db: db.table(COMPARISON).to_text()),
    ("Search for two objectives", f"lodo-tune table {FRONT}", lambda db: db.table(FRONT).to_text()),
    (
        "Several runs in one table",
        f"lodo-tune table {SEARCH} --layout one --columns default,tuned,verdict --format text",
        lambda db: db.paper_table(SEARCH, columns=["default", "tuned", "verdict"], format="text"),
    ),
    (
        "Tuned hyperparameters for a paper",
        f"lodo-tune table {SEARCH} --layout hyperparameters --format latex --label tab:tuned",
        lambda db: db.paper_table(SEARCH, layout="hyperparameters", label="tab:tuned"),
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure of the gallery."""

    name: str  # of its file, without the ending
    title: str
    caption: str
    command: str
    png: bytes


def main() -> int:
    """Write, check or record, and return the exit code."""
    if "--record" in sys.argv:
        record()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(shutil.copy(DATABASE, folder))
        database.upgrade()  # where the schema is newer than the stored database's
        shown = list(figures(database))
        text = page(shown, database)
    faults = []
    if PAGE.read_text(encoding="utf-8") != text if PAGE.exists() else True:
        faults.append(PAGE)
    faults += [path for one in shown if not is_like(path := IMAGES / f"{one.name}.png", one.png)]
    surplus = sorted(set(IMAGES.glob("*.png")) - {IMAGES / f"{one.name}.png" for one in shown})
    if "--check" in sys.argv:
        for path in [*faults, *surplus]:
            print(f"{path.relative_to(ROOT)} is out of date: run `make docs`", file=sys.stderr)
        return 1 if faults or surplus else 0
    IMAGES.mkdir(parents=True, exist_ok=True)
    for path in surplus:
        path.unlink()
    for one in shown:
        if IMAGES / f"{one.name}.png" in faults:
            (IMAGES / f"{one.name}.png").write_bytes(one.png)
    PAGE.write_text(text, encoding="utf-8")
    return 0


def record() -> None:
    """Train the runs of the gallery into a new database."""
    DATABASE.unlink(missing_ok=True)
    [code] = re.findall(r"```python\n(# wide\.py\n.*?)```", CODE.read_text(encoding="utf-8"), re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "wide.py").write_text(code, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": folder}
        for arguments in RECORD:
            command = [sys.executable, "-m", "tuner.cli", *arguments.split()]
            command += ["--database", str(DATABASE), "--no-dashboard"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=environment)


def figures(database: Database) -> Iterator[Shown]:
    """Yield each figure that the runs have."""
    kinds = [(SEARCH, kind) for kind in FIGURES_OF_SEARCH]
    kinds += [(FRONT, kind) for kind in FIGURES_OF_SEARCH if kind.name == "search-front"]
    kinds += [
        (run, kind)
        for run in (COMPARISON, SWEEP)
        for kind in FIGURES_OF_COMPARISON
        if run == COMPARISON or kind.name == "sweep"
    ]
    for run, kind in kinds:
        drawn = database.figures(run, only=[kind.name], width=WIDTH)
        for content in drawn.values():
            command = f"lodo-tune figures {run} --only {kind.name} --width {WIDTH:g} --output figures"
            yield Shown(kind.name, kind.title, kind.caption, command, content)


def page(shown: list[Shown], database: Database) -> str:
    """Return the text of the page."""
    parts = [HEAD.format(search=SEARCH, comparison=COMPARISON, sweep=SWEEP, front=FRONT), "## Figures\n"]
    parts += [
        f"### {one.title}\n\n```shell\n{one.command}\n```\n\n{one.caption}\n\n"
        f"![{one.title}](images/gallery/{one.name}.png)\n"
        for one in shown
    ]
    parts.append("## Tables\n")
    parts += [
        f"### {title}\n\n```shell\n{command}\n```\n\n```text\n{make(database)}\n```\n"
        for title, command, make in TABLES
    ]
    return "\n".join(parts)


def is_like(path: Path, png: bytes) -> bool:
    """Return whether a stored picture is the one that is drawn now, up to the rounding of other processors."""
    if not path.exists():
        return False
    stored, drawn = imread(path), imread(io.BytesIO(png))
    return stored.shape == drawn.shape and float(np.abs(stored - drawn).mean()) < MAX_DIFFERENCE


if __name__ == "__main__":
    sys.exit(main())
