"""Names of optimizers: the prefix of Keras' ones, and errors for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

KERAS = "keras:"  # prefix of the name of a class in keras.optimizers


def is_of_keras(name: str) -> bool:
    """Return whether a name has the prefix of Keras' optimizers, in any case."""
    return name.lower().startswith(KERAS)


def check_known(name: str, known: Sequence[str]) -> str:
    """Return the name if it is one of those known.

    Args:
        name: Any text.
        known: Names that exist: all with the prefix of Keras' optimizers, or all without.

    Raises:
        ValueError: It is none of them; the message suggests the nearest name and lists all.
    """
    if name in known:
        return name
    by_lower = {one.lower().removeprefix(KERAS): one for one in known}
    near = difflib.get_close_matches(name.lower().removeprefix(KERAS), by_lower, n=1)
    suggestion = f" Did you mean {by_lower[near[0]]!r}?" if near else ""
    others = f", {KERAS}NAME for those of Keras, and file.py:NAME or module:NAME for your own"
    also = "" if known[0].startswith(KERAS) else others
    raise ValueError(f"Unknown optimizer.{suggestion} Optimizers: {', '.join(known)}{also}. Received: {name!r:.80}")
