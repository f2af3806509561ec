"""Use of a SQLite file: settings, locks, permissions, names, and the cost of listing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, candidate, driven, evaluation, key, keys, spec, start_python
from tuner.core.trial import Key, Status
from tuner.storage import Store, candidates, processes


def test_every_connection_has_the_durability_settings(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store, store._reading() as first, store._reading() as second:
        for connection in (first, second):
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            }
            assert settings == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000, "foreign_keys": 1}


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Yield a list to which the statements of all engines are appended."""
    executed: list[str] = []

    def append(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        executed.append(statement)

    event.listen(Engine, "before_cursor_execute", append)
    yield executed
    event.remove(Engine, "before_cursor_execute", append)


def test_a_write_takes_the_lock_at_its_start_and_a_read_never_takes_it(tmp_path: Path, statements: list[str]) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        statements.clear()
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
        begins = [statement for statement in statements if statement.startswith("BEGIN")]
        assert begins == ["BEGIN IMMEDIATE"] * 4
        statements.clear()
        store.studies(), store.candidates(study), store.curve(study, key()), store.attempts(study)
        assert [statement for statement in statements if statement.startswith("BEGIN")] == ["BEGIN"] * 4
        assert not [each for each in statements if each.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_listing_candidates_reads_no_curve(tmp_path: Path, statements: list[str]) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        study, _ = driven(store, add=keys())
        statements.clear()
        store.candidates(study), store.studies(), store.find("run")
        assert not [each for each in statements if "curves" in each]


def test_database_files_are_accessible_to_their_owner_only(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        driven(store)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == {"a.db": "0o600", "a.db-wal": "0o600", "a.db-shm": "0o600"}


@pytest.mark.parametrize("name", ["with space.db", "per%20cent?&#.db", "ünï.db", "./file:x.db", "no-suffix"])
def test_a_database_can_be_reopened_by_its_url_whatever_its_file_name(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(name) as store:
        driven(store)
        url = store.url
    assert [path.name for path in tmp_path.iterdir()] == [name.removeprefix("./")]
    with Store.open(url, read_only=True) as store:
        assert len(store.studies()) == 1


@pytest.mark.parametrize("url", ["sqlite:///a%20b.db", "sqlite:///a b.db", "sqlite+pysqlite:///a b.db"])
def test_a_sqlite_url_may_contain_spaces_and_percent_encoding(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open(url).close()
    assert [path.name for path in tmp_path.iterdir()] == ["a b.db"]


def test_a_reader_sees_only_committed_rows_during_a_write(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as writer, Store.open(path, read_only=True, busy_timeout=0.1) as reader:
        study, epoch = driven(writer, add=keys())
        with writer._writing() as connection:
            connection.exec_driver_sql("UPDATE candidates SET status = 'failed'")
            assert [row.status for row in reader.candidates(study)] == [Status.WAITING] * 6
        writer.record(study, epoch, [])
        assert [row.status for row in reader.candidates(study)] == [Status.FAILED] * 6


def test_a_read_only_store_refuses_writes(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as store:
        study, epoch = driven(store, add=keys())
    with Store.open(path, read_only=True) as reader, pytest.raises(Exception, match="read-only"):
        reader.record(study, epoch, [evaluation(key())])


def test_reading_a_database_imports_neither_alembic_nor_tensorflow(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as store:
        driven(store)
    script = (
        "Store.open(sys.argv[1], read_only=True).studies()\n"
        "print([name for name in ('alembic', 'tensorflow', 'ray', 'deap') if name in sys.modules])"
    )
    with start_python(script, path) as process:
        assert process.communicate(timeout=300)[0] == "[]\n"


def test_counting_ten_thousand_candidates_reads_only_an_index(tmp_path: Path, statements: list[str]) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        study, epoch = driven(store, generations=10, population=1000, add=keys(10, 1000))
        store.record(study, epoch, [evaluation(at, losses=np.zeros(100)) for at in keys(10, 1000)])
        statements.clear()
        assert store.studies()[0].counts[Status.FINISHED] == 10_000
        (counting,) = (each for each in statements if "count(*)" in each)
        assert len(store.candidates(study)) == 10_000
        with store._reading() as connection:
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {counting}", ("search", "comparison", study)
            ).fetchall()
        assert "USING COVERING INDEX ix_candidates_study_id_role_status" in plan[0][-1]


def test_writing_a_cohort_takes_as_many_statements_as_writing_one_candidate(
    tmp_path: Path, statements: list[str]
) -> None:
    def statements_of(store: Store, cohort: list[Key]) -> list[str]:
        statements.clear()
        store.add(study, epoch, [candidate(each) for each in cohort])
        store.start_attempt(study, epoch, cohort, 1, "node", 1)
        store.record(study, epoch, [evaluation(each) for each in cohort])
        return [each.split()[0] for each in statements]

    with Store.open(str(tmp_path / "a.db")) as store:
        study, epoch = driven(store, generations=1, population=17)
        single = statements_of(store, [key(16)])
        assert statements_of(store, [key(slot) for slot in range(16)]) == single
        assert single.count("BEGIN") == 3


def test_a_reused_process_id_is_not_taken_for_the_owner() -> None:
    """The start time distinguishes two processes with the same id."""
    machine, pid = processes.machine_id(), int(ME.rpartition(":")[2])
    start_time = processes.start_ticks(pid)
    assert start_time is not None
    assert not processes.has_ended(ME, machine, start_time)
    assert processes.has_ended(ME, machine, start_time - 1)
    assert not processes.has_ended(ME, "another boot/another namespace", start_time - 1)
    assert not processes.has_ended(f"elsewhere:{pid}", machine, start_time - 1)
    assert not processes.has_ended(ME, None, None)


def test_acquiring_a_study_resets_candidates_that_run_without_a_driver(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        study = store.create_study(spec()).id
        with store._writing() as connection:
            candidates.add(connection, study, [candidate(key())])
            connection.exec_driver_sql("UPDATE candidates SET status = 'running'")
        store.acquire(study, owner=ME)
        assert store.candidates(study)[0].status is Status.WAITING
