"""`lodo-tune trials`: every candidate in files that other programs read."""

import csv
import importlib.util
import io
import json

import pandas as pd
import pytest

import tuner
from tests.support.builders import spec
from tests.support.command_line import call
from tests.support.report_values import database
from tuner.api.trials import trials_file, trials_frame
from tuner.core.study import CandidateRecord, StudyRecord, StudyStatus
from tuner.core.trial import Key, Role, Status


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return database(tmp_path_factory.mktemp("trials") / "studies.db")


def test_csv_is_the_frame_in_full_precision(place):
    frame = tuner.open_database(place).run("first").trials()
    outcome = call("trials", "first", "--database", place)
    read = pd.read_csv(io.StringIO(outcome.out))
    assert list(read.columns) == list(frame.columns)
    finished = frame.status == "finished"
    assert read.fitness[finished].tolist() == frame.fitness[finished].tolist()
    assert read.fitness[~finished].isna().all()
    assert read.learning_rate.equals(frame.learning_rate)
    assert read.seed.tolist() == frame.seed.tolist()


def test_json_is_an_object_per_candidate_with_its_own_hyperparameters(place):
    rows = json.loads(call("trials", "first/LODO", "--json", "--database", place).out)
    frame = tuner.open_database(place).run("first")["LODO"].trials()
    assert len(rows) == len(frame)
    assert set(rows[0]["hyperparameters"]) == {"initial_learning_rate", "meta_learning_rate", "momentum"}
    assert [row["hyperparameters"]["momentum"] for row in rows] == frame.momentum.tolist()
    assert {row["fitness"] for row in rows if row["status"] == "diverged"} == {None}


def test_without_a_name_all_studies_are_written_and_their_roles_tell_them_apart(place):
    rows = list(csv.DictReader(io.StringIO(call("trials", "--database", place).out)))
    assert {row["study"] for row in rows} == {"first/Adam", "first/LODO", "second/Adam", "second/LODO"}
    assert {row["role"] for row in rows if row["study"].startswith("second/")} == {"comparison"}


def test_parquet_is_the_frame(place, tmp_path):
    pytest.importorskip("pyarrow")
    assert call("trials", "--format", "parquet", "--output", tmp_path / "a.parquet", "--database", place).code == 0
    expected = tuner.open_database(place).trials()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), expected, check_dtype=False)


def test_without_pyarrow_one_line_says_what_to_install(place, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    outcome = call("trials", "--format", "parquet", "--output", tmp_path / "a.parquet", "--database", place)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "pip install pyarrow" in outcome.err
    assert not (tmp_path / "a.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--format", "parquet"], "--output"),
        (["--format", "jsn"], "did you mean 'json'"),
        (["frist"], "did you mean"),
    ],
    ids=["parquet without a file", "format", "name"],
)
def test_what_cannot_be_written_is_refused_in_one_line(place, arguments, named):
    outcome = call("trials", *arguments, "--database", place)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (outcome.code or 1, "", 1)
    assert named in outcome.err


def test_an_existing_file_is_replaced_only_by_force(place, tmp_path):
    file = tmp_path / "trials.csv"
    file.write_text("mine")
    assert call("trials", "--output", file, "--database", place).code == 1
    assert file.read_text() == "mine"
    assert call("trials", "--output", file, "--force", "--database", place).code == 0
    assert file.read_text().startswith("study,")


def test_a_hyperparameter_called_as_a_column_has_a_column_of_its_own():
    space = {"optimizer": "Mine", "hyperparameters": {"budget": {"scale": "log", "default": 0.5}}}
    study = StudyRecord(1, spec(space), StudyStatus.COMPLETE, "", None, None, None, (), {}, None, None)
    candidate = CandidateRecord(
        key=Key(Role.SEARCH, 0, 0), status=Status.FINISHED, fitness=1.0, steps_done=100, seconds=0.1, genome=(0.0,),
        hyperparameters={"budget": 0.5}, seed=3, steps=100, attempts=1, node="", device="", reason="", error="",
    )  # fmt: skip
    (row,) = trials_frame([(study, candidate)]).to_dict("records")
    assert (row["budget"], row["hyperparameters.budget"]) == (100, 0.5)
    (row,) = json.loads(trials_file([(study, candidate)], "json"))
    assert (row["budget"], row["hyperparameters"]) == (100, {"budget": 0.5})
