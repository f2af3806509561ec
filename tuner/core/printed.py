"""What a process has printed into a file, as text of bounded length."""

from __future__ import annotations

import os
from pathlib import Path

MAX_BYTES = 48_000  # of the text: half from the start, half from the end


def beginning_and_end(descriptor: int, head: bytes = b"", cut: int = 0) -> tuple[str, bytes, bytes]:
    """Return what a file has as text, of much the beginning and the end; and what these are, where it was much.

    Bytes that are not UTF-8 are replaced.

    Args:
        descriptor: Of the file.
        head: The beginning, where the file lacks it.
        cut: Bytes that the file lacks between its beginning and the rest, with the beginning.
    """
    half, kept = MAX_BYTES // 2, os.fstat(descriptor).st_size
    if not cut and kept <= MAX_BYTES:
        return _decoded(os.pread(descriptor, kept, 0)), b"", b""
    head = head or os.pread(descriptor, half, 0)
    tail = os.pread(descriptor, half, max(0, kept - half))
    between = max(0, kept + cut - len(head) - len(tail))
    return f"{_decoded(head)}\n... {between:,} bytes left out ...\n{_decoded(tail)}", head, tail


def left_behind(path: Path) -> str:
    """Return what a lost process had printed into a file, and delete the file; "" if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        text, _, _ = beginning_and_end(descriptor)
        path.unlink(missing_ok=True)
    except OSError:  # a network file system
        return ""
    finally:
        os.close(descriptor)
    return text


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")
