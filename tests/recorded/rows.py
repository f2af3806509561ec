"""What a run left, as JSON takes it: the rows of its studies, or what its commands printed.

The database is read by its tables' names alone. Times, places, attempts and whatever else two equal runs need not share
are left out.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

SHOWN = 3  # losses at either end
CLOCKS = ("@seconds", "@elapsed")  # columns of observations
_TIMED = ("seconds", "elapsed")

_STUDIES = "SELECT id, run, optimizer, seed, status, tuned, tuned_genome, notes FROM studies WHERE run = ? ORDER BY id"
_CANDIDATES = """
    SELECT candidates.id AS id, role, generation, slot, genome, hyperparameters, seed, steps,
           candidates.status AS status, evaluations.status AS evaluated, fitness, steps_done, reason,
           dtype, length, data
    FROM candidates
    LEFT JOIN evaluations ON evaluations.candidate_id = candidates.id
    LEFT JOIN curves ON curves.candidate_id = candidates.id
    WHERE study_id = ? ORDER BY role, generation, slot
"""
_OBSERVATIONS = """
    SELECT split, name, dtype, length, data FROM observations
    WHERE candidate_id = ? AND split NOT IN ('time', 'training') ORDER BY split, name
"""
# Clocks decide after how many evaluations training reports, and all of time; validation and test have points of theirs.


def studies(database: Path, run: str) -> list[dict[str, Any]]:
    """Return the studies of a run with their candidates, in the order of their making."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [_study(connection, row) for row in connection.execute(_STUDIES, (run,)).fetchall()]


def _study(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    candidates = connection.execute(_CANDIDATES, (row["id"],)).fetchall()
    return {
        "study": f"{row['run']}/{row['optimizer']}",
        "seed": row["seed"],
        "status": row["status"],
        "tuned": _json(row["tuned"]),
        "tuned_genome": _json(row["tuned_genome"]),
        "notes": _json(row["notes"]),
        "candidates": [_candidate(connection, candidate) for candidate in candidates],
    }


def _candidate(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    found = {
        "candidate": f"{row['role']} {row['generation']}/{row['slot']}",
        "genome": _json(row["genome"]),
        "hyperparameters": _json(row["hyperparameters"]),
        "seed": row["seed"],
        "steps": row["steps"],
        "status": row["status"],
    }
    if row["evaluated"] is not None:
        found["evaluation"] = {
            "status": row["evaluated"],
            "fitness": number(row["fitness"]),
            "steps_done": row["steps_done"],
            "reason": row["reason"],
        }
    if row["dtype"] is not None:
        found["losses"] = losses(_column(row))
    observations: dict[str, dict[str, list[Any]]] = {}
    for column in connection.execute(_OBSERVATIONS, (row["id"],)):
        if column["name"] not in CLOCKS:
            observations.setdefault(column["split"], {})[column["name"]] = [*map(number, _column(column).tolist())]
    if observations:
        found["observations"] = observations
    return found


def _column(row: sqlite3.Row) -> np.ndarray:
    """Decode a stored column of numbers: zlib of its bytes, first the lowest of each number, then the next."""
    dtype = np.dtype(row["dtype"]).newbyteorder("<")
    raw = np.frombuffer(zlib.decompress(row["data"]), np.uint8)
    numbers = np.ascontiguousarray(raw.reshape(dtype.itemsize, row["length"]).T)
    return numbers.reshape(-1).view(dtype)


def losses(array: np.ndarray) -> dict[str, Any]:
    """Return the hash of losses, their length, and the first and the last of them."""
    return {
        "dtype": array.dtype.newbyteorder("=").name,
        "length": array.size,
        "sha256": hashlib.sha256(array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest(),
        "first": [*map(number, array[:SHOWN].tolist())],
        "last": [*map(number, array[-SHOWN:].tolist())],
    }


def printed(text: str) -> Any:
    """Return what a command printed as JSON, without times, and with losses as `losses` returns them."""
    document = json.loads(text)
    return _untimed(document, document.get("dtype"))


def _untimed(value: Any, dtype: str | None) -> Any:
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if not any(word in key for word in _TIMED)}
        return {
            key: losses(np.array(one, dtype)) if key == "losses" else _untimed(one, dtype) for key, one in kept.items()
        }
    return [_untimed(one, dtype) for one in value] if isinstance(value, list) else value


def number(value: float) -> float | str:
    """Return a number as strict JSON takes it: those that are not finite as text."""
    return value if math.isfinite(value) else repr(float(value))


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)
