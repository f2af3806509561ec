"""The references against each other, against Keras and in the limits where their formulas meet."""

import keras
import numpy as np
import pytest

from tests.references import vector
from tests.references.first_order import Adam, Momentum, RMSprop
from tests.references.linear_network import (
    block_diagonal_matrix,
    meta_gradient_by_differences,
    padded_width,
    permutation_matrix,
)
from tests.references.lodo import LODO, LODODiagonal, LODOGlobal, LODOResiduals
from tests.references.quasi_newton import BFGS, LBFGS, LevenbergMarquardt, two_loop, updated_inverse
from tests.references.tasks import (
    ROSENBROCK_START,
    NoisyQuadraticBowl,
    rosenbrock,
    rosenbrock_gradient,
    rosenbrock_hessian,
)


def orthogonal(rng, size):
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def drawn_network(rng, n, depth, block_size, noise=0.0):
    """Random blocks, orthogonal where noise is 0, and permutations."""
    width = padded_width(n, block_size)
    count = width // block_size
    blocks = np.array([[orthogonal(rng, block_size) for _ in range(count)] for _ in range(depth)])
    blocks = blocks.reshape(depth, count, block_size, block_size)
    permutations = np.array([rng.permutation(width) for _ in range(depth)]).reshape(depth, width)
    return blocks + noise * rng.normal(size=blocks.shape), permutations


def drawn_bowl(rng, n, steps):
    """A bowl with eigenvalues from 0.1 to 1 and a wandering centre."""
    axes = orthogonal(rng, n)
    matrix = axes @ np.diag(np.geomspace(0.1, 1.0, n)) @ axes.T
    return NoisyQuadraticBowl(matrix, np.cumsum(rng.normal(size=(steps, n)), axis=0))


@pytest.fixture
def rng():
    return np.random.default_rng(20230)


# ---------------------------------------------------------------------------------------------- LODO and its ablations


def perturbed_variants(rng):
    """One of each variant away from its start, with G not a multiple of the identity."""
    for n, depth, block_size in [(3, 3, 4), (2, 2, 3), (1, 2, 4), (4, 1, 2)]:
        blocks, permutations = drawn_network(rng, n, depth, block_size, noise=0.3)
        yield LODO(np.zeros(n), blocks, permutations, initial_learning_rate=0.7)
    yield LODODiagonal(np.zeros(3), initial_learning_rate=0.7)
    yield LODOGlobal(np.zeros(3), initial_learning_rate=0.7)
    permutations = np.array([rng.permutation(6) for _ in range(4)])
    weights, diagonal = rng.normal(size=(4, 6)), rng.normal(size=6)
    yield LODOResiduals(np.zeros(3), weights, diagonal, permutations, initial_learning_rate=0.7)


def test_the_dense_meta_gradient_agrees_with_central_differences(rng):
    for reference in perturbed_variants(rng):
        n = len(reference.x)
        gradient, reference.average = rng.normal(size=n), rng.normal(size=n)
        dense = reference.meta_gradient(gradient)
        differences = meta_gradient_by_differences(
            reference.preconditioner, reference.theta, gradient, reference.average
        )
        assert np.abs(dense).max() > 0.01, type(reference).__name__
        np.testing.assert_allclose(dense, differences, rtol=1e-11, atol=1e-12, err_msg=type(reference).__name__)


def test_the_meta_gradient_is_two_outer_products_a_block(rng):
    n, depth, size = 3, 4, 4
    blocks, permutations = drawn_network(rng, n, depth, size, noise=0.3)
    lodo = LODO(np.zeros(n), blocks, permutations, initial_learning_rate=0.7)
    gradient, lodo.average = rng.normal(size=n), rng.normal(size=n)
    matrices = [block_diagonal_matrix(layer) for layer in blocks]
    sources = [permutation_matrix(permutation) for permutation in permutations]

    def forward(values):
        """What enters every B_i, and what leaves the last."""
        values, inputs = np.concatenate([values, np.zeros(lodo.width - n)]), []
        for matrix, source in zip(matrices, sources, strict=True):
            inputs.append(source @ values)
            values = matrix @ inputs[-1]
        return inputs, values

    def backward(values):
        """What comes back to every B_i's output."""
        outputs = []
        for matrix, source in zip(reversed(matrices), reversed(sources), strict=True):
            outputs.insert(0, values)
            values = source.T @ matrix.T @ values
        return outputs

    a, network_m = forward(lodo.average)
    b, network_g = forward(gradient)
    p, q = backward(network_g), backward(network_m)
    expected = np.zeros_like(blocks)
    for i in range(depth):
        dense = np.outer(p[i], a[i]) + np.outer(q[i], b[i])
        for block in range(lodo.shape[1]):
            inside = slice(block * size, (block + 1) * size)
            expected[i, block] = -0.7 * dense[inside, inside]
    np.testing.assert_allclose(lodo.blocks(lodo.meta_gradient(gradient)), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("n", "depth", "block_size"), [(3, 4, 4), (4, 2, 4), (2, 3, 5), (3, 0, 4)])
