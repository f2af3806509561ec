"""The compiled loop: compiled once, the same in every company, cut where it diverges."""

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


def test_a_lane_has_the_same_bits_whoever_is_beside_it():
    work = workload(4)
    mates = results(work, [trial(slot) for slot in range(4)])
    copies = results(work, [trial(2)] * 4)
    assert len(copies) == 1
    np.testing.assert_array_equal(copies[0].losses, mates[2].losses)
    assert copies[0].fitness == mates[2].fitness


def test_how_long_a_chunk_is_changes_nothing(monkeypatch):
    work, trials = workload(4), [trial(slot, steps=130) for slot in range(4)]
    whole = results(work, trials)
    monkeypatch.setattr(cohort, "_next_size", lambda size, elapsed: 3)
    for one, other in zip(whole, results(work, trials), strict=True):
        np.testing.assert_array_equal(one.losses, other.losses)


def test_a_lane_that_diverges_is_cut_after_the_first_loss_that_is_not_finite():
    wild, tame = results(
        workload(2, task="rosenbrock"), [trial(0, learning_rate=1e200, steps=200), trial(1, steps=200)]
    )
    assert wild.status is Status.DIVERGED
    assert not np.isfinite(wild.losses[-1])
    assert np.isfinite(wild.losses[:-1]).all()
    assert wild.steps_done == len(wild.losses) < 200
    assert wild.reason == f"loss was {wild.losses[-1]} at evaluation {wild.steps_done - 1}"
    assert (tame.status, tame.steps_done, len(tame.losses)) == (Status.FINISHED, 200, 200)


def test_a_cohort_that_wholly_diverged_ends_early():
    work = workload(2, task="rosenbrock")
    steps = 1_000_000
    values = list(train(work, [trial(slot, learning_rate=1e200, steps=steps) for slot in range(2)]))
    assert sum(len(value.losses) for value in values if isinstance(value, TrainingProgress)) < 100


def test_progress_holds_every_loss_in_order_and_the_first_is_at_the_start():
    values = list(train(workload(2, task="rosenbrock"), [trial(0), trial(1)]))
    progress = [value for value in values if isinstance(value, TrainingProgress)]
    losses = np.concatenate([value.losses for value in progress])
    assert [value.steps_done for value in progress][-1] == len(losses) == 60
    assert losses[0, 0] == pytest.approx(0.01 * 1.5**2 + 1.75**2, rel=1e-15)  # f(-0.5, 2), by hand
    np.testing.assert_array_equal(values[-1].losses, losses[:, 1])


def test_fitness_is_the_mean_of_the_last_tenth():
    (evaluation,) = results(workload(1, task="rosenbrock"), [trial(0)])
    assert evaluation.fitness == pytest.approx(np.mean(evaluation.losses[-6:]), rel=1e-15)


def test_precision_is_the_tasks_unless_it_is_asked_for():
    (own,) = results(workload(1, task="rosenbrock"), [trial(0)])
    (asked,) = results(workload(1, task="rosenbrock", precision="float32"), [trial(0)])
    assert (np.asarray(own.losses).dtype, np.asarray(asked.losses).dtype) == (np.float64, np.float32)


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


def test_lanes_that_do_not_fit_the_workload_are_refused():
    with pytest.raises(ValueError, match=r"a cohort has 2 lanes with one budget. Received: 1 lanes"):
        next(train(workload(2), [trial(0)]))


def test_lanes_with_different_budgets_are_refused():
    with pytest.raises(ValueError, match=r"budgets \[10, 20\]"):
        next(train(workload(2), [trial(0, steps=10), trial(1, steps=20)]))


def test_a_task_that_a_notebook_defines_again_is_trained_as_it_is_now():
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
