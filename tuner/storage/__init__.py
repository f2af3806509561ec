"""Storage of studies in a SQL database; `Store` is the entrance."""

from tuner.storage.attempts import AttemptRecord
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
    NotPossible,
    OlderSchema,
    StorageError,
    StudyComplete,
    StudyExists,
    StudyOwned,
    UnknownCandidate,
    UnknownStudy,
    UnknownToken,
    Unreachable,
    Unwritable,
)
from tuner.storage.integrity import Soundness
from tuner.storage.processes import this_process
from tuner.storage.service_store import ServiceStore
from tuner.storage.store import Store
from tuner.storage.validation import check_run_name

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
    "NotPossible",
    "OlderSchema",
    "ServiceStore",
    "Soundness",
    "StorageError",
    "Store",
    "StudyComplete",
    "StudyExists",
    "StudyOwned",
    "UnknownCandidate",
    "UnknownStudy",
    "UnknownToken",
    "Unreachable",
    "Unwritable",
    "check_run_name",
    "this_process",
]
