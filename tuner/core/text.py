"""Parts of messages."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: object, accepted: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the accepted name that is nearest to a misspelt one, or "" if none is near."""
    import difflib  # here, since only errors need it

    known = {one.lower(): one for one in reversed(list(accepted))}
    close = difflib.get_close_matches(str(name)[:100].lower(), list(known), n=1)
    return f" (did you mean {known[close[0]]!r}?)" if close else ""
