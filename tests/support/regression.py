"""A small task with a validation and a test set: a straight line through noisy points."""

import numpy as np
import tensorflow as tf

WEIGHTS = np.array([1.0, -2.0, 0.5])
INPUTS = np.random.default_rng(0).normal(size=(64, 3))
TARGETS = INPUTS @ WEIGHTS + 0.1 * np.random.default_rng(1).normal(size=64)
PARTS = {"train": slice(0, 40), "validation": slice(40, 47), "test": slice(47, 64)}
PICTURE = np.arange(24, dtype=np.uint8).reshape(4, 6)
CLOSE = 0.1  # errors below this count as accurate


class Line:
    """Mean squared error of a minibatch of 8."""

    name, dtype, cohort_size, jit_compile, layers = "line", "float64", 1, True, ((0, 3),)
    metrics, evaluation_batch = ("loss", "accuracy"), 4

    def __init__(self, *, dtype=None):
        del dtype

    def initial(self, seeds):
        return tf.zeros([3, seeds.shape[0]], tf.float64), tf.zeros([8], tf.int32)

    def advance(self, state, seeds, t):
        of_step = tf.random.experimental.stateless_fold_in(seeds[0], t)
        return tf.random.stateless_uniform(state.shape, of_step, 0, 40, tf.int32)

    def loss_and_gradient(self, x, state):
        inputs = tf.gather(tf.constant(INPUTS), state)
        errors = inputs @ x - tf.gather(tf.constant(TARGETS), state)[:, None]
        return tf.reduce_mean(errors**2, axis=0), 2 * tf.transpose(inputs) @ errors / 8, state

    def examples(self, split):
        return len(TARGETS[PARTS[split]])

    def evaluate(self, x, state, split, chosen):
        del state
        inputs, targets = tf.constant(INPUTS[PARTS[split]]), tf.constant(TARGETS[PARTS[split]])
        errors = tf.gather(inputs, chosen) @ x - tf.gather(targets, chosen)[:, None]
        return tf.stack([errors**2, tf.cast(abs(errors) < CLOSE, tf.float64)], axis=1)

    def pictures(self, x, state, seed):
        del x, state
        return {"seed": tf.constant(PICTURE + seed, tf.uint8)}


def metrics(x, split):
    """Each example's metrics [E, 2] at x [3], by NumPy."""
    errors = INPUTS[PARTS[split]] @ x - TARGETS[PARTS[split]]
    return np.stack([errors**2, abs(errors) < CLOSE], axis=1)
