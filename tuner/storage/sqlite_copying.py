"""Rows of a study's candidates from one SQLite database to another, as they are.

Both store values alike, so that none is decoded and encoded again. `copying.py` copies between other databases.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table

from tuner.storage.tables import candidates

BATCH_SIZE = 500  # rows in memory at a time
_IDS = ("id", "study_id", "candidate_id")
_NUMBERED = """
    SELECT *, ROW_NUMBER() OVER (ORDER BY role, generation, slot) AS place FROM candidates WHERE study_id = ?
"""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a study in one table.

    Attributes:
        table: The table: `candidates`, or one with rows of candidates.
        order: Columns by which the rows of one candidate are in order.
        changed: Expressions of SQL, by the columns that a copy does not take as they are.
    """

    table: Table
    order: Sequence[str] = ()
    changed: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Names of the columns but ids, which another database gives."""
        return [column.name for column in self.table.columns if column.name not in _IDS]

    def rows(self, connection: Connection, study_id: int) -> Iterator[tuple[object, ...]]:
        """Yield the place of the candidate, from 1 in the order of keys, and the values of `columns`, of each row."""
        name = self.table.name
        selected = ", ".join(self.changed.get(column, f'{name}."{column}"') for column in self.columns)
        if self.table is candidates:
            rows, order = f"({_NUMBERED}) AS candidates", "place"
        else:
            rows = f"({_NUMBERED}) AS numbered JOIN {name} ON {name}.candidate_id = numbered.id"
            order = ", ".join(["place", *(f"{name}.{column}" for column in self.order)])
        query = f"SELECT place, {selected} FROM {rows} ORDER BY {order}"  # noqa: S608 - names of tables.py
        for part in connection.exec_driver_sql(query, (study_id,)).partitions(BATCH_SIZE):
            yield from map(tuple, part)


def copy_rows(source: Connection, target: Connection, study_id: int, new: int, parts: Sequence[Part]) -> None:
    """Copy the rows of a study's candidates.

    Args:
        source: In a reading transaction.
        target: In a writing transaction.
        study_id: Id of the study.
        new: Id of its copy.
        parts: The tables, of which the first is `candidates`.
    """
    last = target.exec_driver_sql("SELECT coalesce(max(id), 0) FROM candidates").scalar_one()
    for part in parts:
        ids = ("id", "study_id") if part.table is candidates else ("candidate_id",)
        further = (new,) if part.table is candidates else ()
        names = [*ids, *part.columns]
        listed, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        statement = f"INSERT INTO {part.table.name} ({listed}) VALUES ({places})"  # noqa: S608 - names of tables.py
        rows = part.rows(source, study_id)
        while batch := list(itertools.islice(rows, BATCH_SIZE)):
            target.exec_driver_sql(statement, [(last + place, *further, *values) for place, *values in batch])


def are_equal(source: Connection, study_id: int, target: Connection, other: int, parts: Sequence[Part]) -> bool:
    """Return whether the rows of two studies have the same bytes, apart from ids."""
    return all(
        one == another
        for part in parts
        for one, another in itertools.zip_longest(part.rows(source, study_id), part.rows(target, other))
    )
