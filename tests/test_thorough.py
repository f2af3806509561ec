"""What is left out of `make test` is there."""

from pathlib import Path

import pytest

from tests.thorough import THOROUGH, is_thorough


@pytest.mark.parametrize("file", THOROUGH)
def test_each_entry_is_a_test(file):
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    tests = {line.removeprefix("def test_").partition("(")[0] for line in lines if line.startswith("def test_")}
    assert set(THOROUGH[file]) <= tests


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/training/test_memory.py::test_the_size_is_that_of_the_state_itself[LODO]", False),
        ("tests/training/test_memory.py::test_the_size_is_that_of_the_state_itself[LODO-SGD]", True),
        ("tests/lodo/test_optimizers.py::test_no_two_optimizers_behave_alike_on_the_bowl", True),
        ("tests/lodo/test_optimizers.py::test_every_optimizer_has_a_reference", False),
    ],
)
def test_cases_that_are_kept_stay_in_the_quick_suite(test, expected):
    assert is_thorough(test) is expected
