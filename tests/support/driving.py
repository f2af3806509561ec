"""Step an optimizer of `lodo` outside the training loop, on problems that tests compute by hand."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tests.references import Array, Minibatch

Batch = Callable[[int], Minibatch]  # number of the step, from 1 -> the minibatch of one lane


def drive(
    optimizer,
    start: Array,
    hyperparameters: Sequence[Mapping[str, float]],
    minibatches: Sequence[Batch],
    steps: int,
    dtype: str = "float64",
    state=None,
    horizon: int | None = None,
) -> tuple[Array, Array]:
    """Take steps with a cohort whose lanes differ in hyperparameters and minibatches.

    The horizon passed to the optimizer is the number of steps, unless another one is given.

    Returns:
        x after each step [steps, n, P], and the losses [evaluations, P].
    """
    lanes = len(hyperparameters)
    x = tf.constant(np.repeat(np.asarray(start)[:, None], lanes, axis=1), dtype)
    values = {name: tf.constant([lane[name] for lane in hyperparameters], dtype) for name in hyperparameters[0]}
    if state is None:
        state = optimizer.initial_state(x, values, lane_seeds(lanes))
    path, curve = [], []
    for t in range(1, steps + 1):

        def loss_and_gradient(point, t=t):
            answers = [batch(t)(point.numpy()[:, lane]) for lane, batch in enumerate(minibatches)]
            losses, gradients = zip(*answers, strict=True)
            return tf.constant(losses, dtype), tf.constant(np.stack(gradients, axis=1), dtype)

        x, state, losses = optimizer.step(
            loss_and_gradient, x, state, values, tf.constant(t, tf.int32), tf.constant(horizon or steps, tf.int32)
        )
        path.append(x.numpy())
        curve.extend(losses.numpy())
    return np.stack(path), np.stack(curve)


def lane_seeds(lanes: int):
    """Return one seed per lane, int32 [P, 2]."""
    return tf.constant([[7, lane] for lane in range(lanes)], tf.int32)
