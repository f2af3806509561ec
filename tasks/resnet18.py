"""Image classification: ResNet-18 on CIFAR-10 (arXiv 2210.06171)."""

from __future__ import annotations

import os
from typing import NamedTuple

import tensorflow as tf

from tasks.options import FLOATS, float_dtype, real_number, switch, whole_number
from tasks.resnet18_images import cropped, shared_images
from tasks.resnet18_network import ResNet
from tasks.task import Tensor

LARGEST_BATCH = 65_536
SIDE = 32  # pixels
MOMENTUM = 0.99  # of the moving statistics


class ResNetState(NamedTuple):
    """A minibatch, and what batch normalisation goes by in inference."""

    images: Tensor  # [B, 32, 32, 3] in the task's dtype, standardised, cropped and flipped
    labels: Tensor  # int32 [B]
    means: Tensor  # [4,800] in the task's dtype: each normalised channel's moving mean, from 0
    variances: Tensor  # [4,800] likewise, from 1


class ResNet18:
    """Cross-entropy, in nats, of CIFAR-10's ten classes, plus regularisation · ½‖x‖² over all weights.

    A step's minibatch is of images drawn uniformly, with replacement, from the training images, each colour
    standardised by the training images' own mean and standard deviation. Each image is surrounded by zeros, cropped
    back to 32×32 pixels at a place drawn uniformly, and flipped left to right half of the time. Guessing costs ln 10 =
    2.303 nats. The network and its 11,173,962 weights are told in `tasks.resnet18_network`.

    Batch normalisation goes by the minibatch in training. Its moving statistics (momentum 0.99, once an evaluation)
    are part of the state, and what `evaluate` goes by. One candidate at a time: x is [11,173,962, 1].

    Args:
        dtype: "float32", "float64" or "bfloat16". With bfloat16 the convolutions and the dense layer are computed in
            it; weights, state, batch statistics, losses and gradients are float32, and so is the attribute `dtype`.
            Default: "float32".
        batch_size: Images a step, 1 to 65,536. Default: 2,048.
        crop_padding: Zeros on each side before cropping, 0 to 32 pixels; 0 is no cropping. Default: 4.
        flip: Whether images are flipped. Default: True.
        regularisation: Of the weights' squares, finite, at least 0. Default: 1e-4.
        data_dir: Folder that holds cifar10.npz. Default: as `tasks.cifar10.cifar10` looks for it.

    Raises:
        ValueError: An option is out of range.
        tasks.npz.DatasetError: There are no CIFAR-10 images, or they cannot be read. A ValueError, too.
    """

    name = "resnet18-cifar10"
    cohort_size = 1
    metrics = ("loss", "accuracy")
    evaluation_batch = 250
    network = ResNet()

    def __init__(
        self,
        *,
        dtype: str | None = None,
        batch_size: int = 2_048,
        crop_padding: int = 4,
        flip: bool = True,
        regularisation: float = 1e-4,
        data_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.computed_in = float_dtype(dtype, default="float32", accepted=("bfloat16", *FLOATS))
        self.dtype = "float32" if self.computed_in == "bfloat16" else self.computed_in
        self.batch_size = whole_number("batch_size", batch_size, low=1, high=LARGEST_BATCH)
        self.crop_padding = whole_number("crop_padding", crop_padding, low=0, high=SIDE)
        self.flip = switch("flip", flip)
        self.regularisation = real_number("regularisation", regularisation, low=0)
        self.layers = self.network.layers
        self.variable_shapes = self.network.variable_shapes
        # XLA's convolutions are many times slower on a CPU than TensorFlow's; on a GPU both call the same library.
        self.jit_compile = bool(tf.config.list_logical_devices("GPU"))
        self._data = shared_images(data_dir)

    def initial(self, seeds: Tensor) -> tuple[Tensor, ResNetState]:
        """Return the weights x [11,173,962, 1] as Keras starts them, and the state before any minibatch is drawn."""
        channels = [self.network.channels]
        state = ResNetState(
            images=tf.zeros([self.batch_size, SIDE, SIDE, 3], self.dtype),
            labels=tf.zeros([self.batch_size], tf.int32),
            means=tf.zeros(channels, self.dtype),
            variances=tf.ones(channels, self.dtype),
        )
        return self.network.initial_weights(_only(seeds), self.dtype)[:, tf.newaxis], state

    def advance(self, state: ResNetState, seeds: Tensor, t: Tensor) -> ResNetState:
        """Return the state with the minibatch of step t, which depends on the seed and t alone."""
        seed = tf.random.experimental.stateless_fold_in(_only(seeds), t)
        # One seed each, so that no option changes what another one draws.
        of_images, of_rows, of_columns, of_flips = tf.unstack(tf.random.experimental.stateless_split(seed, 4))

        def drawn(seed: Tensor, count: int) -> Tensor:
            return tf.random.stateless_uniform([self.batch_size], seed, 0, count, tf.int32)

        images, labels = self._data.train.chosen(drawn(of_images, self._data.sizes["train"]))
        images = self._data.standardised(images, self.dtype)
        if self.crop_padding or self.flip:
            places = 2 * self.crop_padding + 1
            flips = drawn(of_flips, 2) == 1 if self.flip else tf.zeros([self.batch_size], tf.bool)
            rows, columns = drawn(of_rows, places), drawn(of_columns, places)
            images = cropped(images, rows, columns, flips, padding=self.crop_padding)
        return state._replace(images=images, labels=labels)

    def loss_and_gradient(self, x: Tensor, state: ResNetState) -> tuple[Tensor, Tensor, ResNetState]:
        """Return the regularised loss of the minibatch [1], its gradient [11,173,962, 1], and the state.

        The moving statistics of the state go on by one evaluation.
        """
        weights = x[:, 0]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            logits, means, variances = self.network.training_logits(weights, tf.cast(state.images, self.computed_in))
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(state.labels, logits)
            loss = tf.reduce_mean(losses)
        gradient = tape.gradient(loss, weights) + self.regularisation * weights
        loss += self.regularisation * tf.nn.l2_loss(weights)
        state = state._replace(
            means=MOMENTUM * state.means + (1 - MOMENTUM) * means,
            variances=MOMENTUM * state.variances + (1 - MOMENTUM) * variances,
        )
        return loss[tf.newaxis], gradient[:, tf.newaxis], state

    def examples(self, split: str) -> int:
        """Return how many images there are in "validation" or "test".

        Raises:
            ValueError: There is no such split.
        """
        if split not in ("validation", "test"):
            raise ValueError(f"`split` is one of validation, test. Received: {split!r}")
        return self._data.sizes[split]

    def evaluate(self, x: Tensor, state: ResNetState, split: str, chosen: Tensor) -> Tensor:
        """Return cross-entropy in nats, without regularisation, and 1 or 0 for a right or wrong class: [E, 2, 1].

        Images are neither cropped nor flipped, and batch normalisation goes by the moving statistics.

        Raises:
            ValueError: There is no such split.
            tasks.npz.DatasetError: The file with the test images is gone, or is not what it was.
        """
        images, labels = self._data.held_out(split).chosen(chosen)
        images = tf.cast(self._data.standardised(images, self.dtype), self.computed_in)
        logits = self.network.inference_logits(x[:, 0], images, state.means, state.variances)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        right = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
        return tf.stack([losses, tf.cast(right, self.dtype)], axis=1)[:, :, tf.newaxis]


def _only(seeds: Tensor) -> Tensor:
    """Return the seed [2] of a cohort of one."""
    if seeds.shape[0] != 1:
        raise ValueError(
            f"resnet18-cifar10 trains one candidate at a time (cohort_size 1). Received: {seeds.shape[0]} seeds"
        )
    return seeds[0]
