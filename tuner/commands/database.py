"""Which database a command speaks to."""

from __future__ import annotations

import os

DEFAULT_DATABASE = "lodo-tune.db"


def database(option: str | None) -> str:
    """Return the database: the option's, the environment's (LODO_TUNE_DATABASE), or lodo-tune.db in this folder."""
    return option or os.environ.get("LODO_TUNE_DATABASE") or DEFAULT_DATABASE
