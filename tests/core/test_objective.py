"""The objective as a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import InvalidRequest
from tuner.core.objective import TRAINING_LOSS, Objective


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
            "objective has the parts metric, direction, reduction, window, goal, target, every. Received: weight",
        ),
    ],
)
def test_an_unknown_objective_is_refused_in_one_line(values, message):
    with pytest.raises(InvalidRequest) as caught:
        Objective.from_dict(values)
    assert str(caught.value) == message
