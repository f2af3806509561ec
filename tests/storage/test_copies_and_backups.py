"""Copies and backups of databases: damaged, in use, and interrupted."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.storage.test_database_verbs import fill_database, study_values
from tests.storage.test_storage_places import call_as_other_user, call_in_child, open_directory  # noqa: F401 - the last is a fixture
from tests.support.command_line import call, start
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, assert_one_line, driven, evaluation, key, keys
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import Damaged, DiskFull, StorageError, Store, Unwritable, backup, copying, maintenance

pytestmark = pytest.mark.faults


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return a database with one study."""
    fill_database(str(tmp_path / "studies.db"))
    return str(tmp_path / "studies.db")


def start_driven_study(store: Store, run: str = "driven") -> tuple[int, int]:
    """Create a study that a driver holds, with a running candidate."""
    study, epoch = driven(store, run, owner=ME, add=keys())
    store.record(study, epoch, [evaluation(key(0))])
    store.start_attempt(study, epoch, [key(1)], 1, "node-1", 17)
    return study, epoch


def test_a_backup_to_a_dangling_symbolic_link_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "m.db").symlink_to(tmp_path / "nowhere.db")
    outcome = call("database", "backup", tmp_path / "m.db", "--database", url)
    assert (outcome.code, outcome.out) == (1, "")
    assert "m.db' exists already; name another file for the backup" in outcome.err
    assert not (tmp_path / "nowhere.db").exists()


def test_only_one_of_several_concurrent_backups_to_one_file_succeeds(url: str, tmp_path: Path) -> None:
    barrier = threading.Barrier(3)
    outputs: list[str] = []

    def back_up() -> None:
        barrier.wait()
        try:
            maintenance.back_up(url, tmp_path / "m.db")
            outputs.append("made")
        except Unwritable as error:
            outputs.append(str(error).partition("'")[2].partition("' ")[2])

    threads = [threading.Thread(target=back_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outputs) == ["exists already; name another file for the backup"] * 2 + ["made"]
    assert study_values(str(tmp_path / "m.db")) == study_values(url)


def truncate(path: str) -> None:
    os.truncate(path, os.path.getsize(path) - 1000)


def overwrite_the_end(path: str) -> None:
    with open(path, "r+b") as file:
        file.seek(-3000, os.SEEK_END)
        file.write(b"\xff" * 2000)


def delete_a_curve(path: str) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM curves WHERE candidate_id = 1")
    raw.close()


@pytest.mark.parametrize("damage", [truncate, overwrite_the_end])
def test_a_damaged_file_is_neither_backed_up_nor_copied(
    url: str, tmp_path: Path, damage: Callable[[str], None]
) -> None:
    with Store.open(url) as store:  # long curves, so that the last page belongs to one
        study, epoch = driven(store, "long", owner=ME, add=keys())
        for each in keys():
            store.record(study, epoch, [evaluation(each, losses=list(range(3000)))])
        store.release(study, epoch, StudyStatus.INTERRUPTED)
    damage(url)
    outcome = call("database", "backup", tmp_path / "m.db", "--database", url)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"the database '{url}' is damaged" in outcome.err
    assert "restore it from an earlier backup" in outcome.err
    outcome = call("database", "copy", url, tmp_path / "copy.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert f"sqlite:///{url} is not sound" in outcome.err
    assert "restore it from a backup" in outcome.err
    assert not (tmp_path / "m.db").exists()


def test_an_inconsistent_study_is_not_copied_and_the_error_names_the_source(url: str, tmp_path: Path) -> None:
    delete_a_curve(url)
    outcome = call("database", "copy", url, tmp_path / "copy.db")
    assert (outcome.code, outcome.out) == (1, "")
    assert f"sqlite:///{url} is not sound: run/Adam search 0/0: has a result without its curve" in outcome.err
    with Store.open(str(tmp_path / "copy.db")) as store:
        assert store.studies() == []


@pytest.mark.parametrize("failing", ["source", "target"])
def test_an_error_names_the_one_of_two_databases_that_caused_it(url: str, tmp_path: Path, failing: str) -> None:
    target_url = str(tmp_path / "there.db")
    Store.open(target_url).close()
    expected = url if failing == "source" else target_url

    def fail_in_one() -> None:
        with (
            Store.open(url) as source,
            Store.open(target_url) as target,
            source._reading() as reading,
            target._writing() as writing,
        ):
            (reading if failing == "source" else writing).exec_driver_sql("SELECT * FROM nothing")

    with pytest.raises(StorageError, match=f"the database sqlite:///{expected} refused a statement") as caught:
        fail_in_one()
    assert_one_line(caught.value)


def test_a_backup_to_a_full_disk_raises_disk_full_and_leaves_no_file(url: str, tmp_path: Path) -> None:
    output = call_in_child(lambda: str(maintenance.back_up(url, tmp_path / "m.db")), file_bytes=40_000)
    assert output == f"DiskFull: the backup '{tmp_path}/m.db' cannot be created: no space left, or a limit reached"
    assert DiskFull.exit_code == 74
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".m.db", "m.db"))] == []


