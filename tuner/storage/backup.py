"""A copy of a SQLite database that is whole, also while a driver writes to it."""

from __future__ import annotations

import glob
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from tuner.storage import sqlite_file
from tuner.storage.errors import StorageError, Unwritable


def back_up(path: Path, backup: Path) -> None:
    """Copy a database file into a new one, in one piece or not at all.

    Args:
        path: A database of ours.
        backup: Where nothing is yet.

    Raises:
        Unwritable: Something is there already, or its directory cannot be written.
        DiskFull: There is no space for it.
        StorageError: The database cannot be read.
    """
    check_free(backup)

    def fill(new: Path) -> None:
        source = f"file:{quote(str(path.absolute()))}?mode=ro"
        try:
            with closing(sqlite3.connect(source, uri=True)) as here, closing(sqlite3.connect(new)) as there:
                here.backup(there)
        except sqlite3.Error as error:
            raise StorageError(f"the database {str(path)!r} cannot be copied: {error}") from error

    sqlite_file.create(backup, fill)


def check_free(backup: Path) -> None:
    """Refuse a name that is taken.

    Raises:
        Unwritable: It is.
    """
    if backup.exists():
        raise Unwritable(f"{str(backup)!r} is there already; name another file for the backup")


def kept(path: Path, version: str) -> list[Path]:
    """Return what `before_upgrade` has kept of a database of this version."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.schema-{version}*.backup"))


def before_upgrade(path: Path, version: str) -> Path:
    """Keep a database as it is before its schema is brought up to date, and return where: beside it, with its version.

    Raises:
        As `back_up`.
    """
    names = (f"{path.name}.schema-{version}{f'-{number}' if number else ''}.backup" for number in range(1000))
    place = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    back_up(path, place)
    return place
