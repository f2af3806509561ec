"""The toy tasks and their optimizers in a plain eager loop: TensorFlow as scripts use it, a tape a step.

What the compiled loop is measured against. The losses are written as anybody would write them, the gradient comes from
a tape, the noise from `tf.random.normal`, and the loop is Python's. One candidate at a time: x is [n, 1].
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import lodo.registry

Step = Callable[[], Any]  # takes a step and returns its loss

SEED = tf.constant([[1, 2]])  # of what an optimizer draws


class Rosenbrock:
    """Rosenbrock's valley; nothing moves."""

    def __init__(self, task: Any) -> None:
        self.start = tf.constant(task.start, task.dtype)[:, tf.newaxis]
        self.state = tf.zeros([], task.dtype)

    def advance(self, state: Any) -> Any:
        """Return the state of the next step."""
        return state

    def loss(self, x: Any, state: Any) -> Any:
        """Return the loss [1] at x [n, 1]."""
        del state
        return 0.01 * (1 - x[0]) ** 2 + (x[1] - x[0] ** 2) ** 2


class NoisyQuadraticBowl:
    """The bowl; its state is the centre, which walks."""

    def __init__(self, task: Any) -> None:
        self.hessian = tf.constant(task.hessian, task.dtype)
        self.start = self.state = tf.zeros([task.n, 1], task.dtype)

    def advance(self, state: Any) -> Any:
        """Return the next centre [n, 1]."""
        return state + tf.random.normal(state.shape, dtype=state.dtype)

    def loss(self, x: Any, state: Any) -> Any:
        """Return the loss [1] at x [n, 1]."""
        offset = x - state
        return 0.5 * tf.reduce_sum(offset * (self.hessian @ offset), axis=0)


PROBLEMS = {"rosenbrock": Rosenbrock, "noisy-quadratic-bowl": NoisyQuadraticBowl}


def loop(
    optimizer: Any, values: Mapping[str, float], problem: Any, *, horizon: int = 10_000, compile: bool = False
) -> Step:
    """Return a step of one of the project's own optimizers, with its gradient from a tape.

    Args:
        optimizer: An instance.
        values: Its hyperparameters.
        problem: One of `PROBLEMS`.
        horizon: The budget in steps that the optimizer is told.
        compile: Whether the step is one `tf.function`.
    """
    x, state, t = problem.start, problem.state, 0
    hyperparameters = {name: tf.constant([value], x.dtype) for name, value in values.items()}
    budget = tf.constant(horizon)
    carried = optimizer.initial_state(x, hyperparameters, SEED)

    def one(x: Any, state: Any, carried: Any, t: Any) -> Any:
        state = problem.advance(state)

        def loss_and_gradient(point: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(point)
                loss = problem.loss(point, state)
            return loss, tape.gradient(loss, point)

        x, carried, losses = optimizer.step(loss_and_gradient, x, carried, hyperparameters, t, budget)
        return x, state, carried, losses[0]

    function = tf.function(one, autograph=False) if compile else one

    def step() -> Any:
        nonlocal x, state, carried, t
        t += 1
        x, state, carried, loss = function(x, state, carried, tf.constant(t))
        return loss[0].numpy()

    return step


def autodiff_lodo(values: Mapping[str, float], problem: Any) -> Step:
    """Return a step of LODO by autodiff: one tape through the preconditioner and the loss, as algorithm 1 reads.

    θ, all blocks of all layers, is one variable, and Keras' Adam moves it. The start is that of `lodo.lodo`.
    """
    x = problem.start
    network = lodo.registry.load("LODO")().network(x.shape[0])
    blocks = tf.transpose(tf.stack(network.initial_blocks(SEED, x.dtype)), [0, 3, 1, 2])
    theta = tf.Variable(blocks)  # [N, ñ/k, k, k]
    # The entries of a block stand side by side here and ñ/k apart there: the same network with its entries renumbered.
    order = np.arange(network.width).reshape(network.block_size, network.n_blocks).T.ravel()
    place = np.argsort(order)
    first, *others = network.permutations
    permutations = [first[order], *(place[permutation[order]] for permutation in others)]
    up = [tf.constant(permutation) for permutation in permutations]
    down = [tf.constant(np.argsort(permutation)) for permutation in reversed(permutations)]
    folded, flat, padding = blocks.shape[1:3], [network.width], [[0, network.width - network.size]]
    adam = keras.optimizers.Adam(values["meta_learning_rate"])
    momentum, state = tf.zeros_like(x), problem.state

    def precondition(vector: Any) -> Any:
        layers = tf.unstack(theta)
        flow = tf.pad(vector[:, 0], padding)
        for layer, permutation in zip(layers, up, strict=True):
            flow = tf.reshape(tf.linalg.matvec(layer, tf.reshape(tf.gather(flow, permutation), folded)), flat)
        for layer, permutation in zip(reversed(layers), down, strict=True):
            flow = tf.reshape(tf.linalg.matvec(layer, tf.reshape(flow, folded), transpose_a=True), flat)
            flow = tf.gather(flow, permutation)
        return values["initial_learning_rate"] * flow[: network.size, tf.newaxis]

    def step() -> Any:
        nonlocal x, state, momentum
        state = problem.advance(state)
        with tf.GradientTape() as tape:
            x = x - precondition(momentum)
            tape.watch(x)
            loss = problem.loss(x, state)
        gradient, slope = tape.gradient(loss, [x, theta])
        adam.apply_gradients([(slope, theta)])
        momentum = values["momentum"] * momentum + (1 - values["momentum"]) * gradient
        return loss[0].numpy()

    return step


@contextlib.contextmanager
def operation_by_operation() -> Iterator[None]:
    """Run what the optimizers compile by themselves eagerly too, for the time of a `with` block."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def losses(step: Step, steps: int) -> np.ndarray:
    """Return the losses of the next steps, [steps]."""
    return np.array([step() for _ in range(steps)])
