"""The references' first iterates against arithmetic that a pocket calculator can follow."""

from math import sqrt

import numpy as np
import pytest

from tests.references.first_order import LARS, Adam, Momentum, RMSprop, Yogi
from tests.references.linear_network import permutation_matrix
from tests.references.lodo import LODO, LODOSGD, LODODiagonal, LODOGlobal, LODONoMomentum, LODOResiduals
from tests.references.quasi_newton import BFGS, LBFGS, LevenbergMarquardt
from tests.references.tasks import NoisyQuadraticBowl


def plane(*gradient):
    """A minibatch whose gradient is the same everywhere."""
    slope = np.array(gradient, dtype=np.float64)
    return lambda x: (float(slope @ x), slope)


def parabola(x):
    """½ ‖x‖², whose gradient is x."""
    return 0.5 * float(x @ x), x


def run(reference, minibatches):
    """The iterates [steps, n] and losses [steps, evaluations] over the minibatches."""
    xs, losses = zip(*(reference.step(f) for f in minibatches), strict=True)
    return np.array(xs), np.array(losses)


def exactly(expected):
    return pytest.approx(np.array(expected, dtype=np.float64), rel=1e-13, abs=1e-15)


def test_momentum_adds_the_scaled_gradient_to_a_decaying_velocity():
    xs, losses = run(Momentum([8.0], learning_rate=0.5, momentum=0.5), [parabola] * 3)
    # v: -0.5·8 = -4; 0.5·(-4) - 0.5·4 = -4; 0.5·(-4) - 0.5·0 = -2. x: 8 - 4, 4 - 4, 0 - 2.
    assert xs == exactly([[4], [0], [-2]])
    assert losses == exactly([[32], [8], [0]])  # ½ 8², ½ 4², ½ 0²: the loss where the step began


def test_adam_corrects_its_bias_in_the_rate_and_adds_epsilon_outside_the_root():
    xs, _ = run(Adam([0.0], learning_rate=0.5, beta_1=0.5, beta_2=0.75), [plane(1), plane(-1), plane(1)])
    # m: 0.5; 0.25 - 0.5 = -0.25; -0.125 + 0.5 = 0.375.
    # v: 0.25; 0.1875 + 0.25 = 0.4375; 0.328125 + 0.25 = 0.578125, which is 1 - 0.75ᵗ each time.
    # Rates: 0.5 √0.25/0.5 = 0.5; 0.5 √0.4375/0.75; 0.5 √0.578125/0.875.
    first = 0.5 * 0.5 / (0.5 + 1e-7)
    second = 0.5 * sqrt(0.4375) / 0.75 * -0.25 / (sqrt(0.4375) + 1e-7)  # about -1/6
    third = 0.5 * sqrt(0.578125) / 0.875 * 0.375 / (sqrt(0.578125) + 1e-7)  # about 3/14
    assert xs == exactly([[-first], [-first - second], [-first - second - third]])


def test_rmsprop_takes_the_root_of_the_mean_square_plus_epsilon():
    xs, _ = run(RMSprop([0.0], learning_rate=0.5, rho=0.75, momentum=0.5), [plane(1), plane(-1), plane(1)])
    # v: 0.25; 0.4375; 0.578125, as for Adam. u: the increment plus half the last u.
    first = 0.5 / sqrt(0.2500001)
    second = 0.5 * first - 0.5 / sqrt(0.4375001)
    third = 0.5 * second + 0.5 / sqrt(0.5781251)
    assert xs == exactly([[-first], [-first - second], [-first - second - third]])


def test_yogi_moves_its_mean_square_by_the_sign_of_the_difference():
    xs, _ = run(Yogi([0.0], learning_rate=1.0, beta_1=0.5, beta_2=0.75), [plane(6), plane(8), plane(4)])
    # m: 3; 1.5 + 4 = 5.5; 2.75 + 2 = 4.75.
    # v: 0 < 36 adds 36/4, 9; 9 < 64 adds 64/4, 25; 25 > 16 takes 16/4 away, 21.
    moves = [3 / 3.001, 5.5 / 5.001, 4.75 / (sqrt(21) + 0.001)]
    assert xs == exactly([[-moves[0]], [-moves[0] - moves[1]], [-moves[0] - moves[1] - moves[2]]])


