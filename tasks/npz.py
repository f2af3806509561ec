"""Read images and labels from an untrusted .npz file, within limits.

`numpy.load` alone unpacks whatever a file declares, so that a small file can exhaust the memory, and it reports damaged
files by exceptions of many kinds. Here each array's header and declared size are checked before anything is unpacked.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from tasks.errors import DatasetError

MAX_ARRAY_BYTES = 1 << 29  # unpacked; CIFAR-10's training images take 154 million


def read_images(
    path: Path, keys: tuple[str, ...], *, shape: tuple[int, ...], labels: tuple[str, ...] = ()
) -> list[np.ndarray]:
    """Return read-only arrays of an .npz file: the images, uint8 [N, *shape], then the labels, uint8 [N].

    N is at least 1. The values of labels, and whether there are as many as images, are not checked.

    Args:
        path: The file.
        keys: Names of the arrays of images.
        shape: Shape of one image, such as (28, 28).
        labels: Names of the arrays of labels, stored as [N] or [N, 1]. Default: none.

    Raises:
        DatasetError: The file is missing, truncated, not an .npz file, or lacks an array; or an array has another
            dtype or shape, is empty, or would unpack to more than MAX_ARRAY_BYTES.
    """
    expected = f"expected an .npz file with {' and '.join(keys)}, uint8 [N, {', '.join(map(str, shape))}]"
    if labels:
        expected += f", and {' and '.join(labels)}, uint8 [N, 1] or [N]"
    if path.is_dir():
        raise DatasetError(f"{path} is a folder; {expected}")
    if not path.exists():
        raise DatasetError(f"There is no file {path}; {expected}")
    try:
        with zipfile.ZipFile(path) as archive:
            for key in keys:
                _check_member(archive, key, (shape,))
            for key in labels:
                _check_member(archive, key, ((1,), ()))
        with np.load(path, allow_pickle=False) as file:
            arrays = [*(file[key] for key in keys), *(file[key].reshape(-1) for key in labels)]
    except _UnfitError as error:
        raise DatasetError(f"{path}: {error}; {expected}") from None
    except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {type(error).__name__}: {error}; {expected}") from error
    for array in arrays:
        array.flags.writeable = False
    return arrays


class _UnfitError(Exception):
    """An array is not as expected; the message does not name the file."""


def _check_member(archive: zipfile.ZipFile, key: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Check an array's header and declared size, which bound what reading the array unpacks.

    Args:
        archive: The open file.
        key: The array's name.
        shapes: Accepted shapes of one row.
    """
    member = f"{key}.npy"
    if member not in archive.namelist():
        raise _UnfitError(f"it has no array {key!r} but {', '.join(archive.namelist()) or 'nothing'}")
    declared = archive.getinfo(member).file_size
    if declared > MAX_ARRAY_BYTES:
        raise _UnfitError(f"{key} would unpack to {declared:,} bytes, more than {MAX_ARRAY_BYTES:,}")
    with archive.open(member) as stream:
        received, dtype, header = _header(stream)
    if dtype != np.uint8:
        raise _UnfitError(f"{key} is of dtype {dtype}")
    if not received or received[1:] not in shapes or received[0] < 1:
        raise _UnfitError(f"{key} is of shape {list(received)}")
    if header + int(np.prod(received, dtype=object)) != declared:
        raise _UnfitError(f"{key} holds {declared - header:,} bytes, which does not match its shape {list(received)}")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape, dtype and length in bytes of the .npy header at the start of a stream."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:  # raises ValueError unless the version is 2.0
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype, stream.tell()
