"""Runs as a whole: created in one transaction under a unique name, and protected while they are driven."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

import tuner
from tests.support.command_line import call
from tests.support.killed_driver import spec as trained_spec
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, REMOTE_OWNER, candidate, driven, evaluation, key, keys, spec
from tuner.api import running
from tuner.core.study import StudyRecord, StudySpec, StudyStatus
from tuner.execution.in_process import InProcessExecutor
from tuner.storage import Gone, Store, StudyExists, StudyOwned, UnknownStudy
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies

OPTIMIZERS = ("Adam", "LODO", "Yogi")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "studies.db")
    server: Server = request.getfixturevalue("postgresql_server")
    return server.url(server.create_database())


def specs(name: str = "run", optimizers: tuple[str, ...] = OPTIMIZERS) -> list[StudySpec]:
    return [spec(name, optimizer) for optimizer in optimizers]


def test_a_run_with_an_invalid_study_creates_no_study(url: str) -> None:
    with Store.open(url) as store:
        with pytest.raises(ValueError, match="finite"):
            store.create_run([*specs(), spec(optimizer="Momentum", parameters={"sigmas": [1.0, float("nan")]})])
        assert store.studies() == []
        assert [study.spec.name for study in store.create_run(specs())] == ["run/Adam", "run/LODO", "run/Yogi"]


def test_the_studies_of_a_run_are_committed_together(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "studies.db")) as store:
        commits: list[object] = []
        event.listen(store._engine, "commit", commits.append)
        store.create_run(specs())
        assert len(commits) == 1


def test_an_existing_run_name_is_refused_even_for_other_optimizers(url: str) -> None:
    with Store.open(url) as store:
        store.create_run(specs(optimizers=("Adam",)))
        with pytest.raises(StudyExists, match="the run run exists already"):
            store.create_run(specs(optimizers=("LODO",)))
        assert [study.spec.name for study in store.studies()] == ["run/Adam"]


def test_only_one_of_several_concurrent_runs_with_one_name_is_created(url: str) -> None:
    Store.open(url).close()
    created: list[list[str]] = []
    barrier = threading.Barrier(4)

    def create(optimizer: str) -> None:
        with Store.open(url) as store:
            barrier.wait()
            try:
                created.append(
                    [study.spec.name for study in store.create_run(specs(optimizers=(optimizer, f"{optimizer}-2")))]
                )
            except StudyExists:
                created.append([])

    threads = [threading.Thread(target=create, args=(optimizer,)) for optimizer in (*OPTIMIZERS, "LARS")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, created)) == [0, 0, 0, 2]
    with Store.open(url) as store:
        assert len(store.studies()) == 2


def test_a_run_with_a_default_name_takes_the_next_number_if_the_name_is_taken(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "studies.db")) as store:
        planned = specs("rosenbrock")
        store.create_run(specs("rosenbrock", ("Momentum",)))
        created = running.create(store, planned, "rosenbrock")
        assert [study.spec.name for study in created] == [f"rosenbrock-2/{optimizer}" for optimizer in OPTIMIZERS]
        with pytest.raises(StudyExists):
            running.create(store, planned, None)


def test_a_driven_run_is_not_resumed_and_the_error_names_the_argument_that_waits(url: str) -> None:
    with Store.open(url) as store:
        study, *_ = store.create_run(specs())
        store.acquire(study.id, owner=ME)
    with pytest.raises(StudyOwned, match=f"is owned by another driver, {ME}") as raised:
        tuner.resume("run", database=url, progress=False)
    assert raised.value.__notes__ == ["wait=True waits until that driver releases it."]


def test_a_run_with_a_driven_study_is_not_deleted(url: str) -> None:
    with Store.open(url) as store:
        other_study, driven_study, _ = (study.id for study in store.create_run(specs()))
        store.create_study(spec("other"))
        epoch = store.acquire(driven_study, owner=ME)
        for name in ("run", "run/Adam"):
            outcome = call("database", "delete-study", name, "--yes", "--database", url)
            assert outcome.code == StudyOwned.exit_code
            assert f"run/LODO is owned by {ME}" in outcome.err
            assert outcome.out == ""
        assert len(store.studies()) == 4
        store.delete(store.find("other")[0].id)
        store.release(driven_study, epoch, StudyStatus.INTERRUPTED)
        store.delete(other_study, driven_study)
        assert [study.spec.name for study in store.studies()] == ["run/Yogi"]


def test_no_study_is_deleted_if_one_of_them_is_missing(url: str) -> None:
    with Store.open(url) as store:
        first, *_ = (study.id for study in store.create_run(specs()))
        with pytest.raises(UnknownStudy):
            store.delete(first, 4711)
        assert len(store.studies()) == 3


def test_a_study_deleted_before_its_start_is_reported_and_the_others_run(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "studies.db")) as store:
        search = trained_spec()
        created = store.create_run(
            [
                dataclasses.replace(search, workload=dataclasses.replace(search.workload, optimizer=optimizer))
                for optimizer in OPTIMIZERS
            ]
        )
        store.delete(created[1].id)
        with (
            InProcessExecutor(train="tests.support.killed_driver:train") as executor,
            pytest.raises(
                UnknownStudy, match="the study run/LODO was deleted from the database while its run"
            ) as caught,
        ):
            run_studies(store, created, executor, NoCallback, owner=ME)
        assert caught.value.exit_code == 1
        assert [study.status for study in store.studies()] == [StudyStatus.COMPLETE] * 2


def test_a_study_deleted_while_it_is_driven_ends_the_run_with_an_error(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"

    class Deleting(NoCallback):
        """Delete the study after its start, by SQL that bypasses the store."""

        def on_study_begin(self, study: StudyRecord) -> None:
            with sqlite3.connect(path) as raw:
                raw.execute("PRAGMA foreign_keys = ON")
                raw.execute("DELETE FROM studies")
            raw.close()

    with Store.open(str(path)) as store:
        created = store.create_run([trained_spec()])
        with (
            InProcessExecutor(train="tests.support.killed_driver:train") as executor,
            pytest.raises(
                UnknownStudy, match="the study run/Adam was deleted from the database while its run"
            ) as caught,
        ):
            run_studies(store, created, executor, Deleting, owner=ME)
        assert caught.value.exit_code == 1
        assert store.studies() == []


@pytest.mark.faults
@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_driver_whose_database_file_was_deleted_or_replaced_raises_gone(tmp_path: Path, change: str) -> None:
    path = tmp_path / "studies.db"
    with Store.open(str(path)) as store:
        study, epoch = driven(store, owner=ME, add=keys())
        store.record(study, epoch, [evaluation(key(0))])
        path.unlink()
        if change == "replaced":
            for side_file in tmp_path.iterdir():
                side_file.unlink()
            Store.open(str(tmp_path / "other.db")).close()
            os.replace(tmp_path / "other.db", path)
        calls: list[Any] = [
            lambda: store.renew(study, epoch),
            lambda: store.record(study, epoch, [evaluation(key(1))]),
            lambda: store.release(study, epoch, StudyStatus.INTERRUPTED),
            store.studies,
        ]
        for each in calls:
            with pytest.raises(Gone, match=f"was {change}.* while it was in use") as caught:
                each()
            assert caught.value.exit_code == 1


def test_releasing_a_study_twice_has_no_further_effect(url: str) -> None:
    with Store.open(url) as store:
        study, epoch = driven(store, owner=REMOTE_OWNER)
        for _ in range(2):
            store.release(study, epoch, StudyStatus.STOPPED)
        new = store.acquire(study, owner=ME)
        store.add(study, new, [candidate(key())])
        assert store.studies()[0].status == StudyStatus.RUNNING
