"""What training tells an optimizer of its task, and whose word on XLA counts."""

import math

import numpy as np
import pytest

from tasks.pixelcnn_network import layer_slices, variable_shapes
from tasks.rosenbrock import Rosenbrock
from tests.references.quasi_newton import LevenbergMarquardt
from tests.references.tasks import ROSENBROCK_START, rosenbrock, rosenbrock_hessian
from tuner.core.trial import Key, Role, Status, Trial, Workload
from tuner.training import loop
from tuner.training.train import train

LANES = 2


class Untold(Rosenbrock):
    """Rosenbrock's function by somebody who does not give its Hessian."""

    name = "untold"
    hessian = None


class Slow(Rosenbrock):
    """Rosenbrock's function as a task that XLA does not suit."""

    jit_compile = False


def last_losses(task, optimizer, hyperparameters, steps, **options):
    """The losses [evaluations, LANES] of two candidates that differ in their seeds."""
    workload = Workload(task=task, optimizer=optimizer, cohort_size=LANES, options=options)
    trials = [Trial(Key(Role.SEARCH, 0, slot), hyperparameters, seed=slot, steps=steps) for slot in range(LANES)]
    *_, one, other = train(workload, trials)
    assert one.status is other.status is Status.FINISHED
    return np.stack([one.losses, other.losses], axis=1)


def test_a_task_without_a_hessian_is_refused_before_anything_trains():
    trials = [Trial(Key(Role.SEARCH, 0, 0), {"damping": 1.0}, seed=1, steps=5)]
    workload = Workload(task=f"{__name__}:Untold", optimizer="Levenberg-Marquardt", cohort_size=1)
    run = train(workload, trials)
    with pytest.raises(ValueError, match=r"Levenberg-Marquardt needs a task with `hessian`. Received: untold"):
        next(run)


def test_levenberg_marquardt_receives_a_hessian_that_changes():
    losses = last_losses("rosenbrock", "Levenberg-Marquardt", {"damping": 0.5}, 30)
    reference = LevenbergMarquardt(ROSENBROCK_START, damping=0.5)
    expected = [reference.step(rosenbrock, rosenbrock_hessian)[1] for _ in range(30)]
    np.testing.assert_allclose(losses, np.repeat(expected, LANES, axis=1), rtol=1e-9)


def test_levenberg_marquardt_receives_a_hessian_that_is_the_same_everywhere():
    losses = last_losses("noisy-quadratic-bowl", "Levenberg-Marquardt", {"damping": 1e-9}, 300, n=6)
    # Newton's jump to each centre has the mean loss ½ tr(H) = 0.6674 at these eigenvalues, with a deviation of
    # √(½ tr(H²)) = 0.73 a step: five standard errors of the mean of 600. Descent along the gradient cannot come near.
    assert losses.mean() == pytest.approx(0.6674, abs=0.15)


def test_lars_receives_the_layers_and_the_horizon():
    losses = last_losses("rosenbrock", "LARS", {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0}, 40)
    x, y = -0.5, 2.0
    for t in range(1, 41):  # each coordinate is a layer: it moves by its own size times the global rate
        slope_x, slope_y = -0.02 * (1 - x) - 4 * x * (y - x * x), 2 * (y - x * x)
        np.testing.assert_allclose(losses[t - 1], 0.01 * (1 - x) ** 2 + (y - x * x) ** 2, rtol=1e-9)
        rate = 0.1 * (1 - t / 40) ** 2
        x, y = x - rate * abs(x) * np.sign(slope_x), y - rate * abs(y) * np.sign(slope_y)


def test_a_loop_is_compiled_by_xla_only_where_task_and_optimizer_agree(monkeypatch):
    seen = []

    class Recording(loop.Loop):
        def __init__(self, task, optimizer, lanes):
            super().__init__(task, optimizer, lanes)
            seen.append(self._run._jit_compile)

    for task in (Rosenbrock(), Slow()):
        for name in ("Adam", "Levenberg-Marquardt"):
            Recording(task, loop.build_optimizer(name, task), LANES)
    assert seen == [True, False, False, False]


def test_two_evaluations_a_step_are_all_in_the_curve_and_within_the_budget():
    settings = {"learning_rate": 0.3, "decay_steps": 1e4, "initial_scale": 1.0}
    losses = last_losses("rosenbrock", "L-BFGS", settings, 7)
    assert losses.shape == (7, LANES)
    # Rosenbrock has no noise: what a step ends with the next begins with.
    np.testing.assert_array_equal(losses[2::2], losses[1:-1:2])


def test_keras_optimizers_receive_the_kernels_and_biases_that_make_up_pixelcnns_weights():
    shapes = variable_shapes()
    assert (len(shapes), sum(map(math.prod, shapes))) == (124, 94_696)
    assert [(start, stop) for start, stop in layer_slices()] == [
        (sum(map(math.prod, shapes[: 2 * layer])), sum(map(math.prod, shapes[: 2 * layer + 2]))) for layer in range(62)
    ]

    class Told(Rosenbrock):
        variable_shapes = ((1, 1), (1,))

    assert loop.build_optimizer("keras:Muon", Told())._shapes == ((1, 1), (1,))
    assert loop.build_optimizer("keras:Muon", Rosenbrock())._shapes is None
