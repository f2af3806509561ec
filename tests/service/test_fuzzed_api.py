"""The API is asked what its own description permits, and what it does not: each answer is one that it describes.

schemathesis makes the requests. It is not among the pinned dependencies: `pip install schemathesis`.
"""

import os
from urllib.parse import urlencode

import pytest

from tests.support.reading_service import BEARER, application, served
from tests.support.report_values import database
from tuner.service.description import description

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
hypothesis = pytest.importorskip("hypothesis")

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # of each operation and mode
ENDLESS = ("/api/v1/events",)
LONGEST = 60_000  # characters of an address: uvicorn closes the connection of a request whose head is over 64 KiB
DRY_RUNS = ("/api/v1/runs:validate", "/api/v1/comparisons:validate")  # which answer what is wrong with a request
OPERATIONS = [
    (path, method)
    for path, methods in description()["paths"].items()
    for method in methods
    if path.startswith("/api/") and path not in ENDLESS
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve a database with the runs `first` and `second`; no driver is started."""
    file = tmp_path_factory.mktemp("fuzzed") / "runs.db"
    database(file)
    with served(application(str(file))) as address:
        yield address


@pytest.fixture(scope="module")
def offered(address):
    """Return the description that the service offers."""
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", headers=BEARER)


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_each_answer_is_one_that_is_described(address, offered, path, method, mode):
    from schemathesis.specs.openapi import checks

    # Of values that a type permits, some do not belong together, or name what is not there: 422 says so.
    excluded = [checks.positive_data_acceptance]
    if path in DRY_RUNS:
        excluded.append(checks.negative_data_rejection)
    operation = offered[path][method.upper()]
    asked = []

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
    def ask(case):
        sent = case.as_transport_kwargs(base_url=address)
        hypothesis.assume(len(sent["url"]) + len(urlencode(sent["params"] or {}, doseq=True)) <= LONGEST)
        asked.append(case)
        case.call_and_validate(headers=BEARER, excluded_checks=excluded, timeout=300)

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        assert mode == "negative"  # of an operation without parameters nothing is wrong
    assert asked or mode == "negative"
