"""Measurements of runs, and that they do not change the runs."""

import math
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tests.references import tasks as references
from tests.support import regression
from tuner.core.errors import InvalidRequest
from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.trial import Evaluation, Key, Measurement, Role, Status, Trial, Workload
from tuner.training.cohort import Chunk, Cohort
from tuner.training.frozen import frozen_as_in
from tuner.training.loop import loop_of
from tuner.training.measurements.clock import LastTenth, Marks
from tuner.training.measurements.end_state import EndState
from tuner.training.measurements.floor import Floor
from tuner.training.measurements.hessian_error import HessianError
from tuner.training.measurements.measurement import MeasurementCallback, Training
from tuner.training.measurements.test_set import FinalTest
from tuner.training.measurements.trajectory import Trajectory
from tuner.training.measurements.validation import Validation
from tuner.training.train import train

ADAM = {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999}
LBFGS = {"learning_rate": 0.1, "decay_steps": 1e4, "initial_scale": 1e-3}
LINE = "tests.support.regression:Line"


def work(task, lanes=1, optimizer="Adam", **measurement):
    return Workload(task=task, optimizer=optimizer, cohort_size=lanes, measurement=Measurement(**measurement))


def trials(lanes=1, steps=60, values=ADAM):
    return [Trial(Key(Role.COMPARISON, 0, slot), values, slot, steps) for slot in range(lanes)]


def run(workload, lanes, measurements=None):
    values = list(train(workload, lanes, measurements))
    observed = [value for value in values if isinstance(value, LaneObservations)]
    return values, {split: [one for one in observed if one.split == split] for split in {one.split for one in observed}}


def curve(values):
    return np.concatenate([value.losses for value in values if isinstance(value, TrainingProgress)])


@pytest.mark.parametrize(
    ("task", "optimizer", "values", "steps"),
    [("noisy-quadratic-bowl", "Adam", ADAM, 60), ("rosenbrock", "L-BFGS", LBFGS, 25), (LINE, "Adam", ADAM, 60)],
)
def test_measurements_do_not_change_the_losses(task, optimizer, values, steps):
    lanes = trials(2, steps, values)
    measured, _ = run(work(task, 2, optimizer, validate_every=7), lanes)
    unmeasured = list(train(work(task, 2, optimizer), lanes, ()))
    np.testing.assert_array_equal(curve(measured), curve(unmeasured))
    for one, other in zip(measured[-2:], unmeasured[-2:], strict=True):
        assert (one.key, one.status, one.fitness) == (other.key, other.status, other.fitness)


def test_validation_runs_at_the_start_at_intervals_and_at_the_end_and_the_test_set_is_last():
    values, observed = run(work(LINE, validate_every=25), trials())
    assert [one.evaluations for one in observed["validation"]] == [0, 25, 50, 60]
    start = regression.metrics(np.zeros(3), "validation").mean(axis=0)
    assert observed["validation"][0].metrics["loss"] == pytest.approx([start[0]])
    (test,) = observed["test"]
    assert test.evaluations == 60
    index = values.index(test)
    assert not any(isinstance(value, TrainingProgress) for value in values[index:])
    assert [type(value) for value in values[index + 1 :]] == [Evaluation]


def test_validation_and_test_metrics_are_means_over_their_examples():
    lanes = trials()
    _, observed = run(work(LINE, validate_every=60), lanes)
    cohort = Cohort(work(LINE), lanes)
    *_, last = cohort.chunks(cohort.begin())
    x = last.carry[0].numpy()[:, 0]
    for split, observation in (("validation", observed["validation"][-1]), ("test", observed["test"][0])):
        loss, accuracy = regression.metrics(x, split).mean(axis=0)
        assert observation.metrics["loss"] == pytest.approx([loss], rel=1e-12)
        assert observation.metrics["accuracy"] == pytest.approx([accuracy], rel=1e-12)


