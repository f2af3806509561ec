"""Counts of the changes of studies, by which readers notice what is new.

The number of a study is raised in the transaction that changes its rows. Only the driver that holds the study writes to
it, and the study's row is locked until it commits, so that numbers are seen in rising order: a reader that knows a
number misses no change, whatever the order in which transactions of different studies commit. (A common sequence of
events would not do on PostgreSQL, where a row with a lower id may become visible after one with a higher id.)

There is one short row per study, and no history: what has changed is in the rows of the study. A renewed lease is no
change.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from tuner.storage.errors import UnknownStudy
from tuner.storage.tables import changes


def begin(connection: Connection, study_id: int) -> None:
    """Start to count the changes of a new study at 0."""
    connection.execute(insert(changes).values(study_id=study_id, number=0))


def count(connection: Connection, study_id: int) -> None:
    """Count a change of a study, whose row is locked by the caller."""
    connection.execute(update(changes).where(changes.c.study_id == study_id).values(number=changes.c.number + 1))


def numbers(connection: Connection) -> dict[int, int]:
    """Return the number of changes of every study, by its id."""
    return {row.study_id: row.number for row in connection.execute(select(changes))}


def number(connection: Connection, study_id: int) -> int:
    """Return the number of changes of a study.

    Raises:
        UnknownStudy: The study does not exist.
    """
    found = connection.scalar(select(changes.c.number).where(changes.c.study_id == study_id))
    if found is None:
        raise UnknownStudy(f"there is no study with id {study_id} in the database")
    return int(found)
