"""The user's home folder, which a container or a batch system may not provide.

Uses the standard library only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path


def writable_home() -> Path | None:
    """Return the user's home folder, or None if files cannot be written there.

    That is the case without HOME for a user without an entry in the password file, and if the folder is missing or
    read-only.
    """
    try:
        home = Path.home()
        tempfile.TemporaryFile(dir=home).close()
    except (OSError, RuntimeError):
        return None
    return home
