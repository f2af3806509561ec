"""Levenberg-Marquardt: its limits, and the two ways in which it receives the Hessian."""

import numpy as np
import pytest
import tensorflow as tf

from lodo.levenberg_marquardt import LevenbergMarquardt
from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tasks.rosenbrock import Rosenbrock
from tests.references.tasks import ROSENBROCK_START, rosenbrock, rosenbrock_gradient, rosenbrock_hessian
from tests.support.driving import drive

START = np.array(ROSENBROCK_START)
HESSIAN = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
SLOPE = np.array([1.0, -2.0, 0.5])


def plane(t):
    """A minibatch whose gradient is the same everywhere."""
    return lambda x: (float(SLOPE @ x), SLOPE)


def step_by(hessian, *dampings):
    """The first step [3, P] along SLOPE from 0."""
    settings = [{"damping": damping} for damping in dampings]
    path, _ = drive(LevenbergMarquardt(hessian=hessian), np.zeros(3), settings, [plane] * len(dampings), 1)
    return path[0]


def test_without_damping_it_jumps_to_the_minimum_of_a_quadratic():
    task = NoisyQuadraticBowl(n=100)
    centre = np.random.default_rng(1).normal(size=100)
    path, _ = drive(
        LevenbergMarquardt(hessian=task.hessian),
        np.zeros(100),
        [{"damping": 0.0}],
        [lambda t: lambda x: (0.0, task.hessian @ (x - centre))],
        1,
    )
    # H's condition number is 1,000, and it is never squared: 1e-16 · 1,000, and some.
    np.testing.assert_allclose(path[0, :, 0], centre, rtol=0, atol=2e-12)


def test_without_damping_it_is_newtons_method_where_the_hessian_changes():
    path, _ = drive(
        LevenbergMarquardt(hessian=Rosenbrock().hessian), START, [{"damping": 0.0}], [lambda t: rosenbrock], 5
    )
    x = START
    for t in range(5):
        x = x - np.linalg.solve(rosenbrock_hessian(x), rosenbrock_gradient(x))
        np.testing.assert_allclose(path[t, :, 0], x, rtol=1e-9)


def test_with_much_damping_it_is_a_short_step_along_the_scaled_gradient():
    step = step_by(HESSIAN, 1e9)[:, 0]
    scales = np.diag(HESSIAN @ HESSIAN)
    np.testing.assert_allclose(step, -(HESSIAN @ SLOPE) / scales / 1e9, rtol=1e-8, atol=1e-17)


def test_a_constant_hessian_gives_the_same_step_as_an_array_or_from_a_function():
    lanes = tf.constant(np.stack([HESSIAN, HESSIAN], axis=-1))
    as_array, once, by_lane = (
        step_by(given, 0.3, 2.0) for given in (HESSIAN, lambda x: tf.constant(HESSIAN), lambda x: lanes)
    )
    for lane, damping in enumerate((0.3, 2.0)):
        square = HESSIAN @ HESSIAN
        expected = -np.linalg.solve(square + damping * np.diag(np.diag(square)), HESSIAN @ SLOPE)
        for found in (as_array, once, by_lane):
            np.testing.assert_allclose(found[:, lane], expected, rtol=1e-12)


def test_a_lane_with_a_singular_hessian_ends_alone():
    lanes = tf.constant(np.stack([np.zeros((3, 3)), HESSIAN, np.full((3, 3), np.inf)], axis=-1))
    steps = step_by(lambda x: lanes, 1.0, 1.0, 1.0)
    assert not np.isfinite(steps[:, [0, 2]]).any()
    np.testing.assert_allclose(steps[:, 1], step_by(HESSIAN, 1.0)[:, 0], rtol=1e-12)


def test_only_a_constant_hessian_lets_xla_compile_the_loop():
    assert LevenbergMarquardt(hessian=HESSIAN).jit_compile
    assert not LevenbergMarquardt(hessian=Rosenbrock().hessian).jit_compile


def test_rosenbrocks_hessian_is_the_published_functions_second_derivative():
    points = np.random.default_rng(4).normal(size=(2, 6))
    found = Rosenbrock().hessian(tf.constant(points)).numpy()
    for lane, point in enumerate(points.T):
        np.testing.assert_allclose(found[:, :, lane], rosenbrock_hessian(point), rtol=1e-14)


def test_a_hessian_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match=r"an array \[n, n\] or a function of x. Received: shape \(2, 3\)"):
        LevenbergMarquardt(hessian=HESSIAN[:2])


def test_an_x_of_another_size_than_the_hessian_is_refused():
    with pytest.raises(ValueError, match=r"as long as its Hessian, 3. Received: shape \(2, 1\)"):
        LevenbergMarquardt(hessian=HESSIAN).initial_state(tf.zeros([2, 1]), {}, None)
