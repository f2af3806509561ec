"""Validation of stored text: names are checked, messages are cleaned and cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any

from tuner.core.study import SEED_MARK
from tuner.storage.errors import BadName

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OPTIMIZER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,63}")
MAX_LABEL = 64  # characters of the column of an optimizer's name
MAX_MESSAGE_BYTES = 4096  # of a stored reason or traceback
_MAX_QUOTED = 80  # characters of a text in an error message


def check_run_name(name: str) -> None:
    """Check the name of a run, which is also used in the names of files.

    Raises:
        BadName: The name breaks the rule.
    """
    if not RUN_NAME.fullmatch(name):
        raise BadName(
            "a run's name is 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or a digit. "
            f"Received: {quoted(name)}"
        )


def check_optimizer_name(name: str) -> None:
    """Check the name of an optimizer, the second half of a study's name.

    Raises:
        BadName: The name breaks the rule.
    """
    if not OPTIMIZER_NAME.fullmatch(name):
        raise BadName(
            "an optimizer's name is 1 to 64 letters, digits, '.', ':' or '-' and begins with a letter or a digit. "
            f"Received: {quoted(name)}"
        )


def check_study_label(label: str) -> None:
    """Check the second half of a study's name: an optimizer's name, or OPTIMIZER@SEED of one of several searches.

    Raises:
        BadName: It breaks the rule, or is longer than a column.
    """
    name, mark, seed = label.partition(SEED_MARK)
    check_optimizer_name(name)
    if mark and not (seed.isascii() and seed.isdecimal() and len(label) <= MAX_LABEL):
        raise BadName(
            f"the name of one of several searches is OPTIMIZER@SEED, of at most {MAX_LABEL} characters. "
            f"Received: {quoted(label)}"
        )


def check_text(what: str, text: str, max_length: int = 255) -> str:
    """Return a short text unchanged if every supported database can store it.

    Args:
        what: What the text is, for the error.
        text: The text.
        max_length: Largest number of characters.

    Raises:
        BadName: The text is empty, too long, or cannot be stored.
    """
    if not 1 <= len(text) <= max_length or not is_storable(text):
        raise BadName(
            f"{what} is 1 to {max_length} characters without NUL and lone surrogates. Received: {quoted(text)}"
        )
    return text


def is_storable(text: str) -> bool:
    """Return whether a text has no NUL, which PostgreSQL refuses, and no lone surrogate, which UTF-8 cannot encode."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def clean_message(text: str, max_bytes: int = MAX_MESSAGE_BYTES) -> str:
    r"""Return a message that every database can store: NUL and lone surrogates are written as \x00 and \udcff.

    The middle of a text that is too long is left out: the first lines of a traceback say where an error began, the
    last ones what happened.

    Args:
        text: Any text.
        max_bytes: Largest size of the result in bytes of UTF-8.
    """
    data = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace")
    if len(data) <= max_bytes:
        return data.decode("utf-8")
    mark = f"\n... {len(data)} bytes, cut ...\n".encode()
    half = (max_bytes - len(mark)) // 2
    return (data[:half] + mark + data[-half:]).decode("utf-8", "ignore")


def quoted(text: str) -> str:
    """Return a text in quotes for an error message: ASCII only, and cut if it is long."""
    return ascii(text) if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 3]!a}... ({len(text)} characters)"


def plain_values(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as JSON has them: whole numbers, floats, texts, booleans, and None without an effect."""
    return {str(name): _plain(value) for name, value in hyperparameters.items()}


def numbers_of(hyperparameters: Mapping[str, Any]) -> Iterator[float]:
    """Yield the values that are numbers."""
    return (value for value in hyperparameters.values() if value is not None and not isinstance(value, str | bool))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    return int(value) if isinstance(value, Integral) else float(value)
