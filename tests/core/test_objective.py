"""What is minimised, as a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.errors import InvalidRequest
from tuner.core.objective import TRAINING_LOSS, Objective


@given(st.integers(1, 10**15))
def test_the_paper_s_objective_counts_a_tenth_of_the_budget_rounded_down_and_at_least_one(budget):
    assert TRAINING_LOSS.evaluations(budget) == max(1, budget // 10)


def test_the_share_is_a_decimal_fraction():
    assert Objective(window=0.29).evaluations(100) == 29  # 100 * 0.29 is 28.999999999999996


def test_an_objective_survives_the_way_through_json():
    for objective in (TRAINING_LOSS, Objective(window=0.5)):
        assert Objective.from_dict(objective.to_dict()) == objective
    assert TRAINING_LOSS.to_dict() == {
        "metric": "training-loss", "direction": "min", "reduction": "mean", "window": 0.1,
    }  # fmt: skip


def test_people_read_what_it_is():
    assert TRAINING_LOSS.description == "mean training loss over the last tenth of the budget, the lower the better"
    assert "the last 25 % of the budget" in Objective(window=0.25).description


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metric": "luck"}, "objective is made of training-loss. Received: 'luck'"),
        ({"direction": "max"}, "objective is made of min. Received: 'max'"),
        ({"reduction": "best"}, "objective is made of mean. Received: 'best'"),
        ({"window": 0.0}, "objective has a window between 0 and 1. Received: 0"),
        ({"weight": 1}, "objective has the parts metric, direction, reduction, window. Received: weight"),
    ],
)
def test_an_objective_that_does_not_exist_is_refused_in_a_line(values, message):
    with pytest.raises(InvalidRequest) as refused:
        Objective.from_dict(values)
    assert str(refused.value) == message
