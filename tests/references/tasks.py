"""Problems in NumPy float64: Rosenbrock's function and the noisy quadratic bowl (paper, the tasks)."""

import numpy as np
from numpy.typing import ArrayLike

from tests.references import Array, Minibatch

ROSENBROCK_START = (-0.5, 2.0)


def rosenbrock_loss(point: Array) -> float:
    """f(x, y) = 0.01 (1-x)² + (y-x²)²."""
    x, y = point
    return float(0.01 * (1 - x) ** 2 + (y - x**2) ** 2)


def rosenbrock_gradient(point: Array) -> Array:
    """∇f = (-0.02 (1-x) - 4x (y-x²), 2 (y-x²)), [2]."""
    x, y = point
    return np.array([-0.02 * (1 - x) - 4 * x * (y - x**2), 2 * (y - x**2)])


def rosenbrock_hessian(point: Array) -> Array:
    """∇²f = [[0.02 - 4y + 12x², -4x], [-4x, 2]], [2, 2]."""
    x, y = point
    return np.array([[0.02 - 4 * y + 12 * x**2, -4 * x], [-4 * x, 2.0]])


def rosenbrock(point: Array) -> tuple[float, Array]:
    """Loss and gradient of Rosenbrock's function; no noise, so every step's minibatch is this one."""
    return rosenbrock_loss(point), rosenbrock_gradient(point)


def bowl_eigenvalues(n: int = 100, smallest: float = 0.001, largest: float = 1.0) -> Array:
    """The bowl's eigenvalues [n], spaced evenly in the logarithm, ascending, both ends included."""
    return np.array([smallest * (largest / smallest) ** (i / (n - 1)) for i in range(n)])


class NoisyQuadraticBowl:
    """f_t(x) = ½ (x - c_t)ᵀ H (x - c_t), its centres c_t given.

    The centre moves before the first evaluation too: c_0 = 0 is never seen and centres[0] is c_1.

    Args:
        hessian: H [n, n], symmetric.
        centres: c_1, c_2, ..., [T, n].
    """

    def __init__(self, hessian: ArrayLike, centres: ArrayLike) -> None:
        self.matrix = np.array(hessian, dtype=np.float64)
        self.centres = np.array(centres, dtype=np.float64)

    def minibatch(self, t: int) -> Minibatch:
        """f_t of step t = 1, 2, ...: x [n] to its loss and gradient [n]."""
        if not 1 <= t <= len(self.centres):
            raise ValueError(f"step must be 1 to {len(self.centres)}. Received: {t}")
        centre = self.centres[t - 1]

        def f(x: Array) -> tuple[float, Array]:
            gradient = self.matrix @ (x - centre)
            return float(0.5 * (x - centre) @ gradient), gradient

        return f

    def hessian(self, x: Array) -> Array:
        """H [n, n], the same everywhere."""
        return self.matrix
