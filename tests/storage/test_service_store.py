"""Requests, tokens and the supervisor's lease, on both databases."""

import threading

import pytest

from tests.support.postgresql import a_postgresql_server  # noqa: F401 (a fixture)
from tests.support.store_values import spec
from tuner.core.requests import Cost, Desired, Outcome, State
from tuner.storage import LeaseLost, NotPossible, ServiceStore, Store, StudyExists, UnknownStudy, UnknownToken
from tuner.storage import this_process as me

COST = Cost(studies=1, candidates=4, evaluations=40, width=2, rounds={"rosenbrock/Adam": 40})
FIELDS = {"task": ["rosenbrock"], "seed": 2**62, "sigma": [0.1], "options": {"n": 3}}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    server = request.getfixturevalue("postgresql_server")
    return server.url(server.create_database())


@pytest.fixture
def store(url):
    with ServiceStore.open(url) as opened:
        yield opened


def submit(store, run="run", by="ann", **further):
    return store.submit(run, by=by, fields=FIELDS, cost=COST, **further)


def test_a_request_is_read_back_as_it_was_submitted_and_its_driver_holds_it(store):
    request, is_new = submit(store, is_private=True, weight=2.5)
    assert is_new
    assert (dict(request.fields), request.cost, request.is_private, request.weight) == (FIELDS, COST, True, 2.5)
    assert submit(store, by="bob") == (request, False)
    assert store.private_runs("bob") == {"run"}
    assert store.private_runs("ann") == frozenset()
    epoch = store.start_driver(request.id, 0, 2)
    assert store.start_driver(request.id, 0, 2) is None
    store.name_driver(request.id, epoch, me())
    claimed = store.claim(request.id, epoch, me())
    assert (claimed.state, claimed.driver, claimed.driver_lives) == (State.RUNNING, me(), True)
    assert claimed.driver_left > 10
    store.grant({request.id: 1}, {})
    store.ask("run", Desired.PAUSE, by="ann")
    told = store.heartbeat(request.id, epoch, 2)
    assert (told.desired, told.granted, store.request("run").using) == (Desired.PAUSE, 1, 2)
    with pytest.raises(LeaseLost):
        store.heartbeat(request.id, epoch + 1, 0)
    store.end_driver(request.id, epoch, Outcome.DRAINED)
    store.end_driver(request.id, epoch, Outcome.FAILED, "late")  # repeated, otherwise: no effect
    assert store.request("run").state is State.PAUSED
    with pytest.raises(LeaseLost):
        store.heartbeat(request.id, epoch, 0)


def test_a_name_is_taken_once_by_requests_and_studies_together(store, url):
    submit(store)
    with Store.open(url) as other:
        with pytest.raises(StudyExists):
            other.create_run([spec(run="run")])
        other.create_run([spec(run="elsewhere")])
        assert other.taken_names() == ["elsewhere", "run"]
    with pytest.raises(StudyExists):
        submit(store, "elsewhere")
    assert store.create_run([spec(run="run")])[0].spec.run == "run"  # its own driver


def test_of_many_that_submit_a_name_at_once_one_is_first(url):
    found, lock = [], threading.Lock()

    def try_it(number):
        with ServiceStore.open(url) as own:
            _, is_new = submit(own, by=f"user-{number}")
        with lock:
            found.append(is_new)

    ServiceStore.open(url).close()
    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 5 + [True]


def test_what_cannot_be_asked_is_refused_and_leaves_no_line_in_the_trail(store):
    submit(store)
    store.ask("run", Desired.STOP, by="ann")
    for call in (lambda: store.ask("run", Desired.RUN, by="ann"), lambda: store.retry("run", by="ann")):
        with pytest.raises(NotPossible):
            call()
    for call in (lambda: store.ask("none", Desired.RUN, by="ann"), lambda: store.retry("none\x00", by="ann")):
        with pytest.raises(UnknownStudy):
            call()
    assert [line.action for line in store.trail()] == ["stop", "submit"]
    assert [line.action for line in store.trail(before=store.trail()[0].id)] == ["submit"]


def test_one_service_supervises_and_another_takes_over_when_it_resigns(store):
    assert store.supervise(me()) is None
    assert store.supervise(me()) is None
    assert store.supervise("elsewhere:17") == me()
    store.resign(me())
    assert store.supervise("elsewhere:17") is None
    assert store.supervise(me()) == "elsewhere:17"


def test_tokens_hold_until_they_are_revoked(store):
    token = store.create_token(user="ann", sha256="a" * 64, scopes=["read"], by="operator", weight=2.0, days=1)
    store.create_token(user="ann", sha256="b" * 64, scopes=["read"], by="operator", weight=3.0)
    assert store.valid_token(sha256="a" * 64) == token
    assert store.valid_token(sha256="c" * 64) is None
    assert store.user_weights() == {"ann": 3.0}
    store.use_token(token.id)
    assert store.valid_token(token_id=token.id).last_used_at is not None
    assert store.revoke_token(token.id, by="operator") == store.revoke_token(token.id, by="operator")
    assert store.valid_token(token_id=token.id) is None
    with pytest.raises(UnknownToken):
        store.revoke_token(99, by="operator")


def test_every_change_of_a_request_but_a_heartbeat_changes_the_version_of_the_queue(store):
    versions = [store.queue_version()]
    request, _ = submit(store)
    versions.append(store.queue_version())
    epoch = store.start_driver(request.id, 0, 1)
    versions.append(store.queue_version())
    store.claim(request.id, epoch, me())
    versions.append(store.queue_version())
    store.ask("run", Desired.CANCEL, by="ann")
    versions.append(store.queue_version())
    assert len(set(versions)) == 5
    store.heartbeat(request.id, epoch, 1)
    assert store.queue_version() == versions[-1]
