"""Levenberg-Marquardt's damped Newton step, with the true Hessian (Marquardt 1963, SIAM Journal 11)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

Hessian = NDArray[np.floating] | Callable[[Tensor], Tensor]


class LevenbergMarquardt(GradientOptimizer):
    """Newton's method with a damping that fades it into gradient descent, each coordinate on its own scale.

        x ← x - (H² + λ diag(H²))⁻¹ H g          H at x; at λ = 0 that is H⁻¹ g, Newton's step

    A Hessian that is the same everywhere is factorised once for all steps, lanes and dampings: with D = diag(H²) and
    the singular value decomposition D^-½ H = A Σ Bᵀ the step is D^-½ A · Σ/(Σ² + λ) · Bᵀ g, two products with fixed
    matrices. It also forms no H², whose condition number is the square of H's. Any other Hessian is factorised at every
    step, in every lane, by Cholesky; for that XLA on a CPU is fifty times too slow, and the loop does without it.

    Hyperparameters: damping (λ >= 0).

    Args:
        hessian: An array [n, n] if it is the same everywhere; or a function of x [n, P] that returns [n, n, P], or
            [n, n] for all lanes. Symmetric.

    Raises:
        ValueError: It is neither.
    """

    hyperparameters = ("damping",)
    needs = ("hessian",)

    def __init__(self, *, hessian: Hessian) -> None:
        self.hessian = hessian
        self.jit_compile = not callable(hessian)
        super().__init__()
        if not callable(hessian):
            self._factors = _factorised(hessian)

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return no state.

        Raises:
            ValueError: The Hessian is of another size than x.
        """
        if not callable(self.hessian) and len(self.hessian) != x.shape[0]:
            raise ValueError(f"`x` must be as long as its Hessian, {len(self.hessian)}. Received: shape {x.shape}")
        return ()

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x after a step from where this gradient [n, P] was taken."""
        damping = hyperparameters["damping"]
        if callable(self.hessian):
            return x - _damped_newton_step(self.hessian(x), gradient, damping), state
        left, values, right = (tf.constant(factor, x.dtype) for factor in self._factors)
        return x - left @ (values / (values * values + damping) * (right @ gradient)), state


def _factorised(hessian: NDArray[np.floating]) -> tuple[NDArray[np.float64], ...]:
    """Return D^-½ A [n, n], Σ [n, 1] and Bᵀ [n, n] of a Hessian [n, n].

    Raises:
        ValueError: It is not square.
    """
    matrix = np.asarray(hessian, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"`hessian` must be an array [n, n] or a function of x. Received: shape {matrix.shape}")
    scale = np.linalg.norm(matrix, axis=1, keepdims=True)  # the root of H²'s diagonal, H being symmetric
    left, values, right = np.linalg.svd(matrix / scale)
    return left / scale, values[:, np.newaxis], right


def _damped_newton_step(hessian: Tensor, gradient: Tensor, damping: Tensor) -> Tensor:
    """Return (H² + λ diag(H²))⁻¹ H g [n, P], for H [n, n, P] or [n, n].

    Cholesky, because it leaves NaN where a lane's matrix is not finite or singular; `tf.linalg.solve` raises then, and
    takes the other lanes with it.
    """
    matrix = hessian[tf.newaxis] if hessian.shape.rank == 2 else tf.transpose(hessian, [2, 0, 1])  # [P or 1, n, n]
    square = matrix @ matrix
    extra = damping[:, tf.newaxis] * tf.linalg.diag_part(square)
    target = matrix @ tf.transpose(gradient)[:, :, tf.newaxis]  # [P, n, 1]
    step = tf.linalg.cholesky_solve(tf.linalg.cholesky(square + tf.linalg.diag(extra)), target)
    return tf.transpose(step[:, :, 0])
