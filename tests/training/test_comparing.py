"""Training for a comparison: the same losses, and what is measured beside them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tasks.noisy_quadratic_bowl import NoisyQuadraticBowl
from tests.references import tasks as references
from tests.support import regression
from tuner.core.trial import (
    Evaluation,
    Key,
    LaneObservations,
    Measurement,
    Role,
    Status,
    TrainingProgress,
    Trial,
    Workload,
)
from tuner.training import cohort, comparing, tracking
from tuner.training.clock import Clock, LastTenth, Marks
from tuner.training.cohort import Cohort

ADAM = {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999}
LBFGS = {"learning_rate": 0.1, "decay_steps": 1e4, "initial_scale": 1e-3}
LINE = "tests.support.regression:Line"


def work(task, lanes=1, optimizer="Adam", **measurement):
    return Workload(task=task, optimizer=optimizer, cohort_size=lanes, measurement=Measurement(**measurement))


def trials(lanes=1, steps=60, values=ADAM):
    return [Trial(Key(Role.COMPARISON, 0, slot), values, slot, steps) for slot in range(lanes)]


def run(workload, lanes):
    values = list(comparing.train(workload, lanes))
    observed = [value for value in values if isinstance(value, LaneObservations)]
    return values, {split: [one for one in observed if one.split == split] for split in {one.split for one in observed}}


def curve(values):
    return np.concatenate([value.losses for value in values if isinstance(value, TrainingProgress)])


@pytest.mark.parametrize(
    ("task", "optimizer", "values", "steps"),
    [("noisy-quadratic-bowl", "Adam", ADAM, 60), ("rosenbrock", "L-BFGS", LBFGS, 25), (LINE, "Adam", ADAM, 60)],
)
def test_the_losses_are_those_of_training_without_a_comparison_bit_for_bit(task, optimizer, values, steps):
    lanes = trials(2, steps, values)
    found, _ = run(work(task, 2, optimizer, validate_every=7), lanes)
    plain = list(cohort.train(work(task, 2, optimizer), lanes))
    np.testing.assert_array_equal(curve(found), curve(plain))
    for one, other in zip(found[-2:], plain[-2:], strict=True):
        assert (one.key, one.status, one.fitness) == (other.key, other.status, other.fitness)


def test_validation_is_at_the_start_every_so_often_and_at_the_end_and_the_test_set_at_the_very_end():
    values, observed = run(work(LINE, validate_every=25), trials())
    assert [one.evaluations for one in observed["validation"]] == [0, 25, 50, 60]
    start = regression.metrics(np.zeros(3), "validation").mean(axis=0)
    assert observed["validation"][0].metrics["loss"] == pytest.approx([start[0]])
    (test,) = observed["test"]
    assert test.evaluations == 60
    place = values.index(test)
    assert not any(isinstance(value, TrainingProgress) for value in values[place:])
    assert [type(value) for value in values[place + 1 :]] == [Evaluation]


def test_what_validation_and_test_say_is_the_mean_over_their_examples_at_the_final_weights():
    lanes = trials()
    _, observed = run(work(LINE, validate_every=60), lanes)
    cohort = Cohort(work(LINE), lanes)
    *_, last = cohort.chunks(cohort.begin())
    x = last.carry[0].numpy()[:, 0]
    for split, found in (("validation", observed["validation"][-1]), ("test", observed["test"][0])):
        loss, accuracy = regression.metrics(x, split).mean(axis=0)
        assert found.metrics["loss"] == pytest.approx([loss], rel=1e-12)
        assert found.metrics["accuracy"] == pytest.approx([accuracy], rel=1e-12)


def test_a_part_of_the_test_set_is_the_same_part_for_all():
    _, all_of_it = run(work(LINE), trials())
    parts = [run(work(LINE, test_examples=5), trials())[1]["test"][0].metrics["loss"] for _ in range(2)]
    assert parts[0] == parts[1] != all_of_it["test"][0].metrics["loss"]


def test_the_test_set_is_not_read_before_training_is_over(monkeypatch):
    asked = []
    plain = regression.Line.evaluate

    def evaluate(self, x, state, split, chosen):
        asked.append(split)
        return plain(self, x, state, split, chosen)

    monkeypatch.setattr(regression.Line, "evaluate", evaluate)
    for value in comparing.train(work(LINE, validate_every=20), trials()):
        if isinstance(value, TrainingProgress):
            assert set(asked) == {"validation"}
    assert set(asked) == {"validation", "test"}


def test_a_run_alone_is_timed_and_runs_in_lockstep_are_not():
    _, alone = run(work("rosenbrock"), trials(1))
    _, together = run(work("rosenbrock", 2), trials(2))
    seconds = [mark.seconds for mark in alone["training"]]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert all(math.isnan(mark.seconds) and math.isnan(mark.elapsed) for mark in together["training"])


def test_marks_of_the_clock_hold_the_mean_loss_since_the_last_one():
    values, observed = run(work("rosenbrock", 2), trials(2, 200))
    losses, begun = curve(values), 0
    for mark in observed["training"]:
        np.testing.assert_allclose(mark.metrics["loss"], losses[begun : mark.evaluations].mean(axis=0), rtol=1e-15)
        begun = mark.evaluations
    assert begun == 200


def test_a_budget_of_seconds_goes_on_beyond_the_steps_and_leaves_curve_and_fitness_to_the_steps():
    values, observed = run(work("rosenbrock", seconds=0.3), trials(1, 60))
    evaluation = values[-1]
    plain = list(cohort.train(work("rosenbrock"), trials(1, 60)))
    assert (len(curve(values)), evaluation.steps_done) == (60, 60)
    assert evaluation.fitness == plain[-1].fitness
    last = observed["training"][-1]
    assert last.seconds >= 0.3
    assert last.evaluations > 60
    (by_time,) = observed["time"]
    assert by_time.seconds == 0.3
    assert 60 < by_time.evaluations <= last.evaluations
    assert 0 < by_time.metrics["loss"][0] < evaluation.fitness  # Adam is still on its way down


def test_seconds_are_for_runs_alone():
    with pytest.raises(ValueError, match="a cohort of 2"):
        list(comparing.train(work("rosenbrock", 2, seconds=1.0), trials(2)))


def test_a_run_that_diverges_has_no_loss_by_time_and_no_test():
    wild = trials(1, 60, ADAM | {"learning_rate": 1e200})
    values, observed = run(work("rosenbrock", seconds=0.1), wild)
    assert values[-1].status is Status.DIVERGED
    assert math.isnan(observed["time"][0].metrics["loss"][0])
    assert "test" not in run(work(LINE), trials(1, 60, ADAM | {"learning_rate": 1e300}))[1]


def test_the_last_tenth_by_time_is_what_ended_within_it_by_hand():
    tenth, clock = LastTenth(10.0), Clock(alone=True)
    tenth.take(np.array([[8.0, 1.0], [6.0, 1.0]]), 0.0, 8.0)  # end at 4 and 8 s
    tenth.take(np.array([[4.0, 1.0], [3.0, 1.0], [1.0, 1.0]]), 8.0, 11.0)  # at 9, 10 and 11 s: 9 is not after 9
    found = tenth.observed(clock)
    assert (found.evaluations, found.metrics["loss"]) == (4, [3.0, 1.0])


def test_a_loss_that_is_not_finite_spoils_the_mean_by_time_only_within_the_time():
    for place, spoilt in ((0, True), (1, False)):
        tenth = LastTenth(10.0)
        losses = np.ones((20, 1))
        losses[(1, 15)[place]] = np.inf  # ends at 2 and at 16 s
        tenth.take(losses, 0.0, 20.0)
        assert math.isnan(tenth.observed(Clock(alone=True)).metrics["loss"][0]) == spoilt


def test_where_no_evaluation_ends_within_the_last_tenth_the_last_before_it_counts():
    tenth = LastTenth(10.0)
    tenth.take(np.array([[5.0], [4.0]]), 0.0, 16.0)  # at 8 and 16 s
    assert tenth.observed(Clock(alone=True)).metrics["loss"] == [5.0]


def test_marks_are_a_thousand_at_most_in_the_steps_and_as_many_in_the_seconds():
    clock, marks, found = Clock(alone=True), Marks(10_000, 10_000 / 128), 0
    for _ in range(30_000):
        clock.advance(1, 1 / 128)
        marks.take(np.ones((1, 1)))
        if marks.are_due(clock):
            assert marks.mark(clock) is not None
            found += 1
    assert found == 1000 + 2000  # every tenth evaluation, and then every 10/128 s of the 20,000/128 s beyond


def test_the_floor_of_the_bowl_is_newton_s_mean_loss_and_half_of_it_where_each_centre_is_seen_twice():
    _, once = run(work("noisy-quadratic-bowl"), trials(1, 2))
    _, twice = run(work("noisy-quadratic-bowl", optimizer="L-BFGS"), trials(1, 2, LBFGS))
    assert once["floor"][0].metrics["loss"] == pytest.approx([7.412], abs=5e-4)  # ½ Σ λ, λ from 0.001 to 1, by hand
    assert twice["floor"][0].metrics["loss"] == pytest.approx([3.706], abs=5e-4)
    bowl, centres = NoisyQuadraticBowl(n=20), np.random.default_rng(0).normal(size=(20, 20_000))
    jumps = 0.5 * np.einsum("ip,ij,jp->p", centres, bowl.hessian, centres)  # from one centre to the next
    assert bowl.floor(1) == pytest.approx(jumps.mean(), rel=0.03)  # standard error 0.7 %
    assert "floor" not in run(work("rosenbrock"), trials())[1]


def test_on_the_bowl_the_error_of_a_learned_preconditioner_is_that_of_tracking_at_the_same_points():
    options, values = {"n": 10}, {"initial_learning_rate": 0.1, "meta_learning_rate": 0.001, "momentum": 0.1}
    lanes = trials(2, 60, values)
    compared = replace(work("noisy-quadratic-bowl", 2, "LODO-Diagonal"), options=options)
    _, observed = run(compared, lanes)
    tracked = [one for one in tracking.track(compared, lanes) if isinstance(one, tracking.Tracked)]
    for lane, one in enumerate(tracked):
        assert tuple(each.evaluations for each in observed["hessian-error"]) == one.points
        assert [each.metrics["error"][lane] for each in observed["hessian-error"]] == list(one.errors)
    _, observed = run(replace(work("noisy-quadratic-bowl", 2), options=options), trials(2))
    assert "hessian-error" not in observed  # Adam learns none


@pytest.mark.parametrize("seconds", [None, 0.05])
def test_in_two_dimensions_every_step_of_the_way_is_kept_and_its_losses_are_the_curve(seconds):
    values, observed = run(work("rosenbrock", seconds=seconds), trials(1, 30))
    way = observed["trajectory"]
    assert [one.evaluations for one in way] == list(range(31))
    losses = [references.rosenbrock(np.array([one.metrics["x"][0], one.metrics["y"][0]]))[0] for one in way[:-1]]
    np.testing.assert_allclose(losses, curve(values)[:, 0], rtol=1e-12)
    _, observed = run(work(LINE, validate_every=60), trials())
    assert "trajectory" not in observed  # of three dimensions
