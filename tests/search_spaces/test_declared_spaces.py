"""Search spaces that are declared in Python, and hyperparameters that are fixed."""

import pytest

from search_spaces import declared
from search_spaces.dimension import Dimension, Scale
from search_spaces.scales import SCALES
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    "Mine", (Dimension("learning_rate", Scale.LOG, 0.1),), {"momentum": 0.9}, "/there/mine.py:Mine", "mine>Mine"
)


def test_a_dimension_is_a_mapping_or_its_scale_with_the_constructors_default():
    layout = {"learning_rate": {"scale": "log", "default": 0.1, "high": 1.0}, "momentum": "decay"}
    assert declared.read("Mine", layout, {"momentum": 0.9, "learning_rate": 7.0}) == SearchSpace(
        "Mine", (Dimension("learning_rate", Scale.LOG, 0.1, high=1.0), Dimension("momentum", Scale.DECAY, 0.9))
    )


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("log", "`search_space` maps hyperparameters to dimensions. Received: 'log'"),
        ({}, "`search_space` maps hyperparameters to dimensions. Received: {}"),
        (
            {"rate": 0.1},
            r"rate is a scale \('log', .*'choice'\), or a mapping with scale .* Received: 0.1",
        ),
        ({"rate": {"scale": "log", "step": 1}}, r"rate is a scale .* Received: {'scale': 'log', 'step': 1}"),
        ({"rate": "log"}, "rate needs a default, because the constructor has none"),
        (
            {"rate": {"scale": "square", "default": 1.0}},
            f"rate: scale must be {SCALES}. Received: 'square'",
        ),
        ({"rate": {"scale": "log", "default": 0.0}}, "rate: default must be a number within"),
    ],
)
def test_another_layout_is_refused_with_what_is_accepted(layout, message):
    with pytest.raises(ValueError, match=message):
        declared.read("Mine", layout, {})


def test_fixed_hyperparameters_are_in_what_a_genome_decodes_to_and_not_in_the_genome():
    assert SPACE.defaults() == {"learning_rate": 0.1, "momentum": 0.9}
    assert SPACE.default_genome().shape == (1,)
    assert SPACE.decode(SPACE.default_genome())["momentum"] == 0.9


def test_a_space_survives_json_and_one_without_further_fields_has_no_further_keys():
    assert SearchSpace.from_dict(SPACE.to_dict()) == SPACE
    plain = SearchSpace("Adam", SPACE.dimensions)
    assert list(plain.to_dict()) == ["optimizer", "hyperparameters"]  # as every study is stored that has no more


def test_a_hyperparameter_is_either_tuned_or_fixed():
    with pytest.raises(ValueError, match=r"must have different names. Received twice: \['learning_rate'\]"):
        SearchSpace("Mine", SPACE.dimensions, {"learning_rate": 0.2})
