"""Names of candidates, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.candidate_names import key_of, name_of
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Key, Role


@given(st.sampled_from([Role.SEARCH, Role.DEFAULT, Role.TUNED]), st.integers(0, 999_999), st.integers(0, 999_999))
def test_the_name_of_a_candidate_is_read_as_its_key(role: Role, generation: int, slot: int) -> None:
    key = Key(role, generation if role is Role.SEARCH else 0, slot)
    assert key_of(name_of(key)) == key


def test_names_are_those_of_tables_and_figures() -> None:
    assert name_of(Key(Role.SEARCH, 3, 7)) == "g03/s07"
    assert key_of("default 2") == key_of("default/2") == Key(Role.DEFAULT, 0, 2)


@pytest.mark.parametrize("name", ["", "g3", "3/7", "g-1/s0", "fresh/0", "g03/s07 ", "g1/s1/s2"])
def test_another_form_is_refused_with_what_is_accepted(name: str) -> None:
    with pytest.raises(InvalidRequest, match="candidate is a generation and a slot, as in g03/s07"):
        key_of(name)
