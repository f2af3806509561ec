"""Text formatting: single lines, bounded lengths, suggestions for misspelt names."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable

from tuner.core.errors import RaisedInFunction

MAX_ERROR_BYTES = 4096
MAX_REASON_CHARACTERS = 300

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def one_line(text: object) -> str:
    r"""Return a text on one line, with control characters escaped (\x1b), so that it cannot change a terminal."""
    flat = " ".join(str(text).split())
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), flat)


def printable(text: object) -> str:
    """Apply `one_line` to each line of a text and keep its indentation; escape lone surrogates, which are not UTF-8.

    One space at the end of a line is kept as well, so that a sentence can continue in another element of a page.
    """
    lines = []
    for line in str(text).split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")))
        lines.append(indent + one_line(line) + (" " if line.endswith(" ") and line.strip() else ""))
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def first_line(text: str, limit: int = MAX_REASON_CHARACTERS) -> str:
    """Return the first line that is not empty, cut to `limit` characters, in a form that every database stores."""
    # The text is cut first, since it may be very large.
    line = next((line.strip() for line in text[: 10 * limit].splitlines() if line.strip()), "")
    return _storable(line if len(line) <= limit else line[: limit - 1] + "…")


def cut_traceback(text: str) -> str:
    """Return a traceback cut to MAX_ERROR_BYTES: its beginning and its end, which contains the cause."""
    half = MAX_ERROR_BYTES // 2 - 8
    if len(text) > 2 * MAX_ERROR_BYTES:  # the text is cut before it is copied, since it may be very large
        text = text[:MAX_ERROR_BYTES] + text[-MAX_ERROR_BYTES:]
    encoded = _storable(text).encode()
    if len(encoded) <= MAX_ERROR_BYTES:
        return encoded.decode()
    return encoded[:half].decode(errors="ignore") + "\n[…]\n" + encoded[-half:].decode(errors="ignore")


def describe_error(error: BaseException) -> tuple[str, str]:
    """Return an exception as one line and as a bounded traceback; never raise.

    An exception itself is never sent between processes: its class may not unpickle, and its message may be of any size.
    """
    error = error.error if isinstance(error, RaisedInFunction) else error
    kind = type(error).__name__
    try:
        message = first_line(_relevant_part(str(error)))
    except BaseException:
        message = "(its message cannot be shown)"
    try:
        # Only the 30 frames nearest to the error: the traceback of a recursion is bounded before it becomes text.
        trace = "".join(traceback.format_exception(error, limit=-30))
    except BaseException:
        trace = "".join(traceback.format_tb(error.__traceback__, limit=-30))
    return first_line(f"{kind}: {message}" if message else kind), cut_traceback(trace)


def nearest(name: object, accepted: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the accepted name that is nearest to a misspelt one, or "" if none is near."""
    import difflib  # here, since only errors need it

    known = {each.lower(): each for each in reversed(list(accepted))}
    close = difflib.get_close_matches(str(name)[:100].lower(), list(known), n=1)
    return f" (did you mean {known[close[0]]!r}?)" if close else ""


def _relevant_part(message: str) -> str:
    """Return the last line of a TensorFlow error that is not indented, or any other message unchanged.

    TensorFlow's messages consist of a heading ("Graph execution error:"), the place where the operation was created,
    and the cause.
    """
    if len(message) > 1_000_000 or not message.partition("\n")[0].endswith(" error:"):
        return message
    lines = [line for line in message.splitlines() if line.strip() and not line[0].isspace()]
    return lines[-1]


def _storable(text: str) -> str:
    """Replace characters that databases do not accept: NUL bytes and unpaired surrogates."""
    return text.replace("\x00", "�").encode(errors="replace").decode()
