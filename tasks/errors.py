"""Errors of tasks and data sets, each with a message of one line."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

MAX_MESSAGE = 250  # characters of an exception's message that are quoted
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class TaskError(ValueError):
    """A task cannot be used; the message is one line that names the module, file or argument at fault."""


class DatasetError(ValueError):
    """A data set is missing or cannot be used; the message is one line that names the file and what is expected."""


def described(error: BaseException, path: Path | None) -> str:
    """Return an exception as one line of bounded length.

    Args:
        error: The exception.
        path: A file; the last line of it in the traceback is named. None names no line.
    """
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    place = f" (line {lines[-1]})" if lines else ""
    message = " ".join(_COLOUR.sub("", str(error)).split())  # Keras prints parts of some messages in bold
    return f"{type(error).__name__}: {message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + '...'}{place}"


def did_you_mean(name: str, accepted: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the accepted name that is nearest to a misspelt one, or ""."""
    near = difflib.get_close_matches(name, list(accepted), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
