"""Formatting of texts, and numbers that may be absent."""

import math

import pytest

from tests.support.builders import run
from tuner.core.numbers import finite_or_none, fitness
from tuner.core.text import nearest, one_line, printable
from tuner.core.trial import Role, Status


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n  b\tc", "a b c"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("turned \u202e around", r"turned \u202e around"),
        (17, "17"),
    ],
)
def test_one_line_has_no_control_characters(text, shown):
    assert one_line(text) == shown


def test_a_printable_text_keeps_its_lines_and_their_indentation_and_can_be_encoded():
    assert printable("x:\n    y \x07\n\n z  z \ud800") == "x:\n    y \\x07\n\n z z \\ud800"
    assert printable("Title. ") == "Title. "


def test_the_nearest_name_is_suggested_if_one_is_similar():
    assert nearest("jsn", ("text", "json")) == " (did you mean 'json'?)"
    assert nearest("xyz", ("text", "json")) == ""


@pytest.mark.parametrize(("value", "expected"), [(1.5, 1.5), (None, None), (math.nan, None), (-math.inf, None)])
def test_a_number_that_is_not_finite_is_none_in_json(value, expected):
    assert finite_or_none(value) == expected


def test_the_fitness_of_a_candidate_without_a_result_is_infinite():
    assert fitness(run(Role.SEARCH, 0, 0, 2.0)) == 2.0
    assert fitness(run(Role.SEARCH, 0, 0, Status.RUNNING)) == math.inf
