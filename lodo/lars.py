"""LARS, layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, arXiv 1708.03888)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lodo.optimizer import GradientOptimizer, Hyperparameters, LossAndGradient, State, Tensor


class LARS(GradientOptimizer):
    """Gradient descent with momentum whose rate is scaled layer by layer, and falls to 0 at the end of the run.

        local = ‖x‖ / (‖g‖ + wd ‖x‖), each norm over one layer; 0 where that divides by zero
        global = η (1 - t/T)²          t = 1 at the first step, T the run's budget
        v ← μ v + global · local · (g + wd x)
        x ← x - v

    A layer that is zero has the local rate 0 and stays so: only what starts away from zero is trained.

    Hyperparameters: learning_rate (η > 0), momentum (μ in [0, 1)), weight_decay (wd >= 0).

    Args:
        layers: (start, stop) slices of x, one a layer, which cover x in order and without overlap.

    Raises:
        ValueError: The layers leave something out or overlap.
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
        """Return the velocity [n, P], at zero.

        Raises:
            ValueError: x is not as long as the layers are.
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
        """Evaluate once at x and move at the global rate that is due at step t of the horizon; losses [1, P]."""
        ahead = 1 - tf.cast(t, x.dtype) / tf.cast(horizon, x.dtype)
        due = {**hyperparameters, "learning_rate": hyperparameters["learning_rate"] * ahead**2}
        return super().step(loss_and_gradient, x, state, due, t, horizon)

    def update(
        self, gradient: Tensor, x: Tensor, state: State, hyperparameters: Hyperparameters, t: Tensor
    ) -> tuple[Tensor, State]:
        """Return x and the velocity after a step along this gradient [n, P], the learning rate being the global one."""
        decay = hyperparameters["weight_decay"]
        size = self._norms(x)  # [layers, P]
        pull = self._norms(gradient) + decay * size
        rate = self._spread(hyperparameters["learning_rate"] * tf.math.divide_no_nan(size, pull))
        velocity = hyperparameters["momentum"] * state + rate * (gradient + decay * x)
        return x - velocity, velocity

    def _norms(self, vector: Tensor) -> Tensor:
        """[n, P] -> the Euclidean norm of each layer [layers, P]."""
        squares = vector * vector
        return tf.sqrt(tf.stack([tf.reduce_sum(squares[start:stop], axis=0) for start, stop in self.layers]))

    def _spread(self, values: Tensor) -> Tensor:
        """[layers, P] -> [n, P], each layer's value at all of its entries."""
        owner = np.repeat(np.arange(len(self.layers)), [stop - start for start, stop in self.layers])
        return tf.gather(values, owner)
