"""Processes that are killed, suspended, or compete for a study."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, driven, evaluation, key, keys, losses, start_python, stored_values
from tuner.core.trial import Status
from tuner.storage import LeaseLost, Store

pytestmark = pytest.mark.faults


@pytest.fixture(params=["file", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"sqlite:///{tmp_path / 'studies.db'}"
    server: Server = request.getfixturevalue("postgresql_server")
    return server.url(server.create_database())


def test_all_values_are_read_back_after_reopening(url: str) -> None:
    with Store.open(url) as store:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(at) for at in keys()[:4]])
        before = stored_values(store, study)
    with Store.open(url, read_only=True) as reader:
        assert stored_values(reader, study) == before
    with Store.open(url) as store:
        assert stored_values(store, study) == before


WRITER = """
store = Store.open(sys.argv[1])
study, epoch = driven(store, sys.argv[2], this_process(), add=[key(slot) for slot in range(3000)])
for first in range(0, 3000, 4):
    store.record(study, epoch, [evaluation(key(slot)) for slot in range(first, first + 4)])
    print(first, flush=True)
"""


@pytest.mark.parametrize("commits", [3, 40])
def test_acknowledged_results_survive_a_killed_driver(url: str, commits: int) -> None:
    with start_python(WRITER, url, "run") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(commits)]
        process.kill()
        lines += process.stdout.readlines()
    acknowledged = {key(int(line) + slot) for line in lines if line.endswith("\n") for slot in range(4)}
    assert len(acknowledged) >= 4 * commits
    with Store.open(url) as store:
        study = store.studies()[0].id
        rows = {row.key: row for row in store.candidates(study)}
        finished = {at for at, row in rows.items() if row.status is Status.FINISHED}
        assert acknowledged <= finished
        assert len(finished - acknowledged) in (0, 4)  # a cohort that was committed but not yet printed; never a part
        for at in list(finished)[:50]:
            assert store.curve(study, at).tobytes() == losses(at).tobytes()
        epoch = store.acquire(study, owner=ME)  # its process has ended, so the lease need not expire
        repeated = [key(slot) for slot in range(8)]
        assert store.record(study, epoch, [evaluation(at) for at in repeated]) == [
            at not in finished for at in repeated
        ]
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


CONTENDER = """
while time.time() < float(sys.argv[4]): time.sleep(0.005)
store = Store.open(sys.argv[1])
study, epoch = driven(store, sys.argv[2], this_process(), add=[key(slot) for slot in range(40)])
for first in range(0, 40, 2):
    assert store.record(study, epoch, [evaluation(key(slot)) for slot in range(first, first + 2)]) == [True, True]
try: store.create_study(spec(sys.argv[3]))
except StudyExists: pass
try: won = store.acquire(store.find(sys.argv[3])[0].id, owner=this_process())
except StudyOwned: won = 0
print(won, flush=True)
sys.stdin.read()  # the owner of the shared study runs until the others have tried to acquire it
"""


@pytest.mark.parametrize("database", ["file", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_several_processes_can_create_and_fill_one_database_concurrently(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "file":
        url = str(tmp_path / "new.db")
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        url = server.url(server.create_database())
    begin = str(time.time() + 1.0)
    contenders = [start_python(CONTENDER, url, f"run{number}", "shared", begin) for number in range(3)]
    outputs = [process.stdout.readline() for process in contenders if process.stdout]
    for process in contenders:
        process.communicate(timeout=300)
    assert [process.returncode for process in contenders] == [0, 0, 0]
    assert sorted(map(int, outputs)) == [0, 0, 1]
    with Store.open(url, read_only=True) as store:
        studies = {record.spec.run: record for record in store.studies()}
        assert sorted(studies) == ["run0", "run1", "run2", "shared"]
        assert [studies[f"run{number}"].counts[Status.FINISHED] for number in range(3)] == [40, 40, 40]
    if database == "file":
        assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("new.db-")) == ["new.db"]


SLEEPER = """
store = Store.open(sys.argv[1])
study = store.create_study(spec()).id
epoch = store.acquire(study, owner=this_process(), lease_seconds=0.5)
store.add(study, epoch, [candidate(key(slot)) for slot in range(300)])
try:
    for slot in range(300):
        store.record(study, epoch, [evaluation(key(slot), fitness=1.0)])
        store.renew(study, epoch)
        print(slot, flush=True)
        time.sleep(0.01)
except LeaseLost as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


def test_a_driver_suspended_past_its_lease_writes_nothing_after_resuming(url: str) -> None:
    with start_python(SLEEPER, url) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        try:
            with Store.open(url) as store:
                study = store.find("run/Adam")[0].id
                epoch = acquire_after_expiry(store, study, within=60.0)
                unfinished = [row.key for row in store.candidates(study) if not row.status.is_final]
                store.record(study, epoch, [evaluation(at, fitness=2.0) for at in unfinished[:50]])
                before = stored_values(store, study)
                process.send_signal(signal.SIGCONT)
                lines = process.stdout.readlines()
                assert process.wait(timeout=300) == LeaseLost.exit_code == 73
                assert f"was taken over by {ME}" in lines[-1]
                assert stored_values(store, study) == before
        finally:
            process.kill()


def acquire_after_expiry(store: Store, study: int, within: float) -> int:
    end = time.monotonic() + within
    while True:
        try:
            return store.acquire(study, owner=ME)
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
