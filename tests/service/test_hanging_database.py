"""A service whose database hangs instead of refusing: it says so, and its runs go on with the same rows afterwards."""

import contextlib
import json
import random
import sys
import time

import pytest

from tests.service.test_killed_services import Killing, Service, drivers, undisturbed, until
from tests.storage.test_storage_places import lock_database
from tests.support.postgresql import a_postgresql_server  # noqa: F401 - a fixture
from tests.support.supervised import rows
from tuner.storage import ServiceStore

pytestmark = [pytest.mark.slow, pytest.mark.faults]
SECONDS = 15.0  # longer than a wait for a lock, and than the shortened time limits


@contextlib.contextmanager
def locked(file):
    """Have another process lock a file."""
    with lock_database(file, 600) as process:
        yield
        process.kill()


@pytest.mark.parametrize("kind", ["file", pytest.param("server", marks=pytest.mark.postgresql)])
def test_runs_end_with_the_same_rows_and_the_service_says_what_it_waits_for(tmp_path, monkeypatch, request, kind):
    for name, value in (("COHORT_SECONDS", "0.4"), ("ANSWER_SECONDS", "2"), ("DRIVERS_FOLDER", str(tmp_path / "d"))):
        monkeypatch.setenv(name, value)
    server = request.getfixturevalue("postgresql_server") if kind == "server" else None
    file = tmp_path / "runs.db"
    database = str(file) if server is None else server.url(server.create_database())
    service = Service(database, (sys.executable, "-m", "tests.support.killed_service"), workers=2)
    try:
        with ServiceStore.open(database, patience=60.0) as store:
            queue = Killing(service, store, random.Random(1))
            queue.keep_the_queue()
            queue.seen |= {*until(lambda: drivers(store))}
            with locked(file) if server is None else server.suspended():
                end = time.monotonic() + SECONDS
                assert service.status("/health")[0] == 200
                assert service.status("/ready")[0] == (200 if server is None else 503)  # what is locked can be read
                status, text = service.status("/")
                assert (status, "cannot be reached" in text) == ((200, False) if server is None else (503, True))
                status, text = service.status("/api/v1/runs/run-0:pause", {})
                word = "is locked by another process" if server is None else "cannot be reached"
                assert (status, word in json.loads(text)["detail"]) == (503, True)
                time.sleep(max(0.0, end - time.monotonic()))
            until(lambda: service.status("/ready")[0] == 200)
            queue.end()
            for run, fields in queue.submitted.items():
                assert rows(store, run) == undisturbed(tmp_path / f"{run}.db", run, fields)
            assert sorted(store.runs()) == sorted(queue.submitted)
            assert store.check().faults == ()
    finally:
        service.kill()


@pytest.mark.postgresql
def test_one_connection_that_hangs_delays_those_that_it_serves_and_changes_no_row(
    tmp_path, monkeypatch, postgresql_server
):
    for name, value in (("COHORT_SECONDS", "0.4"), ("ANSWER_SECONDS", "2"), ("DRIVERS_FOLDER", str(tmp_path / "d"))):
        monkeypatch.setenv(name, value)
    server, chosen = postgresql_server, random.Random(2)
    name = server.create_database()
    database = server.url(name)
    with ServiceStore.open(database, patience=60.0) as store:
        own = server.backends(name)
        service = Service(database, (sys.executable, "-m", "tests.support.killed_service"), workers=2)
        try:
            queue = Killing(service, store, random.Random(1))
            # Of the service, of its supervisor or of a driver, as it comes; and one within a transaction.
            for where in ("state = 'idle'", "state = 'idle'", "state <> 'idle'", "state <> 'idle'"):
                queue.keep_the_queue()
                queue.seen |= {*until(lambda: drivers(store))}
                pid = chosen.choice(until(lambda where=where: [*{*server.backends(name, where)} - {*own}]))
                with server.suspended_backend(pid):
                    end = time.monotonic() + SECONDS
                    while time.monotonic() < end:
                        assert service.status("/health")[0] == 200
                        for path in ("/", "/ready", "/api/v1/runs"):
                            status, text = service.status(path)
                            assert status == 200 or (status == 503 and "the database" in text), (path, status, text)
                        time.sleep(0.2)
                until(lambda: service.status("/ready")[0] == 200)
            queue.end()
            for run, fields in queue.submitted.items():
                assert rows(store, run) == undisturbed(tmp_path / f"{run}.db", run, fields)
            assert sorted(store.runs()) == sorted(queue.submitted)
            assert store.check().faults == ()
        finally:
            service.kill()