def test_lars_scales_a_layer_by_the_ratio_of_its_norms_and_decays_over_the_run():
    lars = LARS([3.0, 4.0], layers=[(0, 2)], horizon=4, learning_rate=1.6, momentum=0.5, weight_decay=0.5)
    xs, _ = run(lars, [plane(6, 8), plane(0.45, 0.6), plane(0, 0)])
    # Global rates: 1.6 (3/4)² = 0.9; 1.6 (2/4)² = 0.4; 1.6 (1/4)² = 0.1.
    # 1: ‖x‖ = 5, ‖g‖ = 10, local 5/12.5 = 0.4; velocity 0.36 (6 + 1.5, 8 + 2) = (2.7, 3.6); x (0.3, 0.4).
    # 2: ‖x‖ = 0.5, ‖g‖ = 0.75, local 0.5/1 = 0.5; velocity (1.35, 1.8) + 0.2 (0.45 + 0.15, 0.6 + 0.2) = (1.47, 1.96).
    # 3: ‖x‖ = 1.95, ‖g‖ = 0, local 1.95/0.975 = 2; velocity (0.735, 0.98) + 0.2 (-0.585, -0.78) = (0.618, 0.824).
    assert xs == exactly([[0.3, 0.4], [-1.17, -1.56], [-1.788, -2.384]])


def test_lars_gives_every_layer_its_own_rate_and_a_layer_at_rest_none():
    layers = [(0, 1), (1, 2), (2, 3)]
    lars = LARS([2.0, 6.0, 0.0], layers=layers, horizon=2, learning_rate=2.0, momentum=0.0, weight_decay=0.0)
    xs, _ = run(lars, [plane(4, 4, 0), plane(4, 4, 0)])
    # Global 2 (1/2)² = ½. Local 2/4 and 6/4: x = 2 - ½·½·4, 6 - ½·1.5·4. Layer 3: 0/0 counts as 0.
    # At t = T the global rate is 0.
    assert xs == exactly([[1, 3, 0], [1, 3, 0]])


def anisotropic(x):
    """½ (x² + 2 y²)."""
    gradient = np.array([1.0, 2.0]) * x
    return 0.5 * float(x @ gradient), gradient


FIRST_TWO_OF_LBFGS = [[1 / 2, 0], [181 / 459, -7 / 459]]
# Rates 0.5·2/(2 + t): 1/2, 1/3, 1/4. Two gradients g = (x, 2y) a step.
# 1: g = (1, 2), no pair, ε = 1: x = (1, 1) - ½ (1, 2) = (1/2, 0). s = (-1/2, -1), y = (-1/2, -2).
# 2: g = (1/2, 0). Down: sᵀy = 9/4, (sᵀg)/(sᵀy) = -1/9, q = (1/2, 0) + (1/9)(-1/2, -2) = (4/9, -2/9).
#    yᵀy = 17/4, γ = 9/17: r = (4/17, -2/17).
#    Up: (yᵀr)/(sᵀy) = (2/17)/(9/4) = 8/153; r = (4/17, -2/17) + (-1/9 - 8/153)(-1/2, -1) = (97/306, 7/153).
#    x = (1/2, 0) - 1/3 r = (181/459, -7/459). s = (-97, -14)/918, y = (-97, -28)/918.
# 3: g = (181/459, -14/459). Down: newest pair -1286/363, oldest 560/9801; q = (476, -238)/9801.
#    The pairs' own sᵀy/yᵀy are 9/17 and (97² + 14·28)/(97² + 28²) = 9801/10193.


def test_lbfgs_starts_its_loops_from_the_newest_pair():
    lbfgs = LBFGS([1.0, 1.0], learning_rate=0.5, decay_steps=2.0, initial_scale=1.0)
    xs, losses = run(lbfgs, [anisotropic] * 3)
    # 3: γ = 9801/10193; going up, oldest pair 952/91737, newest -112802480/4029364251;
    #    r = (729986104187, -30530690876)/1849478191209; x = (181, -7)/459 - r/4.
    assert xs == exactly([*FIRST_TWO_OF_LBFGS, [2187273613537 / 7397912764836, -20572877038 / 1849478191209]])
    assert losses[0] == exactly([3 / 2, 1 / 8])  # at (1, 1), then at (1/2, 0)
    assert losses[1] == exactly([1 / 8, (181**2 + 2 * 7**2) / (2 * 459**2)])


def test_online_lbfgs_starts_its_loops_from_the_average_over_the_history():
    online = LBFGS([1.0, 1.0], learning_rate=0.5, decay_steps=2.0, initial_scale=1.0, online=True)
    xs, _ = run(online, [anisotropic] * 3)
    # 3: γ = ½ (9/17 + 9801/10193) = 129177/173281; going up, oldest pair 803768/99901593, newest
    #    94409840/1343121417; r = (242543237929, -7455827092)/616492730403; x = (181, -7)/459 - r/4.
    assert xs == exactly([*FIRST_TWO_OF_LBFGS, [729876667979 / 2465970921612, -7537893146 / 616492730403]])


