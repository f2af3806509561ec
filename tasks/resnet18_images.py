"""CIFAR-10's images as tensors: standardised, cropped and flipped.

Images are stored as bytes, once per machine, and converted one minibatch at a time.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.cifar10 import Cifar10, Labelled, cifar10
from tasks.errors import DatasetError
from tasks.task import Tensor
from tasks.tensors import constant

CHUNK = 1_000  # images per partial sum


@dataclass(frozen=True, slots=True)
class Pair:
    """Images, uint8 [N, 32, 32, 3], and labels, uint8 [N], as eager tensors."""

    images: Tensor
    labels: Tensor

    def chosen(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return images, uint8 [B, 32, 32, 3], and labels, int32 [B], by their indices, int32 [B]."""
        return tf.gather(self.images, indices), tf.cast(tf.gather(self.labels, indices), tf.int32)


class Images:
    """The parts of CIFAR-10 as tensors; test images are read when they are first requested.

    Attributes:
        train: The training images.
        sizes: Number of images in "train", "validation" and "test".
        mean: Mean of each colour over the training images, float64 [3], on the scale from 0 to 255.
        deviation: Standard deviation of each colour (divisor N), float64 [3]; 1 if the colour is constant.
    """

    def __init__(self, data: Cifar10, data_dir: str | os.PathLike[str] | None) -> None:
        self._data_dir, self._sha256 = data_dir, data.sha256
        self.sizes = {part: len(getattr(data, part).labels) for part in ("train", "validation", "test")}
        self.mean, self.deviation = colour_statistics(data.train.images)
        self.train = _tensors(data.train)
        self._held_out = {"validation": _tensors(data.validation)}

    def held_out(self, split: str) -> Pair:
        """Return the images of "validation" or "test".

        Raises:
            ValueError: There is no such split.
            DatasetError: The file is missing or has changed since the training images were read.
        """
        if split == "test" and split not in self._held_out:
            data = cifar10(self._data_dir)
            if data.sha256 != self._sha256:
                raise DatasetError(f"{data.source} has changed since its training images were read; expected the same")
            self._held_out[split] = _tensors(data.test)
        if split not in self._held_out:
            raise ValueError(f"`split` is one of validation, test. Received: {split!r}")
        return self._held_out[split]

    def standardised(self, images: Tensor, dtype: Any) -> Tensor:
        """Return images as `dtype`, standardised per colour by the training images' mean and standard deviation."""
        shift, scale = (tf.constant(array, dtype) for array in (self.mean, self.deviation))
        return (tf.cast(images, dtype) - shift) / scale


_shared: weakref.WeakValueDictionary[str, Images] = weakref.WeakValueDictionary()  # by sha256 of the data


def shared_images(data_dir: str | os.PathLike[str] | None) -> Images:
    """Return CIFAR-10's images: the object that is in use in this process, if there is one for the same data.

    Raises:
        DatasetError: As `tasks.cifar10.cifar10` does.
    """
    data = cifar10(data_dir)
    images = _shared.get(data.sha256)
    if images is None:
        images = _shared[data.sha256] = Images(data, data_dir)
    return images


def colour_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (divisor N) of each colour, float64 [3], by exact integer sums."""
    total, squares = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK].reshape(-1, 3).astype(np.int64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    count = images[..., 0].size
    mean = total / count
    deviation = np.sqrt((squares * count - total**2) / float(count) ** 2)
    return mean, np.where(deviation > 0, deviation, 1.0)


def cropped(images: Tensor, rows: Tensor, columns: Tensor, flips: Tensor, *, padding: int) -> Tensor:
    """Pad images with zeros, crop them to their former size, and flip some of them.

    Args:
        images: [B, h, w, c].
        rows: int32 [B], 0 to 2 · padding: first row of the crop in the padded image.
        columns: int32 [B], likewise.
        flips: bool [B], whether to flip from left to right.
        padding: Padding on each side, in pixels.

    Returns:
        [B, h, w, c].
    """
    height, width = images.shape[1:3]
    margin = [padding, padding]
    padded = tf.pad(images, [[0, 0], margin, margin, [0, 0]])
    down = rows[:, tf.newaxis] + tf.range(height)  # [B, h]
    across = tf.range(width)
    across = columns[:, tf.newaxis] + tf.where(flips[:, tf.newaxis], width - 1 - across, across)  # [B, w]
    return tf.gather(tf.gather(padded, down, axis=1, batch_dims=1), across, axis=2, batch_dims=1)


def _tensors(part: Labelled) -> Pair:
    return Pair(constant(part.images), constant(part.labels))
