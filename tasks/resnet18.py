"""Image classification: ResNet-18 on CIFAR-10 (arXiv 2210.06171)."""

from __future__ import annotations

import os
from typing import NamedTuple

import tensorflow as tf

from tasks.options import FLOATS, MAX_BATCH_SIZE, float_dtype, real_number, single_seed, switch, whole_number
from tasks.resnet18_images import cropped, shared_images
from tasks.resnet18_network import ResNet
from tasks.task import Tensor

SIDE = 32  # pixels
MOMENTUM = 0.99  # of the moving statistics


class ResNetState(NamedTuple):
    """A minibatch, and the statistics that batch normalisation uses in inference."""

    images: Tensor  # [B, 32, 32, 3] in the task's dtype, standardised, cropped and flipped
    labels: Tensor  # int32 [B]
    means: Tensor  # [4,800] in the task's dtype: moving means of the normalised channels, initially 0
    variances: Tensor  # [4,800] likewise: moving variances, initially 1


class ResNet18:
    """Cross-entropy, in nats, of CIFAR-10's ten classes, plus regularisation · ½‖x‖² over all weights.

    A minibatch consists of images drawn uniformly, with replacement, from the training images, with each colour
    standardised by the training images' mean and standard deviation. Each image is padded with zeros, cropped to 32×32
    pixels at a uniformly drawn position, and flipped from left to right with probability ½. A uniform guess costs
    ln 10 = 2.303 nats. `tasks.resnet18_network` describes the network and its 11,173,962 weights.

    In training, batch normalisation uses the statistics of the minibatch. Moving statistics (momentum 0.99, updated per
    evaluation) are part of the state, and `evaluate` uses these. Cohorts are of one candidate: x is [11,173,962, 1].

    Args:
        dtype: "float32", "float64" or "bfloat16". With bfloat16, convolutions and the dense layer are computed in it;
            weights, state, batch statistics, losses and gradients are float32, and so is the attribute `dtype`.
            Default: "float32".
        batch_size: Images per step, 1 to 65,536. Default: 2,048.
        crop_padding: Padding on each side before cropping, 0 to 32 pixels; 0 disables cropping. Default: 4.
        flip: Whether images are flipped. Default: True.
        regularisation: Factor of ½‖x‖², finite, at least 0. Default: 1e-4.
        data_dir: Folder with cifar10.npz. Default: see `tasks.cifar10.cifar10`.

    Raises:
        ValueError: An argument is out of range.
        tasks.errors.DatasetError: There are no CIFAR-10 images, or they cannot be read; a ValueError.
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
        self.batch_size = whole_number("batch_size", batch_size, low=1, high=MAX_BATCH_SIZE)
        self.crop_padding = whole_number("crop_padding", crop_padding, low=0, high=SIDE)
        self.flip = switch("flip", flip)
        self.regularisation = real_number("regularisation", regularisation, low=0)
        self.layers = self.network.layers
        self.variable_shapes = self.network.variable_shapes
        # XLA's convolutions are many times slower on a CPU than TensorFlow's; on a GPU both call the same library.
        self.jit_compile = bool(tf.config.list_logical_devices("GPU"))
        self._data = shared_images(data_dir)

    def initial(self, seeds: Tensor) -> tuple[Tensor, ResNetState]:
        """Return the weights x [11,173,962, 1], initialised as Keras does, and a state with an empty minibatch."""
        channels = [self.network.channels]
        state = ResNetState(
            images=tf.zeros([self.batch_size, SIDE, SIDE, 3], self.dtype),
            labels=tf.zeros([self.batch_size], tf.int32),
            means=tf.zeros(channels, self.dtype),
            variances=tf.ones(channels, self.dtype),
        )
        return self.network.initial_weights(single_seed(seeds, self.name), self.dtype)[:, tf.newaxis], state

    def advance(self, state: ResNetState, seeds: Tensor, t: Tensor) -> ResNetState:
        """Return the state with the minibatch of step t, which depends on the seed and t alone."""
        seed = tf.random.experimental.stateless_fold_in(single_seed(seeds, self.name), t)
        # One seed each, so that no option changes what others draw.
        of_images, of_rows, of_columns, of_flips = tf.unstack(tf.random.experimental.stateless_split(seed, 4))

        def drawn(seed: Tensor, count: int) -> Tensor:
            return tf.random.stateless_uniform([self.batch_size], seed, 0, count, tf.int32)

        images, labels = self._data.train.chosen(drawn(of_images, self._data.sizes["train"]))
        images = self._data.standardised(images, self.dtype)
        if self.crop_padding or self.flip:
            positions = 2 * self.crop_padding + 1
            flips = drawn(of_flips, 2) == 1 if self.flip else tf.zeros([self.batch_size], tf.bool)
            rows, columns = drawn(of_rows, positions), drawn(of_columns, positions)
            images = cropped(images, rows, columns, flips, padding=self.crop_padding)
        return state._replace(images=images, labels=labels)

    def loss_and_gradient(self, x: Tensor, state: ResNetState) -> tuple[Tensor, Tensor, ResNetState]:
        """Return the regularised loss of the minibatch [1], its gradient [11,173,962, 1], and the state.

        The moving statistics of the state are updated.
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
        """Return the number of images in "validation" or "test".

        Raises:
            ValueError: There is no such split.
        """
        if split not in ("validation", "test"):
            raise ValueError(f"`split` is one of validation, test. Received: {split!r}")
        return self._data.sizes[split]

    def evaluate(self, x: Tensor, state: ResNetState, split: str, chosen: Tensor) -> Tensor:
        """Return cross-entropy in nats, without regularisation, and accuracy, 1 or 0: [E, 2, 1].

        Images are neither cropped nor flipped, and batch normalisation uses the moving statistics.

        Raises:
            ValueError: There is no such split.
            tasks.errors.DatasetError: The file with the test images is missing or has changed.
        """
        images, labels = self._data.held_out(split).chosen(chosen)
        images = tf.cast(self._data.standardised(images, self.dtype), self.computed_in)
        logits = self.network.inference_logits(x[:, 0], images, state.means, state.variances)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        correct = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
        return tf.stack([losses, tf.cast(correct, self.dtype)], axis=1)[:, :, tf.newaxis]
