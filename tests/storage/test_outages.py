"""Outages of a database server during a run."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.studies.test_driver_faults import drive, ended, rows
from tests.support.losing_proxy import LosingProxy
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, candidate, driven, evaluation, keys, spec
from tuner.cli.interruption import advice_on_error, resume_command
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Changed, DiskFull, LeaseLost, NotOurs, Store, Unreachable
from tuner.storage.retries import Retrier

pytestmark = pytest.mark.faults


def failing(times: int, error: Exception) -> Callable[[], str]:
    """Return a transaction that fails a given number of times."""
    left = [times]

    def transaction() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return "done"

    return transaction


AWAY = Unreachable("away")


def test_what_fails_while_the_server_is_away_is_tried_again_and_nothing_else_is() -> None:
    assert Retrier(60.0).call(failing(2, AWAY)) == "done"
    for error in (LeaseLost("lost"), DiskFull("full"), ValueError("odd")):
        with pytest.raises(type(error)):
            Retrier(60.0).call(failing(1, error))
    with pytest.raises(Unreachable):
        Retrier(0.0).call(failing(1, AWAY))


def test_what_was_disturbed_is_read_again_without_patience_and_not_for_ever() -> None:
    assert Retrier(0.0).call(failing(3, Changed("changed"))) == "done"
    with pytest.raises(Changed):
        Retrier(0.0).call(failing(1000, Changed("changed")))


def test_an_outage_is_one_whoever_meets_it_and_the_next_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waits = [0.0], list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        now[0] += seconds
        return False

    retrier = Retrier(60.0)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(retrier._stopped, "wait", wait)
    with pytest.raises(Unreachable):
        retrier.call(failing(1000, AWAY))
    assert now[0] == pytest.approx(60.0)
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]  # twice the last, and 5 s at most
    assert max(waits) == 5.0
    with pytest.raises(Unreachable):  # what a driver that gives up has still to write is tried once
        retrier.call(failing(1, AWAY))
    assert now[0] == pytest.approx(60.0)
    assert retrier.call(lambda: "back") == "back"
    assert retrier.call(failing(3, AWAY)) == "done"


def test_an_interruption_ends_the_waiting_in_all_threads() -> None:
    # A shell that starts the tests in the background lets them ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    retrier, ended_by = Retrier(3600.0), list[type[BaseException]]()

    def beat() -> None:
        try:
            retrier.call(failing(10**6, AWAY))
        except Unreachable as error:
            ended_by.append(type(error))

    thread = threading.Thread(target=beat)
    thread.start()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        retrier.call(failing(10**6, AWAY))
    signal.signal(signal.SIGINT, before)
    thread.join(timeout=10)
    assert ended_by == [Unreachable]


@pytest.mark.postgresql
def test_a_server_that_is_away_for_a_moment_is_waited_for_and_nothing_is_doubled(postgresql_server: Server) -> None:
    server = postgresql_server
    with Store.open(server.url(server.create_database()), patience=60.0) as store:
        study, epoch = driven(store, owner=ME, add=keys())
        other = store.create_study(spec(optimizer="Yogi")).id
        server.kill()
        back = threading.Timer(1.0, server.start)
        back.start()
        said: dict[str, Any] = {}
        threads = [
            threading.Thread(target=lambda: said.update(renewed=store.renew(study, epoch))),
            threading.Thread(target=lambda: said.update(epoch=store.acquire(other, owner=ME))),
        ]
        for thread in threads:
            thread.start()
        assert store.record(study, epoch, [evaluation(each) for each in keys()[:3]]) == [True] * 3
        for thread in [*threads, back]:
            thread.join()
        assert said == {"renewed": None, "epoch": 1}
        assert store.studies()[0].counts[Status.FINISHED] == 3
        assert store.check().faults == ()


@pytest.mark.postgresql
def test_what_was_done_and_not_heard_of_is_said_again_by_the_store_itself(postgresql_server: Server) -> None:
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
            found = store.check()
            assert (found.results, found.faults) == (6, ())


@pytest.mark.postgresql
def test_a_study_that_another_took_during_the_outage_stays_his(postgresql_server: Server) -> None:
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


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("seconds", [3.0])
def test_a_driver_outlives_an_outage_and_finds_the_same(
    postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory, seconds: float
) -> None:
    plain = str(tmp_path_factory.mktemp("undisturbed") / "studies.db")
    assert ended(drive(plain)) == 0
    url = postgresql_server.url(postgresql_server.create_database())
    process = drive(url, COHORT_SECONDS="0.5", PATIENCE="60")
    time.sleep(2.0)
    postgresql_server.kill()
    time.sleep(seconds)
    postgresql_server.start()
    assert ended(process) == 0
    assert rows(url) == rows(plain)


@pytest.mark.parametrize("error", [AWAY, DiskFull("full"), LeaseLost("lost")])
def test_what_ends_a_run_for_now_says_how_it_goes_on(error: Exception) -> None:
    plain = str(error)
    with pytest.raises(type(error)) as caught, advice_on_error(lambda: "lodo-tune resume run"):
        raise error
    assert str(caught.value) == f"{plain}. What is finished is kept. Go on with: lodo-tune resume run"


def test_what_ends_a_run_before_it_began_or_for_good_says_no_such_thing() -> None:
    for error, command in ((Unreachable("a"), None), (NotOurs("a"), "lodo-tune resume run")):
        with pytest.raises(type(error)) as caught, advice_on_error(lambda command=command: command):  # type: ignore[misc]
            raise error
        assert str(caught.value) == "a"


def test_the_command_to_go_on_names_the_database_unless_it_is_the_usual_one(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, place in (("lodo-tune.db", ""), ("a b.db", " --database 'sqlite:///a b.db'")):
        with Store.open(name) as store:
            assert resume_command("run", store.url).replace("%20", " ") == f"lodo-tune resume run{place}"
