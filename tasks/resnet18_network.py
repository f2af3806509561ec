"""ResNet-18 for images of 32×32 pixels: the layout of its weights, its logits.

As in arXiv 2210.06171, with a 3×3 first convolution and without the first max-pooling:

| part | kernels | result for B images |
|---|---|---|
| input | | [B, 32, 32, 3] |
| convolution, ReLU | [3, 3, 3, 64] | [B, 32, 32, 64] |
| four stages of two basic blocks each, with c = 64, 128, 256, 512: | | |
|   convolution, ReLU | [3, 3, ·, c] | [B, h, w, c] |
|   convolution, added to the block's input, ReLU | [3, 3, c, c] | h, w: 32, 16, 8, 4 |
|   if the block halves h and w: 1×1 convolution of its input | [1, 1, c/2, c] | |
| mean over the 4×4 pixels | | [B, 512] |
| dense | [512, 10] + 10 | [B, 10] |

The 20 convolutions have no bias; each is followed by batch normalisation with ε = 0.001 and a scale and an offset per
channel. With the dense layer there are 11,173,962 weights. Padding is 'same'. The first convolution of stages 2 to 4,
and the 1×1 convolution beside it, have stride 2.

In the flat vector a convolution is its kernel in row-major order, then the scales, then the offsets; the convolutions
are in the order of the table, with the 1×1 convolution of a block last; kernel and bias of the dense layer are at the
end.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from tasks.task import Tensor

COLOURS = 3
EPSILON = 1e-3  # of batch normalisation, added to the variance

Normaliser = Callable[[Tensor, Tensor, Tensor], Tensor]  # features, scales, offsets → features


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution without a bias, with kernel [h, w, in, out], and its batch normalisation."""

    kernel: tuple[int, int, int, int]
    stride: int

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return self.kernel[3]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of its variables: kernel, scales, offsets."""
        return self.kernel, (self.channels,), (self.channels,)


@dataclass(frozen=True)
class ResNet:
    """A residual network of basic blocks; the defaults are ResNet-18.

    Args:
        widths: Channels of each stage.
        blocks: Basic blocks of each stage.
        classes: Logits per image.
    """

    widths: tuple[int, ...] = (64, 128, 256, 512)
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    classes: int = 10

    @functools.cached_property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The convolutions in order."""
        ins = self.widths[0]
        result = [Convolution((3, 3, COLOURS, ins), stride=1)]
        for stage, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                result += [Convolution((3, 3, ins, width), stride), Convolution((3, 3, width, width), stride=1)]
                if _is_projected(ins, width, stride):
                    result.append(Convolution((1, 1, ins, width), stride))
                ins = width
        return tuple(result)

    @property
    def channels(self) -> int:
        """Number of normalised channels of all convolutions: 4,800 in ResNet-18."""
        return sum(convolution.channels for convolution in self.convolutions)

    @functools.cached_property
    def variable_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the variables in the flat vector, in order: 62 in ResNet-18."""
        convolutions = (shape for convolution in self.convolutions for shape in convolution.shapes)
        return *convolutions, (self.widths[-1], self.classes), (self.classes,)

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """The (start, stop) of each layer in the flat vector: 21 in ResNet-18.

        A layer is a convolution with the scales and offsets of its batch normalisation, or the dense kernel with its
        bias.
        """
        sizes = [sum(map(math.prod, convolution.shapes)) for convolution in self.convolutions]
        stops = [sum(sizes[: number + 1]) for number in range(len(sizes))] + [self.parameters]
        return tuple(zip([0, *stops[:-1]], stops, strict=True))

    @property
    def parameters(self) -> int:
        """Number of weights: 11,173,962 in ResNet-18."""
        return sum(map(math.prod, self.variable_shapes))

    def initial_weights(self, seed: Tensor, dtype: str) -> Tensor:
        """Return initial weights [parameters], as in Keras: Glorot-uniform kernels, scales 1, offsets and biases 0.

        Args:
            seed: int32 [2].
            dtype: "float32" or "float64".
        """
        seeds = iter(tf.unstack(tf.random.experimental.stateless_split(seed, len(self.convolutions) + 1)))

        def kernel(shape: tuple[int, ...]) -> Tensor:
            limit = math.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))  # 6 / (fan_in + fan_out)
            return tf.random.stateless_uniform([math.prod(shape)], next(seeds), -limit, limit, dtype)

        parts = []
        for convolution in self.convolutions:
            channels = [convolution.channels]
            parts += [kernel(convolution.kernel), tf.ones(channels, dtype), tf.zeros(channels, dtype)]
        parts += [kernel((self.widths[-1], self.classes)), tf.zeros([self.classes], dtype)]
        return tf.concat(parts, axis=0)

    def training_logits(self, weights: Tensor, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of a minibatch, normalised by its own statistics, and these statistics.

        Args:
            weights: [parameters], float32 or float64.
            images: [B, h, w, 3] in the dtype of the computation: that of the weights, or bfloat16. B is known when the
                function is traced.

        Returns:
            Logits [B, classes], and mean and variance (divisor N) of each channel [channels], in the weights' dtype.
        """
        means, variances = [], []

        def normalised(features: Tensor, scales: Tensor, offsets: Tensor) -> Tensor:
            features, mean, variance = _normalised_by_batch(features, scales, offsets)
            means.append(mean)
            variances.append(variance)
            return features

        logits = self._logits(weights, images, normalised)
        return logits, tf.concat(means, axis=0), tf.concat(variances, axis=0)

    def inference_logits(self, weights: Tensor, images: Tensor, means: Tensor, variances: Tensor) -> Tensor:
        """Return the logits [B, classes] of images, normalised by given statistics, in the weights' dtype.

        The logits of an image do not depend on the other images.

        Args:
            weights: As in `training_logits`.
            images: As in `training_logits`.
            means: Mean of each channel [channels].
            variances: Variance of each channel [channels].
        """
        sizes = [convolution.channels for convolution in self.convolutions]
        statistics = zip(tf.split(means, sizes), tf.split(variances, sizes), strict=True)

        def normalised(features: Tensor, scales: Tensor, offsets: Tensor) -> Tensor:
            mean, variance = next(statistics)
            factor = scales * tf.math.rsqrt(variance + EPSILON)
            return features * tf.cast(factor, features.dtype) + tf.cast(offsets - mean * factor, features.dtype)

        return self._logits(weights, images, normalised)

    def _logits(self, weights: Tensor, images: Tensor, normalised: Normaliser) -> Tensor:
        *convolutions, kernel, bias = self._unpacked(weights)
        remaining = iter(zip(self.convolutions, convolutions[::3], convolutions[1::3], convolutions[2::3], strict=True))

        def convolved(features: Tensor) -> Tensor:
            """Return the next convolution of features, normalised."""
            convolution, kernel, scales, offsets = next(remaining)
            stride = convolution.stride
            if convolution.kernel[:2] == (1, 1):
                # Equal to a stride of two. In TensorFlow 2.21, oneDNN's gradient of a 1×1 convolution with stride 2
                # writes beyond its memory if there are 4 or 8 channels, which ends the process.
                features, stride = features[:, ::stride, ::stride], 1
            features = tf.nn.conv2d(features, tf.cast(kernel, features.dtype), stride, "SAME")
            return normalised(features, scales, offsets)

        features = tf.nn.relu(convolved(images))
        ins = self.widths[0]
        for stage, (width, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            for block in range(blocks):
                inner = convolved(tf.nn.relu(convolved(features)))
                if _is_projected(ins, width, 2 if stage and not block else 1):
                    features = convolved(features)
                features = tf.nn.relu(inner + features)
                ins = width
        pooled = tf.reduce_mean(tf.cast(features, weights.dtype), axis=[1, 2])
        logits = tf.cast(pooled, images.dtype) @ tf.cast(kernel, images.dtype)
        return tf.cast(logits, weights.dtype) + bias

    def _unpacked(self, weights: Tensor) -> list[Tensor]:
        parts = tf.split(weights, [math.prod(shape) for shape in self.variable_shapes])
        return [tf.reshape(part, shape) for part, shape in zip(parts, self.variable_shapes, strict=True)]


def _is_projected(ins: int, outs: int, stride: int) -> bool:
    """Return whether a block's input needs a 1×1 convolution to have the shape of its output."""
    return stride != 1 or ins != outs


def _normalised_by_batch(features: Tensor, scales: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return features [B, h, w, c] normalised by their mean and variance, and these, each [c]."""
    if features.dtype == tf.float64:  # not supported by TensorFlow's fused kernel
        mean, variance = tf.nn.moments(features, axes=[0, 1, 2])
        return tf.nn.batch_normalization(features, mean, variance, offsets, scales, EPSILON), mean, variance
    result = tf.raw_ops.FusedBatchNormV3(
        x=features, scale=scales, offset=offsets, mean=[], variance=[], epsilon=EPSILON, is_training=True
    )
    count = math.prod(features.shape[:3])
    variance = result.batch_variance * ((count - 1) / count)  # the kernel divides by N - 1, Keras by N
    return result.y, result.batch_mean, variance
