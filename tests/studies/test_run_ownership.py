"""A run as a whole: made at once, its name taken once, its studies there while its driver counts on them."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.support.command_line import call
from tests.support.killed_driver import spec as trained_spec
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import ME, NOBODY, candidate, driven, evaluation, key, keys, spec
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


def test_a_run_that_cannot_be_made_whole_is_not_made(url: str) -> None:
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


def test_a_run_of_other_optimizers_does_not_mix_with_one_of_its_name(url: str) -> None:
    with Store.open(url) as store:
        store.create_run(specs(optimizers=("Adam",)))
        with pytest.raises(StudyExists, match="the run run exists already"):
            store.create_run(specs(optimizers=("LODO",)))
        assert [study.spec.name for study in store.studies()] == ["run/Adam"]


def test_of_runs_of_one_name_that_begin_at_once_one_is_made(url: str) -> None:
    Store.open(url).close()
    made: list[list[str]] = []
    together = threading.Barrier(4)

    def make(optimizer: str) -> None:
        with Store.open(url) as store:
            together.wait()
            try:
                made.append(
                    [study.spec.name for study in store.create_run(specs(optimizers=(optimizer, f"{optimizer}-2")))]
                )
            except StudyExists:
                made.append([])

    threads = [threading.Thread(target=make, args=(optimizer,)) for optimizer in (*OPTIMIZERS, "LARS")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, made)) == [0, 0, 0, 2]
    with Store.open(url) as store:
        assert len(store.studies()) == 2


def test_a_run_named_after_its_task_takes_the_next_number_if_another_was_faster(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "studies.db")) as store:
        planned = specs("rosenbrock")
        store.create_run(specs("rosenbrock", ("Momentum",)))
        made = running.create(store, planned, "rosenbrock")
        assert [study.spec.name for study in made] == [f"rosenbrock-2/{optimizer}" for optimizer in OPTIMIZERS]
        with pytest.raises(StudyExists):
            running.create(store, planned, None)


def test_of_a_run_that_is_driven_nothing_is_deleted(url: str) -> None:
    with Store.open(url) as store:
        free, held, _ = (study.id for study in store.create_run(specs()))
        store.create_study(spec("other"))
        epoch = store.acquire(held, owner=ME)
        for name in ("run", "run/Adam"):
            outcome = call("database", "delete-study", name, "--yes", "--database", url)
            assert outcome.code == StudyOwned.exit_code
            assert f"run/LODO is owned by {ME}" in outcome.err
            assert outcome.out == ""
        assert len(store.studies()) == 4
        store.delete(store.find("other")[0].id)
        store.release(held, epoch, StudyStatus.INTERRUPTED)
        store.delete(free, held)
        assert [study.spec.name for study in store.studies()] == ["run/Yogi"]


def test_of_studies_of_which_one_is_not_there_none_is_deleted(url: str) -> None:
    with Store.open(url) as store:
        first, *_ = (study.id for study in store.create_run(specs()))
        with pytest.raises(UnknownStudy):
            store.delete(first, 4711)
        assert len(store.studies()) == 3


def test_a_study_that_was_deleted_before_its_turn_is_told_in_a_line_and_the_others_run(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "studies.db")) as store:
        plain = trained_spec()
        made = store.create_run(
            [
                dataclasses.replace(plain, workload=dataclasses.replace(plain.workload, optimizer=optimizer))
                for optimizer in OPTIMIZERS
            ]
        )
        store.delete(made[1].id)
        with (
            InProcessExecutor(train="tests.support.killed_driver:train") as executor,
            pytest.raises(UnknownStudy, match="the study run/LODO was deleted from the database while its run") as told,
        ):
            run_studies(store, made, executor, NoCallback, owner=ME)
        assert told.value.exit_code == 1
        assert [study.status for study in store.studies()] == [StudyStatus.COMPLETE] * 2


def test_a_study_that_is_deleted_under_its_driver_ends_the_run_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"

    class Deleting(NoCallback):
        """Deletes the study once it is begun, as nothing of ours does."""

        def on_study_begin(self, study: StudyRecord) -> None:
            with sqlite3.connect(path) as raw:
                raw.execute("PRAGMA foreign_keys = ON")
                raw.execute("DELETE FROM studies")
            raw.close()

    with Store.open(str(path)) as store:
        made = store.create_run([trained_spec()])
        with (
            InProcessExecutor(train="tests.support.killed_driver:train") as executor,
            pytest.raises(UnknownStudy, match="the study run/Adam was deleted from the database while its run") as told,
        ):
            run_studies(store, made, executor, Deleting, owner=ME)
        assert told.value.exit_code == 1
        assert store.studies() == []


@pytest.mark.faults
@pytest.mark.parametrize("deed", ["deleted", "replaced"])
def test_a_driver_whose_file_is_taken_away_ends_with_a_line(tmp_path: Path, deed: str) -> None:
    path = tmp_path / "studies.db"
    with Store.open(str(path)) as store:
        study, epoch = driven(store, owner=ME, add=keys())
        store.record(study, epoch, [evaluation(key(0))])
        path.unlink()
        if deed == "replaced":
            for left in tmp_path.iterdir():
                left.unlink()
            Store.open(str(tmp_path / "other.db")).close()
            os.replace(tmp_path / "other.db", path)
        calls: list[Any] = [
            lambda: store.renew(study, epoch),
            lambda: store.record(study, epoch, [evaluation(key(1))]),
            lambda: store.release(study, epoch, StudyStatus.INTERRUPTED),
            store.studies,
        ]
        for each in calls:
            with pytest.raises(Gone, match=f"was {deed}.* while it was in use") as caught:
                each()
            assert caught.value.exit_code == 1


def test_giving_a_study_back_twice_is_giving_it_back_once(url: str) -> None:
    with Store.open(url) as store:
        study, epoch = driven(store, owner=NOBODY)
        for _ in range(2):
            store.release(study, epoch, StudyStatus.STOPPED)
        new = store.acquire(study, owner=ME)
        store.add(study, new, [candidate(key())])
        assert store.studies()[0].status == StudyStatus.RUNNING
