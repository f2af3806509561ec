"""`lodo-tune database …`: upgrade, check, copy, back up, delete."""

from __future__ import annotations

import dataclasses
import io
import shutil
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import call
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import (
    ME,
    comparison,
    driven,
    evaluation,
    hashes,
    key,
    keys,
    observations,
    stored_values,
)
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Status
from tuner.storage import (
    Damaged,
    StorageError,
    Store,
    StudyExists,
    StudyOwned,
    UnknownStudy,
    copying,
    schema,
    sqlite_copying,
)
from tuner.storage.store import Store as PlainStore

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a function from a kind of database to the URL of a new one."""

    def new(kind: str, name: str = "studies") -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{name}.db")
        server: Server = request.getfixturevalue("postgresql_server")
        return server.url(server.create_database())

    return new


def fill_database(url: str, run: str = "run", status: str = StudyStatus.INTERRUPTED) -> int:
    """Create a study with each kind of result, a lost attempt and a note; return its id."""
    with Store.open(url) as store:
        study, epoch = driven(store, run, add=keys())
        store.start_attempt(study, epoch, [key(0), key(1)], 1, "node-1", 17)
        store.end_attempt(study, epoch, [key(1)], 1, "worker crashed", "Traceback …")
        first = evaluation(key(0), observations=observations(key(0)))
        store.record(study, epoch, [first, evaluation(key(2), Status.DIVERGED, reason="loss was nan")])
        store.record(study, epoch, [evaluation(key(0, 1), Status.FAILED, losses=[], steps_done=0, error="é\n✓")])
        store.add_note(study, epoch, "a whole generation diverged")
        store.release(study, epoch, status)
        return study


def study_values(url: str, name: str = "run") -> Any:
    """Return all stored values of a study, except its id."""
    with Store.open(url, read_only=True) as store:
        study = next(each for each in store.studies() if each.spec.run == name)
        record, *other_values = stored_values(store, study.id)
        return [dataclasses.replace(record, id=0), *other_values]


@pytest.mark.parametrize(
    ("source_kind", "target_kind"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.postgresql),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.postgresql),
    ],
)
def test_a_copy_has_the_same_content_as_the_original(new_url: Any, source_kind: str, target_kind: str) -> None:
    source, target = new_url(source_kind), new_url(target_kind, "other")
    fill_database(source)
    fill_database(source, "second")
    fill_database(target, "older")  # so that the ids differ
    outcome = call("database", "copy", source, target)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "run/Adam: copied and compared\nsecond/Adam: copied and compared\n"
    assert study_values(target) == study_values(source)
    assert study_values(target, "second") == study_values(source, "second")
    assert call("database", "check", "--database", target).code == 0


def test_a_copied_study_can_be_resumed_but_not_by_its_former_driver(tmp_path: Path) -> None:
    source, target = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    fill_database(source)
    assert call("database", "copy", source, target, "run/Adam").code == 0
    with Store.open(target) as store:
        with pytest.raises(StorageError):
            store.record(1, 1, [evaluation(key(1))])
        epoch = store.acquire(1, owner=ME)
        assert epoch == 2
        assert store.record(1, epoch, [evaluation(key(1))]) == [True]


def test_an_existing_or_driven_study_is_not_copied(tmp_path: Path) -> None:
    source, target = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    fill_database(source)
    fill_database(target)
    before = study_values(target)
    assert "already; delete it there first" in call("database", "copy", source, target).err
    assert study_values(target) == before
    with Store.open(source) as store:
        driven(store, "driven", owner=ME)
    outcome = call("database", "copy", source, target, "driven")
    assert outcome.code == StudyOwned.exit_code
    assert "copy it once that driver has ended" in outcome.err
    assert "source and target are the same database" in call("database", "copy", source, source).err


def test_a_copy_that_differs_from_its_original_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    study = fill_database(source)
    read_rows, read = sqlite_copying.Part.rows, []

    def lose_a_curve(part: Any, connection: Any, study_id: int) -> Any:
        rows = list(read_rows(part, connection, study_id))
        read.append(part.table.name)
        return iter(rows[1:] if part.table.name == "curves" and read.count("curves") == 1 else rows)

    with Store.open(source) as original, Store.open(target) as copy:
        monkeypatch.setattr(sqlite_copying.Part, "rows", lose_a_curve)
        with pytest.raises(Damaged, match="differs from the original"):
            original.copy_to(copy, study)
        assert copy.studies() == []


def test_a_missing_row_changes_the_digest_of_a_study(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = fill_database(str(path))
    with Store.open(str(path)) as store, store._reading() as connection:
        complete = copying._digest(connection, study)
    for table in ("curves", "evaluations", "attempts", "observations"):
        damaged = tmp_path / f"{table}.db"
        shutil.copy(path, damaged)
        with sqlite3.connect(damaged) as raw:
            raw.execute(f"DELETE FROM {table} WHERE candidate_id = (SELECT MIN(candidate_id) FROM {table})")
        with Store.open(str(damaged)) as store, store._reading() as connection:
            assert copying._digest(connection, study) != complete


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM curves WHERE candidate_id = 1", "run/Adam search 0/0: has a result without its curve"),
        ("UPDATE curves SET data = x'ffff' WHERE candidate_id = 1", "0/0: a stored curve cannot be decompressed"),
        ("DELETE FROM evaluations WHERE candidate_id = 1", "search 0/0: is finished, but has no result"),
        ("UPDATE evaluations SET fitness = 9e999 WHERE candidate_id = 1", "0/0: is finished with the fitness inf"),
        ("DELETE FROM attempts", "search 0/0: counts 1 attempts, of which 0 exist"),
        ("UPDATE studies SET status = 'complete'", "run/Adam: is complete with 3 of 6 candidates of the search"),
        ("UPDATE candidates SET status = 'running' WHERE id = 2", "run/Adam: 1 candidates run without a driver"),
        ("DELETE FROM observations WHERE name = '@seconds'", "search 0/0, test: stored observations are incomplete"),
        ("UPDATE observations SET length = 1, data = x'ffff'", "search 0/0, test: a stored curve cannot be decompr"),
        ("UPDATE candidates SET role = 'comparison'", "run/Adam: is a search with 6 candidates of a comparison"),
        ("DELETE FROM studies", "a row of candidates refers to a row of studies that does not exist"),
    ],
)  # fmt: skip
def test_check_reports_inconsistent_rows(tmp_path: Path, damage: str, fault: str) -> None:
    path = tmp_path / "studies.db"
    fill_database(str(path))
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    outcome = call("database", "check", "--database", path)
    assert outcome.code == 1
    assert fault in outcome.out


def test_a_comparison_is_copied_checked_and_deleted_like_a_search(tmp_path: Path) -> None:
    source, target = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    all_keys = [key(slot, 0, Role.COMPARISON) for slot in range(3)]
    with Store.open(source) as store:
        study, epoch = driven(store, "contest", add=all_keys, make=comparison)
        store.record(study, epoch, [evaluation(at, observations=observations(at)) for at in all_keys])
        store.release(study, epoch, StudyStatus.COMPLETE)
    assert call("database", "copy", source, target, "contest").code == 0
    with Store.open(source) as original, Store.open(target) as copy:
        assert copy.find("contest")[0].spec == original.find("contest")[0].spec
        for run, copied_run in zip(original.seed_runs(1), copy.seed_runs(1), strict=True):
            assert run.candidate == copied_run.candidate
            assert run.series["test"].metrics["loss"].tobytes() == copied_run.series["test"].metrics["loss"].tobytes()
    assert call("database", "check", "--database", target).out.endswith("sound\n")
    assert call("database", "delete-study", "contest", "--yes", "--database", target).code == 0
    with sqlite3.connect(target) as raw:
        assert raw.execute("SELECT count(*) FROM observations").fetchone() == (0,)


def test_check_reports_a_sound_database_and_leaves_it_unchanged(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "studies.db"))
    before = hashes(tmp_path)
    outcome = call("database", "check", "--database", tmp_path / "studies.db")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "sound")
    assert "1 study, 6 candidates, 3 results, 40 losses" in outcome.out
    assert hashes(tmp_path).items() >= before.items()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_backup_is_complete_and_accessible_to_its_owner_only(new_url: Any, tmp_path: Path, kind: str) -> None:
    url = new_url(kind)
    fill_database(url)
    file = tmp_path / "backup.db"
    assert call("database", "backup", file, "--database", url).code == 0
    assert study_values(str(file)) == study_values(url)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "exists already" in call("database", "backup", file, "--database", url).err


def test_a_backup_of_a_database_in_use_is_consistent(tmp_path: Path) -> None:
    url, ended = str(tmp_path / "studies.db"), threading.Event()
    with Store.open(url) as store:
        study, epoch = driven(store, add=keys(2, 3))

        def write() -> None:
            with Store.open(url) as writing:
                for number in range(10_000):
                    if ended.is_set():
                        return
                    writing.add_note(study, epoch, str(number))

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(5):
            assert call("database", "backup", tmp_path / f"{number}.backup", "--database", url).code == 0
        ended.set()
        writer.join()
    for number in range(5):
        outcome = call("database", "check", "--database", tmp_path / f"{number}.backup")
        assert outcome.out.endswith("sound\n")


def test_upgrading_the_newest_schema_changes_nothing(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "studies.db"))
    outcome = call("database", "upgrade", "--database", tmp_path / "studies.db")
    assert outcome.out.strip().endswith(f"has schema {schema.VERSION}, the newest")
    assert not list(tmp_path.glob("*.backup"))


@pytest.mark.parametrize("verb", [["upgrade"], ["check"], ["backup", "b.db"], ["delete-study", "run", "--yes"]])
def test_commands_do_not_create_a_missing_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("database", *verb, "--database", "none.db")
    assert outcome.code == 1
    assert "no database" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_deleting_a_study_deletes_all_its_rows_and_no_others(new_url: Any, kind: str) -> None:
    url = new_url(kind)
    fill_database(url)
    kept = fill_database(url, "kept")
    outcome = call("database", "delete-study", "run", "--yes", "--database", url)
    assert (outcome.code, outcome.out) == (0, "run/Adam: deleted\n")
    with Store.open(url) as store:
        with pytest.raises(UnknownStudy):
            store.find("run")
        assert len(store.candidates(kept)) == 6
        report = store.check()
        assert (report.studies, report.candidates, report.results, report.faults) == (1, 6, 3, ())


def test_a_study_is_not_deleted_while_it_is_driven_or_without_confirmation(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    with Store.open(url) as store:
        driven(store, owner=ME)
    assert "give --yes where there is no terminal" in call("database", "delete-study", "run", "--database", url).err
    outcome = call("database", "delete-study", "run", "--yes", "--database", url)
    assert outcome.code == StudyOwned.exit_code
    assert PlainStore.open(url).studies()


def test_a_repeated_copy_skips_studies_that_were_copied_before(tmp_path: Path) -> None:
    source, target = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    fill_database(source)
    assert call("database", "copy", source, target).code == 0
    fill_database(source, "second")
    outcome = call("database", "copy", source, target)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "run/Adam: already there, and identical\nsecond/Adam: copied and compared\n"
    with Store.open(target) as store:
        store.release(1, store.acquire(1, owner=ME), StudyStatus.STOPPED)
    before = study_values(target)
    outcome = call("database", "copy", source, target)
    assert outcome.code == StudyExists.exit_code
    assert "another study run/Adam is in" in outcome.err
    assert study_values(target) == before


def test_nothing_is_deleted_if_the_answer_is_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "studies.db")
    fill_database(url)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    outcome = call("database", "delete-study", "run", "--database", url)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("lodo-tune: nothing was deleted\n")
    assert len(PlainStore.open(url).studies()) == 1
