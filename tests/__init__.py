"""The tests: flat files, one a room or promise, and the conformance suites that they inherit."""

import pytest

# Suites live beside the tests, not in test_*.py files; this makes their assertions tell what differed.
pytest.register_assert_rewrite(
    "tests.conformance.executor_conformance",
    "tests.conformance.store_laws_of_candidates",
    "tests.conformance.store_laws_of_drivers",
    "tests.conformance.store_laws_of_results",
    "tests.conformance.store_laws_of_studies",
    "tests.support.store_values",
    "tests.conformance.strategy_conformance",
)
