"""LODO's ablations: their preconditioners, their gradients without autodiff, and the limits in which they meet."""

import numpy as np
import pytest
import tensorflow as tf

from lodo.lodo import LODO
from lodo.lodo_diagonal import LODODiagonal
from lodo.lodo_global import LODOGlobal
from lodo.lodo_no_momentum import LODONoMomentum
from lodo.lodo_residuals import LODOResiduals
from lodo.lodo_sgd import LODOSGD
from lodo.residual_network import ResidualNetwork
from tests.references.tasks import ROSENBROCK_START, rosenbrock
from tests.support.driving import drive, lane_seeds

LANES = 3
START = np.array(ROSENBROCK_START)
RATES = {"initial_learning_rate": 0.05, "meta_learning_rate": 0.01, "momentum": 0.8}


def parabola(x):
    """2 x², whose gradient is 4 x, with any number of coordinates."""
    return 2 * float(x @ x), 4 * x


def wandered(optimizer, size, wander=0.3):
    """θ of an optimizer that has left its start, for vectors of this size, and two such vectors [n, P]."""
    draws = np.random.default_rng(size)
    v, w = (tf.constant(draws.normal(size=(size, LANES))) for _ in range(2))
    theta = optimizer.initial_theta(v, lane_seeds(LANES))
    return tuple(part + wander * draws.normal(size=part.shape) for part in theta), v, w


def bilinear(optimizer, theta, v, w):
    """wᵀ G(θ) v / α_0 [P]."""
    return tf.reduce_sum(w * optimizer.precondition(theta, v)[0], axis=0)


def gradient_by_formula(optimizer, theta, v, w):
    return optimizer.theta_gradient(theta, optimizer.precondition(theta, v)[1], w)


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("optimizer", [LODOResiduals(depth=5), LODODiagonal(), LODOGlobal()])
def test_the_gradient_by_formula_equals_autodiff(optimizer, size):
    theta, v, w = wandered(optimizer, size)
    with tf.GradientTape() as tape:
        tape.watch(theta)
        total = tf.reduce_sum(bilinear(optimizer, theta, v, w))
    ours = gradient_by_formula(optimizer, theta, v, w)
    for formula, autodiff in zip(ours, tape.gradient(total, theta), strict=True):
        assert np.abs(autodiff).max() > 0.01
        np.testing.assert_allclose(formula, autodiff, rtol=1e-12, atol=1e-12 * np.abs(autodiff).max())


def test_the_gradient_through_64_residual_layers_equals_autodiff():
    optimizer = LODOResiduals()
    theta, v, w = wandered(optimizer, 4, wander=0.1)
    assert [part.shape for part in theta] == [(64, 8, LANES), (8, LANES)]
    with tf.GradientTape() as tape:
        tape.watch(theta)
        total = tf.reduce_sum(bilinear(optimizer, theta, v, w))
    ours = gradient_by_formula(optimizer, theta, v, w)
    for formula, autodiff in zip(ours, tape.gradient(total, theta), strict=True):
        np.testing.assert_allclose(formula, autodiff, rtol=1e-12, atol=1e-12 * np.abs(autodiff).max())


def test_the_gradient_through_residual_layers_equals_central_differences():
    optimizer = LODOResiduals(depth=3)
    theta, v, w = wandered(optimizer, 2)
    step = 0.5  # wᵀGv is at most quadratic in each entry of θ, so the difference is exact for a step of any size
    for number, slope in enumerate(gradient_by_formula(optimizer, theta, v, w)):
        for place in np.ndindex(*slope.shape[:-1]):  # in all lanes at once
            moved = []
            for sign in (1, -1):
                values = theta[number].numpy()
                values[place] += sign * step
                moved.append(bilinear(optimizer, (*theta[:number], tf.constant(values), *theta[number + 1 :]), v, w))
            np.testing.assert_allclose(slope[place], (moved[0] - moved[1]) / (2 * step), rtol=1e-9, atol=1e-10)


def test_residuals_with_zero_weights_are_the_identity_times_the_initial_learning_rate():
    # No layer adds anything, and D starts at 1: with θ held there, x ← x - α_0 m is momentum's descent.
    class Empty(LODOResiduals):
        def initial_theta(self, x, seeds):
            weights, diagonal = super().initial_theta(x, seeds)
            return tf.zeros_like(weights), diagonal

    path, _ = drive(Empty(), START, [RATES | {"meta_learning_rate": 0.0}], [lambda t: rosenbrock], 20)
    expected = momentum_descent(RATES["initial_learning_rate"], RATES["momentum"], 20)
    np.testing.assert_allclose(path[:, :, 0], expected, rtol=1e-13)


