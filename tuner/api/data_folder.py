"""The folder of the data sets, for the duration of a call."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tuner.core.errors import InvalidRequest


@contextlib.contextmanager
def using_data(folder: Path | None) -> Iterator[None]:
    """Look for data sets in a folder while the context is open, here and in the workers; None changes nothing.

    Raises:
        InvalidRequest: There is no such folder.
    """
    if folder is None:
        yield
        return
    if not folder.is_dir():
        raise InvalidRequest("data_dir", f": there is no folder {folder}")
    before = os.environ.get("LODO_DATA_DIR")
    os.environ["LODO_DATA_DIR"] = str(folder.resolve())
    try:
        yield
    finally:
        os.environ.pop("LODO_DATA_DIR")
        if before is not None:
            os.environ["LODO_DATA_DIR"] = before
