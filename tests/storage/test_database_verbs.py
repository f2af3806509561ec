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
from tests.support.store_values import ME, comparison, driven, evaluation, everything, hashes, key, keys, observations
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Status
from tuner.storage import Damaged, StorageError, Store, StudyExists, StudyOwned, UnknownStudy, copying, schema
from tuner.storage.store import Store as PlainStore

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a function from a kind of database to the URL of a new one."""

    def new(kind: str, name: str = "studies") -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{name}.db")
        server: Server = request.getfixturevalue("postgresql_server")
        return server.url(server.create_database())

    return new


def filled(url: str, run: str = "run", status: str = StudyStatus.INTERRUPTED) -> int:
    """Create a study with each kind of result, lost attempts and a remark."""
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


def held(url: str, name: str = "run") -> Any:
    """Return all values of a study in a database, except its id."""
    with Store.open(url, read_only=True) as store:
        study = next(each for each in store.studies() if each.spec.run == name)
        record, *others = everything(store, study.id)
        return [dataclasses.replace(record, id=0), *others]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.postgresql),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.postgresql),
    ],
)
def test_a_copy_holds_what_the_original_holds(place: Any, source: str, target: str) -> None:
    here, there = place(source), place(target, "other")
    filled(here)
    filled(here, "second")
    filled(there, "older")  # so that numbers differ
    outcome = call("database", "copy", here, there)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "run/Adam: copied and compared\nsecond/Adam: copied and compared\n"
    assert held(there) == held(here)
    assert held(there, "second") == held(here, "second")
    assert call("database", "check", "--database", there).code == 0


def test_a_copied_study_goes_on_and_its_former_driver_stays_out(tmp_path: Path) -> None:
    here, there = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    filled(here)
    assert call("database", "copy", here, there, "run/Adam").code == 0
    with Store.open(there) as store:
        with pytest.raises(StorageError):
            store.record(1, 1, [evaluation(key(1))])
        epoch = store.acquire(1, owner=ME)
        assert epoch == 2
        assert store.record(1, epoch, [evaluation(key(1))]) == [True]


def test_a_study_that_is_there_or_is_driven_is_not_copied(tmp_path: Path) -> None:
    here, there = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    filled(here)
    filled(there)
    before = held(there)
    assert "already; delete it there first" in call("database", "copy", here, there).err
    assert held(there) == before
    with Store.open(here) as store:
        driven(store, "driven", owner=ME)
    outcome = call("database", "copy", here, there, "driven")
    assert outcome.code == StudyOwned.exit_code
    assert "copy it once that driver has ended" in outcome.err
    assert "both databases are" in call("database", "copy", here, here).err


def test_a_copy_that_is_not_like_its_original_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    study = filled(here)
    plain = copying._rows_of

    def losing(connection: Any, table: Any, ids: list[int]) -> Any:
        rows = plain(connection, table, ids)
        return rows[1:] if table.name == "curves" and str(connection.engine.url).endswith("a.db") else rows

    with Store.open(here) as one, Store.open(there) as other:
        monkeypatch.setattr(copying, "_rows_of", losing)
        monkeypatch.setattr(copying, "_digest", lambda connection, _: str(connection.engine.url))
        with pytest.raises(Damaged, match="differs from the original"):
            one.copy_to(other, study)
        assert other.studies() == []


def test_a_missing_row_makes_a_copy_unlike_its_original(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = filled(str(path))
    with Store.open(str(path)) as store, store._reading() as connection:
        whole = copying._digest(connection, study)
    for table in ("curves", "evaluations", "attempts", "observations"):
        spoilt = tmp_path / f"{table}.db"
        shutil.copy(path, spoilt)
        with sqlite3.connect(spoilt) as raw:
            raw.execute(f"DELETE FROM {table} WHERE candidate_id = (SELECT MIN(candidate_id) FROM {table})")
        with Store.open(str(spoilt)) as store, store._reading() as connection:
            assert copying._digest(connection, study) != whole


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
def test_what_contradicts_itself_is_named(tmp_path: Path, damage: str, fault: str) -> None:
    path = tmp_path / "studies.db"
    filled(str(path))
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    outcome = call("database", "check", "--database", path)
    assert outcome.code == 1
    assert fault in outcome.out


def test_a_comparison_is_copied_checked_and_deleted_like_a_search(tmp_path: Path) -> None:
    here, there = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    places = [key(slot, 0, Role.COMPARISON) for slot in range(3)]
    with Store.open(here) as store:
        study, epoch = driven(store, "contest", add=places, make=comparison)
        store.record(study, epoch, [evaluation(at, observations=observations(at)) for at in places])
        store.release(study, epoch, StudyStatus.COMPLETE)
    assert call("database", "copy", here, there, "contest").code == 0
    with Store.open(here) as one, Store.open(there) as other:
        assert other.find("contest")[0].spec == one.find("contest")[0].spec
        for mine, theirs in zip(one.seed_runs(1), other.seed_runs(1), strict=True):
            assert mine.candidate == theirs.candidate
            assert mine.series["test"].metrics["loss"].tobytes() == theirs.series["test"].metrics["loss"].tobytes()
    assert call("database", "check", "--database", there).out.endswith("sound\n")
    assert call("database", "delete-study", "contest", "--yes", "--database", there).code == 0
    with sqlite3.connect(there) as raw:
        assert raw.execute("SELECT count(*) FROM observations").fetchone() == (0,)


def test_a_sound_database_is_called_so_and_not_touched(tmp_path: Path) -> None:
    filled(str(tmp_path / "studies.db"))
    before = hashes(tmp_path)
    outcome = call("database", "check", "--database", tmp_path / "studies.db")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "sound")
    assert "1 study, 6 candidates, 3 results, 40 losses" in outcome.out
    assert hashes(tmp_path).items() >= before.items()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_backup_holds_all_and_is_for_its_owner_alone(place: Any, tmp_path: Path, kind: str) -> None:
    url = place(kind)
    filled(url)
    file = tmp_path / "backup.db"
    assert call("database", "backup", file, "--database", url).code == 0
    assert held(str(file)) == held(url)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "exists already" in call("database", "backup", file, "--database", url).err


def test_a_backup_of_a_database_in_use_is_one_moment_of_it(tmp_path: Path) -> None:
    url, ended = str(tmp_path / "studies.db"), threading.Event()
    with Store.open(url) as store:
        study, epoch = driven(store, add=keys(2, 3))

        def write() -> None:
            with Store.open(url) as mine:
                for number in range(10_000):
                    if ended.is_set():
                        return
                    mine.add_note(study, epoch, str(number))

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(5):
            assert call("database", "backup", tmp_path / f"{number}.backup", "--database", url).code == 0
        ended.set()
        writer.join()
    for number in range(5):
        outcome = call("database", "check", "--database", tmp_path / f"{number}.backup")
        assert outcome.out.endswith("sound\n")


def test_an_upgrade_of_the_newest_changes_nothing(tmp_path: Path) -> None:
    filled(str(tmp_path / "studies.db"))
    outcome = call("database", "upgrade", "--database", tmp_path / "studies.db")
    assert outcome.out.strip().endswith(f"has schema {schema.VERSION}, the newest")
    assert not list(tmp_path.glob("*.backup"))


@pytest.mark.parametrize("verb", [["upgrade"], ["check"], ["backup", "b.db"], ["delete-study", "run", "--yes"]])
def test_where_there_is_no_database_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("database", *verb, "--database", "none.db")
    assert outcome.code == 1
    assert "no database" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_deleted_study_is_gone_with_all_that_belongs_to_it(place: Any, kind: str) -> None:
    url = place(kind)
    filled(url)
    kept = filled(url, "kept")
    outcome = call("database", "delete-study", "run", "--yes", "--database", url)
    assert (outcome.code, outcome.out) == (0, "run/Adam: deleted\n")
    with Store.open(url) as store:
        with pytest.raises(UnknownStudy):
            store.find("run")
        assert len(store.candidates(kept)) == 6
        found = store.check()
        assert (found.studies, found.candidates, found.results, found.faults) == (1, 6, 3, ())


def test_a_study_is_not_deleted_while_it_is_driven_nor_unasked(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    with Store.open(url) as store:
        driven(store, owner=ME)
    assert "give --yes where nobody can answer" in call("database", "delete-study", "run", "--database", url).err
    outcome = call("database", "delete-study", "run", "--yes", "--database", url)
    assert outcome.code == StudyOwned.exit_code
    assert PlainStore.open(url).studies()


def test_a_copy_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    here, there = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    filled(here)
    assert call("database", "copy", here, there).code == 0
    filled(here, "second")
    outcome = call("database", "copy", here, there)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == "run/Adam: is there already, and is the same\nsecond/Adam: copied and compared\n"
    with Store.open(there) as store:
        store.release(1, store.acquire(1, owner=ME), StudyStatus.STOPPED)
    before = held(there)
    outcome = call("database", "copy", here, there)
    assert outcome.code == StudyExists.exit_code
    assert "another study run/Adam is in" in outcome.err
    assert held(there) == before


def test_no_is_an_answer_after_which_nothing_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "studies.db")
    filled(url)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    outcome = call("database", "delete-study", "run", "--database", url)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("lodo-tune: nothing was deleted\n")
    assert len(PlainStore.open(url).studies()) == 1
