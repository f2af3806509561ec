"""The network of LODO-Residuals, its transpose and its gradient.

    V = (I + diag(w_N) P_N) ··· (I + diag(w_2) P_2) (I + diag(w_1) P_1)

(arXiv 2210.06171, ablations.) The pass through V ("up") computes h_i = h_{i-1} + w_i a_i with a_i = P_i h_{i-1}; the
pass through its transpose ("down") computes e_{i-1} = e_i + P_iᵀ (w_i e_i). Let a_i and b_i be those of the vectors v
and w, q_i the e_i of D V v and p_i those of D V w, where D is diagonal. Then, entry by entry, the gradient of
(V v)ᵀ D (V w) with respect to w_i is p_i a_i + q_i b_i, and with respect to D it is (V v)(V w).

| symbol | name here | shape |
|---|---|---|
| n, 2n, N | size, width, depth | |
| P_i | permutations | int32 [N, 2n]; (P v)[j] = v[permutation[j]] |
| w | weights | [N, 2n, P] |
| a, b | activations | [N, 2n, P]: inputs of the weights in a pass up |
| p, q | signals | [N, 2n, P]: inputs of the layers in a pass down |

The layers are a loop over stacked arrays: 64 unrolled layers take twelve times as long to compile, and run slower.
"""

from __future__ import annotations

import tensorflow as tf

from lodo.optimizer import Tensor
from lodo.permutations import fixed_permutations


class ResidualNetwork:
    """V for vectors of one size: its initial weights, its products, and the gradient of (Vv)ᵀ D (Vw).

    The permutations are part of the architecture and depend on size and depth alone. Lanes differ in their weights.

    Args:
        size: Entries of a vector, n >= 1.
        depth: Layers, N >= 1. Default: 64, the paper's.

    Raises:
        ValueError: An argument is below 1.
    """

    def __init__(self, size: int, *, depth: int = 64) -> None:
        for name, value in (("size", size), ("depth", depth)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        self.size, self.depth, self.width = size, depth, 2 * size
        self.permutations, self._inverses = fixed_permutations(depth, self.width, architecture=(size, depth))

    def initial_weights(self, seeds: Tensor, dtype: tf.DType) -> Tensor:
        """Return weights [N, 2n, P] ~ N(0, variance 1/N), drawn in float64 with one seed per lane.

        Args:
            seeds: int32 [P, 2].
            dtype: Dtype of the result.
        """
        shape = [self.depth, self.width]
        drawn = tf.map_fn(
            lambda seed: tf.random.stateless_normal(shape, seed, stddev=self.depth**-0.5, dtype=tf.float64),
            seeds,
            fn_output_signature=tf.TensorSpec(shape, tf.float64),
        )
        return tf.cast(tf.transpose(drawn, [1, 2, 0]), dtype)

    def up(self, weights: Tensor, vector: Tensor) -> tuple[Tensor, Tensor]:
        """Return V [I 0]ᵀ v [2n, P] for v [n, P], and the activations [N, 2n, P]."""
        permutations = tf.constant(self.permutations)
        bottom = tf.pad(vector, [[0, self.size], [0, 0]])  # [2n, P]

        def layer(i: Tensor, flow: Tensor, activations: tf.TensorArray) -> tuple[Tensor, Tensor, tf.TensorArray]:
            activation = tf.gather(flow, permutations[i])
            return i + 1, flow + weights[i] * activation, activations.write(i, activation)

        _, top, activations = tf.while_loop(lambda i, *_: i < self.depth, layer, (0, bottom, self._array(bottom)))
        return top, activations.stack()

    def down(self, weights: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
        """Return [I 0] Vᵀ w [n, P] for w [2n, P], and the signals [N, 2n, P], first layer first."""
        inverses = tf.constant(self._inverses)

        def layer(i: Tensor, flow: Tensor, signals: tf.TensorArray) -> tuple[Tensor, Tensor, tf.TensorArray]:
            return i - 1, flow + tf.gather(weights[i] * flow, inverses[i]), signals.write(i, flow)

        _, bottom, signals = tf.while_loop(lambda i, *_: i >= 0, layer, (self.depth - 1, top, self._array(top)))
        return bottom[: self.size], signals.stack()

    @staticmethod
    def weight_gradient(activation_v: Tensor, signal_v: Tensor, activation_w: Tensor, signal_w: Tensor) -> Tensor:
        """Return the gradient [N, 2n, P] of (Vv)ᵀ D (Vw) with respect to the weights: p a + q b.

        Args:
            activation_v: a, of v passed up.
            signal_v: q, of D V v passed down.
            activation_w: b, of w passed up.
            signal_w: p, of D V w passed down.
        """
        return signal_w * activation_v + signal_v * activation_w

    def _array(self, flow: Tensor) -> tf.TensorArray:
        """Return an array of `depth` tensors of this shape."""
        return tf.TensorArray(flow.dtype, self.depth, element_shape=flow.shape)
