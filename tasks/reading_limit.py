"""The available memory, and the limit for reading data sets into it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasks.errors import TaskError

MAX_BYTES = 4 << 30  # of a dataset that does not know its length, and may be endless
CHUNK_BYTES = 16 << 20
MAX_CHUNK = 1_024  # elements
_CONTROL_GROUPS = (  # the limit and the use of version 2 and of version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
_FALLBACK_BYTES = 8 << 30  # where the system does not say how much memory is free


class ReadingLimit:
    """Counts what is read of a data set, and refuses more than memory holds.

    Args:
        split: "train", "validation" or "test", for the message.
        has_length: Whether the number of elements is known. If it is not, `MAX_BYTES` is the limit; half of the free
            memory is in any case, because what was read is copied once.
    """

    def __init__(self, split: str, *, has_length: bool) -> None:
        self._split, self._has_length = split, has_length
        half = free_bytes() // 2
        self._limit = half if has_length else min(MAX_BYTES, half)
        self._bytes = self._elements = 0

    def count(self, arrays: Iterable[Any], elements: int) -> None:
        """Count elements that were read.

        Raises:
            TaskError: They are too many.
        """
        self._bytes += sum(array.nbytes for array in arrays)
        self._elements += elements
        if self._bytes > self._limit:
            kind = "half of the free memory" if self._limit < MAX_BYTES else "the most of a dataset of unknown length"
            raise TaskError(
                f"`{self._split}` cannot be read into memory{'' if self._has_length else ', and may be endless'}: its"
                f" first {self._elements:,} elements take {self._bytes / 2**30:.2f} GiB; {kind} is"
                f" {self._limit / 2**30:.2f} GiB. Use .take(n)"
            )


def chunk_elements(specs: Iterable[Any]) -> int:
    """Return how many elements to read at a time: of `CHUNK_BYTES` together, 1 to `MAX_CHUNK`.

    Args:
        specs: tf.TensorSpec of each tensor of an element; an unknown size counts as 1,024.
    """
    size = 0
    for spec in specs:
        sizes = [1_024] if spec.shape.rank is None else [1_024 if each is None else each for each in spec.shape]
        size += math.prod(sizes) * spec.dtype.size
    return max(1, min(MAX_CHUNK, CHUNK_BYTES // max(1, size)))


def total_bytes() -> int:
    """Return the memory of this machine, or that of this process's control group, if that is less."""
    limits = [int(line.split()[1]) * 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")]
    for path, _ in _CONTROL_GROUPS:
        limits += [int(line) for line in _lines(path)[:1] if line.isdigit()]
    return min(limits, default=_FALLBACK_BYTES)


def free_bytes() -> int:
    """Return the memory that this process may still take, as far as the system and its control group say."""
    free = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            free.append(int(line.split()[1]) * 1024)
    for limit, used in _CONTROL_GROUPS:
        numbers = [line for path in (limit, used) for line in _lines(path)[:1]]
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            free.append(max(0, int(numbers[0]) - int(numbers[1])))
    return min(free, default=_FALLBACK_BYTES)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
