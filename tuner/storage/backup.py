"""Backups of SQLite databases, consistent even while a driver writes."""

from __future__ import annotations

import filecmp
import glob
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from tuner.storage import database_errors, sqlite_file
from tuner.storage.errors import Damaged, Locked, StorageError

WHAT = "the backup"  # the new file, as errors name it
_MAX_ATTEMPTS = 10  # to read the file without locks while another process writes to it


def back_up(path: Path, backup: Path) -> None:
    """Copy a database file into a new file, entirely or not at all.

    Args:
        path: The database.
        backup: Path of the new file.

    Raises:
        Unwritable: The new file exists already, or its directory cannot be written.
        DiskFull: No space is left for the new file.
        Damaged: The database is damaged, and its backup would be too.
        StorageError: The database cannot be read.
    """
    sqlite_file.create(backup, lambda new: _copy(path, new, backup), what=WHAT, exclusive=True)


def _copy(path: Path, new: Path, backup: Path) -> None:
    """Copy every page of a database, and check the copy."""
    for _ in range(_MAX_ATTEMPTS):
        before, without_locks = sqlite_file.identity(path), sqlite_file.must_read_without_locks(path)
        url = f"file:{quote(str(path.absolute()))}?{'immutable=1' if without_locks else 'mode=ro'}"
        with closing(sqlite3.connect(new)) as target:
            try:
                with closing(sqlite3.connect(url, uri=True)) as source:
                    source.backup(target)
                result = target.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.Error as error:
                raise _storage_error(error, path, backup) from error
        if not without_locks or sqlite_file.is_unchanged(path, before):
            break
        new.write_bytes(b"")
    else:
        raise Locked(f"the database {str(path)!r} was written to while it was read; try again")
    if result != "ok":
        raise _damaged(path, str(result).strip().splitlines()[-1])


def _damaged(path: Path, fault: str) -> Damaged:
    return Damaged(
        f"the database {str(path)!r} is damaged ({fault}), and a backup would be damaged too; restore it from an "
        "earlier backup, or see with 'lodo-tune database check' what is left"
    )


def _storage_error(error: sqlite3.Error, path: Path, backup: Path) -> StorageError:
    """Return the error of the storage: a lack of space concerns the new file, anything else the database."""
    if database_errors.is_out_of_space(error):
        return sqlite_file.disk_full_error(backup, WHAT)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    return StorageError(f"the database {str(path)!r} cannot be copied: {error}")


def kept(path: Path, version: str) -> list[Path]:
    """Return the backups that `before_upgrade` made of a database with this schema version, oldest first."""
    backups = path.parent.glob(f"{glob.escape(path.name)}.schema-{version}*.backup")
    return sorted(backups, key=lambda file: file.stat().st_mtime_ns)


def before_upgrade(path: Path, version: str) -> Path:
    """Back up a database before its schema is upgraded, in the same directory, and return the path of the backup.

    If an upgrade that was not completed has left an identical backup, that one is returned.

    Args:
        path: The database.
        version: Version of its schema, which becomes part of the backup's name.

    Raises:
        StorageError: The backup could not be made; see `back_up`.
    """
    earlier = kept(path, version)
    names = (f"{path.name}.schema-{version}{f'-{number}' if number else ''}.backup" for number in range(1000))
    backup = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    back_up(path, backup)
    for same in earlier:
        if filecmp.cmp(backup, same, shallow=False):
            backup.unlink()
            return same
    return backup
