"""Texts for people that several rooms share."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def nearest(name: object, accepted: Sequence[str]) -> str:
    """Return " (did you mean 'x'?)" with the accepted name nearest to a mistyped one; "" if none is near."""
    import difflib  # only needed for an error

    close = difflib.get_close_matches(str(name)[:100].lower(), accepted, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def one_line(text: object) -> str:
    r"""Return a text on one line, with every control character escaped as in "\x1b".

    Control characters are those that move a terminal's cursor, set its colours, or change the direction of text.
    """
    flat = " ".join(str(text).split())
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), flat)


def printable(text: object) -> str:
    """Return a text line by line as `one_line` does, indentation kept; lone surrogates, which are not UTF-8, escaped.

    A space at the end of a line is kept as well, so that a sentence may go on in another element of a page.
    """
    lines = []
    for line in str(text).split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")))
        lines.append(indent + one_line(line) + (" " if line.endswith(" ") and line.strip() else ""))
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()
