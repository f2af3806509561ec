"""Damaged databases: each command reports the damage in one line, and `check` finds it."""

from __future__ import annotations

import math
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.support.command_line import call
from tests.support.store_values import ME, candidate, driven, evaluation, key, keys
from tuner.api.results_folder import write_results
from tuner.core.study import StudyStatus
from tuner.core.trial import Role
from tuner.storage import Damaged, Store

pytestmark = pytest.mark.faults

FRESH = [key(slot, 0, role) for role in (Role.DEFAULT, Role.TUNED) for slot in range(3)]


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the database for a test to damage."""
    return Path(shutil.copy(template, tmp_path))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the complete studies run/Adam and healthy/Adam, and the interrupted begun/Adam."""
    path = tmp_path_factory.mktemp("template") / "studies.db"
    with Store.open(str(path)) as store:
        for run in ("run", "healthy"):
            study, epoch = driven(store, run, owner=ME, add=[*keys(), *FRESH])
            store.record(study, epoch, [evaluation(each) for each in [*keys(), *FRESH]])
            store.finish(study, epoch, tuned={"rate": 0.25}, tuned_genome=[math.log(0.25)])
            store.release(study, epoch, StudyStatus.COMPLETE)
        study, epoch = driven(store, "begun", owner=ME, add=keys())
        store.start_attempt(study, epoch, [key()], 1, "node-1", 17)
        store.end_attempt(study, epoch, [key()], 1, "worker crashed")
        store.release(study, epoch, StudyStatus.INTERRUPTED)
    return path


def damage_database(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            raw.execute(statement)
    raw.close()


def test_the_undamaged_template_is_sound(path: Path) -> None:
    outcome = call("database", "check", "--database", path)
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "sound")


DAMAGED_STUDY = {
    "notes = '5'": "run/Adam is damaged: its notes is not a list of texts. Received: 5",
    "notes = '[1,'": "run/Adam is damaged: its notes is not a list of texts. Received: '[1,'",
    "steps = '[20]'": "its steps is not a list of 2 numbers. Received: [20]",
    "steps = '[1.5, 2]'": "its steps is not a list of 2 whole numbers",
    "parameters = 'null'": "its parameters is not a mapping. Received: None",
    "parameters = '{\"sigmas\": [1]}'": "its parameters is not a mapping with 2 finite sigmas. Received: {",
    "kind = 'odd'": "its kind is not one of search, comparison. Received: 'odd'",
    "kind = 'comparison'": "its comparison is not a mapping. Received: None",
    "tuned = '[1]'": "its tuned is not a mapping. Received: [1]",
    'tuned = \'{"rate": "x"}\'': "its tuned is not a mapping from names to numbers",
    "tuned = '{\"x\": 1}'": "its tuned is not a value for each of rate. Received: {'x': 1}",
    "tuned = '{}'": "its tuned is not a value for each of rate. Received: {}",
    "tuned_genome = '7'": "its tuned_genome is not a list of numbers",
    "space = '{}'": "its space is not a search space. Received: {}",
    "status = 'weird'": "its status is not one of running, interrupted, stopped, complete. Received: 'weird'",
    "optimizer = '../../escaped'": "its optimizer is not a name. Received: '../../escaped'",
    "run = 'a/b'": "its run is not a name. Received: 'a/b'",
    "generations = 'many'": "its generations is not a whole number of at least 0. Received: 'many'",
    "options = '[]'": "its options is not a mapping. Received: []",
    "created_at = x'00'": "its created_at is not a text",
}
DAMAGED_CANDIDATE = {
    "UPDATE candidates SET genome = 'null' WHERE id = 1": "its genome is not a list of numbers. Received: None",
    "UPDATE candidates SET genome = '[1,' WHERE id = 1": "its genome is not a list of numbers. Received: '[1,'",
    "UPDATE candidates SET hyperparameters = '3' WHERE id = 1": "its hyperparameters is not a mapping. Received: 3",
    "UPDATE candidates SET status = 'odd' WHERE id = 1": "its status is not one of waiting, running,",
    "UPDATE evaluations SET fitness = 'abc' WHERE candidate_id = 1": "its fitness is not a number. Received: 'abc'",
    "UPDATE evaluations SET seconds = 'x' WHERE candidate_id = 1": "its seconds is not a number. Received: 'x'",
}


@pytest.mark.parametrize("damage", DAMAGED_STUDY)
def test_an_unreadable_study_is_reported_and_the_others_are_listed(path: Path, damage: str) -> None:
    damage_database(path, f"UPDATE studies SET {damage} WHERE id = 1")
    for verb in (["studies"], ["table"]):
        outcome = call(*verb, "--database", path)
        assert outcome.code == 1
        assert "healthy" in outcome.out
        assert DAMAGED_STUDY[damage] in outcome.err
        assert len(outcome.err.splitlines()) == 1
    outcome = call("database", "check", "--database", path)
    assert outcome.code == 1
    assert DAMAGED_STUDY[damage] in outcome.out
    with Store.open(str(path)) as store:
        assert len(store.runs()) == 3
        with pytest.raises(Damaged):
            store.studies()


