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
from tests.support.store_values import ME, candidate, child, driven, evaluation, key, keys, spec
from tuner.core.trial import Key, Status
from tuner.storage import Store, candidates, processes


def test_every_connection_has_the_settings_that_keep_results_safe(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store, store._reading() as first, store._reading() as second:
        for connection in (first, second):
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            }
            assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000, "foreign_keys": 1}


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Yield a list to which the statements of all engines are appended."""
    sent: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield sent
    event.remove(Engine, "before_cursor_execute", listen)


def test_a_writer_takes_the_lock_before_it_reads_and_a_reader_never_takes_it(
    tmp_path: Path, statements: list[str]
) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        statements.clear()
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
        begun = [statement for statement in statements if statement.startswith("BEGIN")]
        assert begun == ["BEGIN IMMEDIATE"] * 4
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


def test_the_database_and_its_side_files_are_the_owners_alone(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        driven(store)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == {"a.db": "0o600", "a.db-wal": "0o600", "a.db-shm": "0o600"}


@pytest.mark.parametrize("name", ["with space.db", "per%20cent?&#.db", "ünï.db", "file:x.db", "no-suffix"])
def test_any_file_name_will_do_and_the_url_that_is_shown_leads_back_to_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.open(name) as store:
        driven(store)
        shown = store.url
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with Store.open(shown, read_only=True) as store:
        assert len(store.studies()) == 1


@pytest.mark.parametrize("url", ["sqlite:///a%20b.db", "sqlite:///a b.db", "sqlite+pysqlite:///a b.db"])
def test_a_url_names_a_file_as_urls_do(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open(url).close()
    assert [path.name for path in tmp_path.iterdir()] == ["a b.db"]


def test_readers_see_what_a_writer_has_acknowledged_while_it_writes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as writer, Store.open(path, read_only=True, busy_timeout=0.1) as reader:
        study, epoch = driven(writer, add=keys())
        with writer._writing() as connection:
            connection.exec_driver_sql("UPDATE candidates SET status = 'failed'")
            assert [row.status for row in reader.candidates(study)] == [Status.WAITING] * 6
        writer.record(study, epoch, [])
        assert [row.status for row in reader.candidates(study)] == [Status.FAILED] * 6


def test_a_store_opened_for_reading_writes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as store:
        study, epoch = driven(store, add=keys())
    with Store.open(path, read_only=True) as reader, pytest.raises(Exception, match="read-only"):
        reader.record(study, epoch, [evaluation(key())])


def test_reading_needs_no_alembic_and_no_tensorflow(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store.open(path) as store:
        driven(store)
    script = (
        "Store.open(sys.argv[1], read_only=True).studies()\n"
        "print([name for name in ('alembic', 'tensorflow', 'ray', 'deap') if name in sys.modules])"
    )
    with child(script, path) as process:
        assert process.communicate(timeout=60)[0] == "[]\n"


def test_ten_thousand_candidates_are_listed_and_counted_from_an_index_alone(
    tmp_path: Path, statements: list[str]
) -> None:
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


def test_a_cohort_takes_as_many_transactions_and_statements_as_one_candidate(
    tmp_path: Path, statements: list[str]
) -> None:
    def sent(store: Store, at: list[Key]) -> list[str]:
        statements.clear()
        store.add(study, epoch, [candidate(each) for each in at])
        store.start_attempt(study, epoch, at, 1, "node", 1)
        store.record(study, epoch, [evaluation(each) for each in at])
        return [each.split()[0] for each in statements]

    with Store.open(str(tmp_path / "a.db")) as store:
        study, epoch = driven(store, generations=1, population=17)
        alone = sent(store, [key(16)])
        assert sent(store, [key(slot) for slot in range(16)]) == alone
        assert alone.count("BEGIN") == 3


def test_an_id_that_the_process_does_not_have_is_not_mistaken_for_the_owner() -> None:
    """The start time distinguishes two processes with the same id."""
    machine, pid = processes.machine_id(), int(ME.rpartition(":")[2])
    begun = processes.start_ticks(pid)
    assert begun is not None
    assert not processes.has_ended(ME, machine, begun)
    assert processes.has_ended(ME, machine, begun - 1)
    assert not processes.has_ended(ME, "another boot/another namespace", begun - 1)
    assert not processes.has_ended(f"elsewhere:{pid}", machine, begun - 1)
    assert not processes.has_ended(ME, None, None)


def test_a_row_that_is_called_running_without_any_driver_waits_again(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "a.db")) as store:
        study = store.create_study(spec()).id
        with store._writing() as connection:
            candidates.add(connection, study, [candidate(key())])
            connection.exec_driver_sql("UPDATE candidates SET status = 'running'")
        store.acquire(study, owner=ME)
        assert store.candidates(study)[0].status is Status.WAITING
