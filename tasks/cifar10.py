"""CIFAR-10: find its images, split them, and compute their fingerprint.

Loads only NumPy until more is needed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks import downloads
from tasks.data_folder import DATA_DIR_VARIABLE, data_folder
from tasks.errors import DatasetError
from tasks.npz import read_images
from tasks.shared_memory import shared

KERAS_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
KERAS_ARCHIVE = "cifar-10-batches-py-target_archive"  # in Keras' cache
KERAS_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
FULL = (50_000, 10_000)  # images, training and test
VALIDATION = 5_000  # images, of all of CIFAR-10
CLASSES = 10
SHAPE = (32, 32, 3)
EXPECTED = "expected labels from 0 to 9, one per image"

Stamp = tuple[str, int, int]  # a file's path, modification time in nanoseconds, and size in bytes
_known: dict[Stamp, tuple[dict[str, Any], str]] = {}  # facts of the files that this process has read


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Images, uint8 [N, 32, 32, 3], and their labels, uint8 [N], 0 to 9; both read-only."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Cifar10:
    """CIFAR-10's images in three disjoint parts."""

    name: str  # "cifar10", or "cifar10-subset" for less than all of it
    train: Labelled
    validation: Labelled  # the last of the training images, held out
    test: Labelled
    source: str  # the file that they were read from, or "Keras' download"
    sha256: str  # of the arrays' contents
    note: str = ""  # one line for users where the data is not all of CIFAR-10


def cifar10(data_dir: str | os.PathLike[str] | None = None) -> Cifar10:
    """Return CIFAR-10 from the first of these sources that has it.

    1. cifar10.npz in the data folder. If a folder is named, its file must be there and sound: no other source is tried.
    2. Keras' cache, or Keras' download into it if the server answers.

    The last 5,000 training images are held out for validation: 45,000, 5,000 and 10,000 images for all of CIFAR-10. Of
    a smaller file the last tenth is held out, at least one image and at most 5,000; the name and `note` say so.

    The file is read at each call and not cached, so that a caller that converts the images need not hold both copies.

    Args:
        data_dir: Folder with cifar10.npz: x_train and x_test, uint8 [N, 32, 32, 3]; y_train and y_test, uint8 [N, 1] or
            [N], 0 to 9. Default: that of `tasks.data_folder.data_folder`.

    Raises:
        DatasetError: The data folder's file is missing or broken, or no source has CIFAR-10.
    """
    return _read(data_dir, _archive(data_dir))


def cifar10_facts(data_dir: str | os.PathLike[str] | None = None) -> tuple[dict[str, Any], str]:
    """Return what identifies the data, as JSON accepts it (name, sizes of the parts, sha256), and the data's note.

    The hash covers the dtypes, shapes and bytes of the images and labels of train, validation and test in this order,
    not the file. A file is read only if it has changed since this process last read it.

    Raises:
        DatasetError: As `cifar10` does.
    """
    archive = _archive(data_dir)
    known = _known.get(_stamp(archive)) if archive.is_file() else None
    if known is None:
        _read(data_dir, archive)
        known = _known[_stamp(archive)]
    facts, note = known
    return {**facts, "sizes": dict(facts["sizes"])}, note


def _archive(data_dir: str | os.PathLike[str] | None) -> Path:
    """Return the path that the images are read from, whether or not it exists yet."""
    folder = data_folder(data_dir)
    return downloads.keras_cache(KERAS_ARCHIVE) if folder is None else folder / "cifar10.npz"


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), status.st_mtime_ns, status.st_size


def _read(data_dir: str | os.PathLike[str] | None, archive: Path) -> Cifar10:
    before = _stamp(archive)
    data = _from_keras(archive) if data_folder(data_dir) is None else _from_file(archive)
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    sizes = {name: len(part.labels) for name, part in parts.items()}
    facts = {"name": data.name, "sizes": sizes, "sha256": data.sha256}, data.note
    # A download has a stamp only now. A file keeps the stamp from before: it may have been replaced in the meantime.
    _known[before if before[2] else _stamp(archive)] = facts
    return data


def _from_file(path: Path) -> Cifar10:
    arrays = read_images(path, ("x_train", "x_test"), shape=SHAPE, labels=("y_train", "y_test"))
    return _split(*arrays, source=str(path))


def _from_keras(archive: Path) -> Cifar10:
    problem = (
        f"No CIFAR-10 images: no folder with cifar10.npz is given (data_dir, or {DATA_DIR_VARIABLE}), and Keras'"
        " download is not available"
    )
    if archive.is_file():
        with archive.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != KERAS_SHA256:
                # Do not hand the file to Keras, which would delete it.
                raise DatasetError(f"{problem}: {archive} is broken; expected sha256 {KERAS_SHA256[:12]}…")
    elif not downloads.answers(KERAS_URL):
        raise DatasetError(f"{problem}: there is no {archive}, and {KERAS_URL} does not answer")
    from keras.datasets import cifar10 as keras_cifar10

    try:
        with downloads.quiet_download():
            (train, train_labels), (test, test_labels) = keras_cifar10.load_data()
    except Exception as error:  # Keras raises plain Exception when a download fails
        raise DatasetError(f"{problem}: {' '.join(str(error).split())}") from error
    train, test = np.ascontiguousarray(train), np.ascontiguousarray(test)
    return _split(train, test, np.ravel(train_labels), np.ravel(test_labels), source="Keras' download")


def _split(
    train: np.ndarray, test: np.ndarray, train_labels: np.ndarray, test_labels: np.ndarray, *, source: str
) -> Cifar10:
    for part, images, labels in (("train", train, train_labels), ("test", test, test_labels)):
        if len(images) != len(labels):
            raise DatasetError(
                f"{source}: x_{part} has {len(images):,} images and y_{part} {len(labels):,} labels; {EXPECTED}"
            )
        if labels.max() >= CLASSES:
            raise DatasetError(f"{source}: y_{part} has the label {labels.max()}; {EXPECTED}")
    if len(train) < 2:
        raise DatasetError(f"{source}: x_train has 1 image; expected at least 2, of which one is held out")
    train, test = shared(train), shared(test)
    for array in (train, test, train_labels, test_labels):
        array.flags.writeable = False
    first = len(train) - min(VALIDATION, max(1, len(train) // 10))  # of validation
    parts = (
        Labelled(train[:first], train_labels[:first]),
        Labelled(train[first:], train_labels[first:]),
        Labelled(test, test_labels),
    )
    sizes = (len(train), len(test))
    if sizes == FULL:
        return Cifar10("cifar10", *parts, source, _sha256(parts))
    note = f"{source} is a part of CIFAR-10: {sizes[0]:,} and {sizes[1]:,} images of 50,000 and 10,000"
    return Cifar10("cifar10-subset", *parts, source, _sha256(parts), note)


def _sha256(parts: tuple[Labelled, ...]) -> str:
    digest = hashlib.sha256()
    for name, part in zip(("train", "validation", "test"), parts, strict=True):
        for kind, array in (("images", part.images), ("labels", part.labels)):
            digest.update(f"{name} {kind} {array.dtype} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