def test_a_part_of_the_test_set_is_the_same_for_all_runs():
    _, complete = run(work(LINE), trials())
    parts = [run(work(LINE, test_examples=5), trials())[1]["test"][0].metrics["loss"] for _ in range(2)]
    assert parts[0] == parts[1] != complete["test"][0].metrics["loss"]


def test_the_test_set_is_not_read_before_training_is_over(monkeypatch):
    splits_read = []
    real_evaluate = regression.Line.evaluate

    def evaluate(self, x, state, split, chosen):
        splits_read.append(split)
        return real_evaluate(self, x, state, split, chosen)

    monkeypatch.setattr(regression.Line, "evaluate", evaluate)
    for value in train(work(LINE, validate_every=20), trials()):
        if isinstance(value, TrainingProgress):
            assert set(splits_read) == {"validation"}
    assert set(splits_read) == {"validation", "test"}


def test_only_cohorts_of_one_lane_are_timed():
    _, alone = run(work("rosenbrock"), trials(1))
    _, together = run(work("rosenbrock", 2), trials(2))
    seconds = [mark.seconds for mark in alone["training"]]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert all(math.isnan(mark.seconds) and math.isnan(mark.elapsed) for mark in together["training"])


def test_marks_of_the_clock_have_the_mean_loss_since_the_previous_mark():
    values, observed = run(work("rosenbrock", 2), trials(2, 200))
    losses, previous = curve(values), 0
    for mark in observed["training"]:
        np.testing.assert_allclose(mark.metrics["loss"], losses[previous : mark.evaluations].mean(axis=0), rtol=1e-15)
        previous = mark.evaluations
    assert previous == 200


def test_a_budget_of_seconds_continues_training_without_changing_curve_and_fitness():
    values, observed = run(work("rosenbrock", seconds=0.3), trials(1, 60))
    evaluation = values[-1]
    unmeasured = list(train(work("rosenbrock"), trials(1, 60), ()))
    assert (len(curve(values)), evaluation.steps_done) == (60, 60)
    assert evaluation.fitness == unmeasured[-1].fitness
    last = observed["training"][-1]
    assert last.seconds >= 0.3
    assert last.evaluations > 60
    (by_time,) = observed["time"]
    assert by_time.seconds == 0.3
    assert 60 < by_time.evaluations <= last.evaluations
    assert 0 < by_time.metrics["loss"][0] < evaluation.fitness  # the loss is still decreasing


def test_a_budget_of_seconds_requires_a_cohort_of_one_lane():
    with pytest.raises(InvalidRequest, match=r"seconds is for cohorts of one lane. Received: 2"):
        list(train(work("rosenbrock", 2, seconds=1.0), trials(2)))


def test_a_diverged_run_has_no_loss_by_time_and_no_test_metrics():
    diverging = trials(1, 60, ADAM | {"learning_rate": 1e200})
    values, observed = run(work("rosenbrock", seconds=0.1), diverging)
    assert values[-1].status is Status.DIVERGED
    assert math.isnan(observed["time"][0].metrics["loss"][0])
    assert "test" not in run(work(LINE), trials(1, 60, ADAM | {"learning_rate": 1e300}))[1]


def training(budget=1000):
    """Stand in for a cohort of one lane."""
    return Training(SimpleNamespace(lanes=(None,), budget=budget), None)


def loss_by_time(seconds, *chunks):
    """Return the observation of the loss by time after chunks, each of losses and their seconds."""
    tenth, run = LastTenth(seconds), training()
    for losses, duration in chunks:
        run.advance(Chunk(0, None, np.array(losses, float), duration))
        assert list(tenth.after_chunk(run)) == []
    (observation,) = tenth.end(run)
    return observation


def test_the_loss_by_time_is_the_mean_over_evaluations_that_ended_in_the_last_tenth():
    observation = loss_by_time(
        10.0,
        ([[8, 1], [6, 1]], 8.0),  # end at 4 and 8 s
        ([[4, 1], [3, 1], [1, 1]], 3.0),  # at 9, 10 and 11 s: 9 is not after 9
    )
    assert (observation.evaluations, observation.seconds, observation.metrics["loss"]) == (4, 10.0, [3.0, 1.0])


