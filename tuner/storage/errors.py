"""Errors of the storage: one line each for people, with the exit code of a command that ends by it."""

# ruff: noqa: N818 - the names say what is the case, as in `except StudyOwned`

from __future__ import annotations

from typing import ClassVar


class StorageError(Exception):
    """Something about the database or what it holds; its text is one line and never holds a password."""

    exit_code: ClassVar[int] = 1


class BadUrl(StorageError):
    """The text is not the URL of a database that can be used."""

    exit_code = 2


class BadName(StorageError, ValueError):
    """A name breaks the rule for names."""

    exit_code = 2


class NotAdmitted(StorageError):
    """The database server does not let this user in: its name, its password or the server's rules are against it."""

    exit_code = 2


class NoDatabase(StorageError):
    """There is nothing to read at this place."""


class NotOurs(StorageError):
    """What is there was not made by this program; it is left as it is."""


class Damaged(StorageError):
    """The database is ours, but part of it cannot be read."""


class NewerSchema(StorageError):
    """The database was made by a later version of this program."""


class OlderSchema(StorageError):
    """The database was made by an earlier version, and was opened for reading only."""


class Unwritable(StorageError):
    """The file, its directory or the database role does not allow writing."""


class DiskFull(StorageError):
    """No space is left, or a limit on the file's size is reached; what was acknowledged before is safe."""

    exit_code = 74


class Gone(StorageError):
    """The database's file was deleted or replaced while it was open."""


class Locked(StorageError):
    """Another process held the database for longer than the busy timeout."""

    exit_code = 75


class Changed(Locked):
    """Somebody wrote to the database while it was read without locks; what was read may be wrong."""


class Unreachable(StorageError):
    """The database server cannot be reached, or went away."""

    exit_code = 75


class UnknownStudy(StorageError):
    """No study has this name."""


class UnknownCandidate(StorageError):
    """The study has no candidate with this key."""


class StudyExists(StorageError):
    """A study of this name is there already."""


class StudyComplete(StorageError):
    """The study is complete and takes no more drivers."""


class Incomplete(StorageError):
    """A study cannot be called complete while candidates are missing or unfinished."""


class Conflict(StorageError):
    """Something else is stored already under this key."""


class StudyOwned(StorageError):
    """Another driver holds the study."""

    exit_code = 73


class LeaseLost(StorageError):
    """The caller no longer holds the study, so its write was refused."""

    exit_code = 73
