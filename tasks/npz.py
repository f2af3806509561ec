"""Image arrays read from an .npz file that nobody has vouched for: checked before anything is allocated or unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

LARGEST_ARRAY = 1 << 29  # bytes unpacked; CIFAR-10's training images are 154 million


class DatasetError(ValueError):
    """A data set is missing or cannot be used; the message is one line that names the file and what is expected."""


def read_images(
    path: Path, keys: tuple[str, ...], *, shape: tuple[int, ...], labels: tuple[str, ...] = ()
) -> list[np.ndarray]:
    """Return uint8 arrays [N, *shape] from an .npz file, then the labels uint8 [N]. They cannot be written to.

    N is at least 1. Neither the labels' values nor whether there is one an image is looked at.

    Args:
        path: The file.
        keys: Names of the arrays of images within it.
        shape: Of one image, such as (28, 28).
        labels: Names of the arrays of labels, which the file may have as [N] or [N, 1]. Default: none.

    Raises:
        DatasetError: The file is missing, is no .npz file, is cut short, or lacks an array; or one has another dtype or
            shape, has no rows, or would unpack to more than 512 MiB.
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
    """What is wrong with an array of the file, without the file's name."""


def _check_member(archive: zipfile.ZipFile, key: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    """Check an array by its header and declared size; neither is ever exceeded when the array is read.

    One of `shapes` is to be that of a row.
    """
    member = f"{key}.npy"
    if member not in archive.namelist():
        raise _UnfitError(f"it has no array {key!r} but {', '.join(archive.namelist()) or 'nothing'}")
    declared = archive.getinfo(member).file_size
    if declared > LARGEST_ARRAY:
        raise _UnfitError(f"{key} would unpack to {declared:,} bytes, more than {LARGEST_ARRAY:,}")
    with archive.open(member) as stream:
        received, dtype, header = _header(stream)
    if dtype != np.uint8:
        raise _UnfitError(f"{key} is of dtype {dtype}")
    if not received or received[1:] not in shapes or received[0] < 1:
        raise _UnfitError(f"{key} is of shape {list(received)}")
    if header + int(np.prod(received, dtype=object)) != declared:
        raise _UnfitError(
            f"{key} holds {declared - header:,} bytes, which is not what its shape {list(received)} takes"
        )


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape, dtype and length in bytes of the .npy header that the stream begins with."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:  # raises ValueError for what is no version 2.0 header either
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype, stream.tell()
