"""The compiled training loop: one compilation, independent lanes, and divergence."""

import numpy as np
import pytest

from tuner.core.events import TrainingProgress
from tuner.core.trial import Evaluation, Key, Role, Status, Trial, Workload
from tuner.training import cohort, loop
from tuner.training.train import train

ADAM = {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999}


def workload(lanes, task="noisy-quadratic-bowl", optimizer="Adam", **others):
    return Workload(task=task, optimizer=optimizer, cohort_size=lanes, **others)


def trial(slot, steps=60, seed=None, **changes):
    return Trial(Key(Role.SEARCH, 0, slot), ADAM | changes, 100 + slot if seed is None else seed, steps)


def results(work, trials):
    return [value for value in train(work, trials) if isinstance(value, Evaluation)]


def loop_of(work):
    return loop.loop_of(work, list(ADAM))


def test_one_compilation_serves_every_seed_hyperparameter_and_budget():
    work = workload(4)
    for steps, rate in ((60, 0.05), (7, 0.5), (1, 1e-3)):
        results(work, [trial(slot, steps=steps, learning_rate=rate) for slot in range(4)])
    assert loop_of(work).traces == 1


@pytest.mark.parametrize("optimizer", ["Adam", "LODO"])
def test_a_cohort_equals_single_runs(optimizer):
    values = (
        ADAM if optimizer == "Adam" else {"initial_learning_rate": 0.5, "meta_learning_rate": 0.01, "momentum": 0.9}
    )
    trials = [Trial(Key(Role.SEARCH, 0, slot), values, 100 + slot, 40) for slot in range(3)]
    settings = {"depth": 3} if optimizer == "LODO" else {}  # compiles sooner than 16 layers
    together = results(workload(3, optimizer=optimizer, settings=settings), trials)
    for one, evaluation in zip(trials, together, strict=True):
        (alone,) = results(workload(1, optimizer=optimizer, settings=settings), [one])
        np.testing.assert_allclose(alone.losses, evaluation.losses, rtol=1e-9)  # matrix products round by shape


def test_a_lane_does_not_depend_on_the_other_lanes():
    work = workload(4)
    different = results(work, [trial(slot) for slot in range(4)])
    copies = results(work, [trial(2)] * 4)
    assert len(copies) == 1
    np.testing.assert_array_equal(copies[0].losses, different[2].losses)
    assert copies[0].fitness == different[2].fitness


def test_the_size_of_a_chunk_does_not_change_the_losses(monkeypatch):
    work, trials = workload(4), [trial(slot, steps=130) for slot in range(4)]
    expected = results(work, trials)
    monkeypatch.setattr(cohort, "_next_size", lambda size, elapsed: 3)
    for one, other in zip(expected, results(work, trials), strict=True):
        np.testing.assert_array_equal(one.losses, other.losses)


def test_the_curve_of_a_diverged_lane_ends_with_the_first_loss_that_is_not_finite():
    diverged, finished = results(
        workload(2, task="rosenbrock"), [trial(0, learning_rate=1e200, steps=200), trial(1, steps=200)]
    )
    assert diverged.status is Status.DIVERGED
    assert not np.isfinite(diverged.losses[-1])
    assert np.isfinite(diverged.losses[:-1]).all()
    assert diverged.steps_done == len(diverged.losses) < 200
    assert diverged.reason == f"loss was {diverged.losses[-1]} at evaluation {diverged.steps_done - 1}"
    assert (finished.status, finished.steps_done, len(finished.losses)) == (Status.FINISHED, 200, 200)


def test_a_cohort_in_which_all_lanes_diverged_ends_early():
    work = workload(2, task="rosenbrock")
    steps = 1_000_000
    values = list(train(work, [trial(slot, learning_rate=1e200, steps=steps) for slot in range(2)]))
    assert sum(len(value.losses) for value in values if isinstance(value, TrainingProgress)) < 100


def test_progress_has_every_loss_in_order_from_the_starting_point():
    values = list(train(workload(2, task="rosenbrock"), [trial(0), trial(1)]))
    progress = [value for value in values if isinstance(value, TrainingProgress)]
    losses = np.concatenate([value.losses for value in progress])
    assert [value.steps_done for value in progress][-1] == len(losses) == 60
    assert losses[0, 0] == pytest.approx(0.01 * 1.5**2 + 1.75**2, rel=1e-15)  # f(-0.5, 2), by hand
    np.testing.assert_array_equal(values[-1].losses, losses[:, 1])


def test_fitness_is_the_mean_of_the_last_tenth():
    (evaluation,) = results(workload(1, task="rosenbrock"), [trial(0)])
    assert evaluation.fitness == pytest.approx(np.mean(evaluation.losses[-6:]), rel=1e-15)


def test_the_precision_is_that_of_the_task_unless_one_is_requested():
    (default,) = results(workload(1, task="rosenbrock"), [trial(0)])
    (requested,) = results(workload(1, task="rosenbrock", precision="float32"), [trial(0)])
    assert (np.asarray(default.losses).dtype, np.asarray(requested.losses).dtype) == (np.float64, np.float32)


def test_a_gradient_of_another_shape_than_x_is_refused_and_not_broadcast(tmp_path):
    (tmp_path / "narrow.py").write_text(
        "from tasks.rosenbrock import Rosenbrock\n"
        "class Narrow(Rosenbrock):\n"
        "    def loss_and_gradient(self, x, state):\n"
        "        loss, gradient, state = super().loss_and_gradient(x, state)\n"
        "        return loss, gradient[:1], state\n"
    )
    with pytest.raises(ValueError, match=r"the gradient of .* must be of x's shape \(2, 1\)\. Received: \(1, 1\)"):
        results(workload(1, task=f"{tmp_path / 'narrow.py'}:Narrow"), [trial(0)])


def test_a_wrong_number_of_lanes_is_refused():
    with pytest.raises(ValueError, match=r"a cohort has 2 lanes with one budget. Received: 1 lanes"):
        next(train(workload(2), [trial(0)]))


def test_lanes_with_different_budgets_are_refused():
    with pytest.raises(ValueError, match=r"budgets \[10, 20\]"):
        next(train(workload(2), [trial(0, steps=10), trial(1, steps=20)]))


def test_a_redefined_task_is_trained_by_its_newest_definition():
    import tasks.registry
    from tasks.rosenbrock import Rosenbrock

    class Shifted(Rosenbrock):
        def loss_and_gradient(self, x, state):
            loss, gradient, state = super().loss_and_gradient(x, state)
            return loss + 1.0, gradient, state

    losses = []
    for kind in (Rosenbrock, Shifted):
        name = tasks.registry.register("Mine", kind)
        losses.append(results(workload(1, name), [trial(0)])[0].losses)
    np.testing.assert_allclose(losses[1], losses[0] + 1.0, rtol=1e-6)
