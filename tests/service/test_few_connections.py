"""More requests at a time than there are connections to PostgreSQL: each has an answer, and none waits for ever."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.postgresql import a_postgresql_server  # noqa: F401 - a fixture
from tests.support.reading_service import BEARER, application, served
from tests.support.report_values import database
from tuner.service import turns
from tuner.storage.errors import Locked

pytestmark = pytest.mark.faults
PATHS = ("/", "/runs/first", "/queue", "/api/v1/runs", "/api/v1/runs/first/studies", "/api/v1/queue")
REQUESTS = 120  # three times as many as the service has threads
PATIENCE = 60.0  # seconds


def ask(address):
    """Return the status, the media type and the text of an answer, and the seconds that it took."""
    asked, start = urllib.request.Request(address, headers=BEARER), time.monotonic()
    try:
        with contextlib.closing(urllib.request.urlopen(asked, timeout=PATIENCE)) as answer:
            found = answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        found = error.code, error.headers["Content-Type"], error.read().decode()
    return *found, time.monotonic() - start


def crowd(address):
    """Return the answers to many requests that are sent at a time, by path."""
    with ThreadPoolExecutor(REQUESTS) as threads:
        paths = [PATHS[number % len(PATHS)] for number in range(REQUESTS)]
        return list(zip(paths, threads.map(lambda path: ask(address + path), paths), strict=True))


def check_refused(path, answer):
    status, kind, text, _ = answer
    assert status == 503, (path, answer)
    if path.startswith("/api/"):
        assert kind == "application/problem+json"
        assert json.loads(text)["status"] == 503
    else:
        assert kind.startswith("text/html")


@pytest.mark.postgresql
@pytest.mark.slow
def test_where_the_server_has_fewer_connections_than_there_are_requests_each_has_an_answer(postgresql_server):
    server = postgresql_server
    name = server.create_database()
    database(server.url(name))
    server.execute(name, "CREATE ROLE few LOGIN CONNECTION LIMIT 3", f"ALTER DATABASE {name} OWNER TO few")
    server.execute(name, "GRANT ALL ON ALL TABLES IN SCHEMA public TO few", "GRANT ALL ON SCHEMA public TO few")
    try:
        with served(application(server.url(name, "few"))) as address:
            answers = crowd(address)
            assert any(answer[0] == 200 for _, answer in answers)
            for path, answer in answers:
                if answer[0] != 200:
                    check_refused(path, answer)
            assert [ask(address + path)[0] for path in PATHS] == [200] * len(PATHS)
    finally:
        server.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)", "DROP ROLE few")


@pytest.mark.postgresql
@pytest.mark.slow
def test_while_tables_are_locked_all_are_refused_and_those_behind_do_not_wait_for_those_in_front(postgresql_server):
    psycopg = pytest.importorskip("psycopg")
    url = postgresql_server.url(postgresql_server.create_database())
    database(url)
    with served(application(url)) as address:
        assert ask(address + "/")[0] == 200  # it has started
        with psycopg.connect(url) as locking:
            for table in ("studies", "requests"):
                locking.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            for path, answer in crowd(address):  # it takes as long as PATIENCE, and longer, if each waits for its turn
                check_refused(path, answer)
        assert [ask(address + path)[0] for path in PATHS] == [200] * len(PATHS)


def test_a_request_that_has_waited_too_long_is_refused_once_and_work_that_takes_long_is_not(monkeypatch):
    turns.check_turn()  # outside of a request nothing is refused
    monkeypatch.setattr(turns, "TURN_SECONDS", -1.0)
    turns.begin_to_wait()
    with pytest.raises(Locked, match="too many requests wait for the database"):
        turns.check_turn()
    turns.take_turn()
    turns.check_turn()
    monkeypatch.setattr(turns, "TURN_SECONDS", 60.0)
    turns.begin_to_wait()
    turns.check_turn()
    monkeypatch.setattr(turns, "TURN_SECONDS", -1.0)
    turns.check_turn()  # a second transaction of the same request
