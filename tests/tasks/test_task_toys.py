"""Facts of the two toy tasks, known from mathematics or from the paper."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tasks.rosenbrock import Rosenbrock


@pytest.fixture(scope="module")
def bowl() -> NoisyQuadraticBowl:
    return NoisyQuadraticBowl()


@pytest.fixture(scope="module")
def centres(bowl: NoisyQuadraticBowl) -> np.ndarray:
    """Centres c_0, c_1, … of the bowl, [1001, 100, 4]."""

    @tf.function(jit_compile=True)
    def walk(seeds):
        centre = bowl.initial(seeds)[1]
        history = tf.TensorArray(tf.float64, 1001).write(0, centre)
        for t in tf.range(1, 1001):
            centre = bowl.advance(centre, seeds, t)
            history = history.write(t, centre)
        return history.stack()

    return walk(tf.constant([[0, 0], [0, 1], [1, 0], [-7, 2**31 - 1]], tf.int32)).numpy()


def test_rosenbrock_is_zero_at_its_minimum_with_no_slope() -> None:
    loss, gradient, _ = Rosenbrock().loss_and_gradient(tf.ones([2, 1], tf.float64), ())
    assert loss.numpy() == [0]
    assert (gradient.numpy() == 0).all()


def test_rosenbrock_starts_where_the_paper_does() -> None:
    x, state = Rosenbrock().initial(tf.zeros([3, 2], tf.int32))
    np.testing.assert_array_equal(x, [[-0.5] * 3, [2] * 3])
    loss, gradient, _ = Rosenbrock().loss_and_gradient(x, state)
    # By hand: 0.01 · 1.5² + 1.75² = 3.085; -0.02 · 1.5 + 4 · 0.5 · 1.75 = 3.47; 2 · 1.75 = 3.5
    np.testing.assert_allclose(loss, [3.085] * 3, rtol=1e-15)
    np.testing.assert_allclose(gradient, [[3.47] * 3, [3.5] * 3], rtol=1e-15)


def test_the_bowls_eigenvalues_are_log_spaced_and_half_their_sum_is_the_papers_floor(bowl: NoisyQuadraticBowl) -> None:
    eigenvalues = np.linalg.eigvalsh(bowl.hessian)
    np.testing.assert_allclose(eigenvalues, [10 ** (-3 + 3 * i / 99) for i in range(100)], rtol=1e-12)
    assert np.trace(bowl.hessian) / 2 == pytest.approx(7.412, abs=5e-4)  # the paper's Newton loss


def test_the_bowls_hessian_is_symmetric_float64_and_cannot_be_written_to(bowl: NoisyQuadraticBowl) -> None:
    assert bowl.hessian.dtype == np.float64
    np.testing.assert_array_equal(bowl.hessian, bowl.hessian.T)
    with pytest.raises(ValueError, match="read-only"):
        bowl.hessian[0, 0] = 1


def test_the_bowls_eigenvectors_are_not_the_axes_and_the_same_each_time(bowl: NoisyQuadraticBowl) -> None:
    diagonal = np.diag(bowl.hessian)
    # A random rotation spreads the eigenvalues: each diagonal entry is near their mean, 0.148.
    assert 0.05 < diagonal.min() < diagonal.max() < 0.35
    np.testing.assert_array_equal(bowl.hessian, NoisyQuadraticBowl().hessian)


def test_the_bowls_single_precision_is_the_same_bowl() -> None:
    bowl = NoisyQuadraticBowl(dtype="float32", n=10)
    x, centre = tf.random.stateless_normal([10, 3], [0, 1]), tf.random.stateless_normal([10, 3], [0, 2])
    loss, gradient, _ = bowl.loss_and_gradient(x, centre)
    offset = (x - centre).numpy().astype(np.float64)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(gradient, bowl.hessian @ offset, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loss, np.einsum("ip,ij,jp->p", offset, bowl.hessian, offset) / 2, rtol=1e-5)


def test_the_centre_starts_at_zero_and_moves_by_standard_normal_steps(centres: np.ndarray) -> None:
    assert (centres[0] == 0).all()
    steps = np.diff(centres, axis=0)
    count = steps.size  # 400,000: deviations below are of five standard errors
    assert abs(steps.mean()) < 5 / count**0.5
    assert abs(steps.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs((steps**3).mean()) < 5 * (15 / count) ** 0.5
    assert abs((steps**4).mean() - 3) < 5 * (96 / count) ** 0.5
    assert 4 < np.abs(steps).max() < 7


def test_steps_of_the_centre_are_independent_of_each_other(centres: np.ndarray) -> None:
    steps = np.diff(centres, axis=0)
    for one, other in (
        (steps[1:], steps[:-1]),  # of the step before
        (steps[:, 1:], steps[:, :-1]),  # of the neighbouring coordinate
        (steps[:, ::2], steps[:, 1::2]),  # pairs that one draw may have given
        (steps[..., :1], steps[..., 1:2]),  # of the other lane
        (steps[1:, :50], steps[:-1, 50:]),  # overlapping blocks of counters
    ):
        assert abs((one * other).mean()) < 5 / one.size**0.5
    assert len(np.unique(steps)) > 0.999 * steps.size


def test_newtons_jump_has_the_mean_loss_that_the_paper_calls_the_floor(
    bowl: NoisyQuadraticBowl, centres: np.ndarray
) -> None:
    # Newton sees c_t and stands there when the centre moves on to c_{t+1}.
    offset = centres[:-1] - centres[1:]
    losses = np.einsum("tip,ij,tjp->tp", offset, bowl.hessian, offset) / 2
    # One loss has variance ½ tr(H²) = 3.8; 4,000 of them, five standard errors: 0.15.
    assert losses.mean() == pytest.approx(7.412, abs=0.15)


def test_newtons_jump_through_the_task_itself_reaches_the_floor(bowl: NoisyQuadraticBowl) -> None:
    inverse = tf.constant(np.linalg.inv(bowl.hessian))

    @tf.function(jit_compile=True)
    def newton(seeds):
        x, state = bowl.initial(seeds)
        total = tf.zeros([16], tf.float64)
        for t in tf.range(1, 1001):
            state = bowl.advance(state, seeds, t)
            loss, gradient, state = bowl.loss_and_gradient(x, state)
            x -= inverse @ gradient
            total += loss
        return total / 1000

    seeds = np.random.default_rng(3).integers(-(2**31), 2**31, (16, 2)).astype(np.int32)
    losses = newton(tf.constant(seeds)).numpy()
    assert losses.mean() == pytest.approx(7.412, abs=0.08)  # 16,000 losses, five standard errors
    assert len(set(losses)) == 16


@pytest.mark.parametrize("n", [1, 4097, 2.0, True, "100", None])
def test_the_bowl_refuses_what_is_no_number_of_dimensions(n: object) -> None:
    with pytest.raises(ValueError, match=r"`n` is a whole number from 2 to 4,096. Received: "):
        NoisyQuadraticBowl(n=n)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_bowl_is_the_same_to_the_last_bit_whatever_the_threads_of_the_process(threads):
    program = (
        "import hashlib; from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl\n"
        "print(hashlib.sha256(NoisyQuadraticBowl().hessian.tobytes()).hexdigest())"
    )
    surroundings = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=surroundings)
    here = hashlib.sha256(NoisyQuadraticBowl().hessian.tobytes()).hexdigest()
    assert done.stdout.strip() == here
