"""The suite that every task passes: one function a promise of the Task protocol, and `CHECKS` to iterate over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

SEEDS = np.array([[11, 12], [-13, 14], [15, -16]], np.int32)  # as wide as the cohorts here


class Probe:
    """A task with its methods compiled as the training loop compiles them. Give it a task in float64."""

    def __init__(self, task: Any, *, is_random: bool) -> None:
        self.task = task
        self.is_random = is_random
        self.lanes = min(len(SEEDS), task.cohort_size)
        self.initial = tf.function(task.initial, jit_compile=task.jit_compile)
        self.evaluate = tf.function(task.loss_and_gradient, jit_compile=task.jit_compile)
        self.step = tf.function(self.uncompiled_step, jit_compile=task.jit_compile)

    def uncompiled_step(self, x: Any, state: Any, seeds: Any, t: Any) -> tuple[Any, ...]:
        """Take a step of gradient descent of size 0.01."""
        state = self.task.advance(state, seeds, t)
        loss, gradient, state = self.task.loss_and_gradient(x, state)
        return x - 0.01 * gradient, state, loss, gradient

    def run(self, seeds: np.ndarray, steps: int = 3) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses [steps, P] of a few steps of gradient descent, and the last x [n, P]."""
        seeds = tf.constant(seeds)
        x, state = self.initial(seeds)
        losses = []
        for t in range(1, steps + 1):
            x, state, loss, _ = self.step(x, state, seeds, tf.constant(t))
            losses.append(loss.numpy())
        return np.array(losses), x.numpy()

    def assert_differ(self, one: np.ndarray, other: np.ndarray) -> None:
        """Assert that losses [P] differ in every lane if the task is random, and in none if it is not."""
        assert ((one != other) == self.is_random).all()

    def first_step(self) -> tuple[Any, Any, Any, Any]:
        """Return x, state, loss and gradient at the first evaluation."""
        seeds = tf.constant(SEEDS[: self.lanes])
        x, state = self.initial(seeds)
        _, state, loss, gradient = self.step(x, state, seeds, tf.constant(1))
        return x, state, loss, gradient


def shapes_and_dtypes_are_as_promised(probe: Probe) -> None:
    x, state, loss, gradient = probe.first_step()
    assert probe.task.dtype == "float64"
    assert (x.dtype, loss.dtype, gradient.dtype) == (tf.float64,) * 3
    assert x.shape == (probe.task.layers[-1][1], probe.lanes)
    assert gradient.shape == x.shape
    assert loss.shape == (probe.lanes,)
    _, before = probe.initial(tf.constant(SEEDS[: probe.lanes]))
    tf.nest.assert_same_structure(before, state)
    assert [(a.shape, a.dtype) for a in tf.nest.flatten(before)] == [(a.shape, a.dtype) for a in tf.nest.flatten(state)]


def names_and_settings_are_as_promised(probe: Probe) -> None:
    assert probe.task.name == probe.task.name.lower()
    assert " " not in probe.task.name
    assert probe.task.cohort_size >= 1
    assert isinstance(probe.task.jit_compile, bool)


def layers_cover_x_without_overlap(probe: Probe) -> None:
    x, _ = probe.initial(tf.constant(SEEDS[: probe.lanes]))
    starts, stops = zip(*probe.task.layers, strict=True)
    assert starts == (0, *stops[:-1])
    assert stops[-1] == x.shape[0]
    assert all(start < stop for start, stop in probe.task.layers)


def loss_and_gradient_are_finite_at_the_start(probe: Probe) -> None:
    x, _, loss, gradient = probe.first_step()
    for array in (x, loss, gradient):
        assert np.isfinite(array.numpy()).all()


