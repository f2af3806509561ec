"""Pictures of a PixelCNN's digits and inputs."""

from __future__ import annotations

import tensorflow as tf

from tasks.pixelcnn_network import input_channels
from tasks.task import Tensor

LINE = 128  # grey of the lines between pictures; MNIST's background is 0


def grid(pictures: Tensor, columns: int) -> Tensor:
    """Return pictures in rows of `columns`, with lines of one grey pixel between them.

    Args:
        pictures: uint8 [N, h, w], in reading order; N is a multiple of `columns`.
        columns: Pictures per row.

    Returns:
        uint8 [rows · (h + 1) - 1, columns · (w + 1) - 1].
    """
    rows = pictures.shape[0] // columns
    height, width = pictures.shape[1] + 1, pictures.shape[2] + 1
    lined = tf.pad(pictures, [[0, 0], [0, 1], [0, 1]], constant_values=LINE)
    lined = tf.transpose(tf.reshape(lined, [rows, columns, height, width]), [0, 2, 1, 3])
    return tf.reshape(lined, [rows * height, columns * width])[:-1, :-1]


def inputs_as_picture(images: Tensor, pixels: Tensor) -> Tensor:
    """Return the network's inputs as a picture: one row per image with its five input channels side by side.

    Args:
        images: uint8 [N, 28, 28].
        pixels: int32 [N], the queried pixel of each image.

    Returns:
        uint8 [N · 29 - 1, 144]: visible pixels have their own greys; in the other channels -1 is black and 1 is white.
    """
    channels = tf.transpose(input_channels(images, pixels, "float32"), [0, 3, 1, 2])  # [N, 5, 28, 28]
    greys = tf.concat([channels[:, :1] * 256, (channels[:, 1:] + 1) * 127.5], axis=1)
    return grid(tf.reshape(tf.cast(tf.round(greys), tf.uint8), [-1, *images.shape[1:]]), columns=channels.shape[1])
