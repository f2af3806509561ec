"""Image generation: predict one pixel of an MNIST digit from the pixels before it (arXiv 2210.06171)."""

from __future__ import annotations

import os

import tensorflow as tf

from tasks.mnist import mnist
from tasks.options import float_dtype, whole_number
from tasks.pixelcnn_network import (
    PARAMETERS,
    PIXELS,
    initial_scales,
    input_channels,
    layer_slices,
    logits,
    variable_shapes,
)
from tasks.task import State, Tensor

LARGEST_BATCH = 65_536


class PixelCNN:
    """Cross-entropy, in nats, of a uniformly drawn pixel of an image given those before it in raster order.

    A step's minibatch is of images drawn uniformly, with replacement, from the training images, and one pixel drawn
    uniformly in each. Guessing uniformly costs ln 256 = 5.545 nats; the paper ends at 0.7 to 0.8 after 300,000 steps.
    The network and its 94,696 weights are told in `tasks.pixelcnn_network`.

    Only training images are ever used here. One candidate at a time: x is [94,696, 1], a cohort of one.

    Args:
        dtype: "float32" or "float64". Default: "float32".
        batch_size: Images a step, 1 to 65,536. Default: 256.
        data_dir: Folder that holds mnist.npz. Default: as `tasks.mnist.mnist` looks for it.

    Raises:
        ValueError: An option is out of range.
        tasks.npz.DatasetError: There are no MNIST images, or they cannot be read. A ValueError, too.
    """

    name = "pixelcnn"
    cohort_size = 1
    jit_compile = False  # XLA's depthwise convolutions and arctan are many times slower on a CPU than TensorFlow's
    layers = layer_slices()
    variable_shapes = variable_shapes()

    def __init__(
        self,
        *,
        dtype: str | None = None,
        batch_size: int = 256,
        data_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.dtype = float_dtype(dtype, default="float32")
        self.batch_size = whole_number("batch_size", batch_size, low=1, high=LARGEST_BATCH)
        with tf.init_scope():  # an eager tensor: one copy in memory, whatever functions are traced over it
            self._images = tf.constant(mnist(data_dir).train)  # uint8 [N, 28, 28]

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the weights x [94,696, 1], each N(0, 1/(fan_in + 1)), and the state before any minibatch is drawn.

        The state is the minibatch: images uint8 [B, 28, 28] and the queried pixels int32 [B], row · 28 + column.
        """
        weights = tf.random.stateless_normal([PARAMETERS], _only(seeds), dtype=self.dtype)
        weights *= tf.constant(initial_scales(), self.dtype)
        blank = tf.zeros([self.batch_size, *self._images.shape[1:]], tf.uint8)
        return weights[:, tf.newaxis], (blank, tf.zeros([self.batch_size], tf.int32))

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the minibatch of step t; it depends on the seed and t alone."""
        del state
        seed = tf.random.experimental.stateless_fold_in(_only(seeds), t)
        of_images, of_pixels = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        chosen = tf.random.stateless_uniform([self.batch_size], of_images, 0, self._images.shape[0], tf.int32)
        pixels = tf.random.stateless_uniform([self.batch_size], of_pixels, 0, PIXELS, tf.int32)
        return tf.gather(self._images, chosen), pixels

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the minibatch's mean cross-entropy in nats [1] and its gradient [94,696, 1]."""
        images, pixels = state
        weights = x[:, 0]
        inputs = input_channels(images, pixels, self.dtype)
        greys = tf.gather(tf.reshape(images, [-1, PIXELS]), pixels, batch_dims=1)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(greys, tf.int32), logits(weights, inputs))
            loss = tf.reduce_mean(losses)
        gradient = tape.gradient(loss, weights)
        return loss[tf.newaxis], gradient[:, tf.newaxis], state


def _only(seeds: Tensor) -> Tensor:
    """Return the seed [2] of a cohort of one."""
    if seeds.shape[0] != 1:
        raise ValueError(f"pixelcnn trains one candidate at a time (cohort_size 1). Received: {seeds.shape[0]} seeds")
    return seeds[0]