def test_lbfgs_scales_its_first_step_alone_by_the_initial_scale():
    xs, _ = run(LBFGS([4.0], learning_rate=0.5, decay_steps=2.0, initial_scale=0.25), [parabola] * 3)
    # In one dimension H = 1 after a pair. x: 4 - ½·¼·4 = 3.5; 3.5 (1 - 1/3) = 7/3; 7/3 (1 - 1/4) = 7/4.
    assert xs == exactly([[3.5], [7 / 3], [7 / 4]])


def test_bfgs_makes_its_pairs_of_gradients_of_different_minibatches():
    bowl = NoisyQuadraticBowl([[1.0]], [[0.0], [1.0], [1.0]])
    bfgs = BFGS([4.0], learning_rate=0.5, initial_scale=0.5)
    xs, losses = run(bfgs, [bowl.minibatch(t) for t in (1, 2, 3)])
    # 1: centre 0, g = 4, H = ½: x = 4 - ½·½·4 = 3.
    # 2: centre 1, g = 2, s = -1, y = 2 - 4 = -2, H = s/y = ½: x = 3 - ½·½·2 = 2.5.
    # 3: centre 1, g = 1.5, s = -½, y = 1.5 - 2 = -½, H = 1: x = 2.5 - ½·1.5 = 1.75.
    assert xs == exactly([[3], [2.5], [1.75]])
    assert losses == exactly([[8], [2], [1.125]])


def test_levenberg_marquardt_damps_by_the_diagonal_of_the_squared_hessian():
    bowl = NoisyQuadraticBowl([[2.0]], [[0.0]] * 3)
    one = LevenbergMarquardt([8.0], damping=1.0)
    xs = [one.step(bowl.minibatch(t), bowl.hessian)[0] for t in (1, 2, 3)]
    # H² + diag(H²) = 4 + 4, H g = 2·2x: x - 4x/8 = x/2.
    assert np.array(xs) == exactly([[4], [2], [1]])

    two = LevenbergMarquardt([0.0, 0.0], damping=1.0)
    x, _ = two.step(plane(1, 0), lambda x: np.array([[2.0, 1.0], [1.0, 2.0]]))
    # H² = [[5, 4], [4, 5]], damped [[10, 4], [4, 10]] of determinant 84, H g = (2, 1):
    # (10·2 - 4·1, 10·1 - 4·2)/84 = (16, 2)/84.
    assert x == exactly([-4 / 21, -1 / 42])


def test_a_permutation_names_the_source_of_every_entry():
    # (P v)[j] = v[permutation[j]]: entries 2, 0, 1 of (10, 20, 30).
    assert permutation_matrix([2, 0, 1]) @ [10, 20, 30] == exactly([30, 10, 20])


def test_lodo_multiplies_permutation_then_block_and_keeps_the_first_columns():
    lodo = LODO([0.0], [[[[2.0, 3.0], [5.0, 7.0]]]], [[1, 0]], initial_learning_rate=0.5)
    # U = [[2, 3], [5, 7]] [[0, 1], [1, 0]] = [[3, 2], [7, 5]]; the first column gives ½ (3² + 7²) = 29.
    assert lodo.preconditioner(lodo.theta) == exactly([[29]])


def test_lodo_with_gradient_descent_tunes_its_block_before_it_moves():
    rates = {"initial_learning_rate": 0.5, "meta_learning_rate": 0.25, "momentum": 0.5}
    lodo = LODOSGD([2.0], [[[[1.0]], [[1.0]]]], [[0, 1]], **rates)
    xs, _ = run(lodo, [parabola] * 3)
    # G = ½ b², b the first block; the slope by b is -½·2b·g·m = -b g m.
    # 1: g = 2, m was 0: b = 1; m = 1; x = 2 - ½·1 = 1.5.
    # 2: g = 1.5, slope -1.5: b = 1 + ¼·1.5 = 1.375; m = ½ + 0.75 = 1.25; x = 1.5 - ½·1.890625·1.25 = 0.318359375.
    b = 1.375 + 0.25 * (1.375 * 0.318359375 * 1.25)  # 3: g = 0.318359375, m still 1.25
    m = 0.5 * 1.25 + 0.5 * 0.318359375
    assert xs == exactly([[1.5], [0.318359375], [0.318359375 - 0.5 * b**2 * m]])
    assert lodo.theta == exactly([b, 1])


def adam_after_an_empty_step(slope):
    """The second and first step of Adam of size 1 that moves: at t = 2, m = 0.1 slope and v = 0.001 slope²."""
    return sqrt(1 - 0.999**2) / (1 - 0.9**2) * 0.1 * slope / (sqrt(0.001) * abs(slope) + 1e-7)


