"""The objective as a value and as text."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import InvalidRequest
from tuner.core.objective import TRAINING_LOSS, Objective
from tuner.core.objective_text import parse


@given(st.integers(1, 10**15))
def test_the_papers_objective_averages_a_tenth_of_the_budget_rounded_down_and_at_least_one(budget):
    assert TRAINING_LOSS.evaluations(budget) == max(1, budget // 10)


def test_the_window_is_a_decimal_fraction():
    assert Objective(window=0.29).evaluations(100) == 29  # 100 * 0.29 is 28.999999999999996


def test_an_objective_is_unchanged_by_conversion_to_json_and_back():
    for objective in (TRAINING_LOSS, Objective(window=0.5)):
        assert Objective.from_dict(objective.to_dict()) == objective
    assert TRAINING_LOSS.to_dict() == {
        "metric": "training-loss", "direction": "min", "reduction": "mean", "window": 0.1,
    }  # fmt: skip


def test_the_description_of_an_objective_is_readable():
    assert TRAINING_LOSS.description == "mean training loss over the last tenth of the budget, the lower the better"
    assert "the last 25 % of the budget" in Objective(window=0.25).description


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metric": "luck"}, "objective is made of training-loss or validation.METRIC. Received: 'luck'"),
        ({"direction": "up"}, "objective is made of min, max. Received: 'up'"),
        ({"reduction": "sum"}, "objective is made of mean, end, best, evaluations-to, seconds-to. Received: 'sum'"),
        ({"window": 0.0}, "objective has a window between 0 and 1. Received: 0"),
        (
            {"weight": 1},
            "objective has the parts metric, direction, reduction, window, goal, target, every, further. "
            "Received: weight",
        ),
    ],
)
def test_an_unknown_objective_is_refused_in_one_line(values, message):
    with pytest.raises(InvalidRequest) as caught:
        Objective.from_dict(values)
    assert str(caught.value) == message


TEXTS = (
    "training-loss", "training-loss:last=0.25", "validation.loss", "validation.accuracy", "validation.accuracy:min",
    "validation.f1:max", "validation.loss:best", "validation.accuracy:last=0.1", "validation.loss:best:every=50",
    "evaluations-to:training-loss<=0.1", "evaluations-to:training-loss<=-3.5:over=0.05",
    "evaluations-to:validation.accuracy>=0.95", "seconds-to:validation.loss<=1e-05:every=20",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_an_objective_names_it_and_so_does_its_json(text):
    objective = parse(text)
    assert objective.text == text
    assert parse(f" {text.replace(':', ' : ')} ") == objective
    assert Objective.from_dict(json.loads(json.dumps(objective.to_dict()))) == objective


def test_accuracy_is_maximised_and_everything_else_minimised_unless_the_text_says_otherwise():
    directions = {text: parse(text).direction for text in TEXTS}
    assert [text for text, direction in directions.items() if direction == "max"] == [
        "validation.accuracy", "validation.f1:max", "validation.accuracy:last=0.1",
    ]  # fmt: skip
    assert parse("validation.top-5-accuracy").direction == "max"
    assert parse("validation.loss:max").text == "validation.loss:max"


def test_a_value_is_shown_in_its_own_units_whatever_is_minimised():
    accuracy, loss = parse("validation.accuracy"), parse("validation.loss")
    assert (accuracy.fitness(0.75), accuracy.shown(-0.75, 100)) == (-0.75, 0.75)
    assert (loss.fitness(0.75), loss.shown(0.75, 100)) == (0.75, 0.75)
    assert accuracy.value(math.inf) == -math.inf
    assert str(accuracy.value(0.0)) == str(accuracy.fitness(0.0)) == "0.0"  # not -0.0
    assert accuracy.shown(math.inf, 100) is None


@given(
    st.sampled_from(["evaluations-to:validation.loss<=0.1", "evaluations-to:validation.loss<=-0.1",
                     "evaluations-to:validation.loss<=0", "seconds-to:validation.loss<=0.1"]),
    st.floats(0, 1e300), st.floats(0, 1e300), st.integers(1, 10**9),
)  # fmt: skip
def test_a_run_that_missed_its_target_ranks_after_all_that_reached_it_and_by_how_near_it_came(text, one, other, budget):
    objective = parse(text)
    near, far = sorted([objective.target + one, objective.target + other])
    fitnesses = [objective.missed_fitness(value, budget) for value in (near, far)]
    assert objective.limit(budget) < fitnesses[0] <= fitnesses[1] <= 2 * objective.limit(budget)
    assert all(objective.missed(fitness, budget) for fitness in fitnesses)
    assert not objective.missed(objective.limit(budget), budget)  # reached by the last evaluation
    assert objective.shown(fitnesses[0], budget) is None


def test_the_distance_from_a_target_has_a_direction_over_many_decades():
    objective = parse("evaluations-to:training-loss<=1e-8")
    fitnesses = [objective.missed_fitness(10.0**power, 1000) for power in (-7, -5, -3, -1, 1)]
    assert all(after - before > 1 for before, after in itertools.pairwise(fitnesses))  # evaluations, of 1000
    rising = parse("evaluations-to:validation.accuracy>=0.9")
    assert rising.missed_fitness(0.8, 10) < rising.missed_fitness(0.5, 10) < rising.missed_fitness(0.0, 10)


def test_a_search_validates_once_for_the_end_and_on_the_way_for_the_rest():
    intervals = {"validation.loss": 1000, "validation.loss:best": 100, "validation.loss:last=0.3": 100,
                 "evaluations-to:validation.loss<=1": 50, "validation.loss:best:every=7": 7}  # fmt: skip
    assert {text: parse(text).interval(1000) for text in intervals} == intervals
    assert parse("validation.loss:best").interval(3) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss", "objective is training-loss, validation.METRIC, evaluations-to:METRIC<=TARGET or "),
        ("trainingloss", "(did you mean 'training-loss'?). Received: 'trainingloss'"),
        ("test.accuracy", "objective never reads the test set, which is kept for the end: take validation.METRIC"),
        ("evaluations-to:test.loss<=1", "objective never reads the test set"),
        ("validation.loss:bset", "objective has an unknown word 'bset'; accepted are end, best, last=SHARE, min, max"),
        ("validation.loss:last=2", "objective takes last=SHARE with a share of the budget, above 0 and at most 1"),
        ("training-loss:max", "objective: training-loss is minimised"),
        ("training-loss:best", "objective: training-loss is minimised"),
        ("training-loss:every=5", "objective: 'every' is for validation metrics"),
        ("validation.loss:every=0", "objective takes every=N with a whole number of gradient evaluations"),
        ("evaluations-to:validation.loss", "objective takes evaluations-to:METRIC<=TARGET, or >= for what rises"),
        ("evaluations-to:training-loss<=nan", "objective has a finite number as its target"),
        ("evaluations-to:training-loss>=1", "objective: training-loss falls to its target"),
        ("evaluations-to:validation.loss<=1:best", "objective has an unknown word 'best'; accepted are every=N"),
        ("validation.", "objective is made of training-loss or validation.METRIC"),
        ("", "objective is training-loss, validation.METRIC"),
    ],
)
def test_a_text_that_is_no_objective_is_refused_in_one_line_that_says_what_is(text, message):
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