def test_lodo_starts_as_the_identity_times_its_initial_learning_rate(rng, n, depth, block_size):
    lodo = LODO(np.zeros(n), *drawn_network(rng, n, depth, block_size), initial_learning_rate=0.3)
    np.testing.assert_allclose(lodo.preconditioner(lodo.theta), 0.3 * np.eye(n), atol=1e-14)


def test_lodo_with_a_meta_learning_rate_of_zero_is_gradient_descent_with_momentum(rng):
    bowl = drawn_bowl(rng, 3, 12)
    rates = {"initial_learning_rate": 0.3, "meta_learning_rate": 0.0, "momentum": 0.75}
    lodo = LODO(np.ones(3), *drawn_network(rng, 3, 5, 4), **rates)
    momentum = Momentum(np.ones(3), learning_rate=0.3 * (1 - 0.75), momentum=0.75)
    for t in range(1, 13):
        np.testing.assert_allclose(lodo.step(bowl.minibatch(t))[0], momentum.step(bowl.minibatch(t))[0], rtol=1e-12)


def test_lodo_that_tunes_leaves_gradient_descent_and_turns_its_preconditioner(rng):
    bowl = drawn_bowl(rng, 3, 12)
    lodo = LODO(np.ones(3), *drawn_network(rng, 3, 5, 4), meta_learning_rate=0.01)
    for t in range(1, 13):
        lodo.step(bowl.minibatch(t))
    learned = lodo.preconditioner(lodo.theta)
    np.testing.assert_allclose(learned, learned.T, atol=1e-14)
    assert np.abs(learned - np.diag(np.diag(learned))).max() > 0.01
    assert np.linalg.eigvalsh(learned).min() >= 0


def test_lodo_residuals_with_zero_weights_is_the_identity_times_its_initial_learning_rate(rng):
    permutations = [rng.permutation(6) for _ in range(5)]
    residuals = LODOResiduals(np.zeros(3), np.zeros((5, 6)), np.ones(6), permutations, initial_learning_rate=0.3)
    np.testing.assert_array_equal(residuals.preconditioner(residuals.theta), 0.3 * np.eye(3))


def test_lodo_diagonal_and_lodo_global_agree_in_one_dimension(rng):
    bowl = drawn_bowl(rng, 1, 12)
    diagonal, scalar = LODODiagonal([1.0], meta_learning_rate=0.01), LODOGlobal([1.0], meta_learning_rate=0.01)
    for t in range(1, 13):
        np.testing.assert_array_equal(diagonal.step(bowl.minibatch(t))[0], scalar.step(bowl.minibatch(t))[0])
    assert scalar.theta != pytest.approx(1.0, abs=0.01)


# ---------------------------------------------------------------------------------------------------- second order


def test_lbfgs_that_forgets_nothing_multiplies_by_the_dense_inverse_of_bfgs(rng):
    bowl = drawn_bowl(rng, 4, 10)
    lbfgs = LBFGS(np.ones(4), learning_rate=0.5, initial_scale=1.0)
    for t in range(1, 11):
        lbfgs.step(bowl.minibatch(t))
    inverse, gradient = 0.6 * np.eye(4), rng.normal(size=4)
    for s, y in lbfgs.pairs:
        inverse = updated_inverse(inverse, s, y)
        # The newest pair is met exactly, whatever came before.
        np.testing.assert_allclose(inverse @ y, s, rtol=1e-8, atol=1e-10)
    assert len(lbfgs.pairs) == 10
    np.testing.assert_allclose(two_loop(gradient, lbfgs.pairs, 0.6), inverse @ gradient, rtol=1e-8)


