"""Records what the command line gives today; see the package."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.recorded import EXPECTED, FOLDER, INTERRUPTED, RUNS
from tests.recorded.machine import machine
from tests.recorded.replay import Replay

ELSEWHERE = "elsewhere"
"""In place of this machine's name in the databases."""


def write(name: str, found: dict[str, Any]) -> None:
    """Write what a run left, one candidate per line."""
    lines = [f' "command": {json.dumps(RUNS[name].commands)}', f' "machine": {json.dumps(machine(), indent=2)}']
    if "printed" in found:
        lines.append(f' "printed": {json.dumps(found["printed"], indent=1)}')
    else:
        lines.append(' "studies": [\n' + ",\n".join(map(_study, found["studies"])) + "\n ]")
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _study(study: dict[str, Any]) -> str:
    lines = [f"   {json.dumps(key)}: {json.dumps(study[key])}" for key in study if key != "candidates"]
    candidates = ",\n".join(f"    {json.dumps(candidate)}" for candidate in study["candidates"])
    return "  {\n" + ",\n".join(lines) + f',\n   "candidates": [\n{candidates}\n   ]\n  }}'


def interrupt(kind: str, with_signal: signal.Signals) -> None:
    """Write the database of a run that was interrupted half way in its first study."""
    name = EXPECTED[kind]
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(Path(folder))
        if RUNS[name].after is not None:
            replay.of(RUNS[name].after)
        generation = 1 if kind == "search" else 0
        replay.interrupt(name, with_signal, lambda: _done(replay.database, name, generation) >= 2)
        done, candidates = _done(replay.database, name, generation), RUNS[name]
        print(f"{kind}: {done} candidates of generation {generation} were done: {candidates.name}")
        with closing(sqlite3.connect(replay.database)) as connection:
            _make_anonymous(connection)
        target = INTERRUPTED / f"{kind}.db"
        target.unlink(missing_ok=True)
        shutil.copy(replay.database, target)


def _done(database: Path, run: str, generation: int) -> int:
    """Count the candidates of a generation of a run's studies that have been evaluated."""
    if not database.exists():
        return 0
    query = """
        SELECT count(*) FROM evaluations
        JOIN candidates ON candidates.id = candidate_id JOIN studies ON studies.id = study_id
        WHERE run = ? AND generation = ? AND role IN ('search', 'comparison')
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(query, (run, generation)).fetchone()[0]
        except sqlite3.OperationalError:  # its tables are not there yet
            time.sleep(0.05)
            return 0


def _make_anonymous(connection: sqlite3.Connection) -> None:
    """Take this machine's name, clock and paths out of a database.

    A lease that was not given back becomes one from another machine, which ran out long ago by any clock.
    """
    with connection:
        connection.execute("UPDATE studies SET task = 'points.py:Points'")
        connection.execute(
            "UPDATE studies SET owner = ?, owner_machine = NULL, owner_started = NULL, renewed_at = 0,"
            " renewed_uptime = 0 WHERE owner IS NOT NULL",
            (f"{ELSEWHERE}:1",),
        )
        connection.execute("UPDATE studies SET hardware = json_set(hardware, '$.node', ?)", (ELSEWHERE,))
        for table in ("attempts", "evaluations"):
            connection.execute(f"UPDATE {table} SET node = ?", (ELSEWHERE,))
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")


names = sys.argv[1:] or [*RUNS, "interrupted"]
with tempfile.TemporaryDirectory() as temporary:
    runs = Replay(Path(temporary))
    for chosen in names:
        began = time.monotonic()
        if chosen == "interrupted":
            interrupt("search", signal.SIGKILL)
            interrupt("comparison", signal.SIGINT)
        else:
            write(chosen, runs.of(chosen))
        print(f"{chosen}: {time.monotonic() - began:.1f} s", flush=True)
