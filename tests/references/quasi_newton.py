"""Second-order optimizers: L-BFGS, O-LBFGS, BFGS and Levenberg-Marquardt (paper, the optimizers compared).

None searches along a line, checks the curvature or skips a pair: sᵀy = 0 gives numbers that are not finite. Ours skip
the pair of a step that did not move, for which there is no reference here.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from tests.references import Array, Minibatch, vector

Pair = tuple[Array, Array]


def two_loop(gradient: Array, pairs: Sequence[Pair], initial_inverse: float) -> Array:
    """Multiplies a gradient by the inverse Hessian that pairs describe, never forming it.

    Args:
        gradient: g [n].
        pairs: (s, y), each [n], oldest first.
        initial_inverse: γ, where H_0 = γ I.

    Returns:
        H g [n], H being the BFGS update of γ I by every pair in turn.
    """
    q = gradient.copy()
    coefficients = []
    for s, y in reversed(pairs):
        coefficient = (s @ q) / (s @ y)
        q = q - coefficient * y
        coefficients.append(coefficient)
    r = initial_inverse * q
    for (s, y), coefficient in zip(pairs, reversed(coefficients), strict=True):
        r = r + (coefficient - (y @ r) / (s @ y)) * s
    return r


def updated_inverse(inverse: Array, s: Array, y: Array) -> Array:
    """Updates a dense inverse Hessian by one pair: (I - s yᵀ/sᵀy) H (I - y sᵀ/sᵀy) + s sᵀ/sᵀy, [n, n]."""
    curvature = s @ y
    projection = np.eye(len(s)) - np.outer(s, y) / curvature
    return projection @ inverse @ projection.T + np.outer(s, s) / curvature


class LBFGS:
    """L-BFGS for noisy gradients and, with online=True, O-LBFGS (Schraudolph, Yu and Günter 2007).

    The step x ← x - η_t H g has η_t = η_0 τ/(τ + t), where t counts the steps taken before this one (0 at the first).
    The first step has no pair yet and takes H = ε I. Later ones start the two loops from H_0 = γ I, γ = sᵀy/yᵀy of
    the newest pair, or its average over the pairs kept where online. y is the difference of two gradients of the same
    minibatch.

    Args:
        x0: the start [n].
        learning_rate: η_0.
        decay_steps: τ, in steps.
        initial_scale: ε.
        history: how many pairs are kept.
        online: O-LBFGS instead of L-BFGS.
    """

    def __init__(
        self,
        x0: ArrayLike,
        *,
        learning_rate: float = 0.001,
        decay_steps: float = 1e4,
        initial_scale: float = 1e-10,
        history: int = 48,
        online: bool = False,
    ) -> None:
        self.x = vector(x0)
        self.learning_rate, self.decay_steps, self.initial_scale = learning_rate, decay_steps, initial_scale
        self.history, self.online = history, online
        self.pairs: list[Pair] = []
        self.t = 0

    def initial_inverse(self) -> float:
        """γ, the scale of H_0."""
        if not self.pairs:
            return self.initial_scale
        ratios = [(s @ y) / (y @ y) for s, y in self.pairs]
        return sum(ratios) / len(ratios) if self.online else ratios[-1]

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates before and after moving; returns x [n] and both losses [2]."""
        loss_before, g_before = f(self.x)
        rate = self.learning_rate * self.decay_steps / (self.decay_steps + self.t)
        s = -rate * two_loop(g_before, self.pairs, self.initial_inverse())
        self.x = self.x + s
        loss_after, g_after = f(self.x)
        self.pairs = [*self.pairs, (s, g_after - g_before)][-self.history :]
        self.t += 1
        return self.x, np.array([loss_before, loss_after])


class BFGS:
    """BFGS with a dense inverse Hessian, starting at H = initial_scale · I.

    The evaluation at the start is the first step's: every step evaluates once where it stands, updates H by the pair
    that the last move and the two latest gradients make (none at the first step), then moves by x ← x - η H g. The two
    gradients of a pair so belong to different minibatches.
    """

    def __init__(self, x0: ArrayLike, *, learning_rate: float = 0.01, initial_scale: float = 1.0) -> None:
        self.x = vector(x0)
        self.learning_rate = learning_rate
        self.inverse = initial_scale * np.eye(len(self.x))
        self.last: Pair | None = None  # the last move and the gradient it followed

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        if self.last is not None:
            s, g_before = self.last
            self.inverse = updated_inverse(self.inverse, s, g - g_before)
        s = -self.learning_rate * (self.inverse @ g)
        self.x = self.x + s
        self.last = (s, g)
        return self.x, np.array([loss])


class LevenbergMarquardt:
    """Levenberg-Marquardt with the true Hessian: x ← x - (H² + λ diag(H²))⁻¹ H g.

    diag(H²) is the diagonal of the matrix H H, and H is taken at the point where the gradient is.
    """

    def __init__(self, x0: ArrayLike, *, damping: float = 1.0) -> None:
        self.x = vector(x0)
        self.damping = damping

    def step(self, f: Minibatch, hessian: Callable[[Array], Array]) -> tuple[Array, Array]:
        """Evaluates once, moves once.

        Args:
            f: the minibatch.
            hessian: x [n] to H [n, n].

        Returns:
            x [n] and the loss [1].
        """
        loss, g = f(self.x)
        curvature = hessian(self.x)
        square = curvature @ curvature
        damped = square + self.damping * np.diag(np.diag(square))
        self.x = self.x - np.linalg.solve(damped, curvature @ g)
        return self.x, np.array([loss])
