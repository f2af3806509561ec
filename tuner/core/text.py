"""Texts for people that several rooms share."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: object, accepted: Sequence[str]) -> str:
    """Return " (did you mean 'x'?)" with the accepted name nearest to a mistyped one; "" if none is near."""
    import difflib  # only needed for an error

    close = difflib.get_close_matches(str(name)[:100].lower(), accepted, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
