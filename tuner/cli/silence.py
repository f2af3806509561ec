"""Silence a stream of this process whose reader has closed it."""

from __future__ import annotations

import os
from typing import IO, Any


def silence(stream: IO[Any]) -> None:
    """Redirect a stream of this process to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
