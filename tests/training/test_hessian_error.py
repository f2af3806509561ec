"""`train --track hessian-error`: error of LODO's preconditioner, and training with it frozen."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from lodo import registry
from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tests.references.tasks import ROSENBROCK_START, rosenbrock
from tests.support.command_line import call
from tests.support.driving import drive, lane_seeds
from tuner.api import measured
from tuner.api.train_result import TrainedRun
from tuner.cli.train import hessian_errors
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Key, Role, Status, Trial, Workload
from tuner.training.cohort import Cohort
from tuner.training.measurements.hessian_error import HessianError, hessian_error
from tuner.training.train import train

SIZE = 10
LODO = {"initial_learning_rate": 0.1, "meta_learning_rate": 0.0008, "momentum": 0.12}  # as tuned on the bowl


def trials(steps, lanes=2):
    return [Trial(Key(Role.SEARCH, 0, slot), LODO, seed=slot, steps=steps) for slot in range(lanes)]


def workload(optimizer="LODO", lanes=2, **fields):
    task = {"task": "noisy-quadratic-bowl", "options": {"n": SIZE}}
    return Workload(**task | fields, optimizer=optimizer, cohort_size=lanes)


def tracked(steps, optimizer="LODO"):
    return list(measured.tracked(workload(optimizer), trials(steps), lambda steps: None))


@pytest.mark.parametrize("optimizer", ["LODO", "LODO-Diagonal"])
def test_the_estimated_error_agrees_with_the_norm_of_the_dense_matrix(optimizer):
    settings = {"depth": 3} if optimizer == "LODO" else {}  # compiles sooner than 16 layers
    cohort = Cohort(workload(optimizer, settings=settings), trials(60))
    *_, last = cohort.chunks(cohort.begin())
    estimate = hessian_error(cohort)(last.carry)
    identity = np.eye(SIZE)
    columns = [
        cohort.loop.optimizer.preconditioned(
            last.carry[2], cohort.hyperparameters, tf.constant(np.repeat(column[:, None], 2, axis=1))
        )
        for column in identity
    ]
    dense = np.stack(columns, axis=1)  # G [n, n, P]
    for lane in range(2):
        difference = identity - dense[..., lane] @ NoisyQuadraticBowl(n=SIZE).hessian
        # A mean of 256: the square's standard error is at most √2/16 of itself, the root's half of that.
        assert estimate[lane] == pytest.approx(np.linalg.norm(difference) / np.sqrt(SIZE), rel=3 * 0.045)


def test_on_the_bowl_the_error_decreases_and_the_frozen_preconditioner_is_effective_from_the_start():
    steps = 8000
    for one in tracked(steps):
        assert one.error_points == tuple(range(0, steps + 1, steps // 20))
        assert max(one.errors[10:]) < 0.8 * one.errors[0]
        assert one.status == one.frozen.status == Status.FINISHED
        early, late = slice(0, steps // 10), slice(-steps // 10, None)
        assert np.mean(one.frozen.losses[early]) < 0.5 * np.mean(one.losses[early])
        assert np.mean(one.frozen.losses[early]) < 1.2 * np.mean(one.losses[late])


def test_tracking_does_not_change_the_losses():
    untracked = list(train(workload(), trials(130)))[-2:]
    for one, other in zip(tracked(130), untracked, strict=True):
        np.testing.assert_array_equal(one.losses, other.losses)
        assert one.fitness == other.fitness


@pytest.mark.parametrize("name", [name for name in registry.OPTIMIZERS if name.startswith("LODO")])
def test_a_frozen_preconditioner_is_constant_and_training_begins_at_the_starting_point(name):
    optimizer = registry.load(name)()
    settings = {key: LODO[key] for key in optimizer.hyperparameters} | {"initial_learning_rate": 0.05}
    values = {key: tf.constant([value], tf.float64) for key, value in settings.items()}
    x = tf.constant(np.array(ROSENBROCK_START)[:, None])
    state = optimizer.initial_state(x, values, lane_seeds(1))
    for t in range(1, 8):  # until it has learned
        gradient = tf.constant(rosenbrock(x.numpy()[:, 0])[1][:, None])
        x, state = optimizer.update(gradient, x, state, values, tf.constant(t))
    frozen = optimizer.frozen(state)
    before = optimizer.preconditioned(frozen, values, tf.ones([2, 1], tf.float64))
    point = np.array(ROSENBROCK_START)
    path, losses = drive(optimizer, point, [settings], [lambda t: rosenbrock], 5, state=frozen)
    assert losses[0, 0] == rosenbrock(point)[0]
    assert np.isfinite(path).all()
    # Descent with momentum and the fixed matrix, by hand.
    columns = [optimizer.preconditioned(frozen, values, tf.constant(column[:, None])) for column in np.eye(2)]
    matrix, beta, momentum = np.concatenate(columns, axis=1), settings.get("momentum", 0.0), np.zeros(2)
    for moved in path[:, :, 0]:
        momentum = beta * momentum + (1 - beta) * rosenbrock(point)[1]
        point = point - matrix @ momentum
        np.testing.assert_allclose(moved, point, rtol=1e-12)
    assert np.linalg.norm(before) > 0


def test_tracking_without_a_preconditioner_or_a_hessian_is_refused_in_one_line():
    adam = [Trial(Key(Role.SEARCH, 0, 0), {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.99}, 0, 5)]
    with pytest.raises(
        InvalidRequest, match=r"for optimizers that learn a preconditioner, LODO and .* Received: 'Adam'"
    ):
        next(train(workload("Adam", lanes=1), adam, [HessianError()]))
    without_hessian = workload(lanes=1, task="tests.lodo.test_optimizer_needs:Untold", options={})
    with pytest.raises(
        InvalidRequest, match=r"needs a task with a Hessian .*noisy-quadratic-bowl or rosenbrock. Received: 'untold'"
    ):
        next(train(without_hessian, trials(5, lanes=1), [HessianError()]))


def test_the_command_prints_errors_and_losses_and_json_has_all_of_them():
    arguments = ("train", "--task", "rosenbrock", "--optimizer", "LODO-Diagonal", "--steps", 40, "--seeds", 2)
    outcome = call(*arguments, "--track", "hessian-error")
    assert outcome.code == 0, outcome.err
    assert "Error of the preconditioner, ‖I - G H‖_F / √n" in outcome.out
    assert "repeated with the learned preconditioner, frozen" in outcome.out
    document = json.loads(call(*arguments, "--track", "hessian-error", "--curve", "--json").out)
    for entry in document["runs"]:
        assert entry["hessian_error"]["evaluations"] == list(range(0, 41, 2))
        assert all(error > 0 for error in entry["hessian_error"]["errors"])
        assert entry["frozen"]["status"] == "finished"
        assert len(entry["losses"]) == len(entry["frozen"]["losses"]) == 40
        assert entry["losses"][0] == entry["frozen"]["losses"][0]
    refused = call("train", "--task", "rosenbrock", "--optimizer", "Adam", "--steps", 5, "--track", "hessian-error")
    assert refused.code == 2
    assert "--track hessian-error is for optimizers that learn a preconditioner" in refused.err


def test_a_tracked_run_that_diverges_shows_a_dash_for_missing_numbers():
    arguments = ("train", "--task", "noisy-quadratic-bowl", "--optimizer", "LODO-Diagonal", "--steps", 400)
    diverging = ("--set", "initial_learning_rate=1e6", "--track", "hessian-error")
    text = call(*arguments, *diverging).out
    for name in ("learning", "frozen"):
        (row,) = [line for line in text.splitlines() if f"  {name} " in line]
        assert row.split(name)[1].split(maxsplit=1)[0] == "–"
        assert "at evaluation" in row
    (entry,) = json.loads(call(*arguments, *diverging, "--json").out)["runs"]
    assert entry["status"] == entry["frozen"]["status"] == "diverged"
    assert "at evaluation" in entry["frozen"]["reason"]
    assert entry["hessian_error"]["errors"][-1] is None


def test_many_seeds_are_summarised_by_mean_least_and_greatest():
    errors = [(1.0, error) for error in (0.25, 0.5, 0.75, *[0.5] * 6)]
    run = TrainedRun(0, "finished", 1.0, np.full(10, 2.0), 10, 0.1)
    complete = [replace(run, error_points=(0, 5), errors=each, frozen=run) for each in errors]
    partial = replace(run, error_points=(0,), errors=(1.0,), frozen=run)
    lines = hessian_errors([*complete, partial], 10).splitlines()
    assert lines[1].split() == ["evaluations", "mean", "least", "greatest", "of", "seeds"]
    assert lines[3].split() == ["0", "1.000", "1.000", "1.000", "10"]
    assert lines[4].split() == ["5", "0.5000", "0.2500", "0.7500", "9"]
