"""Levenberg-Marquardt with the exact Hessian (Marquardt 1963, SIAM Journal 11)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lodo.optimizer import GradientOptimizer, Hyperparameters, State, Tensor

Hessian = NDArray[np.floating] | Callable[[Tensor], Tensor]


class LevenbergMarquardt(GradientOptimizer):
    """Newton's method, damped towards gradient descent with a scale per coordinate.

        x ← x - (H² + λ diag(H²))⁻¹ H g          H at x; λ = 0 gives Newton's step, H⁻¹ g

    A constant Hessian is factorised once for all steps, lanes and dampings: with D = diag(H²) and the singular value
    decomposition D^-½ H = A Σ Bᵀ the step is D^-½ A · Σ/(Σ² + λ) · Bᵀ g, two products with constant matrices. This
    avoids forming H², whose condition number is the square of H's. Any other Hessian is factorised by Cholesky's method
    at every step in every lane; on a CPU XLA does that fifty times slower than TensorFlow, so XLA is off then.

    Hyperparameters: damping (λ >= 0).

    Args:
        hessian: The symmetric Hessian: an array [n, n] if it is constant, or a function of x [n, P] that returns
            [n, n, P], or [n, n] for all lanes.

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
        """Return the empty state.

        Raises:
            ValueError: x and its Hessian differ in size.
        """
        if not callable(self.hessian) and len(self.hessian) != x.shape[0]:
            raise ValueError(f"`x` must be as long as its Hessian, {len(self.hessian)}. Received: shape {x.shape}")
        return ()

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x after a step with this gradient [n, P], and the empty state."""
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
    scale = np.linalg.norm(matrix, axis=1, keepdims=True)  # square root of the diagonal of H², since H is symmetric
    left, values, right = np.linalg.svd(matrix / scale)
    return left / scale, values[:, np.newaxis], right


def _damped_newton_step(hessian: Tensor, gradient: Tensor, damping: Tensor) -> Tensor:
    """Return (H² + λ diag(H²))⁻¹ H g [n, P], for H [n, n, P] or [n, n].

    Uses Cholesky's method because it returns NaN for a lane whose matrix is singular or not finite; `tf.linalg.solve`
    raises an error, which would end the other lanes too.
    """
    matrix = hessian[tf.newaxis] if hessian.shape.rank == 2 else tf.transpose(hessian, [2, 0, 1])  # [P or 1, n, n]
    square = matrix @ matrix
    extra = damping[:, tf.newaxis] * tf.linalg.diag_part(square)
    target = matrix @ tf.transpose(gradient)[:, :, tf.newaxis]  # [P, n, 1]
    step = tf.linalg.cholesky_solve(tf.linalg.cholesky(square + tf.linalg.diag(extra)), target)
    return tf.transpose(step[:, :, 0])
