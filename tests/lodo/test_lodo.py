"""LODO's preconditioner: its start, its symmetry, and its gradient by the four-pass rule."""

import re

import numpy as np
import pytest
import tensorflow as tf

from lodo import block_network
from lodo.block_network import BlockNetwork
from lodo.lodo import LODO
from tests.references.tasks import ROSENBROCK_START, rosenbrock
from tests.support.driving import drive, lane_seeds

LANES = 3


def network_and_blocks(size, *, depth=16, block_size=4, wander=0.3, lanes=LANES):
    """A network whose blocks have left their orthogonal start."""
    network = BlockNetwork(size, depth=depth, block_size=block_size)
    draws = np.random.default_rng(5)
    blocks = network.initial_blocks(lane_seeds(lanes), tf.float64)
    return network, tuple(block + wander * draws.normal(size=block.shape) for block in blocks)


def vectors(size, lanes=LANES):
    draws = np.random.default_rng(size)
    return tf.constant(draws.normal(size=(size, lanes))), tf.constant(draws.normal(size=(size, lanes)))


def bilinear(network, blocks, v, w):
    """(U v)·(U w) [P]."""
    return tf.reduce_sum(network.up(blocks, v)[0] * network.up(blocks, w)[0], axis=0)


def gradient_by_passes(network, blocks, v, w):
    top_v, activations_v = network.up(blocks, v)
    top_w, activations_w = network.up(blocks, w)
    _, signals_v = network.down(blocks, top_v)
    _, signals_w = network.down(blocks, top_w)
    parts = zip(activations_v, signals_v, activations_w, signals_w, strict=True)
    return [network.block_gradient(*part).numpy() for part in parts]


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_the_initial_preconditioner_is_the_identity(size):
    network, blocks = network_and_blocks(size, wander=0.0)
    v, _ = vectors(size)
    result, _ = network.down(blocks, network.up(blocks, v)[0])
    np.testing.assert_allclose(result, v, rtol=0, atol=1e-13)


def test_the_preconditioner_is_symmetric_and_positive_semi_definite():
    network, blocks = network_and_blocks(6, lanes=1)
    columns = [network.down(blocks, network.up(blocks, tf.constant(unit[:, None]))[0])[0] for unit in np.eye(6)]
    matrix = np.concatenate(columns, axis=1)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-12)
    assert np.linalg.eigvalsh(matrix).min() >= -1e-12


@pytest.mark.parametrize(("size", "block_size"), [(1, 4), (5, 4), (6, 3), (12, 5)])
def test_the_gradient_by_four_passes_equals_autodiff_through_the_layers(size, block_size):
    network, blocks = network_and_blocks(size, block_size=block_size)
    v, w = vectors(size)
    with tf.GradientTape() as tape:
        tape.watch(blocks)
        total = tf.reduce_sum(bilinear(network, blocks, v, w))
    for ours, theirs in zip(gradient_by_passes(network, blocks, v, w), tape.gradient(total, blocks), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * np.abs(theirs).max())


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("lanes", [1, LANES])
@pytest.mark.parametrize("first", [0.5, np.nan])
def test_a_network_beyond_the_cache_passes_on_the_same_numbers(monkeypatch, compiled, lanes, first):
    network, blocks = network_and_blocks(7, depth=4, lanes=lanes)
    v, _ = vectors(7, lanes)
    v = tf.tensor_scatter_nd_update(v, [[0, 0]], [tf.constant(first, tf.float64)])

    def passes():
        @tf.function(jit_compile=compiled)
        def both(vector):
            top, activations = network.up(blocks, vector)
            return top, activations, network.down(blocks, top)

        return [part.numpy() for part in tf.nest.flatten(both(v))]

    within = passes()
    monkeypatch.setattr(block_network, "CACHE_BYTES", 0)
    beyond = passes()
    for one, other in zip(beyond, within, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


def test_the_gradient_by_four_passes_equals_central_differences():
    network, blocks = network_and_blocks(3, depth=2)
    v, w = vectors(3)
    step = 0.5  # gᵀGm is quadratic in each entry of θ, so the difference is exact for a step of any size
    for layer, slope in enumerate(gradient_by_passes(network, blocks, v, w)):
        for place in np.ndindex(slope.shape):
            moved = []
            for sign in (1, -1):
                values = blocks[layer].numpy()
                values[place] += sign * step
                moved.append(bilinear(network, (*blocks[:layer], tf.constant(values), *blocks[layer + 1 :]), v, w))
            lane = place[-1] % LANES
            difference = (moved[0] - moved[1]).numpy()[lane] / (2 * step)
            np.testing.assert_allclose(slope[place], difference, rtol=1e-9, atol=1e-9)


def test_lanes_draw_different_blocks_and_the_same_seed_draws_the_same():
    network = BlockNetwork(4)
    one, same = (network.initial_blocks(lane_seeds(2), tf.float64) for _ in range(2))
    np.testing.assert_array_equal(one[0], same[0])
    lanes = one[0].numpy().reshape(4, 4, -1, 2)
    assert np.abs(lanes[..., 0] - lanes[..., 1]).max() > 0.1


@pytest.mark.parametrize(("size", "lanes"), [(6, 2), (2, 1)])  # (2, 1): a layer has a single block
def test_blocks_start_as_the_orthogonal_factor_of_normal_draws_whose_triangular_one_has_a_positive_diagonal(
    size, lanes
):
    network, blocks = network_and_blocks(size, depth=2, wander=0.0, lanes=lanes)
    for lane, seed in enumerate(lane_seeds(lanes)):
        normal = tf.random.stateless_normal([2, network.n_blocks, 4, 4], seed, dtype=tf.float64).numpy()
        orthogonal, triangle = np.linalg.qr(normal)
        expected = orthogonal * np.sign(np.diagonal(triangle, axis1=2, axis2=3))[:, :, None, :]
        ours = np.stack([block.numpy()[..., lane::lanes] for block in blocks])  # [N, k, k, ñ/k]
        np.testing.assert_allclose(ours, expected.transpose(0, 2, 3, 1), rtol=0, atol=1e-12)


def test_a_run_starts_with_the_passes_of_a_momentum_of_zero():
    optimizer, x = LODO(depth=3), tf.ones([5, LANES], tf.float64)
    rates = {name: tf.ones([LANES], tf.float64) for name in optimizer.hyperparameters}
    state = optimizer.initial_state(x, rates, lane_seeds(LANES))
    _, passes = optimizer.precondition(state.theta, tf.zeros_like(x))
    tf.nest.map_structure(np.testing.assert_array_equal, state.passes, passes)


def test_float32_blocks_are_orthogonal_to_rounding():
    network = BlockNetwork(50)
    block = network.initial_blocks(lane_seeds(1), tf.float32)[3].numpy().astype(np.float64)
    products = np.einsum("jil,jkl->lik", block, block)  # [blocks, k, k]
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(4), products.shape), atol=3e-7)