@pytest.mark.parametrize("damage", DAMAGED_CANDIDATE)
def test_an_unreadable_candidate_is_reported_with_its_study(path: Path, damage: str) -> None:
    damage_database(path, damage)
    message = f"run/Adam search 0/0 is damaged: {DAMAGED_CANDIDATE[damage]}"
    outcome = call("database", "check", "--database", path)
    assert outcome.code == 1
    assert message in outcome.out
    if "odd" in damage:
        message = "a candidate of the study run/Adam is damaged: its status is not one of waiting, running,"
    listing = [] if "genome" in damage or "hyperparameters" in damage else [["studies"]]  # which shows neither
    for verb in (*listing, ["show", "run"], ["table", "run"]):
        outcome = call(*verb, "--database", path)
        assert outcome.code == 1
        assert message in outcome.err
        assert len(outcome.err.splitlines()) == 1
    assert "healthy/Adam" in call("studies", "--database", path).out


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("UPDATE candidates SET generation = 99 WHERE id = 1", "run/Adam search 99/0: the study has no such key"),
        ("UPDATE candidates SET slot = 3 WHERE id = 9", "run/Adam default 0/3: the study has no such key"),
        ("UPDATE attempts SET ended_at = NULL WHERE candidate_id = 1", "0/0: is finished with 1 open attempts"),
        ("UPDATE attempts SET outcome = 'odd' WHERE candidate_id = 1", "an attempt of run/Adam search 0/0 is damaged"),
        (
            "DELETE FROM candidates WHERE role = 'tuned' AND study_id = 1",
            "run/Adam: is complete with 0 of 3 runs of role tuned on fresh seeds",
        ),
        ("UPDATE studies SET tuned_genome = '[1, 2]'", "run/Adam: its tuned_genome has 2 entries, its space 1"),
        ("UPDATE studies SET tuned_genome = NULL", "run/Adam: has only one of tuned and tuned_genome"),
        ("UPDATE curves SET length = 'x' WHERE candidate_id = 1", "0/0: a stored curve has an invalid dtype or length"),
        ("ALTER TABLE evaluations DROP COLUMN device", "the table evaluations has no column device"),
        ("DROP TABLE curves", "there is no table curves"),
        (
            "UPDATE studies SET space = '{\"optimizer\": \"Adam\", \"hyperparameters\": {\"rate\": {}}}'",
            "run/Adam: its space cannot be used: hyperparameter 'rate' must have the keys scale and may",
        ),
    ],
)  # fmt: skip
def test_check_reports_damage_that_would_break_other_commands(path: Path, damage: str, message: str) -> None:
    damage_database(path, "PRAGMA foreign_keys = ON", damage)
    outcome = call("database", "check", "--database", path)
    assert outcome.code == 1
    assert message in outcome.out
    assert len(outcome.err.splitlines()) == 1


def test_an_optimizer_name_in_a_database_cannot_escape_the_output_folder(path: Path, tmp_path: Path) -> None:
    damage_database(path, "UPDATE studies SET optimizer = '../../escaped' WHERE id = 1")
    out = tmp_path / "deep" / "out"
    outcome = call("resume", "run", "--database", path, "--output", out)
    assert outcome.code == 1
    assert "its optimizer is not a name" in outcome.err
    assert not list(tmp_path.rglob("escaped*"))


def test_results_stay_in_their_folder_even_if_a_name_was_not_validated(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage_database(path, "UPDATE studies SET optimizer = '../../escaped' WHERE id = 1")
    monkeypatch.setattr("tuner.storage.studies.check_study_label", lambda _: None)
    (tmp_path / "deep").mkdir()
    with Store.open(str(path)) as store, pytest.raises(Damaged, match="would be written outside"):
        write_results(store, store.find("run"), tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("escaped*"))


def test_an_unreadable_curve_is_reported_with_its_study(path: Path) -> None:
    damage_database(path, "UPDATE curves SET data = x'00' WHERE candidate_id = 1")
    with Store.open(str(path)) as store, pytest.raises(Damaged, match="run/Adam search 0/0: a stored curve"):
        store.curve(1, key())


def test_a_damaged_study_does_not_block_the_driver_of_another(path: Path) -> None:
    damage_database(path, "UPDATE studies SET notes = '5' WHERE id = 1")
    with Store.open(str(path)) as store:
        study = store.find("begun")[0].id
        epoch = store.acquire(study, owner=ME)
        store.add(study, epoch, [candidate(each) for each in keys()])
        assert store.record(study, epoch, [evaluation(key())]) == [True]
