"""Additions in the training loop: budgets, evaluation of the average, compilation, and conformance."""

from dataclasses import replace

import numpy as np
import pytest

from tests.conformance import broken_optimizers
from tests.support import regression
from tuner.checks.check import Verdict
from tuner.checks.optimizer_suite import CHECKS, probes
from tuner.checks.suite import examine
from tuner.core.events import LaneObservations, TrainingProgress
from tuner.core.trial import Evaluation, Key, Measurement, Role, Trial, Workload
from tuner.training.cohort import Cohort
from tuner.training.evaluator import Evaluator
from tuner.training.measurements.end_state import EndState
from tuner.training.train import train

ADAM = {"learning_rate": 0.0625, "beta_1": 0.9, "beta_2": 0.999}
LINE = "tests.support.regression:Line"
HERE = broken_optimizers.__name__
ALL = {
    "cosine_final": 0.1,
    "warmup_ratio": 0.1,
    "weight_decay": 0.001,
    "global_clipnorm": 10.0,
    "ema_momentum": 0.5,
}


def work(task="noisy-quadratic-bowl", lanes=2, **fields):
    return Workload(task=task, optimizer="Adam", cohort_size=lanes, **fields)


def trials(values, lanes=2, steps=60):
    return [Trial(Key(Role.SEARCH, 0, slot), values, slot, steps) for slot in range(lanes)]


def losses(values, **fields):
    """The losses [evaluations, P] of a cohort."""
    run = train(work(**fields), trials(values, fields.get("lanes", 2)), ())
    return np.concatenate([value.losses for value in run if isinstance(value, TrainingProgress)])


