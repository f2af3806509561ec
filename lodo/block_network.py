"""The linear network of LODO's preconditioner, its transpose and its gradient.

    G(θ) = α_0 · [I 0] · U(θ)ᵀ U(θ) · [I 0]ᵀ          U(θ) = B_N P_N ··· B_2 P_2 B_1 P_1

(arXiv 2210.06171, section 3.) G is symmetric positive semi-definite for every θ, and α_0 I for blocks that are
orthogonal, as they are at the start. This module implements U and its transpose; α_0 and the step of x belong to
`lodo.learned_preconditioner`, the step of θ to `lodo.meta_optimizers`.

| symbol | name here | shape |
|---|---|---|
| n, ñ | size, width | ñ = 2n rounded up to a multiple of k |
| N, k | depth, block_size | |
| P_i | permutations | int32 [N, ñ]; (P v)[j] = v[permutation[j]] |
| B_i | blocks[i] | [k, k, ñ/k · P]: [output, input, block and lane] |
| a_i, b_i | activations[i] | [k, ñ/k · P]: input of B_i in the pass through U ("up") |
| p_i, q_i | signals[i] | [k, ñ/k · P]: input of B_iᵀ in the pass through Uᵀ ("down") |

Block b acts on the entries {j · ñ/k + b : j = 0 … k-1} of the permuted vector. Since the permutations are random, it
does not matter which entries share a block; this choice makes the long axis (blocks, then lanes) the last one, so that
each operation is a sum of k or k² products of long contiguous rows, for any number of lanes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lodo.optimizer import Tensor
from lodo.permutations import fixed_permutations

Permutation = NDArray[np.int32]  # [ñ]
Layers = Sequence[Tensor]  # one tensor per layer, first layer first

CACHE_BYTES = 2**18  # half of a core's own cache; it selects between two ways that differ in rounding alone


class BlockNetwork:
    """U(θ) for vectors of one size: its initial blocks, its products, and the gradient of (Uv)·(Uw).

    The permutations are part of the architecture and depend on size, depth and block size alone. Lanes differ in their
    blocks.

    Args:
        size: Entries of a vector, n >= 1.
        depth: Layers, N >= 1. Default: 16, the paper's.
        block_size: Rows of a block, k >= 1. Default: 4, the paper's.

    Raises:
        ValueError: An argument is below 1.
    """

    def __init__(self, size: int, *, depth: int = 16, block_size: int = 4) -> None:
        for name, value in (("size", size), ("depth", depth), ("block_size", block_size)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        self.size, self.depth, self.block_size = size, depth, block_size
        self.n_blocks = -(-2 * size // block_size)
        self.width = self.n_blocks * block_size
        self.permutations, self._inverses = fixed_permutations(
            depth, self.width, architecture=(size, depth, block_size)
        )

    def initial_blocks(self, seeds: Tensor, dtype: tf.DType) -> tuple[Tensor, ...]:
        """Return random orthogonal blocks, Haar-distributed, drawn with one seed per lane.

        Args:
            seeds: int32 [P, 2].
            dtype: Dtype of the result. The blocks are made orthogonal in float64 and then rounded.

        Returns:
            N tensors [k, k, ñ/k · P].
        """
        k = self.block_size
        shape = [self.depth, self.n_blocks, k, k]

        def draw(seed: Tensor) -> Tensor:
            return tf.random.stateless_normal(shape, seed, dtype=tf.float64)

        drawn = tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec(shape, tf.float64))  # [P, N, ñ/k, k, k]
        normal = tf.reshape(tf.transpose(drawn, [3, 4, 1, 2, 0]), [k, k, self.depth, -1])  # [k, k, N, ñ/k · P]
        if normal.shape[-1] == 1:  # TensorFlow adds the k numbers of a single column in another order
            layers = [_orthogonal(layer) for layer in tf.unstack(normal, axis=2)]
        else:  # all layers at once, which are a sixteenth of the operations to trace
            layers = tf.unstack(_orthogonal(normal), axis=2)
        return tuple(tf.cast(layer, dtype) for layer in layers)

    def up(self, blocks: Layers, vector: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return U [I 0]ᵀ v [ñ, P] for v [n, P], and the activations: N tensors [k, ñ/k · P]."""
        lanes = vector.shape[1]
        flow = tf.pad(vector, [[0, self.width - self.size], [0, 0]])  # [ñ, P]
        activations = []
        for block, permutation, inverse in zip(blocks, self.permutations, self._inverses, strict=True):
            activation = self._fold(_permuted(flow, permutation, inverse, fused=self._in_cache(flow)))
            activations.append(activation)
            flow = self._unfold(_product(block, activation, fused=self._in_cache(flow)), lanes)
        return flow, tuple(activations)

    def down(self, blocks: Layers, top: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return [I 0] Uᵀ w [n, P] for w [ñ, P], and the signals, first layer first: N tensors [k, ñ/k · P]."""
        lanes = top.shape[1]
        flow = top
        signals = []
        layers = zip(reversed(blocks), reversed(self.permutations), reversed(self._inverses), strict=True)
        for block, permutation, inverse in layers:
            signal = self._fold(flow)
            signals.append(signal)
            transposed = tf.transpose(block, [1, 0, 2])
            passed = self._unfold(_product(transposed, signal, fused=self._in_cache(flow)), lanes)
            flow = _permuted(passed, inverse, permutation, fused=self._in_cache(passed))
        return flow[: self.size], tuple(reversed(signals))

    @staticmethod
    def block_gradient(activation_v: Tensor, signal_v: Tensor, activation_w: Tensor, signal_w: Tensor) -> Tensor:
        """Return the gradient [k, k, ·] of (Uv)·(Uw) with respect to one layer's blocks: p aᵀ + q bᵀ (section 3).

        Args:
            activation_v: a [k, ·], of v passed up.
            signal_v: q [k, ·], of Uv passed down.
            activation_w: b [k, ·], of w passed up.
            signal_w: p [k, ·], of Uw passed down.
        """
        return signal_w[:, tf.newaxis] * activation_v + signal_v[:, tf.newaxis] * activation_w

    def _in_cache(self, flow: Tensor) -> bool:
        """Return whether one layer's blocks for all lanes fit into a core's own cache."""
        return self.block_size * self.width * int(flow.shape[1]) * flow.dtype.size <= CACHE_BYTES

    def _fold(self, flow: Tensor) -> Tensor:
        """Reshape [ñ, P] to [k, ñ/k · P]."""
        return tf.reshape(flow, [self.block_size, self.n_blocks * flow.shape[1]])

    def _unfold(self, folded: Tensor, lanes: int) -> Tensor:
        """Reshape [k, ñ/k · P] to [ñ, P]."""
        return tf.reshape(folded, [self.width, lanes])


def _orthogonal(normal: Tensor) -> Tensor:
    """Return Haar-distributed orthogonal matrices [k, k, ·] from matrices of normal draws.

    The Gram-Schmidt process gives a triangular factor with a positive diagonal, so that the QR decomposition is unique
    and Q is uniform over the orthogonal group. Each projection is done twice, which removes its rounding error.
    """
    columns: list[Tensor] = []
    for column in tf.unstack(normal, axis=1):
        for _ in range(2):
            for previous in columns:
                column -= previous * tf.reduce_sum(previous * column, axis=0)
        columns.append(column * tf.math.rsqrt(tf.reduce_sum(column**2, axis=0)))
    return tf.stack(columns, axis=1)


def _product(block: Tensor, vector: Tensor, *, fused: bool) -> Tensor:
    """Return B v [k, ·] for B [k, k, ·] and v [k, ·].

    XLA can fuse an expression of all rows with its neighbours; row by row is faster where fusion gains nothing.

    Python traces `tf.unstack` as one operation and each slice as four, which takes as long as the compilation. Row by
    row, B is sliced all the same: with unstacked entries XLA contracts other products and sums into one rounding.
    """
    entries = tf.unstack(vector)
    if fused:
        return tf.add_n([column * entry for column, entry in zip(tf.unstack(block, axis=1), entries, strict=True)])
    places = range(len(entries))
    return tf.stack([sum(block[i, j] * entries[j] for j in places) for i in places])


def _permuted(flow: Tensor, permutation: Permutation, inverse: Permutation, *, fused: bool) -> Tensor:
    """Return flow [ñ, P] with its rows permuted: (P v)[j] = v[permutation[j]].

    XLA fuses a gather with the operations before it, which then read the blocks in random order. That is faster while
    the blocks are in the cache, and two to three times slower otherwise. To prevent the fusion, the gather is placed in
    a conditional with two equal branches, which XLA does not fuse; on a GPU it is a scatter, since a conditional
    synchronises with the host. A single lane is passed as a vector, because XLA may copy a matrix of one column to
    transpose it.
    """
    if fused:
        return tf.gather(flow, permutation)
    if tf.config.list_logical_devices("GPU"):
        return tf.tensor_scatter_nd_update(tf.zeros_like(flow), inverse[:, np.newaxis], flow)
    rows = flow[:, 0] if flow.shape[1] == 1 else flow

    def permute() -> Tensor:
        return tf.gather(rows, permutation)

    return tf.reshape(tf.cond(tf.math.is_finite(flow[0, 0]), permute, permute), flow.shape)
