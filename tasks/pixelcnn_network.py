"""The PixelCNN: the layout of its weights, its inputs and its logits.

As in arXiv 2210.06171:

| part | weights | result for B images |
|---|---|---|
| input | | [B, 28, 28, 5] |
| 1×1 convolution | [5, 20] + 20 | [B, 28, 28, 20] |
| five pools of four residual blocks, each: | | |
|   1×1 convolution, arctan | [20, 40] + 40 | [B, h, w, 40] |
|   3×3 depthwise convolution ×3, arctan | [3, 3, 40, 3] + 120 | [B, h, w, 120] |
|   1×1 convolution, added to the block's input | [120, 20] + 20 | [B, h, w, 20] |
| end of a pool: 2×2 average pooling, 'same' | | h, w: 28, 14, 7, 4, 2, 1 |
| dense | [20, 256] + 256 | [B, 256] |

A smaller network has images of fewer pixels, as many pools as halve their side to 1, and fewer blocks per pool. The
numbers below are those of the paper's.

The implementation computes the same numbers about twice as fast on a CPU: a 1×1 convolution is a matrix product over
all pixels, and a depthwise convolution with multiplier 3 is three with multiplier 1, each followed by its arctan and
its third of the next matrix product, which avoids arrays of 120 channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tasks.task import Tensor

SIDE = 28  # pixels
GREYS = 256  # classes
CHANNELS = 20  # between the blocks
WIDE = 40  # within a block
MULTIPLIER = 3  # of the depthwise convolution
BLOCKS = 4  # per pool
SIDES = (7, 14, 28)  # of images that a network can have


@dataclass(frozen=True, slots=True)
class Layer:
    """A kernel and its bias, which follow each other in the flat vector, in row-major order."""

    kernel: tuple[int, ...]
    bias: int
    fan_in: int

    @property
    def size(self) -> int:
        """Number of weights, including biases."""
        return math.prod(self.kernel) + self.bias


BLOCK = (
    Layer((CHANNELS, WIDE), WIDE, fan_in=CHANNELS),
    Layer((3, 3, WIDE, MULTIPLIER), WIDE * MULTIPLIER, fan_in=9),
    Layer((WIDE * MULTIPLIER, CHANNELS), CHANNELS, fan_in=WIDE * MULTIPLIER),
)
FIRST = Layer((5, CHANNELS), CHANNELS, fan_in=5)
DENSE = Layer((CHANNELS, GREYS), GREYS, fan_in=CHANNELS)
_BLOCK_SIZE = sum(layer.size for layer in BLOCK)

Block = tuple[Tensor, ...]  # the weights of a residual block
Layers = tuple[Layer, ...]


def pools(side: int) -> int:
    """Return how often a side has to be halved, rounded up, to be 1."""
    return (side - 1).bit_length()


def network_layers(side: int, blocks: int) -> Layers:
    """Return the layers of a network for images of side² pixels, with so many blocks per pool."""
    return (FIRST, *(BLOCK * (pools(side) * blocks)), DENSE)


LAYERS = network_layers(SIDE, BLOCKS)


def layer_slices(layers: Layers = LAYERS) -> tuple[tuple[int, int], ...]:
    """Return (start, stop) of each of the 62 layers in the flat vector."""
    stops = np.cumsum([layer.size for layer in layers]).tolist()
    return tuple(zip([0, *stops[:-1]], stops, strict=True))


def variable_shapes(layers: Layers = LAYERS) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the 124 kernels and biases in the flat vector, in order."""
    return tuple(shape for layer in layers for shape in (layer.kernel, (layer.bias,)))


def initial_scales(layers: Layers = LAYERS) -> np.ndarray:
    """Return the standard deviation of each initial weight, 1/√(fan_in + 1), float64 [94,696]."""
    return np.concatenate([np.full(layer.size, (layer.fan_in + 1) ** -0.5) for layer in layers])


def input_channels(images: Tensor, pixels: Tensor, dtype: str) -> Tensor:
    """Return the network's inputs, in which only pixels before the queried one in raster order are visible.

    Args:
        images: uint8 [B, 28, 28].
        pixels: int32 [B], the queried pixel of each image, row · 28 + column.
        dtype: Dtype of the result.

    Returns:
        [B, 28, 28, 5]: visible pixels / 256 and 0 elsewhere; 1 up to and including the queried pixel's column and -1
        beyond it; 1 where visible and -1 elsewhere; row · 2/28 - 1; column · 2/28 - 1.
    """
    side = images.shape[1]
    raster = tf.constant(np.arange(side * side).reshape(side, side), tf.int32)
    queried = pixels[:, tf.newaxis, tf.newaxis]  # [B, 1, 1]
    visible = tf.cast(raster < queried, dtype)  # [B, 28, 28]
    column = tf.cast(raster % side <= queried % side, dtype)
    ramp = np.arange(side) * (2 / side) - 1
    rows = tf.broadcast_to(tf.constant(ramp[:, np.newaxis], dtype), tf.shape(visible))
    columns = tf.broadcast_to(tf.constant(ramp, dtype), tf.shape(visible))
    seen = tf.cast(images, dtype) * visible / 256
    return tf.stack([seen, 2 * column - 1, 2 * visible - 1, rows, columns], axis=-1)


