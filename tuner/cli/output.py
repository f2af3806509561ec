"""Whether a folder can take what a command will write there."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tuner.core.errors import UsageError

OF_A_RUN = ("run.json", "losses.png")  # beside seed-N.npz and the like


def check_output(output: Path | None, option: str = "--output") -> None:
    """Find out before long work whether its results can be written; nothing is left behind.

    Raises:
        UsageError: They cannot.
    """
    if output is None:
        return
    places = (output.absolute(), *output.absolute().parents)
    nearest = next(place for place in places if place.exists())
    if not nearest.is_dir():
        raise UsageError(f"{option}: {nearest} is not a folder")
    made = places[: places.index(nearest)]
    try:
        output.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output).close()
    except OSError as error:
        raise UsageError(f"{option}: nothing can be written to {output}: {error.strerror}") from None
    finally:
        for place in made:  # it was a trial
            with contextlib.suppress(OSError):
                place.rmdir()


def check_free(output: Path | None, *, force: bool) -> None:
    """Refuse a folder that holds something, unless it may be replaced.

    Raises:
        UsageError: It does.
    """
    if output is not None and not force and output.is_dir() and any(output.iterdir()):
        raise UsageError(f"--output: {output} is not empty; name another folder, or say --force to empty it first")


def emptied(folder: Path) -> None:
    """Make a folder, and remove the files of an earlier run from it."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_file() and (file.name in OF_A_RUN or file.name.startswith("seed-")):
            file.unlink()
