"""Rules for what may be written as text: names are checked, messages are cleaned and cut."""

from __future__ import annotations

import re

from tuner.storage.errors import BadName

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OPTIMIZER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,63}")
MESSAGE_BYTES = 4096  # what is kept of a reason or a traceback


def check_run_name(name: str) -> None:
    """Check the name of a run, which also becomes the name of files.

    Raises:
        BadName: the name breaks the rule.
    """
    if not RUN_NAME.fullmatch(name):
        raise BadName(
            "a run's name is 1 to 64 letters, digits, '.', '_' or '-' and begins with a letter or a digit. "
            f"Received: {_shown(name)}"
        )


def check_optimizer_name(name: str) -> None:
    """Check the name of an optimizer, the second half of a study's name.

    Raises:
        BadName: the name breaks the rule.
    """
    if not OPTIMIZER_NAME.fullmatch(name):
        raise BadName(
            "an optimizer's name is 1 to 64 letters, digits, '.', ':' or '-' and begins with a letter or a digit. "
            f"Received: {_shown(name)}"
        )


def check_text(what: str, text: str, longest: int = 255) -> str:
    """Return a short free text unchanged, if every database can store it.

    PostgreSQL takes no NUL, and a lone surrogate has no UTF-8.

    Args:
        what: What the text is, for the error.
        text: The text.
        longest: Characters allowed.

    Raises:
        BadName: the text is empty, too long, or holds what cannot be stored.
    """
    if not 1 <= len(text) <= longest or "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadName(f"{what} is 1 to {longest} characters without NUL and lone surrogates. Received: {_shown(text)}")
    return text


def clean_message(text: str, longest: int = MESSAGE_BYTES) -> str:
    r"""Return a message that every database can store: NUL and lone surrogates are written as \x00 and \udcff.

    A longer text loses its middle: a traceback's first lines say where it began and its last what happened.

    Args:
        text: Any text.
        longest: Bytes of UTF-8 that the result may take.
    """
    data = text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace")
    if len(data) <= longest:
        return data.decode("utf-8")
    mark = f"\n... {len(data)} bytes, cut ...\n".encode()
    half = (longest - len(mark)) // 2
    return (data[:half] + mark + data[-half:]).decode("utf-8", "ignore")


def _shown(text: str) -> str:
    return ascii(text) if len(text) <= 80 else f"{text[:77]!a}... ({len(text)} characters)"
