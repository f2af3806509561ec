"""A copy of a SQLite database that is whole, also while a driver writes to it."""

from __future__ import annotations

import filecmp
import glob
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from tuner.storage import failures, sqlite_file
from tuner.storage.errors import Damaged, Locked, StorageError

WHAT = "the backup"  # as errors name the new file
_ATTEMPTS = 10


def back_up(path: Path, backup: Path) -> None:
    """Copy a database file into a new one, in one piece or not at all.

    Args:
        path: A database of ours.
        backup: Where nothing is yet.

    Raises:
        Unwritable: Something is there already, or its directory cannot be written.
        DiskFull: There is no space for it.
        Damaged: The database is not whole, and neither would its backup be.
        StorageError: The database cannot be read.
    """
    sqlite_file.create(backup, lambda new: _copy(path, new, backup), what=WHAT, alone=True)


def _copy(path: Path, new: Path, backup: Path) -> None:
    """Copy every page of a database, and look at what has arrived."""
    for _ in range(_ATTEMPTS):
        before, alone = sqlite_file.identity(path), sqlite_file.is_to_be_left_alone(path)
        source = f"file:{quote(str(path.absolute()))}?{'immutable=1' if alone else 'mode=ro'}"
        with closing(sqlite3.connect(new)) as there:
            try:
                with closing(sqlite3.connect(source, uri=True)) as here:
                    here.backup(there)
                found = there.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.Error as error:
                raise _told(error, path, backup) from error
        if not alone or sqlite_file.is_untouched(path, before):
            break
        new.write_bytes(b"")
    else:
        raise Locked(f"the database {str(path)!r} was written to while it was read; try again")
    if found != "ok":
        raise _damaged(path, str(found).strip().splitlines()[-1])


def _damaged(path: Path, fault: str) -> Damaged:
    return Damaged(
        f"the database {str(path)!r} is damaged ({fault}), and a backup of it would be, too; restore it from an "
        "earlier backup, or see with 'lodo-tune database check' what is left of it"
    )


def _told(error: sqlite3.Error, path: Path, backup: Path) -> StorageError:
    """Return the storage's error: what concerns space is about the new file, all else about the old one."""
    if failures.is_out_of_space(error):
        return sqlite_file.full(backup, WHAT)
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    return StorageError(f"the database {str(path)!r} cannot be copied: {error}")


def kept(path: Path, version: str) -> list[Path]:
    """Return what `before_upgrade` has kept of a database of this version, the oldest first."""
    found = path.parent.glob(f"{glob.escape(path.name)}.schema-{version}*.backup")
    return sorted(found, key=lambda file: file.stat().st_mtime_ns)


def before_upgrade(path: Path, version: str) -> Path:
    """Keep a database as it is before its schema is brought up to date, and return where: beside it, with its version.

    One that is kept just so already, because an earlier upgrade did not come to its end, is not kept twice.

    Raises:
        As `back_up`.
    """
    earlier = kept(path, version)
    names = (f"{path.name}.schema-{version}{f'-{number}' if number else ''}.backup" for number in range(1000))
    place = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    back_up(path, place)
    for same in earlier:
        if filecmp.cmp(place, same, shallow=False):
            place.unlink()
            return same
    return place
