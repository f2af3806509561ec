"""Errors of the storage, each with the exit code of a command that ends with it."""

# ruff: noqa: N818 - the names state what is the case, as in `except StudyOwned`

from __future__ import annotations

from tuner.core.errors import LodoTuneError


class StorageError(LodoTuneError):
    """Base class of all errors about a database or its contents; the text is one line without passwords."""


class BadUrl(StorageError):
    """The text is not the URL of a supported database."""

    exit_code = 2


class BadName(StorageError, ValueError):
    """A name or a text breaks the rule for what may be stored."""

    exit_code = 2


class NotAdmitted(StorageError):
    """The database server rejected the login: user name, password or its access rules do not match."""

    exit_code = 2


class NoDatabase(StorageError):
    """There is no database to read at this location."""


class NotOurs(StorageError):
    """The file or database was not created by this program; it is left unchanged."""


class Damaged(StorageError):
    """The database was created by this program, but part of it cannot be read."""


class NewerSchema(StorageError):
    """The database was created by a later version of this program."""


class OlderSchema(StorageError):
    """The database was created by an earlier version of this program, and is opened read-only."""


class Unwritable(StorageError):
    """The file, its directory or the database role does not permit writing."""


class DiskFull(StorageError):
    """No space is left, or the limit on the size of files is reached; acknowledged writes are safe."""

    exit_code = 74


class Gone(StorageError):
    """The file of the database was deleted or replaced while it was open."""


class Locked(StorageError):
    """Another process held a lock on the database for longer than the busy timeout."""

    exit_code = 75


class Changed(Locked):
    """The database was written to while it was read without locks, so the values read may be wrong."""


class Unreachable(StorageError):
    """The database server cannot be reached, or the connection to it was lost."""

    exit_code = 75


class UnknownStudy(StorageError):
    """No study has this name."""


class UnknownCandidate(StorageError):
    """The study has no candidate with this key."""


class StudyExists(StorageError):
    """A study of this name exists already."""


class StudyComplete(StorageError):
    """The study is complete, so no driver can acquire it."""


class Incomplete(StorageError):
    """The study cannot be marked as complete: candidates are missing or unfinished."""


class Conflict(StorageError):
    """A different value is stored already under this key."""


class NotPossible(StorageError):
    """A run cannot be asked for this in the state that it has reached."""


class UnknownToken(StorageError):
    """There is no such token."""


class StudyOwned(StorageError):
    """Another driver holds the study."""

    exit_code = 73


class LeaseLost(StorageError):
    """The caller no longer holds the study, so its write was refused."""

    exit_code = 73
