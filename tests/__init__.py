"""The tests: flat files, one a room or promise, and the conformance suites that they inherit."""

import pytest

# These are not test_*.py files; this makes their assertions show what differed.
pytest.register_assert_rewrite("tests.conformance", "tests.support")