def test_a_read_only_database_can_be_backed_up(url: str, open_directory: Path) -> None:  # noqa: F811
    closed, free = open_directory / "closed", open_directory / "free"
    closed.mkdir()
    free.mkdir(mode=0o777)
    free.chmod(0o777)
    path = closed / "studies.db"
    path.write_bytes(Path(url).read_bytes())
    path.chmod(0o444)
    closed.chmod(0o555)
    try:
        assert call_as_other_user(lambda: str(backup.back_up(path, free / "m.db"))) == "None"
        (free / "m.db").chmod(0o644)
        assert study_values(str(free / "m.db")) == study_values(url)
        assert [each.name for each in closed.iterdir()] == ["studies.db"]
    finally:
        closed.chmod(0o777)


def test_copying_all_studies_skips_a_study_that_is_driven(url: str, tmp_path: Path) -> None:
    target = str(tmp_path / "there.db")
    with Store.open(url) as store:
        start_driven_study(store)
        fill_database(url, "last")
        outcome = call("database", "copy", url, target)
    assert outcome.out == "run/Adam: copied and compared\nlast/Adam: copied and compared\n"
    assert outcome.code == 73
    assert "the study driven/Adam is owned by" in outcome.err
    assert "copy it once that driver has ended" in outcome.err


def test_a_copy_of_a_study_whose_driver_was_killed_is_sound_and_can_be_resumed(tmp_path: Path) -> None:
    source, target = str(tmp_path / "here.db"), str(tmp_path / "there.db")
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    with Store.open(source) as store:
        study, _ = start_driven_study(store)
        with store._writing() as connection:  # as if its process had ended
            connection.exec_driver_sql("UPDATE studies SET lease_seconds = 0")
    assert call("database", "copy", source, target).code == 0
    outcome = call("database", "check", "--database", target)
    assert outcome.out.endswith("sound\n"), outcome.out
    assert call("database", "copy", source, target).out == "driven/Adam: already there, and identical\n"
    with Store.open(target) as store:
        (copied,) = store.studies()
        assert (copied.status, copied.owner) == (StudyStatus.INTERRUPTED, None)
        assert copied.counts[Status.RUNNING] == 0
        assert [each.outcome for each in store.attempts(copied.id)] == ["finished", "lost"]
        epoch = store.acquire(copied.id, owner=ME)
        assert store.record(copied.id, epoch, [evaluation(key(1))]) == [True]
    assert study == copied.id == 1


@pytest.mark.parametrize("is_snapshot", [False, True])
def test_rows_are_copied_between_files_as_they_are_between_any_two_databases(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_snapshot: bool
) -> None:
    with Store.open(url) as store:
        study, epoch = start_driven_study(store, "another")
        store.start_attempt(study, epoch, [key(2)], 1, "node-1", 18)
        store.record(study, epoch, [evaluation(key(2))])
        contents = []
        for number, are_files in enumerate((True, False)):
            monkeypatch.setattr(copying, "_are_files", lambda *_, are_files=are_files: are_files)
            copy = tmp_path / f"copy-{number}.db"
            with Store.open(str(copy)) as target, store._reading() as source, target._writing() as connection:
                for study_id in (study, *(one.id for one in store.studies() if one.id != study)):
                    copying.copy_study(source, connection, study_id, is_snapshot=is_snapshot)
            with sqlite3.connect(copy) as raw:
                contents.append([line for line in raw.iterdump() if line.startswith("INSERT")])
        assert contents[0] == contents[1]
        for table in ("candidates", "attempts", "evaluations", "curves", "observations"):
            assert any(f'INTO "{table}"' in line for line in contents[0]), table


