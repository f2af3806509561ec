"""The folder of the data sets, for the duration of a call."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tasks.data_folder import using
from tuner.core.errors import InvalidRequest


def using_data(folder: Path | None) -> contextlib.AbstractContextManager[None]:
    """Return a context in which data sets are read from a folder; None changes nothing.

    Raises:
        InvalidRequest: There is no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise InvalidRequest("data_dir", f": there is no folder {folder}")
    return using(None if folder is None else folder.resolve())
