"""The tests: flat files, one a room or promise, and the conformance suites that they inherit."""

import pytest

# Suites live beside the tests, not in test_*.py files; this makes their assertions tell what differed.
pytest.register_assert_rewrite(
    "tests.executor_conformance",
    "tests.store_laws_of_candidates",
    "tests.store_laws_of_drivers",
    "tests.store_laws_of_results",
    "tests.store_laws_of_studies",
    "tests.store_values",
    "tests.strategy_conformance",
)