def test_copying_to_a_database_in_memory_is_refused(url: str) -> None:
    for target in (":memory:", "sqlite://"):
        outcome = call("database", "copy", url, target)
        assert (outcome.code, outcome.out) == (2, "")
        assert "would be lost with this process" in outcome.err


@pytest.mark.postgresql
def test_a_backup_of_a_server_during_writes_is_consistent(postgresql_server: Server, tmp_path: Path) -> None:
    url, ended = postgresql_server.url(postgresql_server.create_database()), threading.Event()
    fill_database(url)
    with Store.open(url) as store:
        study, epoch = start_driven_study(store)
        numbers = iter(range(10_000))

        def write() -> None:
            while not ended.is_set():
                store.add_note(study, epoch, str(next(numbers)))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            outcome = call("database", "backup", tmp_path / "m.db", "--database", url)
        finally:
            ended.set()
            writer.join()
        assert outcome.code == 0, outcome.err
        assert store.studies()[1].owner == ME
    assert call("database", "check", "--database", tmp_path / "m.db").out.endswith("sound\n")
    assert study_values(str(tmp_path / "m.db")) == study_values(url)
    with Store.open(str(tmp_path / "m.db")) as store:
        copied = store.find("driven/Adam")[0]
        assert (copied.status, copied.owner) == (StudyStatus.INTERRUPTED, None)
        assert store.record(copied.id, store.acquire(copied.id, owner=ME), [evaluation(key(1))]) == [True]


INTERRUPTED_BACKUP = """
import os, signal
from tuner import cli
from tuner.storage import copying
how = int(sys.argv[3])
copying.copy_study = lambda *_: os.kill(os.getpid(), how) or time.sleep(30)
sys.argv = ["lodo-tune", "database", "backup", sys.argv[2], "--database", sys.argv[1]]
cli.main()
"""


@pytest.mark.slow
@pytest.mark.postgresql
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_backup_does_not_block_the_next_one(
    postgresql_server: Server, tmp_path: Path, how: signal.Signals
) -> None:
    url = postgresql_server.url(postgresql_server.create_database())
    fill_database(url)
    done = subprocess.run(
        [sys.executable, "-c", "import sys, time\n" + INTERRUPTED_BACKUP, url, str(tmp_path / "m.db"), str(int(how))],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if how == signal.SIGTERM:
        assert (done.returncode, done.stderr.strip()) == (143, "lodo-tune: terminated")
        assert list(tmp_path.iterdir()) == []
    else:
        assert done.returncode == -signal.SIGKILL
    assert call("database", "backup", tmp_path / "m.db", "--database", url).code == 0
    assert study_values(str(tmp_path / "m.db")) == study_values(url)


@pytest.mark.slow
@pytest.mark.postgresql
def test_an_interrupted_copy_to_a_server_prints_one_line(postgresql_server: Server, url: str) -> None:
    import psycopg

    name = postgresql_server.create_database()
    target = postgresql_server.url(name)
    Store.open(target).close()
    lock_waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with psycopg.connect(target) as other, psycopg.connect(target, autocommit=True) as monitor:
        other.execute("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE")
        process = start("database", "copy", url, target, folder=Path(url).parent)
        # Wait until the insertion of rows waits for the lock.
        while monitor.execute(lock_waits, [name]).fetchone() == (0,):
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err.strip()) == (130, "", "lodo-tune: interrupted")


def test_repeated_upgrades_of_the_same_content_keep_one_backup(url: str) -> None:
    first = backup.before_upgrade(Path(url), "0000")
    assert backup.before_upgrade(Path(url), "0000") == first
    assert backup.kept(Path(url), "0000") == [first]
    fill_database(url, "later")
    second = backup.before_upgrade(Path(url), "0000")
    assert backup.kept(Path(url), "0000") == [first, second]


def test_backing_up_an_unreadable_database_is_refused(url: str) -> None:
    Path(url).write_bytes(Path(url).read_bytes()[:5000])
    with pytest.raises(Damaged):
        backup.back_up(Path(url), Path(url).with_name("m.db"))
