"""Image generation: a PixelCNN on MNIST (arXiv 2210.06171)."""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from tasks.mnist import mnist
from tasks.options import MAX_BATCH_SIZE, float_dtype, single_seed, whole_number
from tasks.pixelcnn_evaluation import IMAGES_AT_ONCE, mean_losses
from tasks.pixelcnn_generation import generated
from tasks.pixelcnn_network import (
    BLOCKS,
    SIDE,
    SIDES,
    initial_scales,
    input_channels,
    layer_slices,
    logits,
    network_layers,
    variable_shapes,
)
from tasks.pixelcnn_pictures import grid, inputs_as_picture
from tasks.task import State, Tensor
from tasks.tensors import constant

SHOWN = 4  # rows of the pictures
SPLITS = ("validation", "test")
MAX_BLOCKS = 8


class PixelCNN:
    """Cross-entropy, in nats, of a random pixel of an image given the pixels before it in raster order.

    A minibatch consists of images drawn uniformly, with replacement, from the training images, and one uniformly drawn
    pixel of each. A uniform guess costs ln 256 = 5.545 nats; the paper reaches 0.7 to 0.8 after 300,000 steps.
    `tasks.pixelcnn_network` describes the network and its 94,696 weights.

    Training uses the training images only. `evaluate` averages over all 784 pixels of validation images (the last 64
    training images) or test images. Cohorts are of one candidate: x is [94,696, 1].

    With other values of `side` and `blocks` than the paper's, the numbers of pixels, pools and weights are smaller than
    in these descriptions.

    Args:
        dtype: "float32" or "float64". Default: "float32".
        batch_size: Images per step, 1 to 65,536. Default: 256.
        side: Side of the images in pixels: 28, or 14 or 7, whose pixels are means of MNIST's 2×2 or 4×4. Default: 28.
        blocks: Residual blocks per pool, 1 to 8. Default: 4, as in the paper.
        data_dir: Folder with mnist.npz. Default: see `tasks.mnist.mnist`.

    Raises:
        ValueError: An argument is out of range.
        tasks.errors.DatasetError: There are no MNIST images, or they cannot be read; a ValueError.
    """

    name = "pixelcnn"
    cohort_size = 1
    jit_compile = False  # XLA's depthwise convolutions and arctan are many times slower on a CPU than TensorFlow's
    metrics = ("loss",)
    evaluation_batch = IMAGES_AT_ONCE

    def __init__(
        self,
        *,
        dtype: str | None = None,
        batch_size: int = 256,
        side: int = SIDE,
        blocks: int = BLOCKS,
        data_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.dtype = float_dtype(dtype, default="float32")
        self.batch_size = whole_number("batch_size", batch_size, low=1, high=MAX_BATCH_SIZE)
        self.side = whole_number("side", side, low=min(SIDES), high=max(SIDES))
        if self.side not in SIDES:
            raise ValueError(f"`side` is one of {', '.join(map(str, SIDES))}. Received: {side!r}")
        self.blocks = whole_number("blocks", blocks, low=1, high=MAX_BLOCKS)
        layers = network_layers(self.side, self.blocks)
        self.layers, self.variable_shapes = layer_slices(layers), variable_shapes(layers)
        self._scales = initial_scales(layers)
        self._data = mnist(data_dir)
        self._held_out: dict[str, Tensor] = {}  # splits that have been evaluated
        self._generate = tf.function(generated, autograph=False)
        self._images = constant(averaged(self._data.train, self.side))  # uint8 [N, 28, 28]

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return the weights x [94,696, 1], each N(0, 1/(fan_in + 1)), and a state with an empty minibatch.

        The state is the minibatch: images, uint8 [B, 28, 28], and the pixel to predict in each, int32 [B], as
        row · 28 + column.
        """
        weights = tf.random.stateless_normal([len(self._scales)], single_seed(seeds, self.name), dtype=self.dtype)
        weights *= tf.constant(self._scales, self.dtype)
        blank = tf.zeros([self.batch_size, *self._images.shape[1:]], tf.uint8)
        return weights[:, tf.newaxis], (blank, tf.zeros([self.batch_size], tf.int32))

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the minibatch of step t, which depends on the seed and t alone."""
        del state
        return self._minibatch(
            tf.random.experimental.stateless_fold_in(single_seed(seeds, self.name), t), self.batch_size
        )

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return the minibatch's mean cross-entropy in nats [1] and its gradient [94,696, 1]."""
        images, pixels = state
        weights = x[:, 0]
        inputs = input_channels(images, pixels, self.dtype)
        greys = tf.gather(tf.reshape(images, [-1, self.side**2]), pixels, batch_dims=1)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(greys, tf.int32), logits(weights, inputs))
            loss = tf.reduce_mean(losses)
        gradient = tape.gradient(loss, weights)
        return loss[tf.newaxis], gradient[:, tf.newaxis], state

    def examples(self, split: str) -> int:
        """Return the number of images in "validation" or "test": 64 and 10,000 for all of MNIST.

        Raises:
            ValueError: There is no such split.
        """
        return len(self._split(split))

    def evaluate(self, x: Tensor, state: State, split: str, chosen: Tensor) -> Tensor:
        """Return the mean cross-entropy of all 784 pixels of each chosen image, in nats, [E, 1, 1] in x's dtype.

        Args:
            x: [94,696, 1].
            state: Not used.
            split: "validation" or "test".
            chosen: int32 [E], 0 to `examples(split)` - 1.

        Raises:
            ValueError: There is no such split.
        """
        del state
        if split not in self._held_out:
            self._held_out[split] = constant(averaged(self._split(split), self.side))
        losses = mean_losses(x[:, 0], tf.gather(self._held_out[split], chosen), self.dtype)
        return losses[:, tf.newaxis, tf.newaxis]

    def generate(self, x: Tensor, count: int, seed: int) -> Tensor:
        """Return digits drawn pixel by pixel from the network's softmax, uint8 [count, 28, 28].

        Args:
            x: [94,696, 1].
            count: Number of digits; the function is compiled once per number.
            seed: Any integer. The same x, count and seed give the same digits.
        """
        return self._generate(x[:, 0], _seed(seed), count, self.dtype, self.side)

    def pictures(self, x: Tensor, state: State, seed: int) -> dict[str, Tensor]:
        """Return "digits", 16 generated ones, and "inputs", the network's inputs for four training images.

        Args:
            x: [94,696, 1].
            state: Not used.
            seed: Seed of the digits, and of the training images and their pixels to predict.

        Returns:
            digits: uint8 [115, 115], four by four.
            inputs: uint8 [115, 144], one row per image and one column per input channel.
        """
        del state
        images, pixels = self._minibatch(_seed(seed), SHOWN)
        return {
            "digits": grid(self.generate(x, SHOWN**2, seed), columns=SHOWN),
            "inputs": inputs_as_picture(images, pixels),
        }

    def _minibatch(self, seed: Tensor, count: int) -> State:
        """Return random training images, uint8 [count, 28, 28], and a random pixel of each, int32 [count]."""
        of_images, of_pixels = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        chosen = tf.random.stateless_uniform([count], of_images, 0, self._images.shape[0], tf.int32)
        pixels = tf.random.stateless_uniform([count], of_pixels, 0, self.side**2, tf.int32)
        return tf.gather(self._images, chosen), pixels

    def _split(self, split: str) -> np.ndarray:
        if split not in SPLITS:
            raise ValueError(f"Unknown split; there are: {', '.join(SPLITS)}. Received: {split!r}")
        return self._data.test if split == "test" else self._data.validation


def averaged(images: np.ndarray, side: int) -> np.ndarray:
    """Return images of side² pixels, each the mean of a square of pixels, rounded to the nearest; half is rounded up.

    Args:
        images: uint8 [N, 28, 28].
        side: Side of the result; 28 gives the images as they are.
    """
    if side == SIDE:
        return images
    count, factor = len(images), SIDE // side
    sums = images.reshape(count, side, factor, side, factor).sum(axis=(2, 4), dtype=np.uint32)
    return ((sums + factor**2 // 2) // factor**2).astype(np.uint8)


def _seed(number: int) -> Tensor:
    """Return an integer as a seed [2] of `tf.random.stateless_*`."""
    return tf.constant([number % 2**31, number // 2**31 % 2**31], tf.int32)
