"""Numbers and texts as people read them."""

import math

import pytest

from search_spaces.space import Scale
from tuner.core.text import one_line
from tuner.results.tables.numbers import counted, hyperparameter, mean_and_spread, measured, number, seconds


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.9, "0.9"),
        (10000.0, "10000"),
        (123456.7, "123457"),
        (1234567.0, "1.235e6"),
        (0.0123456, "0.01235"),
        (7.95e-6, "7.95e-6"),
        (1e-10, "1e-10"),
        (-0.5, "-0.5"),
        (9.99996, "10"),
        (999999.7, "1e6"),
        (math.inf, "inf"),
    ],
)
def test_numbers_have_four_significant_digits_and_no_idle_zeros(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(1.1, "1.100"), (12345.6, "12346"), (1.5e-7, "1.500e-7"), (0.0, "0")])
def test_measured_numbers_keep_the_zeros_that_were_measured(value, shown):
    assert measured(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.934, "0.934"),
        (0.5, "0.5"),
        (0.99999, "0.99999"),
        (0.99987654, "0.999877"),  # 1 - v = 1.2346e-4, of which three digits reach the sixth decimal
        (1 - 2.0**-53, "1 - 1.11e-16"),
        (None, "–"),
    ],
)
def test_a_decay_never_looks_like_1(value, shown):
    assert hyperparameter(value, Scale.DECAY) == shown


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [
        (7.4123456, 0.012, "7.412 ± 0.012"),
        (7.4123456, 0.0000123, "7.412346 ± 0.000012"),
        (0.001006, 0.0000961, "0.001006 ± 0.000096"),
        (7.4123456e-7, 1.23e-9, "7.412e-7 ± 1.2e-9"),
        (1.0, 1.23e-12, "1.0000000 ± 1.2e-12"),
        (1.0, 4e9, "1.0 ± 4.0e9"),
        (150.0, 21.0, "150 ± 21"),
        (1.0, 5.0, "1.0 ± 5.0"),
        (0.25, 0.0, "0.2500 ± 0"),
        (0.25, None, "0.2500"),
        (1.0, math.inf, "1.000 ± inf"),
        (None, None, "–"),
    ],
)
def test_a_mean_has_the_digits_that_its_spread_leaves_it(mean, spread, shown):
    assert mean_and_spread(mean, spread) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0412, "0.041"), (0.996, "1"), (1.04, "1.0"), (99.94, "99.9"), (99.96, "100"), (12345.6, "12,346")],
)
def test_seconds_have_a_decimal_below_100(value, shown):
    assert seconds(value) == shown


def test_text_from_elsewhere_stays_on_one_line_and_commands_no_terminal():
    assert one_line("a\nb\x1b[2J \u202ec\r\n  d") == "a b\\x1b[2J \\u202ec d"


@pytest.mark.parametrize(("number", "shown"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1000, "1,000 runs")])
def test_one_thing_is_not_told_in_the_plural(number, shown):
    assert counted(number, "run") == shown