def momentum_descent(rate, beta, steps):
    """The path [steps, 2] of m ← β m + (1-β) g; x ← x - α_0 m on Rosenbrock."""
    x, average, path = START, np.zeros(2), []
    for _ in range(steps):
        average = beta * average + (1 - beta) * rosenbrock(x)[1]
        x = x - rate * average
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize("optimizer", [LODODiagonal(), LODOGlobal(), LODOSGD(depth=2)])
def test_with_meta_learning_rate_zero_an_ablation_is_gradient_descent_with_momentum(optimizer):
    path, _ = drive(optimizer, START, [RATES | {"meta_learning_rate": 0.0}], [lambda t: rosenbrock], 20)
    expected = momentum_descent(RATES["initial_learning_rate"], RATES["momentum"], 20)
    np.testing.assert_allclose(path[:, :, 0], expected, rtol=1e-11)


def test_diagonal_equals_global_in_one_dimension_and_only_there():
    for size, alike in ((1, True), (3, False)):
        start = np.linspace(1, 2, size)
        one, other = (
            drive(optimizer, start, [RATES], [lambda t: parabola], 30)[0]
            for optimizer in (LODODiagonal(), LODOGlobal())
        )
        assert (np.abs(one - other).max() < 1e-15) == alike
        straight = start * (1 - 4 * RATES["initial_learning_rate"] * 0.2)  # the first step's: α_0 (1-β) g
        np.testing.assert_allclose(one[0, :, 0], straight, rtol=1e-15)


def test_no_momentum_equals_lodo_at_momentum_zero():
    settings = {name: value for name, value in RATES.items() if name != "momentum"}
    without, _ = drive(LODONoMomentum(depth=4), START, [settings], [lambda t: rosenbrock], 30)
    zero, _ = drive(LODO(depth=4), START, [settings | {"momentum": 0.0}], [lambda t: rosenbrock], 30)
    np.testing.assert_allclose(without, zero, rtol=1e-13)


def test_the_residual_preconditioner_is_symmetric_and_positive_while_its_diagonal_is():
    optimizer = LODOResiduals(depth=8)
    (weights, diagonal), _, _ = wandered(optimizer, LANES, wander=0.2)
    units = tf.eye(LANES, dtype=tf.float64)  # a unit vector a lane, all lanes with the network of the first
    same = tuple(tf.repeat(part[..., :1], LANES, axis=-1) for part in (weights, diagonal))
    matrix = optimizer.precondition(same, units)[0].numpy()
    assert (diagonal > 0).numpy().all()
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() > 0
    assert np.abs(matrix - np.eye(LANES)).max() > 0.1


def test_residual_weights_start_normal_with_variance_one_64th_by_each_lanes_own_seed():
    network = ResidualNetwork(200)
    one, same = (network.initial_weights(lane_seeds(2), tf.float64).numpy() for _ in range(2))
    np.testing.assert_array_equal(one, same)
    # 51,200 numbers: five standard errors of their mean, variance and of the lanes' correlation.
    count = one.size
    assert abs(one.mean()) < 5 / 8 / count**0.5
    assert one.var() == pytest.approx(1 / 64, rel=5 * (2 / count) ** 0.5)
    assert abs((one[..., 0] * one[..., 1]).mean()) < 5 / 64 / (count / 2) ** 0.5


def test_gradient_descent_moves_the_preconditioner_along_its_slope():
    optimizer = LODOSGD(depth=2)
    values = {name: tf.constant([value], tf.float64) for name, value in RATES.items()}
    x, gradient = tf.constant(START[:, None]), tf.constant([[1.0], [-2.0]], tf.float64)
    x, first = optimizer.update(gradient, x, optimizer.initial_state(x, values, lane_seeds(1)), values, tf.constant(1))
    _, second = optimizer.update(gradient, x, first, values, tf.constant(2))
    with tf.GradientTape() as tape:
        tape.watch(first.theta)
        # -gᵀ G(θ) m, the loss's slope along the move that θ answers for
        loss = -0.05 * tf.reduce_sum(bilinear(optimizer, first.theta, first.momentum, gradient))
    for before, after, slope in zip(first.theta, second.theta, tape.gradient(loss, first.theta), strict=True):
        assert np.abs(slope).max() > 1e-3
        np.testing.assert_allclose(after, before - 0.01 * slope, rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: LODO(depth=0), "depth"),
        (lambda: LODOSGD(block_size=0), "block_size"),
        (lambda: LODOResiduals(depth=0), "depth"),
        (lambda: ResidualNetwork(0), "size"),
    ],
)
def test_an_argument_below_one_is_refused_by_name(make, argument):
    with pytest.raises(ValueError, match=f"{argument} must be at least 1. Received: 0"):
        make()
