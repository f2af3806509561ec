"""Outages of a database server during a run."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.studies.test_driver_faults import drive, rows, wait_for_driver
from tests.support.losing_proxy import LosingProxy
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, candidate, driven, evaluation, keys, spec
from tuner.cli.interruption import advice_on_error, resume_command
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Changed, DiskFull, LeaseLost, Locked, NotOurs, Store, Unreachable, answers
from tuner.storage.retries import Retrier

pytestmark = pytest.mark.faults


def failing(times: int, error: Exception) -> Callable[[], str]:
    """Return a transaction that fails a given number of times."""
    failures = [times]

    def transaction() -> str:
        failures[0] -= 1
        if failures[0] >= 0:
            raise error
        return "done"

    return transaction


UNREACHABLE = Unreachable("unreachable")


def test_only_an_unreachable_server_and_a_locked_database_are_retried() -> None:
    assert Retrier(60.0).call(failing(2, UNREACHABLE)) == "done"
    assert Retrier(60.0).call(failing(2, Locked("locked"))) == "done"
    for error in (LeaseLost("lost"), DiskFull("full"), ValueError("odd")):
        with pytest.raises(type(error)):
            Retrier(60.0).call(failing(1, error))
    with pytest.raises(Unreachable):
        Retrier(0.0).call(failing(1, UNREACHABLE))


def test_a_changed_database_is_read_again_a_limited_number_of_times() -> None:
    assert Retrier(0.0).call(failing(3, Changed("changed"))) == "done"
    with pytest.raises(Changed):
        Retrier(0.0).call(failing(1000, Changed("changed")))


def test_patience_is_limited_per_outage_and_starts_again_after_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waits = [0.0], list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        now[0] += seconds
        return False

    retrier = Retrier(60.0)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(retrier._stopped, "wait", wait)
    with pytest.raises(Unreachable):
        retrier.call(failing(1000, UNREACHABLE))
    assert now[0] == pytest.approx(60.0)
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]  # doubled each time, up to 5 s
    assert max(waits) == 5.0
    with pytest.raises(Unreachable):  # the patience is used up: a last write is tried once
        retrier.call(failing(1, UNREACHABLE))
    assert now[0] == pytest.approx(60.0)
    assert retrier.call(lambda: "back") == "back"
    assert retrier.call(failing(3, UNREACHABLE)) == "done"


def test_an_interruption_ends_the_retries_of_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # A shell that starts the tests in the background makes them ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    retrier, errors = Retrier(3600.0), list[type[BaseException]]()
    others_wait = threading.Event()

    class Interrupted(threading.Event):
        """Has Ctrl-C come while the main thread waits for its next attempt, and the other one does."""

        def wait(self, timeout: float | None = None) -> bool:
            if threading.current_thread() is threading.main_thread():
                assert others_wait.wait(300)
                signal.raise_signal(signal.SIGINT)
            others_wait.set()
            return super().wait(timeout)

    monkeypatch.setattr(retrier, "_stopped", Interrupted())

    def retry() -> None:
        try:
            retrier.call(failing(10**6, UNREACHABLE))
        except Unreachable as error:
            errors.append(type(error))

    thread = threading.Thread(target=retry)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        retrier.call(failing(10**6, UNREACHABLE))
    signal.signal(signal.SIGINT, before)
    thread.join(timeout=300)
    assert errors == [Unreachable]


@pytest.mark.postgresql
def test_writes_during_a_short_outage_are_retried_and_stored_once(postgresql_server: Server) -> None:
    server = postgresql_server
    with Store.open(server.url(server.create_database()), patience=60.0) as store:
        study, epoch = driven(store, owner=ME, add=keys())
        other = store.create_study(spec(optimizer="Yogi")).id
        server.kill()
        restart = threading.Timer(1.0, server.start)
        restart.start()
        results: dict[str, Any] = {}
        threads = [
            threading.Thread(target=lambda: results.update(renewed=store.renew(study, epoch))),
            threading.Thread(target=lambda: results.update(epoch=store.acquire(other, owner=ME))),
        ]
        for thread in threads:
            thread.start()
        assert store.record(study, epoch, [evaluation(each) for each in keys()[:3]]) == [True] * 3
        for thread in [*threads, restart]:
            thread.join()
        assert results == {"renewed": None, "epoch": 1}
        assert store.studies()[0].counts[Status.FINISHED] == 3
        assert store.check().faults == ()


@pytest.mark.postgresql
def test_the_store_repeats_writes_whose_commit_reply_was_lost(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with LosingProxy(server.port) as proxy:
        url = server.url(name).replace(f":{server.port}/", f":{proxy.port}/")
        with Store.open(url, patience=60.0) as store:
            study = store.create_study(spec()).id
            proxy.lose_next_commit()
            epoch = store.acquire(study, owner=ME)
            assert epoch == 1
            proxy.lose_next_commit()
            store.add(study, epoch, [candidate(each) for each in keys()])
            for each in keys():
                proxy.lose_next_commit()
                store.start_attempt(study, epoch, [each], 1, "node", 1)
                proxy.lose_next_commit()
                store.record(study, epoch, [evaluation(each)])
            proxy.lose_next_commit()
            store.release(study, epoch, StudyStatus.STOPPED)
            assert proxy.lost == 15
            (record,) = store.studies()
            assert (record.status, record.owner) == (StudyStatus.STOPPED, None)
            assert [each.attempts for each in store.candidates(study)] == [1] * 6
            report = store.check()
            assert (report.results, report.faults) == (6, ())


@pytest.mark.postgresql
def test_a_study_acquired_by_another_driver_during_an_outage_is_lost(postgresql_server: Server) -> None:
    server = postgresql_server
    url = server.url(server.create_database())
    with Store.open(url, patience=60.0) as first, Store.open(url) as second:
        study = first.create_study(spec()).id
        epoch = first.acquire(study, owner="elsewhere:1", lease_seconds=0.01)
        time.sleep(0.05)
        server.kill()
        server.start()
        second.acquire(study, owner=ME)
        with pytest.raises(LeaseLost):
            first.renew(study, epoch)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time limits for a server that does not answer."""
    monkeypatch.setattr(answers, "ANSWER_TIMEOUT", 0.3)
    monkeypatch.setattr(answers, "CONNECT_TIMEOUT", 1)
    monkeypatch.setattr(answers, "RETRY_INTERVAL", 0.0)