def test_a_loss_that_is_not_finite_affects_the_loss_by_time_only_within_the_budget():
    for index, affected in ((1, True), (15, False)):  # ends at 2 and at 16 s
        losses = np.ones((20, 1))
        losses[index] = np.inf
        assert math.isnan(loss_by_time(10.0, (losses, 20.0)).metrics["loss"][0]) == affected


def test_the_loss_by_time_is_the_last_one_before_if_none_ended_in_the_last_tenth():
    assert loss_by_time(10.0, ([[5], [4]], 16.0)).metrics["loss"] == [5.0]  # at 8 and 16 s


def test_there_are_at_most_a_thousand_marks_in_the_steps_and_in_the_seconds():
    marks, run, count = Marks(10_000 / 128), training(10_000), 0
    for _ in range(30_000):
        run.advance(Chunk(0, None, np.ones((1, 1)), 1 / 128))
        count += len(list(marks.after_chunk(run)))
    assert count == 1000 + 2000  # every tenth evaluation, and then every 10/128 s of the 20,000/128 s beyond


class Slow(MeasurementCallback):
    """A slow measurement with its own stops."""

    def stops(self, budget):
        return range(3, budget, 10)

    def after_chunk(self, training):
        time.sleep(0.02)
        return ()


class Fails(MeasurementCallback):
    """A measurement that raises after 20 evaluations."""

    def stops(self, budget):
        return (20,)

    def after_chunk(self, training):
        if training.evaluations >= 20:
            raise OSError("no space left")
        return ()


def test_a_slow_measurement_changes_neither_losses_nor_seconds_of_training():
    unmeasured, _ = run(work("rosenbrock"), trials(1, 60), ())
    slow, _ = run(work("rosenbrock"), trials(1, 60), [Slow()])
    np.testing.assert_array_equal(curve(slow), curve(unmeasured))
    assert slow[-1].fitness == unmeasured[-1].fitness
    assert slow[-1].seconds < 6 * 0.02


def test_a_measurement_that_raises_ends_the_run_and_changes_no_losses():
    unmeasured, _ = run(work("rosenbrock"), trials(1, 60), ())
    values = []
    with pytest.raises(OSError, match="no space left"):
        values.extend(value for value in train(work("rosenbrock"), trials(1, 60), [Fails()]))
    np.testing.assert_array_equal(curve(values), curve(unmeasured)[:20])
    repeated, _ = run(work("rosenbrock"), trials(1, 60), ())
    np.testing.assert_array_equal(curve(repeated), curve(unmeasured))


def test_measured_unmeasured_and_frozen_runs_share_one_trace():
    values = {"initial_learning_rate": 0.1, "meta_learning_rate": 0.001, "momentum": 0.1}
    workload, lanes, end = work("rosenbrock", 1, "LODO-Diagonal"), trials(1, 40, values), EndState()
    all_measurements = [Marks(), HessianError(), LastTenth(0.05), Trajectory(), Slow(), end]
    measured, observed = run(workload, lanes, all_measurements)
    assert {"training", "hessian-error", "time", "trajectory"} <= observed.keys()
    unmeasured, _ = run(workload, lanes, ())
    np.testing.assert_array_equal(curve(measured), curve(unmeasured))
    list(train(workload, lanes, (), start=frozen_as_in(end.carry)))
    list(train(replace(workload, measurement=None), lanes))
    assert loop_of(workload, list(values)).traces == 1
    need_data = [Floor, FinalTest, Validation]  # the other measurements need a task with data or a floor
    list(train(work(LINE, validate_every=20), trials()))
    assert loop_of(work(LINE), list(ADAM)).traces == 1
    assert set(MeasurementCallback.__subclasses__()) >= {*map(type, all_measurements), *need_data}


