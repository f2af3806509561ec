"""Lossless compression of learning curves to about half their size.

The bytes of the numbers are shuffled before compression: first the lowest byte of every loss, then the next, and so on.
Neighbouring losses share sign, exponent and leading digits, so the high bytes become long runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.storage.errors import Damaged

if TYPE_CHECKING:
    import numpy.typing as npt

DTYPES = ("float32", "float64")
LEVEL = 1  # of zlib: higher levels save 1 or 2 % and take several times as long


@dataclass(frozen=True, slots=True)
class EncodedCurve:
    """A curve in the form in which it is stored."""

    dtype: str  # one of DTYPES
    length: int  # number of losses
    data: bytes  # zlib of the shuffled little-endian bytes


NO_LOSSES = EncodedCurve("float64", 0, zlib.compress(b"", LEVEL))
"""The curve of a candidate that is not final."""


def encode(losses: Sequence[float] | npt.NDArray[Any]) -> EncodedCurve:
    """Encode a curve.

    Args:
        losses: [length], one per gradient evaluation. A float32 array stays float32; any other sequence of real numbers
            becomes float64.

    Raises:
        ValueError: The losses are not a one-dimensional sequence of real numbers.
    """
    import numpy as np  # takes as long as all else that listing studies needs but SQLAlchemy

    array = np.asarray(losses)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "fiu") or array.dtype.itemsize > 8:
        raise ValueError(
            "losses must be a one-dimensional sequence of float32 or float64. "
            f"Received: {array.dtype} of shape {list(array.shape)}"
        )
    dtype = "float32" if array.dtype.kind == "f" and array.dtype.itemsize == 4 else "float64"
    raw = np.ascontiguousarray(array, dtype=np.dtype(dtype).newbyteorder("<")).view(np.uint8)
    shuffled = raw.reshape(array.size, np.dtype(dtype).itemsize).T  # [bytes of a number, length]
    return EncodedCurve(dtype, array.size, zlib.compress(shuffled.tobytes(), LEVEL))


def decode(curve: EncodedCurve) -> npt.NDArray[Any]:
    """Decode a curve into a read-only array [length] of its own dtype.

    Raises:
        Damaged: The bytes do not encode such a curve.
    """
    import numpy as np

    is_well_typed = isinstance(curve.length, int) and curve.length >= 0 and isinstance(curve.data, bytes)
    if curve.dtype not in DTYPES or not is_well_typed:
        raise Damaged(f"a stored curve has an invalid dtype or length: {curve.dtype!r}, {curve.length}")
    size = np.dtype(curve.dtype).itemsize
    decompressor = zlib.decompressobj()
    try:
        # The limit is one byte more than expected, so that a damaged or hostile row cannot fill the memory.
        raw = decompressor.decompress(curve.data, curve.length * size + 1)
    except zlib.error as error:
        raise Damaged("a stored curve cannot be decompressed") from error
    if len(raw) != curve.length * size or not decompressor.eof:
        raise Damaged(f"a stored curve of {curve.length} losses does not have the length that was recorded")
    numbers = np.frombuffer(raw, np.uint8).reshape(size, curve.length).T  # [length, bytes of a number]
    little_endian = np.dtype(curve.dtype).newbyteorder("<")
    array = np.ascontiguousarray(numbers).reshape(-1).view(little_endian).astype(curve.dtype, copy=False)
    array.setflags(write=False)
    return array
