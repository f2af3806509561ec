"""Rows of observations: the measurements of candidates other than losses.

The observations of one split are a table (evaluations, seconds, elapsed and metrics) whose columns are stored like
curves, one column per row.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from tuner.core.study import Series
from tuner.core.trial import MILESTONES, OBJECTIVES, RUNNING, Key, Observation, Role
from tuner.storage.curves import EncodedCurve, decode, encode
from tuner.storage.errors import Damaged
from tuner.storage.tables import candidates, observations
from tuner.storage.validation import check_text

_CLOCKS = ("@evaluations", "@seconds", "@elapsed")  # reserved: no metric may have such a name

Columns = dict[tuple[str, str], EncodedCurve]  # (split, name) -> column


def prepare(observations: Sequence[Observation]) -> Columns:
    """Encode a candidate's observations.

    Raises:
        ValueError: A metric has the name of a clock, or a value is not a number.
        BadName: A name cannot be stored.
    """
    by_split: dict[str, list[Observation]] = defaultdict(list)
    for one in observations:
        by_split[check_text("a split", one.split, 16)].append(one)
    columns: Columns = {}
    for split, some in by_split.items():
        clocks = zip(*((float(one.evaluations), one.seconds, one.elapsed) for one in some), strict=True)
        columns |= {(split, name): encode(clock) for name, clock in zip(_CLOCKS, clocks, strict=True)}
        for name in dict.fromkeys(name for one in some for name in one.metrics):
            if name in _CLOCKS:
                raise ValueError(f"a metric must not be named as a clock is, {', '.join(_CLOCKS)}. Received: {name!r}")
            numbers = [float(one.metrics.get(name, math.nan)) for one in some]
            columns[split, check_text("a metric's name", name, 64)] = encode(numbers)
    return columns


def write(connection: Connection, accepted: Mapping[int, Columns]) -> None:
    """Insert the observations of candidates, given by id, in the transaction that makes them final."""
    rows = [
        {
            "candidate_id": candidate,
            "split": split,
            "name": name,
            "dtype": column.dtype,
            "length": column.length,
            "data": column.data,
        }
        for candidate, columns in accepted.items()
        for (split, name), column in columns.items()
    ]
    if rows:
        connection.execute(insert(observations), rows)


def read(connection: Connection, study_id: int, key: Key | None = None) -> dict[Key, dict[str, Series]]:
    """Return the observations of a study's candidates, or of one, by key and split; one without any is left out.

    Raises:
        Damaged: A stored column cannot be read.
    """
    query = (
        select(observations, candidates.c.role, candidates.c.generation, candidates.c.slot)
        .join(candidates, candidates.c.id == observations.c.candidate_id)
        .where(candidates.c.study_id == study_id)
    )
    if key is not None:
        place = (candidates.c.role == key.role.value, candidates.c.generation == key.generation)
        query = query.where(*place, candidates.c.slot == key.slot)
    encoded: dict[Key, dict[str, dict[str, EncodedCurve]]] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(query):
        of = Key(Role(row.role), row.generation, row.slot)
        encoded[of][row.split][row.name] = EncodedCurve(row.dtype, row.length, row.data)
    return {
        key: {split: read_series(columns) for split, columns in splits.items()}
        for key, splits in sorted(encoded.items())
    }


def further_fitnesses(connection: Connection, study_id: int) -> dict[Key, tuple[float, ...]]:
    """Return the fitnesses of candidates by the objectives after the first, of those that have any.

    Raises:
        Damaged: A stored column cannot be read.
    """
    query = (
        select(observations, candidates.c.role, candidates.c.generation, candidates.c.slot)
        .join(candidates, candidates.c.id == observations.c.candidate_id)
        .where(candidates.c.study_id == study_id, observations.c.split == OBJECTIVES)
        .order_by(observations.c.name)
    )
    found: dict[Key, tuple[float, ...]] = {}
    for row in connection.execute(query):
        if row.name not in _CLOCKS:
            key = Key(Role(row.role), row.generation, row.slot)
            (value,) = decode(EncodedCurve(row.dtype, row.length, row.data)).tolist()
            found[key] = (*found.get(key, ()), value)
    return found


def milestones(connection: Connection, study_id: int) -> dict[Key, tuple[tuple[int, float], ...]]:
    """Return step and running fitness of the milestones that candidates of a study have reached.

    Raises:
        Damaged: A stored column cannot be read.
    """
    query = (
        select(observations, candidates.c.role, candidates.c.generation, candidates.c.slot)
        .join(candidates, candidates.c.id == observations.c.candidate_id)
        .where(candidates.c.study_id == study_id, observations.c.split == MILESTONES)
    )
    columns: dict[Key, dict[str, EncodedCurve]] = defaultdict(dict)
    for row in connection.execute(query):
        columns[Key(Role(row.role), row.generation, row.slot)][row.name] = EncodedCurve(row.dtype, row.length, row.data)
    found = {}
    for key, encoded in columns.items():
        series = read_series(encoded)
        if RUNNING not in series.metrics:
            raise Damaged(f"the milestones of {key.role} {key.generation}/{key.slot} have no {RUNNING}")
        found[key] = tuple(zip(map(int, series.evaluations.tolist()), series.metrics[RUNNING].tolist(), strict=True))
    return found


def read_series(columns: Mapping[str, EncodedCurve]) -> Series:
    """Decode the observations of one split.

    Raises:
        Damaged: A column cannot be read, a clock is missing, or the columns differ in length.
    """
    numbers: dict[str, Any] = {name: decode(column) for name, column in columns.items()}
    if not numbers.keys() >= set(_CLOCKS) or len({len(column) for column in numbers.values()}) != 1:
        raise Damaged(f"stored observations are incomplete: {', '.join(sorted(numbers))}")
    evaluations, seconds, elapsed = (numbers.pop(name) for name in _CLOCKS)
    return Series(
        evaluations, seconds, elapsed, dict(sorted(numbers.items(), key=lambda item: (item[0] != "loss", item[0])))
    )
