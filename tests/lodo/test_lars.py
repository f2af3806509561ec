"""LARS: its rates by layer, its decay to the end of the run, and the layers it takes."""

import numpy as np
import pytest
import tensorflow as tf

from lodo.lars import LARS
from tests.support.driving import drive

SETTINGS = {"learning_rate": 0.5, "momentum": 0.0, "weight_decay": 0.0}
LAYERS = ((0, 2), (2, 3), (3, 5))


def plane(t):
    """A minibatch whose gradient is (1, 2, 3, 4, 5) everywhere."""
    return lambda x: (0.0, np.arange(1.0, 6.0))


def test_a_step_in_each_layer_is_as_long_as_the_layer_times_the_global_rate():
    start = np.array([3.0, 4.0, -2.0, 6.0, 8.0])
    path, _ = drive(LARS(layers=LAYERS), start, [SETTINGS], [plane], 1, horizon=4)
    moved = path[0, :, 0] - start
    lengths = [np.linalg.norm(moved[first:last]) for first, last in LAYERS]
    # Without decay and momentum ‖x‖/‖g‖ · ‖g‖ = ‖x‖: 5, 2 and 10, at the global rate 0.5 (3/4)².
    np.testing.assert_allclose(lengths, np.array([5, 2, 10]) * 0.5 * 0.5625, rtol=1e-14)


def test_a_layer_at_zero_stays_there_and_the_last_step_of_a_run_moves_nothing():
    start = np.array([3.0, 4.0, 0.0, 6.0, 8.0])
    path, _ = drive(LARS(layers=LAYERS), start, [SETTINGS], [plane], 3)
    assert (path[:, 2] == 0).all()
    assert np.abs(path[1] - path[0]).max() > 0.01
    np.testing.assert_array_equal(path[2], path[1])


def test_the_rate_falls_over_the_horizon_and_not_over_the_steps_taken():
    start = np.ones(5)
    short, _ = drive(LARS(layers=LAYERS), start, [SETTINGS], [plane], 2, horizon=2)
    long, _ = drive(LARS(layers=LAYERS), start, [SETTINGS], [plane], 2, horizon=200)
    first_short, first_long = (np.linalg.norm(path[0, :, 0] - start) for path in (short, long))
    assert first_long / first_short == pytest.approx((199 / 200) ** 2 / (1 / 2) ** 2, rel=1e-12)


@pytest.mark.parametrize("layers", [(), ((1, 3),), ((0, 2), (3, 5)), ((0, 3), (2, 5)), ((0, 2), (2, 2))])
def test_layers_that_leave_a_gap_overlap_or_are_empty_are_refused(layers):
    with pytest.raises(ValueError, match=r"slices that cover x in order, from 0 on. Received: "):
        LARS(layers=layers)


def test_an_x_of_another_length_than_its_layers_is_refused():
    with pytest.raises(ValueError, match=r"as long as its layers, 5. Received: shape \(4, 1\)"):
        LARS(layers=LAYERS).initial_state(tf.zeros([4, 1]), {}, None)
