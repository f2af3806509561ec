"""The early end of a training at a milestone: where, why, and what is kept of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tuner.core.errors import StopTraining
from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.objective_text import parse
from tuner.core.trial import MILESTONES, Evaluation, Key, Milestone, Role, Status, Trial, Workload
from tuner.training.kept_reports import KeptReports
from tuner.training.reporting import Reporter
from tuner.training.train import train

ADAM = {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999}
LBFGS = {"learning_rate": 0.1, "decay_steps": 1e4, "initial_scale": 1e-3}
LINE = "tests.support.regression:Line"


def run(workload: Workload, steps: int, *milestones: Milestone, values=ADAM):
    """Return the evaluation of a training, its losses, and its running fitnesses."""
    trial = Trial(Key(Role.SEARCH, 0, 0), values, 3, steps, milestones)
    yielded = list(train(workload, [trial]))
    losses = np.concatenate([each.losses for each in yielded if isinstance(each, TrainingProgress)])[:, 0]
    reached = [each for each in yielded if isinstance(each, LaneObservations) and each.split == MILESTONES]
    (evaluation,) = [each for each in yielded if isinstance(each, Evaluation)]
    return evaluation, losses, [(each.evaluations, each.metrics["fitness"][0]) for each in reached]


@pytest.mark.parametrize(
    ("task", "optimizer", "values", "ended"),
    [
        ("noisy-quadratic-bowl", "Adam", ADAM, 30),
        ("rosenbrock", "L-BFGS", LBFGS, 30),  # it evaluates twice per step
        (LINE, "Adam", ADAM, 30),
    ],
)
def test_a_training_ends_at_the_milestone_that_it_exceeds_and_has_used_what_came_before(task, optimizer, values, ended):
    workload = Workload(task, optimizer, 1)
    whole, losses, reached = run(workload, 60, Milestone(15, math.inf), Milestone(30, math.inf), values=values)
    assert whole.status is Status.FINISHED
    means = [(step, np.mean(losses[step - 6 : step], dtype=np.float64)) for step in (15, 30)]  # a tenth of the budget
    assert reached == means
    below = run(workload, 60, Milestone(15, means[0][1]), Milestone(30, means[1][1]), values=values)
    assert below[0].fitness == whole.fitness  # it is not above
    limits = Milestone(15, math.inf), Milestone(30, math.nextafter(means[1][1], -math.inf))
    evaluation, some, reached = run(workload, 60, *limits, values=values)
    assert (evaluation.status, evaluation.fitness, evaluation.steps_done) == (Status.PRUNED, math.inf, ended)
    assert some.tolist() == losses[:ended].tolist()
    assert reached == means
    assert evaluation.reason.startswith(f"loss was {means[1][1]:.4g} after 30 evaluations, above ")


def test_a_validation_metric_counts_as_far_as_it_was_measured():
    workload = Workload(LINE, "Adam", 1, objective=parse("validation.loss:last=0.2:every=4"))
    whole, _, reached = run(workload, 40, Milestone(3, 0.0), Milestone(18, math.inf))
    assert whole.status is Status.FINISHED  # at step 3 there was no measurement
    trial = Trial(Key(Role.SEARCH, 0, 0), ADAM, 3, 40)
    looks = {each.evaluations: each.metrics["loss"][0] for each in train(workload, [trial]) if _is_look(each)}
    assert reached == [(18, np.mean([looks[12], looks[16]]))]  # the last 8 of 18
    assert run(workload, 40, Milestone(18, reached[0][1] / 2))[0].status is Status.PRUNED


def _is_look(value) -> bool:
    return isinstance(value, LaneObservations) and value.split == "validation"


def test_a_training_that_diverges_before_a_milestone_has_diverged():
    workload = Workload(LINE, "Momentum", 1)
    evaluation, _, reached = run(
        workload, 400, Milestone(390, -math.inf), values={"learning_rate": 1e30, "momentum": 0.0}
    )
    assert evaluation.status is Status.DIVERGED
    assert reached == []


def test_a_cohort_of_several_lanes_has_no_milestones():
    trials = [Trial(Key(Role.SEARCH, 0, slot), ADAM, slot, 10, (Milestone(5, 0.0),)) for slot in range(2)]
    with pytest.raises(ValueError, match="cohorts of one lane"):
        list(train(Workload(LINE, "Adam", 2), trials))


# Training functions


def reporter(*milestones: Milestone, objective: str = "validation.loss", budget: int = 8, path=None) -> Reporter:
    return Reporter(budget, parse(objective), KeptReports(path), milestones)


def test_a_report_at_a_milestone_that_is_exceeded_stops_the_function():
    report = reporter(Milestone(2, 3.0), Milestone(4, 2.0))
    for step, loss in ((1, 5.0), (2, 3.0), (3, 9.0)):
        report(step, loss=loss)
    with pytest.raises(StopTraining, match=r"^loss was 2.5 after 4 evaluations, above 2, "):
        report(4, loss=2.5)
    with pytest.raises(StopTraining):
        report(5, loss=0.0)
    assert report.judge()[:2] == (Status.PRUNED, math.inf)
    assert report.steps_done == 4
    seen = [(one.split, one.evaluations, *one.metrics["fitness"]) for one in report.take() if one.split == MILESTONES]
    assert seen == [(MILESTONES, 2, 3.0), (MILESTONES, 4, 2.5)]


def test_a_function_that_reports_rarely_is_stopped_at_its_next_report_by_what_it_had_reported():
    report = reporter(Milestone(4, 2.0), budget=8)
    report(3, loss=2.5)
    with pytest.raises(StopTraining, match="after 4 evaluations"):
        report(6, loss=0.0)
    assert (report.judge()[0], report.steps_done) == (Status.PRUNED, 6)


def test_a_function_that_is_done_is_not_pruned():
    report = reporter(Milestone(4, 2.0), budget=8)
    report(3, loss=2.5)
    report(8, loss=2.5)
    assert report.judge() == (Status.FINISHED, 2.5, "")


@pytest.mark.parametrize(
    ("objective", "values", "fitness"),
    [
        ("validation.loss:best", (3.0, 1.0, 2.0), 1.0),
        ("validation.accuracy", (0.3, 0.5, 0.4), -0.4),
        ("validation.accuracy:best", (0.3, 0.5, 0.4), -0.5),
        ("validation.loss:last=0.25", (3.0, 1.0, 2.0), 1.5),
    ],
)
def test_the_running_fitness_is_that_of_the_objective(objective, values, fitness):
    name = parse(objective).validation_metric
    report = reporter(Milestone(3, fitness), objective=objective)
    for step, value in enumerate(values, 1):
        report(step, **{name: value})
    (one,) = [one for one in report.take() if one.split == MILESTONES]
    assert one.metrics["fitness"] == (pytest.approx(fitness),)
    strict = reporter(Milestone(3, fitness - 1e-9), objective=objective)
    for step, value in enumerate(values[:-1], 1):
        strict(step, **{name: value})
    with pytest.raises(StopTraining, match="below" if "accuracy" in objective else "above"):
        strict(len(values), **{name: values[-1]})


def test_an_attempt_that_goes_on_after_a_lost_worker_ends_at_the_same_milestone(tmp_path):
    limits = (Milestone(2, 1.0), Milestone(4, 0.5))
    lost = reporter(*limits, path=tmp_path / "x.reports")
    for step in (1, 2, 3):
        lost(step, loss=1 / step)
    later = reporter(*limits, path=tmp_path / "x.reports")
    with pytest.raises(StopTraining, match="after 4"):
        later(4, loss=0.75)
    seen = [(one.evaluations, *one.metrics["fitness"]) for one in later.take() if one.split == MILESTONES]
    assert seen == [(2, 0.5), (4, 0.75)]
    again = reporter(*limits, path=tmp_path / "x.reports")
    with pytest.raises(StopTraining, match="after 4"):
        again(5, loss=0.1)  # its checkpoint was of step 4
    assert (again.judge()[0], again.steps_done) == (Status.PRUNED, 4)


def test_milestones_of_a_trial_do_not_change_its_losses():
    workload = Workload(LINE, "Adam", 1)
    bare = Trial(Key(Role.SEARCH, 0, 0), ADAM, 3, 50)
    watched = replace(bare, milestones=(Milestone(13, math.inf), Milestone(29, math.inf)))
    curves = [
        np.concatenate([each.losses for each in train(workload, [one]) if isinstance(each, TrainingProgress)])
        for one in (bare, watched)
    ]
    np.testing.assert_array_equal(*curves)
