"""Generate digits with a PixelCNN, pixel by pixel in raster order."""

from __future__ import annotations

import tensorflow as tf

from tasks.pixelcnn_network import first_features, input_channels, logits_of_features, unpacked
from tasks.task import Tensor


def generated(weights: Tensor, seed: Tensor, count: int, dtype: str, side: int) -> Tensor:
    """Return digits, uint8 [count, 28, 28], generated together in a loop over the 784 pixels.

    Args:
        weights: [94,696], flat. If logits are not finite, the digits are meaningless.
        seed: int32 [2]; pixel p of all digits is drawn with the seed into which p is folded.
        count: Number of digits.
        dtype: Dtype of the weights.
        side: Side of the network's images, 28 in the shapes above.
    """
    network, number = unpacked(weights, side), side * side

    def one_pixel(pixel: Tensor, digits: Tensor) -> tuple[Tensor, Tensor]:
        inputs = input_channels(tf.reshape(digits, [count, side, side]), tf.fill([count], pixel), dtype)
        predicted = logits_of_features(first_features(inputs, network), network)
        of_pixel = tf.random.experimental.stateless_fold_in(seed, pixel)
        greys = tf.random.stateless_categorical(predicted, 1, of_pixel, dtype=tf.int32)  # [count, 1]
        return pixel + 1, tf.where(tf.range(number) == pixel, tf.cast(greys, tf.uint8), digits)

    blank = tf.zeros([count, number], tf.uint8)
    _, digits = tf.while_loop(lambda pixel, _: pixel < number, one_pixel, (0, blank), parallel_iterations=1)
    return tf.reshape(digits, [count, side, side])