def logits(weights: Tensor, inputs: Tensor) -> Tensor:
    """Return the network's logits [B, 256].

    Args:
        weights: [94,696], flat.
        inputs: [B, 28, 28, 5] as `input_channels` returns them; B is known when the function is traced.
    """
    network = unpacked(weights, inputs.shape[1])
    return logits_of_features(first_features(inputs, network), network)


class Network(NamedTuple):
    """The weights by layer."""

    first: tuple[Tensor, Tensor]  # kernel and bias
    pools: list[list[Block]]
    dense: tuple[Tensor, Tensor]


def unpacked(weights: Tensor, side: int) -> Network:
    """Cut a flat vector of weights [94,696], for images of side² pixels, into layers."""
    first, middle, dense = tf.split(weights, [FIRST.size, weights.shape[0] - FIRST.size - DENSE.size, DENSE.size])
    blocks = _unpacked_blocks(middle)
    per_pool = len(blocks) // pools(side)
    grouped = [blocks[at : at + per_pool] for at in range(0, len(blocks), per_pool)]
    return Network(_unpacked(first, FIRST), grouped, _unpacked(dense, DENSE))


def first_features(inputs: Tensor, network: Network) -> Tensor:
    """Return the first convolution [..., 20] of inputs [..., 5]."""
    features = _dense(tf.reshape(inputs, [-1, inputs.shape[-1]]), *network.first)
    return tf.reshape(features, [*inputs.shape[:-1], CHANNELS])


def logits_of_features(features: Tensor, network: Network, pools_done: int = 0) -> Tensor:
    """Return the logits [B, 256] of features [B, h, w, 20] after `pools_done` pools."""
    for pool in network.pools[pools_done:]:
        for block in pool:
            features = residual_block(features, block)
        features = pooled(features)
    return _dense(tf.reshape(features, [-1, CHANNELS]), *network.dense)


def pooled(features: Tensor) -> Tensor:
    """Return features [B, h, w, 20] averaged over 2×2 pixels; at odd edges, over the pixels that exist."""
    return tf.nn.avg_pool2d(features, ksize=2, strides=2, padding="SAME")


def _unpacked(flat: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    kernel, bias = tf.split(flat, [math.prod(layer.kernel), layer.bias])
    return tf.reshape(kernel, layer.kernel), bias


def _unpacked_blocks(flat: Tensor) -> list[Block]:
    """Return the weights of the 20 blocks, with those of the depthwise layers grouped by multiplier.

    Each array is split and transposed for all blocks at once, since the gradient of each operation is an operation too.
    A block is: kernel [20, 40], bias [40], kernels [3, 3, 3, 40, 1], biases [3, 40], kernels [3, 40, 20], bias [20].
    """
    count = flat.shape[0] // _BLOCK_SIZE
    sizes = [size for layer in BLOCK for size in (math.prod(layer.kernel), layer.bias)]
    narrow, bias, deep, biases, joined, last = tf.split(tf.reshape(flat, [count, -1]), sizes, axis=1)
    deep = tf.transpose(tf.reshape(deep, [count, 3, 3, WIDE, MULTIPLIER]), [0, 4, 1, 2, 3])[..., tf.newaxis]
    biases = tf.transpose(tf.reshape(biases, [count, WIDE, MULTIPLIER]), [0, 2, 1])
    joined = tf.transpose(tf.reshape(joined, [count, WIDE, MULTIPLIER, CHANNELS]), [0, 2, 1, 3])
    narrow = tf.reshape(narrow, [count, CHANNELS, WIDE])
    return list(zip(*[tf.unstack(part) for part in (narrow, bias, deep, biases, joined, last)], strict=True))


def _dense(features: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    return tf.nn.bias_add(features @ kernel, bias)


def residual_block(features: Tensor, block: Block, inside: Tensor | None = None) -> Tensor:
    """Return the output of a residual block.

    Args:
        features: [B, h, w, 20].
        block: One of `Network.blocks`.
        inside: None for features of whole images. For bands of rows: [B, h, 1, 1] in features' dtype, 1 for rows of the
            image and 0 for rows beyond its edge.

    Returns:
        [B, h, w, 20]; for bands [B, h - 2, w, 20], without the first and last row.
    """
    kernel, bias, deep, biases, joined, last = block
    batch, height, width = features.shape[:3]
    flat = tf.reshape(features, [-1, CHANNELS])
    wide = tf.reshape(tf.atan(_dense(flat, kernel, bias)), [batch, height, width, WIDE])
    padding = "SAME"
    if inside is not None:
        wide, padding = tf.pad(wide * inside, [[0, 0], [0, 0], [1, 1], [0, 0]]), "VALID"
        height -= 2
        flat = tf.reshape(features[:, 1:-1], [-1, CHANNELS])
    parts = [tf.nn.bias_add(flat, last)]
    for deep_kernel, deep_bias, part in zip(tf.unstack(deep), tf.unstack(biases), tf.unstack(joined), strict=True):
        local = tf.nn.depthwise_conv2d(wide, deep_kernel, [1, 1, 1, 1], padding)
        parts.append(tf.reshape(tf.atan(tf.nn.bias_add(local, deep_bias)), [-1, WIDE]) @ part)
    return tf.reshape(tf.add_n(parts), [batch, height, width, CHANNELS])
