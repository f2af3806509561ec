"""First-order optimizers: Adam, Momentum, RMSprop, Yogi and LARS (paper, the optimizers compared)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tests.references import Array, Minibatch, vector

KERAS_EPSILON = 1e-7
YOGI_EPSILON = 1e-3


class Adam:
    """Adam in Keras' form: the bias corrections are in the step's size and ε stands outside the root.

    m ← β1 m + (1-β1) g;  v ← β2 v + (1-β2) g²;  x ← x - η √(1-β2ᵗ)/(1-β1ᵗ) · m/(√v + ε), with t = 1 at the first step.
    """

    def __init__(
        self, x0: ArrayLike, *, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999
    ) -> None:
        self.x = vector(x0)
        self.learning_rate, self.beta_1, self.beta_2 = learning_rate, beta_1, beta_2
        self.mean = np.zeros_like(self.x)
        self.mean_square = np.zeros_like(self.x)
        self.t = 0

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        self.t += 1
        self.mean = self.beta_1 * self.mean + (1 - self.beta_1) * g
        self.mean_square = self.beta_2 * self.mean_square + (1 - self.beta_2) * g**2
        size = self.learning_rate * np.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        self.x = self.x - size * self.mean / (np.sqrt(self.mean_square) + KERAS_EPSILON)
        return self.x, np.array([loss])


class Momentum:
    """Gradient descent with momentum, Keras' SGD: v ← μ v - η g;  x ← x + v."""

    def __init__(self, x0: ArrayLike, *, learning_rate: float = 0.01, momentum: float = 0.0) -> None:
        self.x = vector(x0)
        self.learning_rate, self.momentum = learning_rate, momentum
        self.velocity = np.zeros_like(self.x)

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        self.velocity = self.momentum * self.velocity - self.learning_rate * g
        self.x = self.x + self.velocity
        return self.x, np.array([loss])


class RMSprop:
    """RMSprop in Keras' form, ε inside the root.

    v ← ρ v + (1-ρ) g²;  u ← μ u + η g/√(v + ε);  x ← x - u.
    """

    def __init__(self, x0: ArrayLike, *, learning_rate: float = 0.001, rho: float = 0.9, momentum: float = 0.0) -> None:
        self.x = vector(x0)
        self.learning_rate, self.rho, self.momentum = learning_rate, rho, momentum
        self.mean_square = np.zeros_like(self.x)
        self.velocity = np.zeros_like(self.x)

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        self.mean_square = self.rho * self.mean_square + (1 - self.rho) * g**2
        increment = self.learning_rate * g / np.sqrt(self.mean_square + KERAS_EPSILON)
        self.velocity = self.momentum * self.velocity + increment
        self.x = self.x - self.velocity
        return self.x, np.array([loss])


class Yogi:
    """Yogi with both averages starting at 0 and no bias correction.

    m ← β1 m + (1-β1) g;  v ← v - (1-β2) sign(v - g²) g²;  x ← x - η m/(√v + 0.001).
    """

    def __init__(
        self, x0: ArrayLike, *, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999
    ) -> None:
        self.x = vector(x0)
        self.learning_rate, self.beta_1, self.beta_2 = learning_rate, beta_1, beta_2
        self.mean = np.zeros_like(self.x)
        self.mean_square = np.zeros_like(self.x)

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        self.mean = self.beta_1 * self.mean + (1 - self.beta_1) * g
        direction = np.sign(self.mean_square - g**2)
        self.mean_square = self.mean_square - (1 - self.beta_2) * direction * g**2
        self.x = self.x - self.learning_rate * self.mean / (np.sqrt(self.mean_square) + YOGI_EPSILON)
        return self.x, np.array([loss])


class LARS:
    """Layer-wise adaptive rate scaling with a quadratic decay over the run.

    For each layer: local = ‖x‖/(‖g‖ + wd‖x‖), 0 where that divides by zero; global = η (1 - t/T)², t = 1 at the
    first step;  velocity ← μ velocity + global · local · (g + wd x);  x ← x - velocity.

    Args:
        x0: the start [n].
        layers: slices (start, stop) of x, one a layer, which together cover x.
        horizon: T, the run's budget in gradient evaluations.
        learning_rate: η.
        momentum: μ.
        weight_decay: wd.
    """

    def __init__(
        self,
        x0: ArrayLike,
        *,
        layers: Sequence[tuple[int, int]],
        horizon: int,
        learning_rate: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0005,
    ) -> None:
        self.x = vector(x0)
        self.layers, self.horizon = tuple(layers), horizon
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.velocity = np.zeros_like(self.x)
        self.t = 0

    def step(self, f: Minibatch) -> tuple[Array, Array]:
        """Evaluates once, moves once; returns x [n] and the loss [1]."""
        loss, g = f(self.x)
        self.t += 1
        global_rate = self.learning_rate * (1 - self.t / self.horizon) ** 2
        velocity, moved = self.velocity.copy(), self.x.copy()
        for start, stop in self.layers:
            x_layer, g_layer = self.x[start:stop], g[start:stop]
            size = np.linalg.norm(x_layer)
            denominator = np.linalg.norm(g_layer) + self.weight_decay * size
            local_rate = size / denominator if denominator > 0 else 0.0
            pull = g_layer + self.weight_decay * x_layer
            velocity[start:stop] = self.momentum * self.velocity[start:stop] + global_rate * local_rate * pull
            moved[start:stop] = x_layer - velocity[start:stop]
        self.velocity, self.x = velocity, moved
        return self.x, np.array([loss])
