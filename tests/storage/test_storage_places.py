"""Files that are read-only, locked or out of space."""

from __future__ import annotations

import os
import resource
import shutil
import signal
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
from tests.support.store_values import assert_one_line, candidate, driven, evaluation, hashes, key, keys, spec
from tuner.core.folders import check_writable
from tuner.core.trial import Status
from tuner.execution.ray.folder import make_folder
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
    """Yield a directory that all users can write to, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="lodo-"))
    path.chmod(0o777)
    yield path
    path.chmod(0o777)
    shutil.rmtree(path)


def call_in_child(call: Callable[[], str], *, user: int | None = None, file_bytes: int | None = None) -> str:
    """Call a function in a child process, as another user or with a limit on the size of files.

    The child is a fork and not a new interpreter, because another user may be unable to read root's. The function may
    use only the store.

    Returns:
        What the function returns, or the type and message of its exception.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(120)  # a fork of a process with threads may wait for a lock that none of its threads holds
        try:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            output = call()
        except BaseException as error:
            output = f"{type(error).__name__}: {error}"
        os.write(write, output.encode("utf-8", "replace")[:60_000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        output = pipe.read().decode()
    os.waitpid(pid, 0)
    return output


def call_as_other_user(call: Callable[[], str]) -> str:
    """Call a function in a child process as a user other than root, because root ignores permissions."""
    return call_in_child(call, user=NOBODY_ID if os.geteuid() == 0 else None)


def describe(path: Path) -> str:
    with Store.open(str(path), read_only=True) as store:
        record = store.studies()[0]
        return f"{record.counts[Status.FINISHED]} finished, {store.curve(record.id, key()).size} losses"


@pytest.mark.parametrize("read_only_part", ["file", "directory", "both"])
def test_a_read_only_database_can_be_read_and_refuses_to_be_opened_for_writing(
    database: Path, open_directory: Path, read_only_part: str
) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o644 if read_only_part == "directory" else 0o444)
    if os.geteuid() == 0 and read_only_part == "directory":
        os.chown(path, NOBODY_ID, NOBODY_ID)
    open_directory.chmod(0o777 if read_only_part == "file" else 0o555)
    before = hashes(open_directory)["studies.db"]
    assert call_as_other_user(lambda: describe(path)) == "1 finished, 20 losses"
    output = call_as_other_user(lambda: Store.open(str(path)).url)
    what = "directory" if read_only_part == "directory" else "file"
    assert output == f"Unwritable: the database '{path}' cannot be written: its {what} is read-only for this user"
    assert hashes(open_directory)["studies.db"] == before


@pytest.mark.parametrize("umask", [0o777, 0o277, 0o477])
def test_a_umask_that_denies_what_is_created_is_named_and_nothing_remains(open_directory: Path, umask: int) -> None:
    reason = f"the umask {umask:04o} denies this user what it creates itself; 0022 is usual"

    def under_umask(call: Callable[[], object]) -> Callable[[], str]:
        def run() -> str:
            os.umask(umask)
            return str(call())

        return run

    path = open_directory / "new.db"
    output = call_as_other_user(under_umask(lambda: Store.open(str(path)).url))
    assert output == f"Unwritable: the database '{path}' cannot be created: {reason}"
    if umask & 0o300:  # a folder that may be written and entered is created, and removed again
        output = call_as_other_user(under_umask(lambda: check_writable("output", open_directory / "output")))
        assert output == f"InvalidRequest: output: nothing can be written to {open_directory / 'output'}: {reason}"
        output = call_as_other_user(under_umask(lambda: make_folder(open_directory)))
        assert output == f"LodoTuneError: Ray cannot be started: {reason}"
    assert list(open_directory.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_reading_another_users_database_leaves_no_files(database: Path, open_directory: Path, mode: int) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(mode)
    assert call_as_other_user(lambda: describe(path)) == "1 finished, 20 losses"
    assert [each.name for each in open_directory.iterdir()] == ["studies.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
@pytest.mark.parametrize("reader_opens", ["the file", "a link"])
@pytest.mark.parametrize("directory_is_read_only", [True, False])
def test_a_reader_of_another_users_database_sees_concurrent_writes(
    database: Path, open_directory: Path, reader_opens: str, directory_is_read_only: bool
) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o644)
    folder = open_directory / "link"
    if reader_opens == "a link":
        folder.mkdir()
        folder.chmod(0o777)
        (folder / "linked.db").symlink_to(path)
    path_of_reader = folder / "linked.db" if reader_opens == "a link" else path
    if directory_is_read_only:
        open_directory.chmod(0o755)
    write_pipe, read_pipe = os.pipe(), os.pipe()

    def read_three_times() -> str:
        counts = []
        with Store.open(str(path_of_reader), read_only=True) as store:
            for _ in range(3):
                counts.append(store.studies()[0].counts[Status.FINISHED])
                os.write(read_pipe[1], b"x")
                os.read(write_pipe[0], 1)
        return str(counts)

    def write() -> None:
        os.read(read_pipe[0], 1)
        with Store.open(str(path)) as store:
            store.record(1, 1, [evaluation(key(1))])
            os.write(write_pipe[1], b"x")
            os.read(read_pipe[0], 1)
            store.record(1, 1, [evaluation(key(2))])
        os.write(write_pipe[1], b"xx")

    writer = threading.Thread(target=write)
    writer.start()
    assert call_as_other_user(read_three_times) == "[1, 2, 3]"
    writer.join()


def test_a_read_without_locks_is_repeated_if_the_database_changed_meanwhile(
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


def test_creating_a_database_in_a_read_only_directory_is_refused(open_directory: Path) -> None:
    open_directory.chmod(0o555)
    output = call_as_other_user(lambda: Store.open(str(open_directory / "new.db")).url)
    assert output == f"Unwritable: the database '{open_directory}/new.db' cannot be created: permission denied"
    assert list(open_directory.iterdir()) == []


def test_a_database_without_read_permission_is_refused(database: Path, open_directory: Path) -> None:
    path = Path(shutil.copy(database, open_directory))
    path.chmod(0o000)
    assert (
        call_as_other_user(lambda: describe(path))
        == f"Unwritable: the database '{path}' cannot be opened: permission denied"
    )


@pytest.mark.parametrize("path", ["missing/new.db", "file/new.db"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_path_without_a_directory_is_refused(tmp_path: Path, path: str, read_only: bool) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unwritable, match=r"new\.db") as caught:
        Store.open(str(tmp_path / path), read_only=read_only)
    assert_one_line(caught.value)


def lock_database(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process that locks the database for a time, and return it once it holds the lock."""
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


def test_a_write_to_a_locked_database_times_out_while_reads_succeed(database: Path) -> None:
    with Store.open(str(database), busy_timeout=0.3) as store, lock_database(database, 60) as process:
        with pytest.raises(Locked, match=r"is locked by another process; waited 0\.3 s") as caught:
            store.create_study(spec("next"))
        assert caught.value.exit_code == 75
        assert_one_line(caught.value)
        assert len(store.studies()) == 1
        with Store.open(str(database), read_only=True) as reader:
            assert len(reader.candidates(1)) == 6
        process.kill()
        process.wait()
        store.create_study(spec("next"))
        assert len(store.studies()) == 2


def test_a_write_waits_for_a_lock_that_is_released_in_time(database: Path) -> None:
    with Store.open(str(database)) as store, lock_database(database, 0.5):
        store.create_study(spec("next"))
        assert len(store.studies()) == 2


@pytest.fixture
def small_pages(database: Path) -> Iterator[Callable[[int | None], None]]:
    """Yield a function that limits the number of pages of new connections."""
    limit: list[int | None] = [None]

    def set_limit(connection: sqlite3.Connection, _: object) -> None:
        if limit[0] is not None:
            connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    event.listen(Engine, "connect", set_limit)
    yield lambda pages: limit.__setitem__(0, pages)
    event.remove(Engine, "connect", set_limit)


def test_a_full_disk_raises_disk_full_and_loses_no_recorded_result(
    database: Path, small_pages: Callable[[int | None], None]
) -> None:
    small_pages(database.stat().st_size // 4096 + 40)
    members = [key(slot, 7) for slot in range(2000)]
    with Store.open(str(database)) as store:
        study, epoch = driven(store, "big", add=members[:50])
        recorded = 0

        def record_all() -> None:
            nonlocal recorded
            for first in range(0, 50, 2):
                store.record(study, epoch, [evaluation(at, error="x" * 4000) for at in members[first : first + 2]])
                recorded += 2

        with pytest.raises(DiskFull, match="no space left, or a limit reached") as caught:
            record_all()
        assert caught.value.exit_code == 74
        assert_one_line(caught.value)
        assert 0 < recorded < 50
    small_pages(None)
    with Store.open(str(database)) as store:
        finished = [row.key for row in store.candidates(study) if row.status is Status.FINISHED]
        assert finished == members[:recorded]
        assert store.record(study, epoch, [evaluation(at) for at in members[:50]]) == [False] * recorded + [True] * (
            50 - recorded
        )


def test_exceeding_the_file_size_limit_raises_disk_full(database: Path) -> None:
    def fill() -> str:
        with Store.open(str(database)) as store:
            study, epoch = driven(store, "big")
            for first in range(1000):
                store.add(study, epoch, [candidate(key(first * 50 + slot)) for slot in range(50)])
        return "never full"

    output = call_in_child(fill, file_bytes=400_000)
    assert output.startswith(
        f"DiskFull: the database sqlite:///{database} cannot grow: no space left, or a limit reached"
    )
    with Store.open(str(database)) as store:
        assert len(store.candidates(1)) == 6
        added = store.candidates(store.find("big")[0].id)
        assert len(added) > 0
        assert len(added) % 50 == 0
        store.create_study(spec("next"))


def test_a_database_that_does_not_fit_on_the_disk_leaves_no_file(tmp_path: Path) -> None:
    output = call_in_child(lambda: Store.open(str(tmp_path / "new.db")).url, file_bytes=20_000)
    assert output.startswith(f"DiskFull: the database sqlite:///{tmp_path}/new.db")
    assert list(tmp_path.iterdir()) == []
