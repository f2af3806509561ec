"""The references' problems: Rosenbrock's function and the noisy quadratic bowl."""

import numpy as np
import pytest

from tests.references.tasks import (
    NoisyQuadraticBowl,
    bowl_eigenvalues,
    rosenbrock,
    rosenbrock_gradient,
    rosenbrock_hessian,
    rosenbrock_loss,
)


def test_rosenbrock_is_what_its_formula_says_at_the_start_and_at_the_minimum():
    loss, gradient = rosenbrock(np.array([-0.5, 2.0]))
    # 0.01·1.5² + 1.75² = 0.0225 + 3.0625; -0.02·1.5 + 2·1.75 = 3.47; 2·1.75 = 3.5.
    assert (loss, *gradient) == pytest.approx((3.085, 3.47, 3.5), rel=1e-13)
    # 0.02 - 4·2 + 12·0.25 = -4.98; -4·(-0.5) = 2.
    assert rosenbrock_hessian(np.array([-0.5, 2.0])) == pytest.approx(np.array([[-4.98, 2], [2, 2]]), rel=1e-13)
    assert rosenbrock_gradient(np.array([1.0, 1.0])) == pytest.approx([0, 0], abs=1e-15)


def test_the_bowl_measures_from_the_centre_of_its_step():
    bowl = NoisyQuadraticBowl([[2.0, 1.0], [1.0, 2.0]], [[1.0, 0.0], [1.0, 1.0]])
    loss, gradient = bowl.minibatch(2)(np.array([2.0, 0.0]))
    # From (1, 1) it is (1, -1): H times that is (1, -1), half the product 1.
    assert (loss, *gradient) == pytest.approx((1, 1, -1))


def test_half_the_trace_of_the_papers_bowl_is_its_floor():
    # The paper's figure for a hundred eigenvalues from 0.001 to 1.
    assert 0.5 * bowl_eigenvalues().sum() == pytest.approx(7.412, abs=5e-4)


def test_rosenbrocks_derivatives_are_those_of_its_loss():
    point, shift = np.array([0.3, -0.7]), 1e-4
    for i in range(2):
        step = shift * np.eye(2)[i]
        slope = (rosenbrock_loss(point + step) - rosenbrock_loss(point - step)) / (2 * shift)
        curve = (rosenbrock_gradient(point + step) - rosenbrock_gradient(point - step)) / (2 * shift)
        assert slope == pytest.approx(rosenbrock_gradient(point)[i], abs=1e-6)
        np.testing.assert_allclose(curve, rosenbrock_hessian(point)[i], atol=1e-6)