def gradient_equals_central_differences(probe: Probe) -> None:
    x, state, _, _ = probe.first_step()
    rng = np.random.default_rng(5)
    x = x + 0.1 * rng.standard_normal(x.shape)  # away from where a gradient may vanish
    gradient = probe.evaluate(x, state)[1].numpy()
    largest = np.abs(gradient).argmax(axis=0)  # a slope that cannot hide in rounding, and a few at random
    h = 1e-5  # error h² f''' / 6 + rounding / h, about 1e-10 relative to a loss of order 1
    for i in {*largest.tolist(), *rng.choice(len(gradient), min(4, len(gradient)), replace=False).tolist()}:
        shift = np.zeros(x.shape)
        shift[i] = h
        differences = (probe.evaluate(x + shift, state)[0] - probe.evaluate(x - shift, state)[0]).numpy() / (2 * h)
        scale = np.abs(gradient).max(axis=0)
        np.testing.assert_allclose(gradient[i] / scale, differences / scale, rtol=0, atol=1e-6)


def same_seed_gives_the_same_run(probe: Probe) -> None:
    once, again = probe.run(SEEDS[: probe.lanes]), probe.run(SEEDS[: probe.lanes])
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(once[1], again[1])


def another_seed_gives_another_run_where_the_task_is_random(probe: Probe) -> None:
    once = probe.run(SEEDS[: probe.lanes])[0]
    for change in ([0, 1], [1, 0]):  # each half of a seed counts
        another = probe.run(SEEDS[: probe.lanes] + np.array(change, np.int32))[0]
        probe.assert_differ(once[-1], another[-1])


def each_step_draws_anew_where_the_task_is_random(probe: Probe) -> None:
    seeds = tf.constant(SEEDS[: probe.lanes])
    x, state = probe.initial(seeds)
    losses = [probe.step(x, state, seeds, tf.constant(t))[2].numpy() for t in (1, 2, 3)]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        probe.assert_differ(losses[one], losses[other])


def evaluating_twice_gives_the_same_loss(probe: Probe) -> None:
    x, state, loss, gradient = probe.first_step()
    again = probe.evaluate(x, state)
    np.testing.assert_allclose(again[0], loss, rtol=1e-12)
    np.testing.assert_allclose(again[1], gradient, rtol=1e-9, atol=1e-12)


def cohort_equals_single_runs(probe: Probe) -> None:
    losses, x = probe.run(SEEDS[: probe.lanes])
    for lane in range(probe.lanes):
        alone_losses, alone_x = probe.run(SEEDS[lane : lane + 1])
        np.testing.assert_allclose(losses[:, lane], alone_losses[:, 0], rtol=1e-12)
        np.testing.assert_allclose(x[:, lane], alone_x[:, 0], rtol=1e-10, atol=1e-14)


def a_lane_of_nan_leaves_the_others_alone(probe: Probe) -> None:
    x, state, loss, gradient = probe.first_step()
    spoilt = x.numpy()
    spoilt[:, 0] = np.nan
    after_loss, after_gradient, _ = probe.evaluate(tf.constant(spoilt), state)
    assert np.isnan(after_loss[0])
    np.testing.assert_allclose(after_loss[1:], loss[1:], rtol=1e-12)
    np.testing.assert_allclose(after_gradient[:, 1:], gradient[:, 1:], rtol=1e-9, atol=1e-12)


def a_run_is_traced_once(probe: Probe) -> None:
    step = tf.function(probe.uncompiled_step)
    for number in (1, 2):
        seeds = tf.fill([probe.lanes, 2], number)
        x, state = probe.initial(seeds)
        for t in (1, 2):
            x, state, _, _ = step(x, state, seeds, tf.constant(t))
    assert step.experimental_get_tracing_count() == 1


CHECKS: tuple[Callable[[Probe], None], ...] = (
    shapes_and_dtypes_are_as_promised,
    names_and_settings_are_as_promised,
    layers_cover_x_without_overlap,
    loss_and_gradient_are_finite_at_the_start,
    gradient_equals_central_differences,
    same_seed_gives_the_same_run,
    another_seed_gives_another_run_where_the_task_is_random,
    each_step_draws_anew_where_the_task_is_random,
    evaluating_twice_gives_the_same_loss,
    cohort_equals_single_runs,
    a_lane_of_nan_leaves_the_others_alone,
    a_run_is_traced_once,
)
