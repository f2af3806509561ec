"""Studies of an open database by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.storage import Damaged, Store


def find(store: Store, names: Sequence[str], damaged: list[Damaged] | None = None) -> list[StudyRecord]:
    """Return the named studies and those of the named runs, each once; without a name, all.

    Args:
        store: Open database.
        names: Names of studies and runs.
        damaged: If no name is given, a list to which an error is appended for each study that cannot be read. Default:
            the error is raised.

    Raises:
        InvalidRequest: The database has no study.
        UnknownStudy: A name is not that of a run or study.
    """
    records = [record for name in names for record in store.find(name)] if names else store.studies(damaged)
    if not records and not damaged:
        raise InvalidRequest("database", f": {store.url} has no study yet; start a search, or name another database")
    return list({record.id: record for record in records}.values())


def by_run(records: Iterable[StudyRecord]) -> dict[str, list[StudyRecord]]:
    """Return studies by the name of their run."""
    runs: dict[str, list[StudyRecord]] = {}
    for record in records:
        runs.setdefault(record.spec.run, []).append(record)
    return runs
