"""LARS, layer-wise adaptive rate scaling (You et al. 2017, arXiv 1708.03888)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, LossAndGradient, State, Tensor


class LARS(GradientOptimizer):
    """Gradient descent with momentum and a learning rate scaled per layer, which decays to 0 at the end of the run.

        local = ‖x‖ / (‖g‖ + wd ‖x‖), each norm over one layer; 0 where that divides by zero
        global = η (1 - t/T)²          t = 1 at the first step, T the budget in steps
        v ← μ v + global · local · (g + wd x)
        x ← x - v

    A layer whose entries are all zero has the local rate 0, and is never trained.

    Hyperparameters: learning_rate (η > 0), momentum (μ in [0, 1)), weight_decay (wd >= 0).

    Args:
        layers: (start, stop) slices of x, one per layer, which cover x in order and without overlap.

    Raises:
        ValueError: The layers leave a gap or overlap.
    """

    hyperparameters = ("learning_rate", "momentum", "weight_decay")
    needs = ("layers",)

    def __init__(self, *, layers: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        starts, stops = [start for start, _ in layers], [stop for _, stop in layers]
        if not layers or starts != [0, *stops[:-1]] or any(stop <= start for start, stop in layers):
            raise ValueError(
                f"`layers` must be (start, stop) slices that cover x in order, from 0 on. Received: {tuple(layers)}"
            )
        self.layers = tuple(layers)

    def begin(self, x: Tensor, hyperparameters: Hyperparameters, seeds: Tensor) -> State:
        """Return the velocity [n, P], which is zero.

        Raises:
            ValueError: x and its layers differ in length.
        """
        if x.shape[0] != self.layers[-1][1]:
            raise ValueError(f"`x` must be as long as its layers, {self.layers[-1][1]}. Received: shape {x.shape}")
        return tf.zeros_like(x)

    def step(
        self,
        loss_and_gradient: LossAndGradient,
        x: Tensor,
        state: State,
        hyperparameters: Hyperparameters,
        t: Tensor,
        horizon: Tensor,
    ) -> tuple[Tensor, State, Tensor]:
        """Evaluate once at x, and step with the global rate of step t; losses [1, P]."""
        remaining = 1 - tf.cast(t, x.dtype) / tf.cast(horizon, x.dtype)
        scaled = {**hyperparameters, "learning_rate": hyperparameters["learning_rate"] * remaining**2}
        return super().step(loss_and_gradient, x, state, scaled, t, horizon)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the velocity after a step with this gradient [n, P]; `learning_rate` is the global rate."""
        decay = hyperparameters["weight_decay"]
        weights = self._norms(x)  # [layers, P]
        total = self._norms(gradient) + decay * weights
        rate = self._spread(hyperparameters["learning_rate"] * tf.math.divide_no_nan(weights, total))
        velocity = hyperparameters["momentum"] * state + rate * (gradient + decay * x)
        return x - velocity, velocity

    def _norms(self, vector: Tensor) -> Tensor:
        """Return the Euclidean norm of each layer [layers, P] of a vector [n, P]."""
        squares = vector * vector
        return tf.sqrt(tf.stack([tf.reduce_sum(squares[start:stop], axis=0) for start, stop in self.layers]))

    def _spread(self, values: Tensor) -> Tensor:
        """Repeat a value per layer [layers, P] for all entries of the layer [n, P]."""
        owner = np.repeat(np.arange(len(self.layers)), [stop - start for start, stop in self.layers])
        return tf.gather(values, owner)
