"""Whether a folder can take what a command will write there."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tuner.commands.usage import UsageError


def check_output(output: Path | None) -> None:
    """Find out before long work whether its results can be written; nothing is left behind.

    Raises:
        UsageError: They cannot.
    """
    if output is None:
        return
    places = (output.absolute(), *output.absolute().parents)
    nearest = next(place for place in places if place.exists())
    if not nearest.is_dir():
        raise UsageError(f"--output: {nearest} is not a folder")
    made = places[: places.index(nearest)]
    try:
        output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output).close()
    except OSError as error:
        raise UsageError(f"--output: nothing can be written to {output}: {error.strerror}") from None
    finally:
        for place in made:  # it was a trial
            with contextlib.suppress(OSError):
                place.rmdir()