def test_lbfgs_keeps_the_newest_pairs_of_its_history(rng):
    bowl = drawn_bowl(rng, 4, 6)
    long, short = (LBFGS(np.ones(4), learning_rate=0.5, initial_scale=1.0, history=length) for length in (48, 2))
    for t in range(1, 4):  # two pairs are known at the third step
        np.testing.assert_array_equal(long.step(bowl.minibatch(t))[0], short.step(bowl.minibatch(t))[0])
    np.testing.assert_array_equal(short.pairs, long.pairs[1:])
    assert np.abs(long.step(bowl.minibatch(4))[0] - short.step(bowl.minibatch(4))[0]).max() > 1e-6
    assert len(short.pairs) == 2


def test_bfgs_updates_as_the_expanded_formula_does(rng):
    bowl = drawn_bowl(rng, 3, 6)
    bfgs = BFGS(np.ones(3), learning_rate=0.1, initial_scale=0.5)
    x, inverse = np.ones(3), 0.5 * np.eye(3)
    x_before, gradient_before = x, np.zeros(3)
    for t in range(1, 7):
        gradient = bowl.minibatch(t)(x)[1]
        if t > 1:
            s, y = x - x_before, gradient - gradient_before
            inner = s @ y
            # H + (sᵀy + yᵀHy) s sᵀ/(sᵀy)² - (H y sᵀ + s yᵀ H)/sᵀy
            cross = np.outer(inverse @ y, s)
            inverse = inverse + (inner + y @ inverse @ y) * np.outer(s, s) / inner**2 - (cross + cross.T) / inner
        x_before, gradient_before = x, gradient
        x = x - 0.1 * inverse @ gradient
        np.testing.assert_allclose(bfgs.step(bowl.minibatch(t))[0], x, rtol=1e-7)


def test_levenberg_marquardt_without_damping_is_newtons_method(rng):
    bowl = drawn_bowl(rng, 4, 3)
    reference = LevenbergMarquardt(np.zeros(4), damping=0.0)
    for t in range(1, 4):
        x, _ = reference.step(bowl.minibatch(t), bowl.hessian)
        np.testing.assert_allclose(x, bowl.centres[t - 1], rtol=1e-9)  # a jump to the centre

    start = np.array(ROSENBROCK_START)
    x, _ = LevenbergMarquardt(start, damping=0.0).step(rosenbrock, rosenbrock_hessian)
    newton = start - np.linalg.inv(rosenbrock_hessian(start)) @ rosenbrock_gradient(start)
    np.testing.assert_allclose(x, newton, rtol=1e-11)


# --------------------------------------------------------------------------------------------------------------- Keras


@pytest.mark.parametrize(
    ("reference", "keras_optimizer", "hyperparameters"),
    [
        (Adam, keras.optimizers.Adam, {"learning_rate": 2**-5, "beta_1": 0.875, "beta_2": 1 - 2**-10}),
        (Momentum, keras.optimizers.SGD, {"learning_rate": 2**-5, "momentum": 0.0}),
        (Momentum, keras.optimizers.SGD, {"learning_rate": 2**-5, "momentum": 0.875}),
        (RMSprop, keras.optimizers.RMSprop, {"learning_rate": 2**-5, "rho": 0.875, "momentum": 0.0}),
        (RMSprop, keras.optimizers.RMSprop, {"learning_rate": 2**-5, "rho": 0.875, "momentum": 0.5}),
    ],
)
def test_the_first_order_references_follow_keras(reference, keras_optimizer, hyperparameters):
    # Keras rounds hyperparameters to float32 even for a float64 variable; it holds these exactly.
    variable = keras.Variable(np.array(ROSENBROCK_START), dtype="float64")
    theirs = keras_optimizer(**hyperparameters)
    ours = reference(ROSENBROCK_START, **hyperparameters)
    for _ in range(6):
        gradient = rosenbrock_gradient(variable.numpy())
        theirs.apply([keras.ops.convert_to_tensor(gradient, dtype="float64")], [variable])
        x, _ = ours.step(rosenbrock)
        np.testing.assert_allclose(x, variable.numpy(), rtol=1e-12)


def test_a_reference_refuses_anything_but_one_flat_vector():
    with pytest.raises(ValueError, match=r"one flat vector \[n\]. Received: an array of shape \(2, 2\)"):
        vector(np.eye(2))
