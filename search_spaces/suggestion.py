"""Suggest the nearest name for a misspelt one."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: object, accepted: Sequence[str]) -> str:
    """Return " (did you mean 'x'?)" for the accepted name that is nearest to a misspelt one, or "" if none is near."""
    import difflib  # here, since only errors need it

    close = difflib.get_close_matches(str(name)[:100].lower(), [known.lower() for known in accepted], n=1)
    return f" (did you mean {next(known for known in accepted if known.lower() == close[0])!r}?)" if close else ""