@pytest.mark.postgresql
@pytest.mark.usefixtures("soon")
def test_a_server_that_hangs_is_unreachable_and_what_it_was_sent_is_stored_once(postgresql_server: Server) -> None:
    server = postgresql_server
    url = server.url(server.create_database())
    with Store.open(url, busy_timeout=0.2) as store, Store.open(url, busy_timeout=0.2, patience=60.0) as patient:
        study, epoch = driven(store, owner=ME, add=keys())
        with server.suspended():
            for _ in range(2):  # on a connection that is open, and on a new one
                with pytest.raises(Unreachable, match=r"cannot be reached.*the server has not answered within \d"):
                    store.record(study, epoch, [evaluation(keys()[0])])
            recorded: list[bool] = []
            thread = threading.Thread(target=lambda: recorded.extend(patient.record(study, epoch, results)))
            results = [evaluation(each) for each in keys()[1:3]]
            thread.start()
            time.sleep(1.0)
            assert recorded == []
        thread.join(60)
        assert recorded == [True, True]
        store.record(study, epoch, [evaluation(keys()[0])])
        assert store.studies()[0].counts[Status.FINISHED] == 3
        assert store.check().faults == ()


def test_while_one_connection_tries_a_server_that_hangs_the_others_fail_at_once(soon: None) -> None:
    psycopg = pytest.importorskip("psycopg")
    known = answers.Answers(0.5, threading.Event())

    def connect(patience: int) -> None:
        known.connect(host="127.0.0.1", port=port, user="lodo", dbname="studies", connect_timeout=patience)

    def try_for_an_hour() -> None:
        with contextlib.suppress(psycopg.OperationalError):
            connect(3600)

    with socket.create_server(("127.0.0.1", 0)) as never_answers:
        port = never_answers.getsockname()[1]
        with pytest.raises(psycopg.OperationalError, match="has not answered within 1 s"):
            connect(1)
        trying = threading.Thread(target=try_for_an_hour, daemon=True)
        trying.start()
        while not known._is_tried:
            assert trying.is_alive()
        with pytest.raises(psycopg.OperationalError, match="the server does not answer"):
            connect(3600)
    trying.join(60)  # the listener is closed: the server refuses now
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect(3600)


@pytest.mark.postgresql
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3.0])
def test_a_search_during_an_outage_ends_with_the_same_rows(
    postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory, seconds: float
) -> None:
    undisturbed = str(tmp_path_factory.mktemp("undisturbed") / "studies.db")
    assert wait_for_driver(drive(undisturbed)) == 0
    url = postgresql_server.url(postgresql_server.create_database())
    process = drive(url, COHORT_SECONDS="0.5", PATIENCE="60")
    time.sleep(2.0)
    postgresql_server.kill()
    time.sleep(seconds)
    postgresql_server.start()
    assert wait_for_driver(process) == 0
    assert rows(url) == rows(undisturbed)


@pytest.mark.parametrize("error", [UNREACHABLE, DiskFull("full"), LeaseLost("lost")])
def test_errors_that_interrupt_a_run_name_the_command_to_resume(error: Exception) -> None:
    message = str(error)
    with pytest.raises(type(error)) as caught, advice_on_error(lambda: "lodo-tune resume run"):
        raise error
    assert str(caught.value) == f"{message}. Finished candidates are kept. Continue with: lodo-tune resume run"


def test_errors_that_cannot_be_resumed_from_name_no_command() -> None:
    for error, command in ((Unreachable("a"), None), (NotOurs("a"), "lodo-tune resume run")):
        with pytest.raises(type(error)) as caught, advice_on_error(lambda command=command: command):  # type: ignore[misc]
            raise error
        assert str(caught.value) == "a"


def test_the_resume_command_names_the_database_unless_it_is_the_default(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, option in (("lodo-tune.db", ""), ("a b.db", " --database 'sqlite:///a b.db'")):
        with Store.open(name) as store:
            assert resume_command("run", store.url).replace("%20", " ") == f"lodo-tune resume run{option}"
