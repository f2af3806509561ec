"""Capture of what a process prints, in bounded memory and space.

Output of subprocesses and of libraries in other languages is captured as well.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tuner.core.printed import beginning_and_end

MAX_FILE_BYTES = 16_000_000  # of the file, beyond which its middle is dropped


class CapturedOutput:
    """The output since the beginning of a capture.

    Args:
        descriptor: Of a file that is open for reading and appending.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._head = b""  # the beginning of a file that was cut
        self._cut = 0  # bytes that were cut

    @property
    def size(self) -> int:
        """Bytes that were printed so far."""
        return os.fstat(self._descriptor).st_size + self._cut

    def text(self) -> str:
        """Return what was printed so far; of much, the beginning and the end.

        Bytes that are not UTF-8 are replaced. Called regularly, it keeps the file of a process that prints without an
        end from filling the disk.
        """
        text, head, tail = beginning_and_end(self._descriptor, self._head, self._cut)
        kept = os.fstat(self._descriptor).st_size
        if kept > MAX_FILE_BYTES:  # what is printed next is appended to the new end
            self._head = head
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, tail)
            self._cut += kept - len(tail)
        return text


@contextlib.contextmanager
def captured_output(path: Path) -> Iterator[CapturedOutput]:
    """Capture what this process and those that it starts print to standard output and standard error.

    Args:
        path: The file for it, which whoever reads it may find where this process is lost.
    """
    flush()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        before, streams = [os.dup(1), os.dup(2)], (sys.stdout, sys.stderr)
        try:
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            sys.stdout, sys.stderr = _stream(1), _stream(2)  # the streams of a notebook write elsewhere
            yield CapturedOutput(descriptor)
        finally:
            flush()
            sys.stdout, sys.stderr = streams
            for kept, target in zip(before, (1, 2), strict=True):
                os.dup2(kept, target)
                os.close(kept)
    finally:
        os.close(descriptor)


def flush() -> None:
    """Write what Python holds back of standard output and standard error."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a stream that was replaced or closed
            stream.flush()


def _stream(descriptor: int) -> io.TextIOWrapper:
    """Return a stream of text that writes to a file descriptor, line by line."""
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True)
