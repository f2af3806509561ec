"""Messages of invalid requests: the field or its flag, what is accepted, and what was received."""

import pickle

import pytest

from tuner.core.errors import InvalidRequest, LodoTuneError, check_at_least_one, check_timeout


def flag(field: str) -> str:
    return "--" + field.replace("_", "-")


@pytest.mark.parametrize(
    ("error", "python", "command_line"),
    [
        (
            InvalidRequest("max_attempts", "is at least 1", 0),
            "max_attempts is at least 1. Received: 0",
            "--max-attempts is at least 1. Received: 0",
        ),
        (
            InvalidRequest("data_dir", ": there is no folder x"),
            "data_dir: there is no folder x",
            "--data-dir: there is no folder x",
        ),
        (
            InvalidRequest("defaults", "excludes {search_space}"),
            "defaults excludes search_space",
            "--defaults excludes --search-space",
        ),
        (InvalidRequest("preset", "is one of a, b", "c"), "preset is one of a, b. Received: 'c'", None),
        (InvalidRequest("seed", "is a number", None), "seed is a number. Received: None", None),
    ],
)
def test_an_error_message_names_the_field_or_its_flag(error, python, command_line):
    assert str(error) == python
    assert command_line is None or error.text(flag) == command_line


def test_an_invalid_request_is_a_value_error_of_exit_code_2_and_can_be_pickled():
    error = pickle.loads(pickle.dumps(InvalidRequest("steps", "is at least 1", 0)))
    assert isinstance(error, ValueError)
    assert isinstance(error, LodoTuneError)
    assert (error.exit_code, error.field, error.accepted, error.received) == (2, "steps", "is at least 1", 0)


def test_checks_of_numbers_accept_none_and_refuse_what_is_out_of_range():
    check_at_least_one("workers", None)
    check_at_least_one("workers", 1)
    check_timeout(None)
    for check in (lambda: check_at_least_one("workers", 0), lambda: check_timeout(0.0), lambda: check_timeout(1e300)):
        with pytest.raises(InvalidRequest):
            check()
