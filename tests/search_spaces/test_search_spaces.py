"""Search spaces: encoding, decoding, bounds, and what a space refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.space import Dimension, DimensionError, Scale, SearchSpace

EPSILON = 2.0**-52
LOG_LEAST, LOG_GREATEST = math.exp(-700.0), math.exp(700.0)
BELOW_ONE = math.nextafter(1.0, 0.0)
ANYWHERE = st.floats(allow_nan=False)  # ±inf and ±1e308 too

ADAM = SearchSpace(
    "Adam",
    (
        Dimension("learning_rate", Scale.LOG, 0.001),
        Dimension("beta_1", Scale.DECAY, 0.9),
        Dimension("beta_2", Scale.DECAY, 0.999, low=0.5, high=0.99999),
    ),
)
LOG = Dimension("learning_rate", Scale.LOG, 1.0)
DECAY = Dimension("momentum", Scale.DECAY, 0.0)


VALUES = st.lists(st.one_of(st.text("abc", min_size=1), st.integers(-9, 9), st.floats(-9, 9)), min_size=2, unique=True)
NUMBERS = {
    Scale.LOG: st.floats(LOG_LEAST, LOG_GREATEST),
    Scale.DECAY: st.floats(0.0, BELOW_ONE),
    Scale.LINEAR: st.floats(-1e300, 1e300),
    Scale.INTEGER: st.integers(-(10**12), 10**12),
}


@st.composite
def dimensions(draw: st.DrawFn, name: str | None = None, **fields: Any) -> Dimension:
    name = name or draw(st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True))
    scale = draw(st.sampled_from(Scale))
    if scale is Scale.CHOICE:
        values = draw(VALUES.filter(lambda drawn: len(drawn) <= 64))
        default = draw(st.sampled_from(values))
        return Dimension(name, scale, default, values=tuple(values), ordered=draw(st.booleans()), **fields)
    values = NUMBERS[scale]
    log = scale is Scale.INTEGER and draw(st.booleans())
    low, default, high = sorted(draw(st.tuples(*[st.integers(1, 10**12) if log else values] * 3)))
    bounds = {"low": low, "high": high}
    if not scale.is_bounded:
        bounds = {field: draw(st.sampled_from([None, bound])) for field, bound in bounds.items()}
    return Dimension(name, scale, default, log=log, **bounds, **fields)


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    """Draw spaces of one to five dimensions, the later ones with conditions on earlier ones."""
    made: list[Dimension] = []
    for place in range(draw(st.integers(1, 5))):
        others = [one for one in made if not one.scale.is_continuous]
        condition = {}
        if others and draw(st.booleans()):
            other = draw(st.sampled_from(others))
            condition = {other.name: other.decode(draw(st.floats(0, 12)))}
        made.append(draw(dimensions(f"x{place}", only_when=condition)))
    return SearchSpace("Any", tuple(made), {"constant": draw(st.sampled_from([1, 0.5, "text", True]))})


# Single numbers


@pytest.mark.parametrize(
    ("dimension", "value", "coordinate"),
    [
        (LOG, 1.0, 0.0),
        (LOG, 0.001, -6.907755278982137),  # ln 10 = 2.302585092994046 times -3
        (LOG, 1e4, 9.210340371976184),
        (DECAY, 0.0, 0.0),
        (DECAY, 0.9, -2.302585092994046),
        (DECAY, 0.999, -6.907755278982137),
        (DECAY, 0.5, -0.6931471805599453),
    ],
)
def test_encoding_is_ln_v_on_log_and_ln_of_one_minus_v_on_decay(
    dimension: Dimension, value: float, coordinate: float
) -> None:
    assert dimension.encode(value) == pytest.approx(coordinate, rel=1e-14)
    assert dimension.decode(coordinate) == pytest.approx(value, rel=1e-14)


@given(st.floats(LOG_LEAST, LOG_GREATEST))
def test_on_log_a_value_comes_back_but_for_the_rounding_of_its_logarithm(value: float) -> None:
    # u is rounded by at most half an ulp of 700, 2^-44, and libm's log and exp by an ulp each
    assert LOG.decode(LOG.encode(value)) == pytest.approx(value, rel=2.0**-44 + 4 * EPSILON, abs=0.0)


@given(st.floats(0.0, BELOW_ONE))
def test_on_decay_a_value_comes_back_but_for_the_rounding_of_its_logarithm(value: float) -> None:
    # an error δ of u moves v by e^u |δ| = (1 - v) |δ|, with |δ| <= ε |u| = ε |ln(1 - v)|
    tolerance = 4 * EPSILON * (value - (1 - value) * math.log1p(-value))
    assert abs(DECAY.decode(DECAY.encode(value)) - value) <= tolerance + math.ulp(0.0)


@given(st.floats(-700.0, 700.0))
def test_on_log_a_coordinate_comes_back(coordinate: float) -> None:
    # an ulp of v is ε relative, hence ε absolute in u, besides u's own rounding
    assert abs(LOG.encode(LOG.decode(coordinate)) - coordinate) <= 4 * EPSILON * (1 + abs(coordinate))


@given(st.floats(math.log(2.0**-53), 0.0))
def test_on_decay_a_coordinate_comes_back_as_far_as_v_can_tell_it(coordinate: float) -> None:
    # v lies ε/2 apart just below 1, so 1 - v = e^u is known to ε, and u to ε e^-u; near v = 0 only to its own rounding
    value = DECAY.decode(coordinate)
    own = 2 * EPSILON * value / (1 - value)
    assert abs(DECAY.encode(value) - coordinate) <= own + 4 * EPSILON * abs(coordinate)


@given(st.floats(1e-300, 1e-3))
def test_on_decay_small_values_keep_their_digits(value: float) -> None:
    # 1 - e^u written as such would lose all digits of a v below 1e-16
    assert DECAY.decode(DECAY.encode(value)) == pytest.approx(value, rel=4 * EPSILON, abs=0.0)


@given(dimensions(), ANYWHERE)
def test_whatever_is_decoded_lies_within_the_bounds_and_is_accepted_by_encode(
    dimension: Dimension, coordinate: float
) -> None:
    value = dimension.decode(coordinate)
    if dimension.scale is not Scale.CHOICE:
        assert dimension.least <= value <= dimension.greatest
    assert dimension.lower <= dimension.encode(value) <= dimension.upper


@given(dimensions(), ANYWHERE, ANYWHERE)
def test_decoding_keeps_the_order_and_turns_it_around_on_decay(
    dimension: Dimension, first: float, second: float
) -> None:
    low, high = map(dimension.decode, sorted((first, second)))
    # libm's exp and expm1 may break the order of neighbours by an ulp
    if dimension.scale is Scale.CHOICE:
        assert dimension.values.index(low) <= dimension.values.index(high)
    elif dimension.scale is Scale.DECAY:
        assert high <= low * (1 + 2 * EPSILON)
    else:
        assert low <= high + 2 * EPSILON * abs(high)


@given(dimensions().filter(lambda one: not one.scale.is_continuous), st.floats(0, 12))
def test_a_whole_number_and_a_choice_come_back_exactly(dimension: Dimension, coordinate: float) -> None:
    value = dimension.decode(coordinate)
    assert dimension.decode(dimension.encode(value)) == value
    assert type(dimension.decode(dimension.encode(value))) is type(value)


@given(dimensions().filter(lambda one: one.scale is Scale.LINEAR), st.floats(0, 1))
def test_on_linear_a_value_comes_back_but_for_rounding(dimension: Dimension, share: float) -> None:
    value = min(max(dimension.low + share * (dimension.high - dimension.low), dimension.low), dimension.high)
    # each of the four operations there and back is rounded to half an ulp of at most the range or the greatest bound
    size = max(dimension.high - dimension.low, abs(dimension.low), abs(dimension.high))
    assert abs(dimension.decode(dimension.encode(value)) - value) <= 4 * EPSILON * size


@pytest.mark.parametrize(
    ("dimension", "value", "coordinate"),
    [
        (Dimension("x", "linear", 0.5, low=-1.0, high=3.0), 0.0, 3.0),  # a quarter of 12
        (Dimension("x", "integer", 3, low=1, high=4), 1, 1.5),  # four cells of 3: the middle of the first
        (Dimension("x", "integer", 3, low=1, high=4), 4, 10.5),
        (Dimension("x", "choice", values=("a", "b", "c")), "b", 6.0),
        # the cells begin at ln 0.5 and end at ln 8.5, and 2 is at (ln 2 - ln 0.5) / (ln 8.5 - ln 0.5) of 12
        (Dimension("x", "integer", 8, low=1, high=8, log=True), 2, 12 * math.log(4) / math.log(17)),
    ],
)
def test_bounded_scales_have_coordinates_from_0_to_12(dimension: Dimension, value: Any, coordinate: float) -> None:
    assert dimension.encode(value) == pytest.approx(coordinate, rel=1e-14)
    assert dimension.decode(coordinate) == value
    assert (dimension.lower, dimension.upper) == (0.0, 12.0)


def test_every_value_of_a_choice_and_of_a_plain_integer_has_a_cell_of_equal_width() -> None:
    choice = Dimension("x", "choice", values=("a", "b", "c"))
    integer = Dimension("x", "integer", 0, low=-1, high=1)
    for dimension in (choice, integer):
        values = [dimension.decode(12 * (place + 0.5) / 600) for place in range(600)]
        assert [values.count(value) for value in dict.fromkeys(values)] == [200, 200, 200]


@given(dimensions())
def test_bounds_are_finite_and_hold_the_default(dimension: Dimension) -> None:
    assert math.isfinite(dimension.lower)
    assert math.isfinite(dimension.upper)
    assert dimension.lower <= dimension.encode(dimension.default) <= dimension.upper


@given(ANYWHERE)
def test_a_decoded_decay_is_at_least_zero_and_below_one(coordinate: float) -> None:
    value = DECAY.decode(coordinate)
    assert 0.0 <= value < 1.0
    assert math.copysign(1.0, value) == 1.0  # never -0.0, which would print as such


@pytest.mark.parametrize(
    ("dimension", "lower", "upper"),
    [
        (LOG, -700.0, 700.0),
        (DECAY, math.log(2.0**-53), 0.0),
        (Dimension("x", Scale.LOG, 1.0, low=0.1, high=10.0), math.log(0.1), math.log(10.0)),
        (Dimension("x", Scale.DECAY, 0.9, low=0.5, high=0.99), math.log1p(-0.99), math.log(0.5)),
        (Dimension("x", Scale.LOG, 2.0, low=2.0, high=2.0), math.log(2.0), math.log(2.0)),
    ],
)
def test_bounds_of_the_transformed_space_follow_from_those_in_natural_units(
    dimension: Dimension, lower: float, upper: float
) -> None:
    assert (dimension.lower, dimension.upper) == pytest.approx((lower, upper), rel=1e-15)


@pytest.mark.parametrize("infinity", [math.inf, 1e308, 701.0])
def test_overflow_decodes_to_the_bounds(infinity: float) -> None:
    assert LOG.decode(infinity) == LOG_GREATEST
    assert LOG.decode(-infinity) == LOG_LEAST
    assert DECAY.decode(infinity) == 0.0
    assert DECAY.decode(-infinity) == BELOW_ONE


# Whole spaces


@given(st.lists(ANYWHERE, min_size=3, max_size=3))
def test_a_decoded_genome_encodes_to_one_that_decodes_to_nearly_the_same(genome: list[float]) -> None:
    decoded = ADAM.decode(genome)
    again = ADAM.decode(ADAM.encode(decoded))
    assert list(again) == list(decoded)
    assert list(again.values()) == pytest.approx(list(decoded.values()), rel=2.0**-43, abs=0.0)


def test_a_genome_follows_the_order_of_the_dimensions_whatever_the_order_of_the_values() -> None:
    genome = ADAM.encode({"beta_2": 0.999, "learning_rate": 0.001, "beta_1": 0.9})
    assert genome.dtype == np.float64
    np.testing.assert_allclose(genome, [math.log(0.001), math.log(0.1), math.log(0.001)], rtol=1e-13)
    assert np.array_equal(genome, ADAM.default_genome())
    assert list(ADAM.decode(genome)) == list(ADAM.names) == ["learning_rate", "beta_1", "beta_2"]


def test_defaults_are_exactly_as_declared() -> None:
    assert ADAM.defaults() == {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999}


def test_bounds_of_a_space_are_those_of_its_dimensions_and_hold_the_default_genome() -> None:
    assert ADAM.lower.tolist() == [dimension.lower for dimension in ADAM.dimensions]
    assert ADAM.upper.tolist() == [dimension.upper for dimension in ADAM.dimensions]
    assert (ADAM.lower <= ADAM.default_genome()).all()
    assert (ADAM.default_genome() <= ADAM.upper).all()


def test_decoded_values_are_plain_floats_that_json_knows() -> None:
    decoded = ADAM.decode(np.array([0.0, -1.0, -2.0]))
    assert {type(value) for value in decoded.values()} == {float}
    assert json.loads(json.dumps(decoded)) == decoded


@pytest.mark.parametrize("value", [1, np.float32(0.5), np.float64(0.25), np.int64(2)])
def test_numbers_of_other_types_are_taken_for_what_they_are(value: Any) -> None:
    assert LOG.encode(value) == math.log(float(value))


@given(st.lists(dimensions(), min_size=1, max_size=4, unique_by=lambda dimension: dimension.name))
def test_a_space_comes_back_from_its_dictionary_through_json(dimensions: list[Dimension]) -> None:
    space = SearchSpace("LODO", tuple(dimensions))
    assert SearchSpace.from_dict(json.loads(json.dumps(space.to_dict(), allow_nan=False))) == space


def test_a_dictionary_names_bounds_only_where_they_were_given() -> None:
    assert ADAM.to_dict() == {
        "optimizer": "Adam",
        "hyperparameters": {
            "learning_rate": {"scale": "log", "default": 0.001},
            "beta_1": {"scale": "decay", "default": 0.9},
            "beta_2": {"scale": "decay", "default": 0.999, "low": 0.5, "high": 0.99999},
        },
    }


# What is refused


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learning_rate": 0.1, "beta1": 0.9, "beta_2": 0.9}, "did you mean 'beta_1'"),
        (
            {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.9, "zzzzzzz": 1.0},
            "Accepted: learning_rate, beta_1, beta_2",
        ),
        ({"learning_rate": 0.1}, "needs a value for beta_1, beta_2"),
        ({"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.4}, r"beta_2 must lie within \[0.5, 0.99999\]"),
        ({"learning_rate": 0.1, "beta_1": 1.0, "beta_2": 0.9}, "beta_1 must be a number at least 0 and below 1"),
        ({"learning_rate": 0.0, "beta_1": 0.9, "beta_2": 0.9}, "learning_rate must be a number within"),
        ({"learning_rate": -0.1, "beta_1": 0.9, "beta_2": 0.9}, "learning_rate.*Received: -0.1"),
        ({"learning_rate": math.inf, "beta_1": 0.9, "beta_2": 0.9}, "learning_rate.*Received: inf"),
        ({"learning_rate": 0.1, "beta_1": math.nan, "beta_2": 0.9}, "beta_1.*Received: nan"),
        ({"learning_rate": "0.1", "beta_1": 0.9, "beta_2": 0.9}, "learning_rate.*Received: '0.1'"),
        ({"learning_rate": True, "beta_1": 0.9, "beta_2": 0.9}, "learning_rate.*Received: True"),
        ({"learning_rate": np.float32(0), "beta_1": 0.9, "beta_2": 0.9}, "learning_rate must be a number within"),
        ({"learning_rate": 10**400, "beta_1": 0.9, "beta_2": 0.9}, "learning_rate must be a number"),
    ],
)
def test_encode_refuses_in_one_line_that_names_the_hyperparameter(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        ADAM.encode(values)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("genome", [[0.0, 0.0], [[0.0, 0.0, 0.0]], 0.0, [0.0, math.nan, 0.0], [[0.0], [0.0], [0.0]]])
def test_decode_refuses_what_is_no_genome(genome: Any) -> None:
    with pytest.raises(ValueError, match="a genome of Adam must be 3 numbers, none of them NaN") as caught:
        ADAM.decode(genome)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("Rate", "log", 1.0), "name"),
        (("", "log", 1.0), "name"),
        (("a" * 65, "log", 1.0), "name"),
        (("rate\n", "log", 1.0), "name"),
        ((3, "log", 1.0), "name"),
        (("rate", "square", 1.0), "scale"),
        (("rate", None, 1.0), "scale"),
        (("rate", ["log"], 1.0), "scale"),
        (("rate", "log", 0.0), "default"),
        (("rate", "log", -1.0), "default"),
        (("rate", "log", 1e305), "default"),
        (("rate", "log", math.nan), "default"),
        (("rate", "log", None), "default"),
        (("rate", "log", True), "default"),
        (("rate", "decay", 1.0), "default"),
        (("rate", "decay", -0.1), "default"),
        (("rate", "log", 1.0, 0.0), "low"),
        (("rate", "log", 1.0, 0.1, math.inf), "high"),
        (("rate", "log", 1.0, 2.0, 0.5), "low"),
        (("rate", "log", 1.0, 2.0, 3.0), "default"),
        (("rate", "decay", 0.9, 0.0, 0.8), "default"),
        (("rate", "decay", 0.9, 0.0, 1.0), "high"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused_with_the_field_at_fault(arguments: tuple[Any, ...], field: str) -> None:
    with pytest.raises(DimensionError, match=f"^{field} must .*Received: ") as caught:
        Dimension(*arguments)
    assert caught.value.field == field
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("optimizer", "dimensions", "message"),
    [
        ("", (LOG,), "optimizer must be a name"),
        ("../adam", (LOG,), "optimizer must be a name"),
        (None, (LOG,), "optimizer must be a name"),
        ("Adam", (), "must have a dimension"),
        ("Adam", (LOG, LOG), r"Received twice: \['learning_rate'\]"),
    ],
)
def test_a_space_that_cannot_be_is_refused(optimizer: Any, dimensions: tuple[Dimension, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SearchSpace(optimizer, dimensions)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({}, "must have the keys optimizer, hyperparameters"),
        ([], "must have the keys optimizer, hyperparameters"),
        ({"optimizer": "A", "hyperparameters": {}}, "must have a dimension"),
        ({"optimizer": "A", "hyperparameters": [1]}, "hyperparameters must map names"),
        ({"optimizer": "A", "hyperparameters": {"x": {"scale": "log"}}}, "default must be a number within"),
        ({"optimizer": "A", "hyperparameters": {"x": 3}}, "'x' must have the keys scale and may"),
        (
            {"optimizer": "A", "hyperparameters": {"x": {"scale": "log", "default": 1.0, "step": 1}}},
            "'x' must have the keys scale and may have default, low, high",
        ),
    ],
)
def test_a_dictionary_of_another_layout_is_refused(layout: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SearchSpace.from_dict(layout)


def test_a_space_loads_neither_pydantic_nor_yaml_nor_any_heavy_neighbour() -> None:
    heavy = {"pydantic", "yaml", "tensorflow", "ray", "sqlalchemy", "deap", "keras"}
    program = f"import sys, search_spaces.space; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Conditions and constants


@given(spaces(), st.data())
def test_a_snapped_genome_decodes_to_the_same_and_stays_as_it_is(space: SearchSpace, data: st.DataObject) -> None:
    genome = [data.draw(st.floats(-800, 800)) for _ in space.names]
    snapped = space.snapped(genome)
    assert space.decode(snapped) == space.decode(genome)
    assert np.array_equal(space.snapped(snapped), snapped)
    assert ((space.lower <= snapped) & (snapped <= space.upper)).all()


@given(spaces(), st.data())
def test_what_is_decoded_is_encoded_to_its_snapped_genome(space: SearchSpace, data: st.DataObject) -> None:
    snapped = space.snapped([data.draw(st.floats(-20, 20)) for _ in space.names])
    values = {name: value for name, value in space.decode(snapped).items() if name in space.names}
    again = space.encode(values)
    for one, there, back in zip(space.dimensions, snapped.tolist(), again.tolist(), strict=True):
        if one.scale.is_continuous:
            assert one.decode(back) == pytest.approx(one.decode(there), rel=1e-12, abs=1e-280)
        else:
            assert back == there


@given(spaces())
def test_any_space_comes_back_from_json_and_has_its_defaults(space: SearchSpace) -> None:
    assert SearchSpace.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    assert space.snapped(space.default_genome()).tolist() == space.default_genome().tolist()
    assert all(space.defaults()[name] == value for name, value in space.fixed.items())


SCHEDULED = SearchSpace(
    "train",
    (
        Dimension("schedule", "choice", values=("constant", "cosine", "step")),
        Dimension("final", "log", 0.1, only_when={"schedule": ["cosine", "step"]}),
        Dimension("steps", "integer", 3, low=1, high=9, only_when={"schedule": "step"}),
        Dimension("factor", "linear", 0.5, low=0.0, high=1.0, only_when={"steps": 1}),
    ),
    {"mode": "fast"},
)


def test_a_hyperparameter_whose_condition_does_not_hold_is_none_and_has_the_coordinate_of_its_default() -> None:
    constant = SCHEDULED.encode({"schedule": "constant"})
    assert SCHEDULED.decode([2.0, 5.0, 1.0, 7.0]) == {
        "schedule": "constant", "final": None, "steps": None, "factor": None, "mode": "fast",
    }  # fmt: skip
    assert (
        SCHEDULED.snapped([2.0, 5.0, 1.0, 7.0]).tolist() == constant.tolist() == [2.0, math.log(0.1), 12 * 2.5 / 9, 6]
    )


def test_a_condition_on_a_hyperparameter_without_effect_does_not_hold() -> None:
    assert SCHEDULED.decode([6.0, -1.0, 0.5, 9.0])["factor"] is None  # cosine: `steps` is None, and not 1
    assert SCHEDULED.decode([10.0, -1.0, 0.5, 9.0])["factor"] == 0.75


def test_values_are_needed_where_they_have_an_effect_alone() -> None:
    with pytest.raises(ValueError, match=r"train needs a value for final, steps\. Received: schedule"):
        SCHEDULED.encode({"schedule": "step"})


@pytest.mark.parametrize(
    ("only_when", "message"),
    [
        (
            {"other": "a"},
            "only_when of y must name a choice, .* before it. Accepted: x, mode",
        ),
        ({"x": "c"}, "only_when of y: x must be one of 'a', 'b'. Received: 'c'"),
        ({"y": "a"}, "only_when maps names of other hyperparameters"),
        ({"x": []}, "only_when maps names of other hyperparameters"),
    ],
)
def test_a_condition_that_cannot_hold_is_refused(only_when: Any, message: str) -> None:
    with pytest.raises(DimensionError, match=message):
        SearchSpace(
            "A",
            (Dimension("x", "choice", values=("a", "b")), Dimension("y", "log", 1.0, only_when=only_when)),
            {"mode": 1},
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scale": "linear", "default": 1}, "low must be given on the scale 'linear'"),
        ({"scale": "integer", "default": 1, "low": 0}, "high must be given on the scale 'integer'"),
        ({"scale": "integer", "default": 1.5, "low": 0, "high": 2}, "default must be a whole number"),
        ({"scale": "integer", "default": 1, "low": 0, "high": 2, "log": True}, "low must be at least 1 with log"),
        ({"scale": "log", "default": 1, "log": True}, "log belongs to the scale 'integer'"),
        ({"scale": "log", "default": 1, "values": ("a",)}, "values belongs to the scale 'choice'"),
        ({"scale": "choice", "values": ("a",)}, "values must be 2 to 64 different"),
        ({"scale": "choice", "values": (1, True)}, "values must be 2 to 64 different"),
        ({"scale": "choice", "values": ("a", math.nan)}, "values must be 2 to 64 different"),
        ({"scale": "choice", "values": ("a", "b"), "default": "c"}, "default must be one of 'a', 'b'"),
        ({"scale": "choice", "values": ("a", "b"), "low": 1}, "low belongs to scales of numbers"),
    ],
)
def test_fields_that_do_not_go_with_a_scale_are_refused(fields: Any, message: str) -> None:
    with pytest.raises(DimensionError, match=message):
        Dimension("x", **fields)
