"""Search spaces that are derived from what an optimizer's constructor takes."""

import pytest

from search_spaces.derived import derive, describe
from search_spaces.space import Dimension, Scale, SearchSpace

ADAMW = {"learning_rate": 0.001, "weight_decay": 0.004, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def test_names_of_arguments_decide_the_scale_and_the_search_starts_at_the_defaults():
    assert derive("keras:AdamW", ADAMW) == SearchSpace(
        "keras:AdamW",
        (
            Dimension("learning_rate", Scale.LOG, 0.001),
            Dimension("weight_decay", Scale.LOG, 0.004),
            Dimension("beta_1", Scale.DECAY, 0.9),
            Dimension("beta_2", Scale.DECAY, 0.999),
        ),
    )


def test_a_longer_name_counts_by_its_end():
    space = derive("keras:Muon", {"adam_beta_2": 0.999, "adam_weight_decay": 0.004, "my_momentum": 0.5, "rho": 0.9})
    assert [one.scale for one in space.dimensions] == [Scale.DECAY, Scale.LOG, Scale.DECAY, Scale.DECAY]


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("beta", 0.0),  # Ftrl's is no decay
        ("beta_2_decay", 0.8),  # Adafactor's is a power
        ("epsilon", 1e-7),
        ("weight_decay", None),  # switched off
        ("weight_decay", 0.0),  # has no logarithm
        ("momentum", 1.5),
    ],
)
def test_what_has_another_name_or_a_default_that_its_scale_does_not_know_stays_as_it_is(name, default):
    assert derive("keras:Any", {"learning_rate": 0.1, name: default}).names == ("learning_rate",)


def test_nothing_to_search_is_an_error_that_asks_for_a_file():
    with pytest.raises(
        ValueError, match=r"keras:Odd's arguments has a known scale: give a search-space file. Received: step"
    ):
        derive("keras:Odd", {"step": 0.1})


def test_a_derived_space_is_described_in_a_line_with_what_it_leaves_alone():
    arguments = {"learning_rate": 0.001, "beta_1": 0.9, "epsilon": 1e-7, "weight_decay": None}
    assert describe(derive("keras:Adam", arguments), arguments) == (
        "keras:Adam has no search space of its own; derived from its constructor: learning_rate log from 0.001, "
        "beta_1 decay from 0.9; kept at the default: epsilon 1e-07, weight_decay off"
    )
    assert describe(derive("keras:Adam", arguments), arguments, ["rho"]).endswith("; without effect on this task: rho")
