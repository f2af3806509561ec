"""L-BFGS, O-LBFGS and BFGS: the pairs they remember, the limits in which they meet, and what is compiled."""

import numpy as np
import pytest
import tensorflow as tf

from lodo.bfgs import BFGS
from lodo.lbfgs import LBFGS
from lodo.olbfgs import OLBFGS
from lodo.two_loop import inverse_hessian_times, no_history, remember
from tests.support.driving import drive, lane_seeds

SIZE, LANES = 5, 2
LBFGS_RATES = {"learning_rate": 0.3, "decay_steps": 1e300, "initial_scale": 0.5}  # η_t = η_0


def quadratic(seed=0):
    """½ xᵀHx with eigenvalues from 0.1 to 1."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(SIZE, SIZE)))
    hessian = axes @ np.diag(np.geomspace(0.1, 1, SIZE)) @ axes.T
    return lambda x: (0.5 * float(x @ hessian @ x), hessian @ x)


def drawn_pairs(count, lanes=LANES):
    """Pairs s, y [n, P] of positive curvature, unrelated otherwise."""
    draws = np.random.default_rng(count)
    for _ in range(count):
        move = draws.normal(size=(SIZE, lanes))
        yield tf.constant(move), tf.constant(move + 0.3 * draws.normal(size=(SIZE, lanes)))


def remembered(pairs, length):
    history = no_history(tf.zeros([SIZE, LANES], tf.float64), length)
    for number, (move, change) in enumerate(pairs):
        history = remember(history, tf.constant(number % length), move, change)
    return history


def dense_inverse(pairs, scale, lane):
    """The BFGS update of a scaled identity by the pairs in turn, as the textbook writes it."""
    inverse = scale * np.eye(SIZE)
    for move, change in pairs:
        s, y = move[:, lane].numpy(), change[:, lane].numpy()
        left = np.eye(SIZE) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 11])
def test_the_two_loops_multiply_by_the_dense_inverse_of_the_latest_pairs(count):
    # A history of 4: empty, filling, just full, and wrapped around.
    pairs, length = list(drawn_pairs(count)), 4
    vector = tf.constant(np.random.default_rng(9).normal(size=(SIZE, LANES)))
    scale = tf.constant([0.7, 2.0], tf.float64)
    newest = tf.constant((count - 1) % length)
    product = inverse_hessian_times(remembered(pairs, length), newest, scale, vector)
    for lane in range(LANES):
        expected = dense_inverse(pairs[-length:], scale[lane].numpy(), lane) @ vector[:, lane].numpy()
        np.testing.assert_allclose(product[:, lane], expected, rtol=1e-10, atol=1e-12)


def test_lbfgs_that_forgets_nothing_and_starts_from_a_fixed_scale_follows_bfgs_on_a_quadratic():
    class FixedScale(LBFGS):
        def initial_inverse(self, history, newest):
            return tf.fill(history.ratios.shape[1:], tf.constant(0.5, tf.float64))

    start, batches = np.ones(SIZE), [lambda t: quadratic(0), lambda t: quadratic(1)]
    limited, losses = drive(FixedScale(), start, [LBFGS_RATES] * 2, batches, 25)
    dense, _ = drive(BFGS(), start, [{"learning_rate": 0.3, "initial_scale": 0.5}] * 2, batches, 25)
    np.testing.assert_allclose(limited, dense, rtol=1e-8, atol=1e-12)
    assert losses[-1].max() < 1e-3 * losses[0].min()
    short, _ = drive(FixedScale(history=3), start, [LBFGS_RATES] * 2, batches, 25)
    assert np.abs(short - dense).max() > 1e-4


def test_online_lbfgs_equals_lbfgs_for_as_long_as_there_is_one_pair_to_average():
    start, batches = np.ones(SIZE), [lambda t: quadratic()]
    one, other = (drive(kind(), start, [LBFGS_RATES], batches, 4)[0] for kind in (LBFGS, OLBFGS))
    np.testing.assert_array_equal(one[:2], other[:2])
    assert np.abs(one[2] - other[2]).max() > 1e-4
    one, other = (drive(kind(history=1), start, [LBFGS_RATES], batches, 4)[0] for kind in (LBFGS, OLBFGS))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [BFGS, LBFGS, OLBFGS])
@pytest.mark.parametrize("zeros", [[1, 2, 3, 4], [4, 5], [3, 4, 5, 6, 7, 8, 9]])
def test_steps_that_do_not_move_change_nothing_for_the_steps_after_them(kind, zeros):
    # The oracle is the run without those steps. BFGS takes y from one step to the next: the first zero has a pair.
    still, rest = (zeros[1:], zeros[:1]) if kind is BFGS else (zeros, [])
    make = BFGS if kind is BFGS else lambda: kind(history=20)  # none of the pairs is forgotten
    rates = {name: value for name, value in LBFGS_RATES.items() if name in kind.hyperparameters}
    evaluate, steps = quadratic(), 10

    def paused(at):
        return lambda t: (lambda x: (0.0, np.zeros(SIZE))) if t in at else evaluate

    path, _ = drive(make(), np.ones(SIZE), [rates] * 2, [paused(zeros), paused([])], steps + len(still))
    without, _ = drive(make(), np.ones(SIZE), [rates] * 2, [paused(rest), paused([])], steps + len(still))
    taken = [t - 1 for t in range(1, steps + len(still) + 1) if t not in still]
    # The pairs lie in other places of the history, and sums over them are rounded in another order.
    np.testing.assert_allclose(path[taken, :, 0], without[:steps, :, 0], rtol=1e-12)
    np.testing.assert_array_equal(path[:, :, 1], without[:, :, 1])
    assert np.abs(without[steps - 1] - without[0]).max() > 0.1


@pytest.mark.parametrize("kind", [LBFGS, OLBFGS])
def test_a_history_that_zeros_have_emptied_starts_again_from_the_initial_scale(kind):
    zeros, evaluate = range(4, 8), quadratic()
    batches = [lambda t: (lambda x: (0.0, np.zeros(SIZE))) if t in zeros else evaluate]
    path, _ = drive(kind(history=3), np.ones(SIZE), [LBFGS_RATES], batches, 8)
    before = path[6, :, 0]
    expected = before - 0.3 * 0.5 * evaluate(before)[1]  # η ε g, as the first step
    np.testing.assert_allclose(path[7, :, 0], expected, rtol=1e-12)


def test_lbfgs_evaluates_both_ends_of_a_step_on_the_same_minibatch():
    asked = []

    def batch(t):
        def evaluate(x):
            asked.append((t, x.copy()))
            return float(x @ x), (1 + t) * x

        return evaluate

    path, curve = drive(LBFGS(), np.ones(SIZE), [LBFGS_RATES], [batch], 3)
    assert [t for t, _ in asked] == [1, 1, 2, 2, 3, 3]
    for number, (_, x) in enumerate(asked):
        np.testing.assert_array_equal(x, np.ones(SIZE) if number == 0 else path[(number - 1) // 2, :, 0])
    np.testing.assert_array_equal(curve[:, 0], [x @ x for _, x in asked])


def test_bfgs_keeps_an_exactly_symmetric_inverse_that_meets_the_newest_pair():
    optimizer, minimised = BFGS(), quadratic()
    values = {
        name: tf.constant([value], tf.float64) for name, value in {"learning_rate": 0.3, "initial_scale": 0.5}.items()
    }
    x = tf.ones([SIZE, 1], tf.float64)
    state = optimizer.initial_state(x, values, lane_seeds(1))
    for t in range(1, 8):
        before, point = state, x
        gradient = tf.constant(minimised(x[:, 0].numpy())[1][:, None])
        x, state = optimizer.update(gradient, x, state, values, tf.constant(t))
        inverse = state.inverse[:, :, 0].numpy()
        np.testing.assert_array_equal(inverse, inverse.T)
        np.testing.assert_allclose(x, point - 0.3 * inverse @ gradient, rtol=1e-12)
        if t > 1:
            change = (gradient - before.gradient).numpy()
            np.testing.assert_allclose(inverse @ change, before.move, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", [LBFGS, OLBFGS])
def test_one_compiled_program_serves_every_step(kind):
    # XLA compiles anew for each value of whatever it must know beforehand; the step's number must not be such.
    optimizer, x = kind(), tf.ones([SIZE, LANES], tf.float64)
    values = {name: tf.constant([1.0] * LANES, tf.float64) for name in optimizer.hyperparameters}
    state = optimizer.initial_state(x, values, lane_seeds(LANES))
    move = tf.function(optimizer.move, jit_compile=True, autograph=False)
    programs = {move.experimental_get_compiler_ir(x, state, values, tf.constant(t))(stage="hlo") for t in (1, 2, 60)}
    assert len(programs) == 1
    assert move.experimental_get_tracing_count() == 1


def test_a_history_below_one_is_refused():
    with pytest.raises(ValueError, match=r"history must be at least 1. Received: 0"):
        LBFGS(history=0)
