"""An HTML page on runs: tables, figures, failures and costs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tuner.api.database import Database, unique
from tuner.core import files
from tuner.core.errors import InvalidRequest
from tuner.core.study import StudyRecord
from tuner.studies import machine


def write_report(database: Database, names: Sequence[str], path: Path, *, overwrite: bool) -> None:
    """Write a report of the named runs and studies, or of all.

    Raises:
        InvalidRequest: There is no study.
        StorageError: The database cannot be read, or a name is unknown.
        NotWritten: The file cannot be written; what was there before is untouched.
    """
    del names
    with database.reading() as store:
        studies: list[StudyRecord] = unique(store, [])
        if not studies:
            raise InvalidRequest("database", f": {store.url} holds no study yet")
    _ = replace, datetime.now(UTC), machine, files, path, overwrite
    raise NotImplementedError
