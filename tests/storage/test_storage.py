"""Conformance of the store on each kind of database, and of the suite on broken stores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.store_conformance import StoreConformance
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import candidate, driven, key
from tuner.core.trial import Status
from tuner.storage import (
    LeaseLost,
    Store,
    StudyOwned,
    attempts,
    candidates,
    evaluations,
    lease,
    processes,
    studies,
    tables,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty database file to be copied."""
    path = tmp_path_factory.mktemp("template") / "studies.db"
    Store.open(str(path)).close()
    return path


class TestFile(StoreConformance):
    """The suite on a SQLite file."""

    @pytest.fixture
    def store(self, template: Path, tmp_path: Path) -> Iterator[Store]:
        with Store.open(f"sqlite:///{shutil.copy(template, tmp_path)}") as store:
            yield store


@pytest.fixture(scope="module")
def memory() -> Iterator[Store]:
    with Store.open("sqlite://") as store:
        yield store


class TestMemory(StoreConformance):
    """The suite on a database in memory."""

    @pytest.fixture
    def store(self, memory: Store) -> Iterator[Store]:
        yield memory
        delete_all_studies(memory)


@pytest.fixture(scope="module")
def server_store(postgresql_server: Server) -> Iterator[Store]:
    with Store.open(postgresql_server.url(postgresql_server.create_database())) as store:
        yield store


@pytest.mark.postgresql
class TestPostgreSQL(StoreConformance):
    """The suite on a PostgreSQL server."""

    @pytest.fixture
    def store(self, server_store: Store) -> Iterator[Store]:
        yield server_store
        delete_all_studies(server_store)


def delete_all_studies(store: Store) -> None:
    """Delete all studies, and with them all other rows."""
    with store._writing() as connection:
        connection.execute(tables.studies.delete())


def overwrite(connection: Any, study_id: int, epoch: int, results: Any, encoded: Any) -> list[bool]:
    """Record evaluations even of candidates that are final."""
    for table in ("evaluations", "curves"):
        connection.exec_driver_sql(f"DELETE FROM {table}")
    connection.exec_driver_sql("UPDATE candidates SET status = 'waiting'")
    return RECORD(connection, study_id, epoch, results, encoded)


RECORD = evaluations.record
ANY_FAILURE = (Exception, pytest.fail.Exception)


@pytest.mark.parametrize(
    ("module", "name", "broken", "law", "arguments"),
    [
        (evaluations, "record", overwrite, "test_a_final_candidate_never_changes", (Status.FINISHED, Status.FAILED)),
        (
            lease,
            "fence",
            lambda *_: None,
            "test_an_owner_with_an_expired_lease_keeps_the_study_until_another_acquires_it",
            None,
        ),
        (lease, "seconds_left", lambda *_: 0.0, "test_an_owner_cannot_acquire_its_study_twice", ()),
        (
            lease,
            "seconds_left",
            lambda *_: 9.0,
            "test_a_study_whose_driver_was_killed_can_be_acquired_at_once",
            (),
        ),
        (processes, "has_ended", lambda *_: False, "test_a_study_whose_driver_was_killed_can_be_acquired_at_once", ()),
        (processes, "has_ended", lambda *_: True, "test_an_owner_cannot_acquire_its_study_twice", ()),
        (attempts, "lose_all", lambda *_: None, "test_acquiring_a_study_resets_running_candidates_to_waiting", ()),
        (attempts, "close", lambda *_: None, "test_a_result_ends_its_attempt", ()),
        (
            attempts,
            "newest_numbers",
            lambda *_: {},
            "test_the_late_result_of_an_abandoned_attempt_is_counted_and_refused",
            (),
        ),
        (
            candidates,
            "progress",
            lambda *_: (6, 0),
            "test_a_study_with_missing_candidates_or_results_cannot_be_completed",
            ("a result",),
        ),
        (studies, "finish", lambda *_: None, "test_a_stored_tuned_point_cannot_be_changed", ()),
    ],
)
def test_the_conformance_suite_fails_on_a_broken_store(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Any, law: str, arguments: tuple[Any, ...] | None
) -> None:
    suite = StoreConformance()
    if arguments is None:  # with a broken fence, this law still holds; the writes of a driver that lost its study break

        def write(store: Store, study: int, epoch: int) -> None:
            store.add(study, epoch, [candidate(key(2))])

        law, arguments = "test_every_write_of_a_driver_that_lost_its_study_is_refused", ("taken over", write)
    with Store.open("sqlite://") as store:
        getattr(suite, law)(store, *arguments)
    monkeypatch.setattr(module, name, broken)
    with Store.open("sqlite://") as store, pytest.raises(ANY_FAILURE):
        getattr(suite, law)(store, *arguments)


@pytest.mark.parametrize(("ahead", "is_held"), [(3600.0, True), (10 * 365 * 86_400.0, False)])
def test_a_lease_by_a_clock_far_ahead_of_another_machine_does_not_hold_a_study_for_years(
    ahead: float, is_held: bool, template: Path, tmp_path: Path
) -> None:
    with Store.open(str(shutil.copy(template, tmp_path))) as store:
        study, epoch = driven(store, owner="elsewhere:1")
        with store._writing() as connection:
            connection.exec_driver_sql(
                "UPDATE studies SET owner_machine = 'another', renewed_at = renewed_at + ?", (ahead,)
            )
        if is_held:
            with pytest.raises(StudyOwned):
                store.acquire(study, owner="here:2")
        else:
            assert store.acquire(study, owner="here:2") == epoch + 1
            with pytest.raises(LeaseLost):
                store.renew(study, epoch)
