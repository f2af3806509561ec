"""Compute the PixelCNN's loss over all 784 pixels of an image.

The 28 pixels of a column ("queries") differ in their row alone. Above its row a query has the inputs of a fully visible
image, below it those of an invisible one. In the first pool, at full resolution, each block extends the difference by
one row: after the four blocks a query differs from these two images in nine rows. Only these rows are computed for each
query, the others once per column. The numbers are those of `pixelcnn_network.logits`, in about half the time.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tasks.pixelcnn_network import (
    Network,
    first_features,
    input_channels,
    logits_of_features,
    pooled,
    residual_block,
    unpacked,
)
from tasks.task import Tensor

IMAGES_AT_ONCE = 8  # 224 queries without gradients take less memory than a training step of 256


def mean_losses(weights: Tensor, images: Tensor, dtype: str) -> Tensor:
    """Return the mean cross-entropy of each image's 784 pixels, in nats, [E] in `dtype`.

    Args:
        weights: [94,696], flat.
        images: uint8 [E, 28, 28], or smaller as the network's are; E is known when the function is traced. At most
            8 are evaluated at a time.
        dtype: Dtype of the weights.
    """
    count, side = images.shape[:2]
    network = unpacked(weights, side)
    at_once = min(IMAGES_AT_ONCE, count)
    groups = -(-count // at_once)

    def losses_of(number: Tensor) -> Tensor:
        chosen = tf.minimum(number // side * at_once + tf.range(at_once), count - 1)  # pads the last group
        return _column_losses(network, tf.gather(images, chosen), number % side, dtype)

    column_losses = tf.map_fn(
        losses_of, tf.range(groups * side), fn_output_signature=tf.TensorSpec([at_once], dtype), parallel_iterations=1
    )
    sums = tf.reduce_sum(tf.reshape(column_losses, [groups, side, at_once]), axis=1)
    return tf.reshape(sums, [-1])[:count] / side**2


def _column_losses(network: Network, images: Tensor, column: Tensor, dtype: str) -> Tensor:
    """Return the summed losses [E] of the 28 pixels in a column of each image, uint8 [E, 28, 28]."""
    count, side = images.shape[:2]
    all_rows = np.arange(side)
    queries = tf.tile(column + tf.constant(side * all_rows, tf.int32), [count])  # [28 E], image by image
    inputs = input_channels(tf.repeat(images, side, axis=0), queries, dtype)
    band = tf.gather(
        inputs, tf.constant(np.tile(all_rows, count)[:, np.newaxis]), batch_dims=1
    )  # the row of each query
    band = first_features(band, network)  # [28 E, 1, 28, 20]
    # For a pixel below the image all of it is visible, for a pixel above it nothing.
    seen = first_features(input_channels(images, tf.fill([count], side * side + column), dtype), network)
    unseen = first_features(input_channels(images[:1], tf.reshape(column - side, [1]), dtype), network)
    for reach, block in enumerate(network.pools[0]):
        rows = all_rows[:, np.newaxis] + np.arange(-reach - 2, reach + 3)  # the next band and its neighbouring rows
        inside = np.tile((rows >= 0) & (rows < side), [count, 1])[:, :, np.newaxis, np.newaxis]
        band = _stitched(seen, band, unseen, np.clip(rows, 0, side - 1))
        band = residual_block(band, block, tf.constant(inside, dtype))
        seen, unseen = residual_block(seen, block), residual_block(unseen, block)
    features = pooled(_stitched(seen, band, unseen, np.tile(all_rows, [side, 1])))
    greys = tf.reshape(tf.gather(images, column, axis=2), [-1])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(greys, tf.int32), logits_of_features(features, network, pools_done=1)
    )
    return tf.reduce_sum(tf.reshape(losses, [count, side]), axis=1)


def _stitched(seen: Tensor, band: Tensor, unseen: Tensor, rows: np.ndarray) -> Tensor:
    """Return rows of the features of each query: from its band, or from `seen` above and `unseen` below it.

    Args:
        seen: [E, 28, 28, 20], features of the fully visible images.
        band: [28 E, b, 28, 20], b odd: features of the rows around each query, ordered by image and then by row.
        unseen: [1, 28, 28, 20], features of an invisible image.
        rows: [28, n], the rows to return for the queries of each row, 0 to 27.

    Returns:
        [28 E, n, 28, 20].
    """
    (count, side), height = seen.shape[:2], band.shape[1]
    table = tf.concat([tf.reshape(part, [-1, *band.shape[2:]]) for part in (seen, unseen, band)], axis=0)
    images = np.arange(count)[:, np.newaxis, np.newaxis]
    queried = np.arange(side)[:, np.newaxis]
    of_band = side * (count + 1) + (side * images + queried) * height + rows - queried + height // 2
    indices = np.where(rows < queried, side * images + rows, side * count + rows)
    indices = np.where(np.abs(rows - queried) <= height // 2, of_band, indices)
    return tf.gather(table, tf.constant(indices.reshape(side * count, -1), tf.int32))
