"""The reports of a run in a file, so that they survive a lost worker."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report as it was made.

    Attributes:
        step: Steps done.
        seconds: Since the beginning of the first attempt, without the time between two attempts.
        values: The numbers by name.
    """

    step: int
    seconds: float
    values: dict[str, float]


class KeptReports:
    """The reports of a candidate, a line each, beside the folder of its checkpoints.

    An attempt that goes on from a checkpoint reports later steps only, and the others are found here. An attempt that
    starts anew writes after those of the attempt before, whose later steps then count no more.

    Args:
        path: The file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def add(self, report: KeptReport) -> None:
        """Write a report at once. Where this fails, a later attempt finds none at all."""
        if self._path is None:
            return
        # The last line of the attempt before may lack its end.
        line = "\n" + json.dumps([report.step, report.seconds, report.values])
        try:
            self._file = self._file or self._path.open("ab", buffering=0)
            self._file.write(line.encode())
        except OSError:  # a full disk
            path = self._path
            self.close()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def before(self, step: float) -> list[KeptReport]:
        """Return the reports of earlier attempts before a step, in order."""
        kept: list[KeptReport] = []
        for line in self._lines():
            try:
                one = KeptReport(*json.loads(line))
            except (ValueError, TypeError):  # empty, or was being written
                continue
            while kept and kept[-1].step >= one.step:
                kept.pop()
            kept.append(one)
        return [each for each in kept if each.step < step]

    def close(self) -> None:
        """Keep nothing more."""
        if self._file is not None:
            self._file.close()
        self._file = self._path = None

    def _lines(self) -> list[bytes]:
        if self._path is None or not self._path.exists():
            return []
        return self._path.read_bytes().splitlines()