def test_with_meta_learning_rate_zero_lodo_is_gradient_descent_with_momentum():
    # η = α_0 (1-β) and μ = β: x moves by -α_0 m, and m is β m + (1-β) g.
    settings = {"initial_learning_rate": 0.05, "meta_learning_rate": 0.0, "momentum": 0.8}
    path, _ = drive(LODO(), np.array(ROSENBROCK_START), [settings], [lambda t: rosenbrock], 40)
    x, velocity = np.array(ROSENBROCK_START), np.zeros(2)
    for t in range(40):
        velocity = 0.8 * velocity - 0.05 * 0.2 * rosenbrock(x)[1]
        x = x + velocity
        np.testing.assert_allclose(path[t, :, 0], x, rtol=1e-11)


def test_the_first_step_does_not_move_the_preconditioner():
    optimizer = LODO()
    x = tf.constant(np.array(ROSENBROCK_START)[:, None])
    values = {
        name: tf.constant([value], tf.float64)
        for name, value in {"initial_learning_rate": 1.0, "meta_learning_rate": 0.1, "momentum": 0.9}.items()
    }
    state = optimizer.initial_state(x, values, lane_seeds(1))
    _, after = optimizer.update(tf.ones_like(x), x, state, values, tf.constant(1))
    for before, now in zip(state.theta, after.theta, strict=True):
        np.testing.assert_array_equal(before, now)
    _, later = optimizer.update(tf.ones_like(x), x, after, values, tf.constant(2))
    assert np.abs(later.theta[0] - after.theta[0]).max() > 1e-3


@pytest.mark.parametrize("argument", ["size", "depth", "block_size"])
def test_an_argument_below_one_is_refused_by_name(argument):
    arguments = {"size": 3, "depth": 2, "block_size": 2} | {argument: 0}
    size = arguments.pop("size")
    with pytest.raises(ValueError, match=f"{argument} must be at least 1. Received: 0"):
        BlockNetwork(size, **arguments)


def test_a_compiled_loop_updates_the_state_in_place():
    rule = LODO(depth=3)
    values = {name: tf.constant([0.1, 0.1], tf.float64) for name in rule.hyperparameters}
    x = tf.zeros([8, 2], tf.float64)
    state = rule.initial_state(x, values, lane_seeds(2))

    def step(t, x, state):
        return t + 1, *rule.update(x + 1, x, state, values, t)

    @tf.function(jit_compile=True, autograph=False)
    def train(x, state):
        return tf.while_loop(lambda t, *_: t < 9, step, (1, x, state))

    program = train.experimental_get_compiler_ir(x, state)(stage="optimized_hlo")
    (body,) = set(re.findall(r"body=(%[\w.\-]+)", program))
    operations = re.search(rf"^{re.escape(body)} .*?^}}", program, re.M | re.S).group()
    assert "f64[4,4,8]" in operations  # θ of a layer: [k, k, blocks · lanes]
    assert re.findall(r"= (f64\[\S*) copy\(", operations) == []
