"""Values that rooms exchange."""

import json
from dataclasses import replace
from types import MappingProxyType

import pytest

from tuner.core.events import LaneObservations
from tuner.core.trial import Evaluation, Key, Measurement, Observation, Role, Status, Workload, of_objectives

WORKLOAD = Workload("rosenbrock", "LODO", 2, options=MappingProxyType({"n": 10}), settings={"depth": 3})


def test_the_identity_of_a_workload_includes_all_fields_but_the_measurement():
    assert Workload(**json.loads(WORKLOAD.identity())) == replace(WORKLOAD, options={"n": 10})
    assert replace(WORKLOAD, measurement=Measurement(seconds=1.0)).identity() == WORKLOAD.identity()


@pytest.mark.parametrize(
    "change",
    [
        {"task": "other"},
        {"optimizer": "Adam"},
        {"cohort_size": 1},
        {"threads": 2},
        {"precision": "float32"},
        {"options": {"n": 11}},
        {"data": {"sha256": "0"}},
        {"settings": {"depth": 4}},
    ],
)
def test_workloads_that_are_compiled_differently_have_different_identities(change):
    assert replace(WORKLOAD, **change).identity() != WORKLOAD.identity()


def test_the_observation_of_one_lane_can_be_extracted():
    both = LaneObservations("validation", 5, 1.0, 2.0, {"loss": [3.0, 4.0]})
    assert both.of_lane(1) == Observation("validation", 5, 1.0, 2.0, {"loss": 4.0})


def test_an_evaluation_has_a_fitness_per_objective():
    one = Evaluation(Key(Role.SEARCH, 0, 0), Status.FINISHED, 2.0, (), 1, 0.1)
    assert one.fitnesses == (2.0,)
    assert replace(one, observations=(of_objectives(1, (3.0, -4.0)),)).fitnesses == (2.0, 3.0, -4.0)
