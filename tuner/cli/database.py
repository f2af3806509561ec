"""Which database a command speaks to."""

from __future__ import annotations

import os

from tuner.core.errors import UsageError

DEFAULT_DATABASE = "lodo-tune.db"
PATIENCE = 60.0  # seconds for which a server that goes away under a run is waited for


def database(option: str | None) -> str:
    """Return the database: the option's, the environment's (LODO_TUNE_DATABASE), or lodo-tune.db in this folder.

    Raises:
        UsageError: The option is empty.
    """
    if option == "":
        raise UsageError("--database is a file or a URL. Received: ''")
    return option or os.environ.get("LODO_TUNE_DATABASE") or DEFAULT_DATABASE