def test_the_floor_of_the_bowl_is_newtons_mean_loss_halved_for_two_evaluations_per_step():
    _, once = run(work("noisy-quadratic-bowl"), trials(1, 2))
    _, twice = run(work("noisy-quadratic-bowl", optimizer="L-BFGS"), trials(1, 2, LBFGS))
    assert once["floor"][0].metrics["loss"] == pytest.approx([7.412], abs=5e-4)  # ½ Σ λ, λ from 0.001 to 1, by hand
    assert twice["floor"][0].metrics["loss"] == pytest.approx([3.706], abs=5e-4)
    bowl, centres = NoisyQuadraticBowl(n=20), np.random.default_rng(0).normal(size=(20, 20_000))
    jumps = 0.5 * np.einsum("ip,ij,jp->p", centres, bowl.hessian, centres)  # from one centre to the next
    assert bowl.floor(1) == pytest.approx(jumps.mean(), rel=0.03)  # standard error 0.7 %
    assert "floor" not in run(work("rosenbrock"), trials())[1]


def test_the_error_of_the_preconditioner_is_measured_only_with_a_constant_hessian():
    options, values = {"n": 10}, {"initial_learning_rate": 0.1, "meta_learning_rate": 0.001, "momentum": 0.1}
    lanes = trials(2, 60, values)
    compared = replace(work("noisy-quadratic-bowl", 2, "LODO-Diagonal"), options=options)
    _, observed = run(compared, lanes)
    _, alone = run(compared, lanes, [HessianError()])
    assert len(observed["hessian-error"]) == 21
    for one, other in zip(observed["hessian-error"], alone["hessian-error"], strict=True):
        assert (one.evaluations, one.metrics) == (other.evaluations, other.metrics)
    _, observed = run(replace(work("noisy-quadratic-bowl", 2), options=options), trials(2))
    assert "hessian-error" not in observed  # Adam learns none
    _, observed = run(work("rosenbrock", 1, "LODO-Diagonal"), trials(1, 60, values))
    assert "hessian-error" not in observed  # its Hessian depends on x


def test_without_a_measurement_only_losses_are_reported():
    values, observed = run(Workload(task="rosenbrock", optimizer="Adam", cohort_size=1), trials())
    assert observed == {}
    assert {type(value) for value in values} == {TrainingProgress, Evaluation}


@pytest.mark.parametrize("after_divergence", [False, True])
def test_a_diverged_run_is_validated_at_its_end_only_if_requested(after_divergence):
    diverging = trials(1, 60, ADAM | {"learning_rate": 1e300})
    values, observed = run(work(LINE), diverging, [Validation(25, after_divergence=after_divergence)])
    assert values[-1].status is Status.DIVERGED
    start, *end = observed["validation"]
    assert start.evaluations == 0
    assert [one.evaluations for one in end] == [len(curve(values))] * after_divergence


def test_an_optimizer_with_two_evaluations_per_step_is_validated_at_the_end_of_a_step():
    _, observed = run(work(LINE, optimizer="L-BFGS", validate_every=5), trials(1, 20, LBFGS))
    assert [one.evaluations for one in observed["validation"]] == [0, 6, 10, 16, 20]


def test_a_task_without_a_validation_set_cannot_be_validated():
    with pytest.raises(ValueError, match="rosenbrock has no validation set"):
        next(train(work("rosenbrock"), trials(), [Validation(5)]))


@pytest.mark.parametrize("seconds", [None, 0.05])
def test_the_trajectory_in_two_dimensions_has_every_step_and_agrees_with_the_curve(seconds):
    values, observed = run(work("rosenbrock", seconds=seconds), trials(1, 30))
    trajectory = observed["trajectory"]
    assert [one.evaluations for one in trajectory] == list(range(31))
    losses = [references.rosenbrock(np.array([one.metrics["x"][0], one.metrics["y"][0]]))[0] for one in trajectory[:-1]]
    np.testing.assert_allclose(losses, curve(values)[:, 0], rtol=1e-12)
    _, observed = run(work(LINE, validate_every=60), trials())
    assert "trajectory" not in observed  # of three dimensions
