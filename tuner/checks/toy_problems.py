"""Three small problems on which optimizers are checked.

They are a bowl, Rosenbrock's function, and a noisy regression.

Each is a task with everything that an optimizer may need: layers, shapes of variables, and a Hessian.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

CENTRE = 0.3  # of the bowl and of the regression
EXAMPLES = 16  # in a minibatch of the regression


class Bowl:
    """Half the squared distance to a centre, weighted by curvatures from 0.1 to 2, in eight dimensions."""

    name, cohort_size, jit_compile = "bowl", 16, True
    layers: tuple[tuple[int, int], ...] = ((0, 6), (6, 8))
    variable_shapes: tuple[tuple[int, ...], ...] = ((3, 2), (2,))  # a matrix, which some optimizers treat otherwise
    start = np.linspace(-1.0, 2.0, 8)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.curvature = tf.constant(np.geomspace(0.1, 2.0, 8)[:, np.newaxis], dtype)

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        """Return the same start for every seed; there is no state."""
        start = tf.constant(self.start[:, np.newaxis], self.dtype)
        return tf.repeat(start, seeds.shape[0], axis=1), ()

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        """Return the state as it is."""
        del seeds, t
        return state

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        """Return the losses [P], their gradient [8, P], and the state."""
        gradient = self.curvature * (x - CENTRE)
        return tf.reduce_sum(gradient * (x - CENTRE), axis=0) / 2, gradient, state

    def hessian(self, x: Any) -> Any:
        """Return the Hessian [8, 8, P]."""
        return tf.repeat(tf.linalg.diag(self.curvature[:, 0])[..., tf.newaxis], x.shape[1], axis=-1)


class Rosenbrock(Bowl):
    """Rosenbrock's function of two variables."""

    name = "rosenbrock"
    layers = ((0, 2),)
    variable_shapes = ((2,),)
    start = np.array([-0.5, 2.0])

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        """Return the losses [P], their gradient [2, P], and the state."""
        u, v = x[0], x[1]
        ridge = v - u * u
        gradient = tf.stack([2 * (u - 1) - 400 * u * ridge, 200 * ridge])
        return (1 - u) ** 2 + 100 * ridge**2, gradient, state

    def hessian(self, x: Any) -> Any:
        """Return the Hessian [2, 2, P]."""
        u, v = x[0], x[1]
        mixed = -400 * u
        return tf.stack([tf.stack([2 - 400 * v + 1200 * u * u, mixed]), tf.stack([mixed, 200 * tf.ones_like(u)])])


class Regression(Bowl):
    """Linear least squares on a minibatch of inputs that is drawn anew at each step."""

    name = "regression"

    def initial(self, seeds: Any) -> tuple[Any, Any]:
        """Return the start, and room for a minibatch [16, 8, P]."""
        x, _ = super().initial(seeds)
        return x, tf.zeros([EXAMPLES, *x.shape], self.dtype)

    def advance(self, state: Any, seeds: Any, t: Any) -> Any:
        """Draw the inputs."""
        drawn = [
            tf.random.stateless_normal(
                state.shape[:2], tf.random.experimental.stateless_fold_in(seed, t), dtype="float32"
            )
            for seed in tf.unstack(seeds)
        ]
        return tf.cast(tf.stack(drawn, axis=-1), self.dtype)

    def loss_and_gradient(self, x: Any, state: Any) -> tuple[Any, Any, Any]:
        """Return the losses [P], their gradient [8, P], and the state."""
        errors = tf.reduce_sum(state * (x - CENTRE), axis=1)
        gradient = tf.reduce_mean(state * errors[:, tf.newaxis], axis=0)
        return tf.reduce_mean(errors**2, axis=0) / 2, gradient, state

    def hessian(self, x: Any) -> Any:
        """Return the mean of the Hessian over minibatches [8, 8, P]."""
        return tf.repeat(tf.eye(x.shape[0], dtype=self.dtype)[..., tf.newaxis], x.shape[1], axis=-1)
