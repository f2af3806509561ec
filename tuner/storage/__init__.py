"""Studies in a database: its tables, the store that reads and writes them, and the migrations."""

from tuner.storage.attempts import AttemptRecord
from tuner.storage.checking import Soundness
from tuner.storage.errors import (
    BadName,
    BadUrl,
    Changed,
    Conflict,
    Damaged,
    DiskFull,
    Gone,
    Incomplete,
    LeaseLost,
    Locked,
    NewerSchema,
    NoDatabase,
    NotAdmitted,
    NotOurs,
    OlderSchema,
    StorageError,
    StudyComplete,
    StudyExists,
    StudyOwned,
    UnknownCandidate,
    UnknownStudy,
    Unreachable,
    Unwritable,
)
from tuner.storage.names import check_run_name
from tuner.storage.processes import this_process
from tuner.storage.store import Store

__all__ = [
    "AttemptRecord",
    "BadName",
    "BadUrl",
    "Changed",
    "Conflict",
    "Damaged",
    "DiskFull",
    "Gone",
    "Incomplete",
    "LeaseLost",
    "Locked",
    "NewerSchema",
    "NoDatabase",
    "NotAdmitted",
    "NotOurs",
    "OlderSchema",
    "Soundness",
    "StorageError",
    "Store",
    "StudyComplete",
    "StudyExists",
    "StudyOwned",
    "UnknownCandidate",
    "UnknownStudy",
    "Unreachable",
    "Unwritable",
    "check_run_name",
    "this_process",
]
