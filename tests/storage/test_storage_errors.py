"""Errors for foreign, damaged and missing databases, without passwords."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import assert_one_line, driven, evaluation, hashes, key, keys, spec
from tuner.storage import (
    BadUrl,
    Damaged,
    DiskFull,
    Locked,
    NewerSchema,
    NoDatabase,
    NotOurs,
    StorageError,
    Store,
    StudyOwned,
    Unreachable,
    Unwritable,
    urls,
)
from tuner.storage.schema import VERSION_TABLE

pytestmark = pytest.mark.faults


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a closed database with a study of six candidates, one of them finished."""
    path = tmp_path / "studies.db"
    with Store.open(str(path)) as store:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
    return path


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def foreign(path: Path) -> None:
    sql(path, "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('Ada')")


def foreign_with_log(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE customers (name TEXT)")


def foreign_by_alembic(path: Path) -> None:
    sql(path, "CREATE TABLE alembic_version (version_num TEXT)", "CREATE TABLE studies (id INTEGER)")


def ours_emptied(path: Path) -> None:
    sql(path, f"PRAGMA application_id = {0x4C4F444F}", "CREATE TABLE customers (name TEXT)")


SHAPES: dict[str, tuple[Callable[[Path], Any], type[StorageError], str]] = {
    "empty file": (lambda path: path.write_bytes(b""), NotOurs, "empty file"),
    "text file": (lambda path: path.write_text("losses: 1, 2, 3\n" * 50), NotOurs, "not a SQLite database"),
    "short text": (lambda path: path.write_text("x"), NotOurs, "not a SQLite database"),
    "garbage": (lambda path: path.write_bytes(os.urandom(8192)), NotOurs, "not a SQLite database"),
    "header only": (lambda path: path.write_bytes(b"SQLite format 3\x00"), NotOurs, "not a SQLite database"),
    "directory": (lambda path: path.mkdir(), NotOurs, "directory"),
    "foreign": (foreign, NotOurs, "another program"),
    "foreign with a log": (foreign_with_log, NotOurs, "another program"),
    "foreign by Alembic": (foreign_by_alembic, NotOurs, "another program"),
    "empty SQLite file": (lambda path: sql(path, "PRAGMA user_version = 1"), NotOurs, "another program"),
    "our mark on others' tables": (ours_emptied, NotOurs, "another program"),
    "our mark without tables": (lambda path: sql(path, f"PRAGMA application_id = {0x4C4F444F}"), Damaged, "no tables"),
}


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_that_is_not_a_lodo_tune_database_is_refused_and_left_unchanged(
    tmp_path: Path, shape: str, read_only: bool
) -> None:
    make, kind, text = SHAPES[shape]
    path = tmp_path / "some.db"
    make(path)
    before = hashes(tmp_path)
    with pytest.raises(kind, match=text) as caught:
        Store.open(str(path), read_only=read_only)
    assert_one_line(caught.value)
    assert "some.db" in str(caught.value)
    assert hashes(tmp_path) == before


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def bad_first_table(path: Path) -> None:
    with path.open("r+b") as file:  # the page after the schema's begins the tables
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("damage", [half, bad_first_table])
def test_a_damaged_database_is_refused_and_left_unchanged(
    database: Path, damage: Callable[[Path], None], read_only: bool
) -> None:
    damage(database)
    before = hashes(database.parent)["studies.db"]
    with pytest.raises(Damaged, match=r"damaged: restore it|studies\.db") as caught:
        Store.open(str(database), read_only=read_only).studies()
    assert_one_line(caught.value)
    assert hashes(database.parent)["studies.db"] == before


@pytest.mark.parametrize("versions", ["", "'0001'), ('0002'", "'ab12'", "NULL"])
def test_a_database_without_exactly_one_version_is_damaged(database: Path, versions: str) -> None:
    sql(database, f"DROP TABLE {VERSION_TABLE}", f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)")
    if versions:
        sql(database, f"INSERT INTO {VERSION_TABLE} VALUES ({versions})")
    with pytest.raises(Damaged, match="one version number"):
        Store.open(str(database))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_database_is_left_unchanged(database: Path, read_only: bool) -> None:
    sql(database, f"UPDATE {VERSION_TABLE} SET version_num = '0099'")
    before = hashes(database.parent)["studies.db"]
    with pytest.raises(NewerSchema, match=r"0099.*update lodo-tune"):
        Store.open(str(database), read_only=read_only)
    assert hashes(database.parent)["studies.db"] == before


def test_reading_a_missing_database_is_refused_and_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match=r"no database '.*none\.db'"):
        Store.open(str(tmp_path / "none.db"), read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_not_created_beside_the_log_of_a_deleted_one(database: Path) -> None:
    """SQLite would replay that log into it."""
    with Store.open(str(database)) as store:
        store.create_study(spec("unwritten"))
        shutil.copy(f"{database}-wal", database.with_name("kept"))
    database.unlink()
    shutil.move(database.with_name("kept"), f"{database}-wal")
    with pytest.raises(Unwritable, match=r"studies\.db-wal' belongs to a database that was deleted"):
        Store.open(str(database))
    assert not database.exists()


@pytest.mark.parametrize("step", ["upgrade", "_publish"])
def test_a_failed_creation_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    from tuner.storage import schema, sqlite_file

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(schema if step == "upgrade" else sqlite_file, step, fail)
    with pytest.raises(DiskFull, match="cannot be created: no space left"):
        Store.open(str(tmp_path / "new.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_database_can_be_created_without_support_for_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with Store.open(str(tmp_path / "new.db")) as store:
        driven(store)
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://u@h/d",
        "sqlite:///a.db?mode=ro",
        "sqlite:///my data ü#?.db",
        "sqlite:a.db",
        "file:a.db?mode=ro",
        "file::memory:",
        "postgresql://u@h/d?sslmode",
        "postgresql:/lodo@h/d",
        "lodo:@h/d",
        "host=h dbname=d",
        "sqlite://host/a.db",
        "postgresql://u@h:port/d",
        "a\x00b",
        "\ud800",
        "://",
    ],
)
def test_an_invalid_database_url_is_refused_with_the_accepted_forms(url: str) -> None:
    with pytest.raises(BadUrl, match="accepted are a file name, sqlite:///FILE and postgresql://") as caught:
        Store.open(url)
    assert_one_line(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_with_characters_of_a_url_is_opened_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my data ü#?.db", "./file:a.db?mode=ro"):
        Store.open(name).close()
        assert Path(name).stat().st_size
    assert {each.name for each in tmp_path.iterdir()} == {"my data ü#?.db", "file:a.db?mode=ro"}


def test_a_database_in_memory_cannot_be_opened_read_only() -> None:
    with pytest.raises(NoDatabase):
        Store.open("sqlite://", read_only=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://lodo:s3cret@127.0.0.1:{port}/d",
        "postgresql://lodo@127.0.0.1:{port}/d?password=s3cret",
        "postgresql://lodo:s3cret@127.0.0.1:{port}/d?sslpassword=s3cret&application_name=x",
        "postgresql://lodo:s3cret@127.0.0.1:not-a-port/d",
        "mysql://lodo:s3cret@h/d",
        "sqlite://lodo:s3cret@h/d",
        "sqlite:///a.db?password=s3cret",
        "postgresql://lodo:s3cret@[::1/d",
        "postgresql://lodo:p@s3cret@127.0.0.1:{port}/d",
        "postgresql://lodo:p@s3cret/x@127.0.0.1:{port}/d",
        "postgresql:/lodo:s3cret@127.0.0.1:{port}/d",
        "POSTGRESQL:lodo:s3cret@127.0.0.1/d",
        "lodo:s3cret@127.0.0.1/d",
        "lodo:s3/cret/s3cret@127.0.0.1/d",
        "postgresql://lodo@127.0.0.1:{port}/d?pwd=s3cret",
        "host=127.0.0.1 port={port} user=lodo password=s3cret",
        "password = s3cret host = 127.0.0.1",
    ],
)
def test_no_password_is_ever_printed(
    url: str, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError) as caught:
        Store.open(url.format(port=free_port()))
    text = "".join(traceback.format_exception(caught.value)) + str(caught.value) + repr(caught.value)
    assert "s3cret" not in text
    assert "s3cret" not in "".join(capfd.readouterr())
    assert_one_line(caught.value)
    assert list(tmp_path.iterdir()) == []  # nor does it become the name of a file


def test_the_scheme_of_a_url_is_case_insensitive() -> None:
    assert urls.shown(urls.parse("PostgreSQL://lodo@h/d")) == "postgresql://lodo@h/d"


def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotOurs, match="not an ordinary file"):
        Store.open(str(tmp_path / "pipe"))


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("length", [253, 300])
def test_a_file_name_that_is_too_long_is_refused(tmp_path: Path, length: int, read_only: bool) -> None:
    """With 253 characters the file can be named, and the log beside it cannot."""
    with pytest.raises((Unwritable, NoDatabase)) as caught:
        Store.open(str(tmp_path / ("x" * length)), read_only=read_only)
    assert_one_line(caught.value)
    assert "Errno" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_dangling_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "studies.db").symlink_to(tmp_path / "gone.db")
    for read_only in (True, False):
        with pytest.raises(Unwritable, match="is a symbolic link to a file that does not exist"):
            Store.open(str(tmp_path / "studies.db"), read_only=read_only)


@pytest.mark.postgresql
def test_the_url_and_the_errors_of_a_store_omit_the_password(postgresql_server: Server) -> None:
    server, name = postgresql_server, postgresql_server.create_database()
    with Store.open(f"postgresql://lodo:s3cret@127.0.0.1:{server.port}/{name}?password=s3cret") as store:
        assert store.url == f"postgresql://lodo:***@127.0.0.1:{server.port}/{name}?password=***"
        driven(store, add=keys())
        server.execute(name, "DROP TABLE curves")
        with pytest.raises(StorageError) as caught:
            store.record(1, 1, [evaluation(key(), error="private" * 2)])
    text = "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in text
    assert "private" * 2 not in text


def test_storage_errors_have_the_exit_codes_of_the_command_line() -> None:
    kinds = (StorageError, BadUrl, StudyOwned, DiskFull, Locked, Unreachable, NotOurs)
    assert [kind.exit_code for kind in kinds] == [1, 2, 73, 74, 75, 75, 1]
