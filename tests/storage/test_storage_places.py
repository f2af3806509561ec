"""Files that are read-only, locked or out of space."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import candidate, driven, evaluation, hashes, key, keys, one_line, spec
from tuner.core.trial import Status
from tuner.storage import (
    Changed,
    DiskFull,
    Locked,
    Store,
    Unwritable,
    sqlite_file,
)

pytestmark = pytest.mark.faults

NOBODY_ID = 65534


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a closed database with a study of six candidates, one of them finished."""
    path = tmp_path / "studies.db"
    with Store.open(str(path)) as store:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
    return path


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Yield a directory that another user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="lodo-"))
    path.chmod(0o777)
    yield path
    path.chmod(0o777)
    shutil.rmtree(path)


def forked(call: Callable[[], str], *, user: int | None = None, file_bytes: int | None = None) -> str:
    """Return what the call returns in a child process, as another user, or with a limit on the size of files.

    A fork and not a new interpreter: another user may be unable to read root's. It calls nothing but the store.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            said = call()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode("utf-8", "replace")[:60_000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def as_nobody(call: Callable[[], str]) -> str:
    """Return what the call returns for a user who is not root, to whom permissions mean nothing."""
    return forked(call, user=NOBODY_ID if os.geteuid() == 0 else None)


def counted(path: Path) -> str:
    with Store.open(str(path), read_only=True) as store:
        record = store.studies()[0]
        return f"{record.counts[Status.FINISHED]} finished, {store.curve(record.id, key()).size} losses"


@pytest.mark.parametrize("locked_up", ["file", "directory", "both"])
def test_what_is_read_only_can_be_read_and_says_so_when_it_is_to_be_written(
    database: Path, open_directory: Path, locked_up: str
) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o644 if locked_up == "directory" else 0o444)
    if os.geteuid() == 0 and locked_up == "directory":
        os.chown(path, NOBODY_ID, NOBODY_ID)
    open_directory.chmod(0o777 if locked_up == "file" else 0o555)
    before = hashes(open_directory)["studies.db"]
    assert as_nobody(lambda: counted(path)) == "1 finished, 20 losses"
    said = as_nobody(lambda: Store.open(str(path)).url)
    what = "directory" if locked_up == "directory" else "file"
    assert said == f"Unwritable: the database '{path}' cannot be written: its {what} is read-only for this user"
    assert hashes(open_directory)["studies.db"] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_a_reader_leaves_nothing_that_locks_the_owner_out(database: Path, open_directory: Path, mode: int) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(mode)
    assert as_nobody(lambda: counted(path)) == "1 finished, 20 losses"
    assert [each.name for each in open_directory.iterdir()] == ["studies.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
@pytest.mark.parametrize("by", ["its name", "a link"])
@pytest.mark.parametrize("locked_up", [True, False])
def test_a_reader_of_anothers_database_sees_what_is_written_while_it_looks(
    database: Path, open_directory: Path, by: str, locked_up: bool
) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o644)
    place = open_directory / "link"
    if by == "a link":
        place.mkdir()
        place.chmod(0o777)
        (place / "linked.db").symlink_to(path)
    looked_at = place / "linked.db" if by == "a link" else path
    if locked_up:
        open_directory.chmod(0o755)
    written, looked = os.pipe(), os.pipe()

    def watch() -> str:
        found = []
        with Store.open(str(looked_at), read_only=True) as store:
            for _ in range(3):
                found.append(store.studies()[0].counts[Status.FINISHED])
                os.write(looked[1], b"x")
                os.read(written[0], 1)
        return str(found)

    def write() -> None:
        os.read(looked[0], 1)
        with Store.open(str(path)) as store:
            store.record(1, 1, [evaluation(key(1))])
            os.write(written[1], b"x")
            os.read(looked[0], 1)
            store.record(1, 1, [evaluation(key(2))])
        os.write(written[1], b"xx")

    writer = threading.Thread(target=write)
    writer.start()
    assert as_nobody(watch) == "[1, 2, 3]"
    writer.join()


def test_a_database_that_is_written_to_while_it_is_read_without_locks_is_read_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sqlite_file.identity(database)
    assert sqlite_file.is_unchanged(database, before)
    monkeypatch.setattr(sqlite_file, "must_read_without_locks", lambda path: True)
    with Store.open(str(database), read_only=True) as reader:

        def read_while_somebody_writes() -> None:
            with reader._reading() as connection, Store.open(str(database)) as writer:
                connection.exec_driver_sql("SELECT COUNT(*) FROM studies").scalar_one()
                writer.create_study(spec("next"))

        with pytest.raises(Changed, match="was written to while it was read"):
            read_while_somebody_writes()
        assert len(reader.studies()) == 2


def test_a_new_database_in_a_read_only_directory_is_refused(open_directory: Path) -> None:
    open_directory.chmod(0o555)
    said = as_nobody(lambda: Store.open(str(open_directory / "new.db")).url)
    assert said == f"Unwritable: the database '{open_directory}/new.db' cannot be created: permission denied"
    assert list(open_directory.iterdir()) == []


def test_a_database_that_may_not_be_read_is_refused(database: Path, open_directory: Path) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o000)
    assert as_nobody(lambda: counted(path)) == f"Unwritable: the database '{path}' cannot be opened: permission denied"


@pytest.mark.parametrize("place", ["missing/new.db", "file/new.db"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_directory_that_is_none_is_refused(tmp_path: Path, place: str, read_only: bool) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unwritable, match=r"new\.db") as caught:
        Store.open(str(tmp_path / place), read_only=read_only)
    one_line(caught.value)


def holder(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process that locks the database, and return once it holds the lock."""
    script = (
        "import sqlite3, sys, time\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN EXCLUSIVE'); print('held', flush=True); time.sleep(float(sys.argv[2]))\n"
        "connection.execute('COMMIT')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_database_that_stays_locked_ends_with_try_again_and_can_be_read_meanwhile(database: Path) -> None:
    with Store.open(str(database), busy_timeout=0.3) as store, holder(database, 60) as process:
        with pytest.raises(Locked, match=r"is locked by another process; waited 0\.3 s") as caught:
            store.create_study(spec("next"))
        assert caught.value.exit_code == 75
        one_line(caught.value)
        assert len(store.studies()) == 1
        with Store.open(str(database), read_only=True) as reader:
            assert len(reader.candidates(1)) == 6
        process.kill()
        process.wait()
        store.create_study(spec("next"))
        assert len(store.studies()) == 2


def test_a_lock_that_is_let_go_in_time_is_waited_for(database: Path) -> None:
    with Store.open(str(database)) as store, holder(database, 0.5):
        store.create_study(spec("next"))
        assert len(store.studies()) == 2


@pytest.fixture
def small_pages(database: Path) -> Iterator[Callable[[int | None], None]]:
    """Yield a function that limits the number of pages of new connections."""
    limit: list[int | None] = [None]

    def connected(connection: sqlite3.Connection, _: object) -> None:
        if limit[0] is not None:
            connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    event.listen(Engine, "connect", connected)
    yield lambda pages: limit.__setitem__(0, pages)
    event.remove(Engine, "connect", connected)


def test_a_full_disk_ends_with_its_own_code_and_loses_nothing(
    database: Path, small_pages: Callable[[int | None], None]
) -> None:
    small_pages(database.stat().st_size // 4096 + 40)
    places = [key(slot, 7) for slot in range(2000)]
    with Store.open(str(database)) as store:
        study, epoch = driven(store, "big", add=places[:50])
        recorded = 0

        def record_all() -> None:
            nonlocal recorded
            for first in range(0, 50, 2):
                store.record(study, epoch, [evaluation(at, error="x" * 4000) for at in places[first : first + 2]])
                recorded += 2

        with pytest.raises(DiskFull, match="no space left, or a limit reached") as caught:
            record_all()
        assert caught.value.exit_code == 74
        one_line(caught.value)
        assert 0 < recorded < 50
    small_pages(None)
    with Store.open(str(database)) as store:
        finished = [row.key for row in store.candidates(study) if row.status is Status.FINISHED]
        assert finished == places[:recorded]
        assert store.record(study, epoch, [evaluation(at) for at in places[:50]]) == [False] * recorded + [True] * (
            50 - recorded
        )


def test_a_limit_on_the_size_of_files_is_a_full_disk(database: Path) -> None:
    def fill() -> str:
        with Store.open(str(database)) as store:
            study, epoch = driven(store, "big")
            for first in range(1000):
                store.add(study, epoch, [candidate(key(first * 50 + slot)) for slot in range(50)])
        return "never full"

    said = forked(fill, file_bytes=400_000)
    assert said.startswith(
        f"DiskFull: the database sqlite:///{database} cannot grow: no space left, or a limit reached"
    )
    with Store.open(str(database)) as store:
        assert len(store.candidates(1)) == 6
        left = store.candidates(store.find("big")[0].id)
        assert len(left) > 0
        assert len(left) % 50 == 0
        store.create_study(spec("next"))


def test_a_new_database_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    said = forked(lambda: Store.open(str(tmp_path / "new.db")).url, file_bytes=20_000)
    assert said.startswith(f"DiskFull: the database sqlite:///{tmp_path}/new.db")
    assert list(tmp_path.iterdir()) == []