def test_lodo_counts_the_first_step_of_adam_although_it_moves_nothing():
    lodo = LODO([0.0], [[[[1.0]], [[1.0]]]], [[1, 0]], meta_learning_rate=0.25, momentum=0.5)
    xs, _ = run(lodo, [plane(2)] * 3)
    # P swaps, so G = b², b the second block; slope -2 b g m = -4 b m.
    # 1: m = 1, x = -1. 2: slope -4 at b = 1; √0.001999/0.19·0.1/√0.001 = 0.744: b = 1 + 0.25·0.744; m = 1.5.
    b = 1 - 0.25 * adam_after_an_empty_step(-4)
    second = -1 - b**2 * 1.5
    # 3: slope -4·b·1.5; m = 0.75 + 1 = 1.75.
    slope = -6 * b
    mean, mean_square = 0.9 * -0.4 + 0.1 * slope, 0.999 * 0.016 + 0.001 * slope**2
    b -= 0.25 * sqrt(1 - 0.999**3) / (1 - 0.9**3) * mean / (sqrt(mean_square) + 1e-7)
    assert xs == exactly([[-1], [second], [second - b**2 * 1.75]])
    assert lodo.theta == exactly([1, b])


def test_lodo_without_momentum_moves_by_the_gradient_itself():
    lodo = LODONoMomentum([4.0], [[[[1.0]], [[1.0]]]], [[0, 1]], initial_learning_rate=0.5, meta_learning_rate=0.25)
    xs, _ = run(lodo, [parabola] * 2)
    # 1: x = 4 - ½·4 = 2. 2: slope -½·2·1·2·4 = -8, m = g = 2.
    b = 1 - 0.25 * adam_after_an_empty_step(-8)
    assert xs == exactly([[2], [2 - 0.5 * b**2 * 2]])


def test_lodo_diagonal_tunes_each_coordinate_and_lodo_global_their_sum():
    rates = {"initial_learning_rate": 0.5, "meta_learning_rate": 0.25, "momentum": 0.5}
    minibatches = [plane(2, -4), plane(2, 2)]
    diagonal, scalar = LODODiagonal([0.0, 0.0], **rates), LODOGlobal([0.0, 0.0], **rates)
    # 1: m = (1, -2), x = -½ m = (-½, 1). 2: m = (½, -1) + (1, 1) = (1.5, 0).
    # Diagonal: slopes -½ g m = (-½·2·1, -½·2·(-2)) = (-1, 2). Global: their sum, 1.
    xs, _ = run(diagonal, minibatches)
    theta = [1 - 0.25 * adam_after_an_empty_step(-1), 1 - 0.25 * adam_after_an_empty_step(2)]
    assert xs == exactly([[-0.5, 1], [-0.5 - 0.5 * theta[0] * 1.5, 1]])
    assert diagonal.theta == exactly(theta)
    xs, _ = run(scalar, minibatches)
    theta = [1 - 0.25 * adam_after_an_empty_step(1)]
    assert xs == exactly([[-0.5, 1], [-0.5 - 0.5 * theta[0] * 1.5, 1]])
    assert scalar.theta == exactly(theta)


def test_lodo_residuals_tunes_weights_and_diagonal_together():
    rates = {"initial_learning_rate": 0.5, "meta_learning_rate": 0.25, "momentum": 0.5}
    residuals = LODOResiduals([0.0], [[7.0, 3.0]], [2.0, 1.0], [[1, 0]], **rates)
    xs, _ = run(residuals, [plane(2)] * 2)
    # V = [[1, 7], [3, 1]], its first column (1, 3), so G = ½ (d_1 + w_2² d_2) = ½ (2 + 9) = 5.5.
    # 1: m = 1, x = -5.5. 2: -g m = -2 times ½ (0, 2·3·1, 1, 9): slopes 0, -6, -1, -9 by w_1, w_2, d_1, d_2; m = 1.5.
    w_2, d_1, d_2 = (start - 0.25 * adam_after_an_empty_step(slope) for start, slope in [(3, -6), (2, -1), (1, -9)])
    assert residuals.theta == exactly([7, w_2, d_1, d_2])
    assert xs == exactly([[-5.5], [-5.5 - 0.5 * (d_1 + w_2**2 * d_2) * 1.5]])


def test_the_first_residual_layer_acts_first():
    weights, permutations = [[0.0, 2.0], [3.0, 0.0]], [[1, 0], [1, 0]]
    residuals = LODOResiduals([0.0], weights, [1.0, 1.0], permutations)
    # Layer 1 adds 2·x_1 to x_2: (1, 2). Layer 2 adds 3·x_2 to x_1: (7, 2). 49 + 4. The other order would give 1 + 4.
    assert residuals.preconditioner(residuals.theta) == exactly([[53]])
