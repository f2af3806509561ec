"""Silence a stream of this process whose reader has gone."""

from __future__ import annotations

import os
from typing import IO, Any


def silence(stream: IO[Any]) -> None:
    """Send what is still to be written to a stream of this process nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
