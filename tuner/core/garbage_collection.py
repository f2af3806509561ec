"""A pause of Python's garbage collection while libraries are imported."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Look for no reference cycles in this context, and afterwards first among the objects made since.

    The import of a large library makes objects that stay, over which a thousand collections would go in vain.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what the process itself has frozen stays frozen
            gc.freeze()
            gc.unfreeze()  # both together move all objects to the oldest generation, without a pass over them
        gc.enable()
