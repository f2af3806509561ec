"""The noisy quadratic bowl, whose centre moves at random (arXiv 2210.06171)."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from tasks.options import float_dtype, whole_number
from tasks.task import State, Tensor

ROTATION_SEED = 2210_06171  # the paper's number on arXiv; the bowl is the same in all studies
MAX_N = 4096  # the Hessian is dense
PHILOX = 1  # tf.random.Algorithm.PHILOX, the only generator that all devices have


class NoisyQuadraticBowl:
    """f_t(x) = ½ (x - c_t)ᵀ H (x - c_t), from x = 0, with c_t = c_{t-1} + N(0, I) and c_0 = 0.

    H has eigenvalues log-spaced from 0.001 to 1 and random orthogonal eigenvectors, drawn with a constant seed. The
    centre moves once before each step, in each lane by the lane's own seed. With one evaluation per step no optimizer
    has a lower mean loss than Newton's method, which steps to c_t: ½ tr(H) = 7.412 for n = 100.

    Args:
        dtype: "float32" or "float64". Default: "float64".
        n: Dimensions, 2 to 4,096. Default: 100.

    Attributes:
        hessian: H, float64 [n, n], exactly symmetric.
        eigenvalues: float64 [n], ascending.
    """

    name = "noisy-quadratic-bowl"
    cohort_size = 16
    jit_compile = True

    def __init__(self, *, dtype: str | None = None, n: int = 100) -> None:
        self.dtype = float_dtype(dtype, default="float64")
        self.n = whole_number("n", n, low=2, high=MAX_N)
        self.layers = ((0, self.n),)
        self.eigenvalues = np.logspace(-3, 0, self.n)
        basis = _random_rotation(self.n)
        # Not by BLAS, whose order of summation depends on its number of threads.
        product = np.einsum("ij,kj->ik", basis * self.eigenvalues, basis)
        self.hessian = (product + product.T) / 2  # exactly symmetric despite rounding
        self.hessian.flags.writeable = False

    def floor(self, evaluations_per_step: int) -> float:
        """Return the least mean loss that an optimizer can reach: ½ tr(H) / `evaluations_per_step`.

        It belongs to a step to the centre: all evaluations of a step but the first are then at loss 0.
        """
        return float(self.eigenvalues.sum()) / 2 / evaluations_per_step

    def initial(self, seeds: Tensor) -> tuple[Tensor, State]:
        """Return x = 0 [n, P] and the centre c_0 = 0 [n, P]."""
        zeros = tf.zeros([self.n, seeds.shape[0]], self.dtype)
        return zeros, zeros

    def advance(self, state: State, seeds: Tensor, t: Tensor) -> State:
        """Return the centre of step t [n, P]: the previous one plus N(0, I)."""
        return state + _standard_normal(self.n, seeds, t, self.dtype)

    def loss_and_gradient(self, x: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Return ½ (x - c)ᵀ H (x - c) [P] and its gradient H (x - c) [n, P]."""
        offset = x - state
        gradient = tf.constant(self.hessian, self.dtype) @ offset
        return 0.5 * tf.reduce_sum(offset * gradient, axis=0), gradient, state


def _standard_normal(n: int, seeds: Tensor, t: Tensor, dtype: str) -> Tensor:
    """Return independent N(0, 1) numbers [n, P], which depend on each lane's seed, of [P, 2], and t alone.

    Uniform Philox numbers, with the seed as key and t as the high half of the counter, so that no two steps share a
    block, are transformed by the quantile function of the normal distribution. `tf.random.stateless_normal` also hashes
    seed and t and computes the quantile lane by lane: it takes a third longer to run, three times as long to compile.
    """
    counter = tf.stack([tf.constant(0, tf.uint64), tf.cast(t, tf.uint64)])
    uniform = tf.stack(
        [
            tf.raw_ops.StatelessRandomUniformV2(shape=[n], key=key, counter=counter, alg=PHILOX, dtype=dtype)
            for key in tf.split(tf.bitcast(seeds, tf.uint64), seeds.shape[0])
        ]
    )  # [P, n] in [0, 1)
    above_minus_one = np.nextafter(np.array(-1, dtype), np.array(0, dtype))  # avoids the quantile of 0, which is -inf
    return tf.transpose(math.sqrt(2) * tf.math.erfinv(tf.maximum(2 * uniform - 1, above_minus_one)))


def _random_rotation(n: int) -> np.ndarray:
    """Return a random orthogonal matrix, float64 [n, n], from the uniform distribution and a constant seed.

    Q of a Gaussian matrix is uniform if the diagonal of R is made positive (Mezzadri 2007).
    """
    gaussian = np.random.default_rng(ROTATION_SEED).standard_normal((n, n))
    q, r = np.linalg.qr(gaussian)
    return q * np.sign(np.diag(r))
