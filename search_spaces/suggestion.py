"""A suggestion for a name that was misspelt."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: object, accepted: Sequence[str]) -> str:
    """Return " (did you mean 'x'?)" for the accepted name nearest to a wrong one, or "" if none is near."""
    import difflib  # only needed once something went wrong

    close = difflib.get_close_matches(str(name)[:100].lower(), [known.lower() for known in accepted], n=1)
    return f" (did you mean {next(known for known in accepted if known.lower() == close[0])!r}?)" if close else ""