@pytest.mark.parametrize(
    ("name", "place", "values"),
    [
        ("Adam", None, ADAM | ALL),
        ("Momentum", None, {"learning_rate": 0.01, "momentum": 0.5, "step_final": 0.1, "clipnorm": 10.0}),
        ("keras:SGD", None, {"learning_rate": 0.01, "momentum": 0.5, "linear_final": 0.1, "clipvalue": 10.0}),
        ("Sound", f"{HERE}:Sound", {"learning_rate": 0.01, "momentum": 0.5, **ALL}),
        ("SoundKeras", f"{HERE}:SoundKeras", {"learning_rate": 0.01, "momentum": 0.5, "warmup_ratio": 0.2}),
        pytest.param(
            *("LODO", None, {"initial_learning_rate": 1.0, "meta_learning_rate": 0.001, "momentum": 0.9, **ALL}),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("L-BFGS", None, {"learning_rate": 0.1, "decay_steps": 1e4, "initial_scale": 1e-3, "cosine_final": 0.1}),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("LARS", None, {"learning_rate": 0.1, "momentum": 0.5, "weight_decay": 1e-4, "cosine_final": 0.1}),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_optimizers_with_additions_pass_every_check(name, place, values):
    findings = list(examine(probes(name, place, values), CHECKS))
    assert [finding.check for finding in findings] == list(CHECKS)
    assert {finding.note for finding in findings if finding.verdict is not Verdict.PASSED} == set()


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_additions_that_change_nothing_give_the_losses_of_the_optimizer_alone(precision):
    neutral = {"cosine_final": 1.0, "warmup_ratio": 0.0, "weight_decay": 0.0, "global_clipnorm": 1e30}
    tolerance = 1e-4 if precision == "float32" else 1e-11  # another order of rounding, over 60 steps
    np.testing.assert_allclose(
        losses(ADAM | neutral, precision=precision), losses(ADAM, precision=precision), rtol=tolerance
    )


def test_an_average_of_the_weights_changes_no_loss_and_is_what_is_validated_tested_and_kept():
    averaged, end = ADAM | {"ema_momentum": 0.5}, EndState()
    workload, lanes = replace(work(LINE, 1), measurement=Measurement(validate_every=1)), trials(averaged, 1)
    values = list(train(workload, lanes))
    np.testing.assert_array_equal(
        np.concatenate([value.losses for value in values if isinstance(value, TrainingProgress)]),
        losses(ADAM, task=LINE, lanes=1),
    )
    list(train(workload, lanes, [end]))
    cohort = Cohort(work(LINE, 1), trials(ADAM, 1))  # without the average
    average, seen = None, []
    for chunk in cohort.chunks(cohort.begin(), range(1, 61)):
        x = chunk.carry[0].numpy()[:, 0]
        average = x if average is None else 0.5 * average + 0.5 * x
        seen.append(regression.metrics(average, "validation").mean(axis=0)[0])
    observed = {split: [one for one in values if isinstance(one, LaneObservations) and one.split == split]
                for split in ("validation", "test")}  # fmt: skip
    np.testing.assert_allclose([one.metrics["loss"][0] for one in observed["validation"][1:]], seen, rtol=1e-10)
    (test,) = observed["test"]
    assert test.metrics["loss"][0] == pytest.approx(regression.metrics(average, "test").mean(axis=0)[0], rel=1e-10)
    np.testing.assert_allclose(end.carry[0][:, 0], average, rtol=1e-10)


def test_the_average_of_constrained_weights_is_constrained():
    evaluator = Evaluator(Halved(), "validation")
    workload, lanes = (
        work("tests.training.test_additions_in_training:Halved", 1),
        trials(ADAM | {"ema_momentum": 0.5}, 1),
    )
    end = EndState()
    list(train(workload, lanes, [end]))
    assert abs(end.carry[0].numpy()).max() <= 0.01
    assert evaluator.examples == 7


class Halved(regression.Line):
    """The line with weights within a hundredth of zero."""

    def project(self, x):
        import tensorflow as tf

        return tf.clip_by_value(x, -0.01, 0.01)


def test_a_schedule_is_relative_to_the_budget_of_each_candidate_and_one_loop_serves_all_budgets():
    values = ADAM | {"linear_final": 0.0}
    cohorts = [Cohort(work(), trials(values, steps=steps)) for steps in (20, 40)]
    for cohort in cohorts:
        list(cohort.chunks(cohort.begin()))
    assert cohorts[0].loop is cohorts[1].loop
    assert cohorts[0].loop.traces == 1
    short, long = ([chunk.carry[0].numpy() for chunk in each.chunks(each.begin(), range(1, 20))] for each in cohorts)
    np.testing.assert_array_equal(short[0], long[0])  # the first step has the whole rate in both
    assert (short[1] != long[1]).any()


def test_beyond_a_budget_in_steps_a_run_in_seconds_keeps_the_last_rate():
    """With a final share of zero and no decay in the last step, x nearly stops after the budget."""
    values = {"learning_rate": 0.25, "momentum": 0.0, "linear_final": 0.0}
    workload = Workload(task="rosenbrock", optimizer="Momentum", cohort_size=1)
    cohort = Cohort(workload, [Trial(Key(Role.SEARCH, 0, 0), {**values, "learning_rate": 1e-3}, 0, 50)])
    chunks = []
    for chunk in cohort.chunks(cohort.begin(), (), 60.0):
        chunks.append(chunk)
        if chunk.evaluations_done > 200:
            break
    steps = np.concatenate([chunk.losses[:, 0] for chunk in chunks])
    falls = steps[:-1] - steps[1:]
    assert 0 < falls[60:].max() < falls[10] / 10  # rates: 1/50 of the first after the budget, 4/5 at step 10


def test_lanes_with_other_additions_and_one_that_diverges_do_not_touch_each_other():
    one, other = ADAM | ALL, ADAM | {name: value / 2 for name, value in ALL.items()}
    broken = ADAM | ALL | {"learning_rate": 1e300}
    ends = []
    for beside in (other, broken):
        lanes = [
            replace(trial, hyperparameters=values) for trial, values in zip(trials(one), (one, beside), strict=True)
        ]
        ends.append([value for value in train(work(), lanes, ()) if isinstance(value, Evaluation)])
    np.testing.assert_array_equal(ends[0][0].losses, ends[1][0].losses)
    assert ends[1][1].status == "diverged"
