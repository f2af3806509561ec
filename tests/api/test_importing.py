"""Runs that were trained elsewhere: a CSV becomes a comparison that says everywhere where it comes from."""

import json
import urllib.request

import numpy as np
import pytest

import tuner
from tests.support.command_line import call
from tests.support.report_values import database
from tuner.results.analysis.profile import profile

THEIRS = """\
optimizer,seed,fitness,status,learning_rate,beta_1,validation.loss,test.accuracy
Adam,3,0.31,,0.001,0.9,0.40,0.91
Adam,4,0.29,finished,0.001,0.9,0.42,0.90
Adam,7,0.33,finished,0.001,0.9,0.38,0.92
Shampoo,3,0.21,finished,0.1,,0.50,0.93
Shampoo,4,,diverged,0.1,,,
Shampoo,7,0.23,finished,0.1,,0.52,0.94
"""


def importing(folder, text=THEIRS, *options):
    """Import a file into a new database."""
    file, place = folder / "theirs.csv", folder / "studies.db"
    file.write_text(text, encoding="utf-8")
    return call("database", "import", file, "--task", "cifar", "--steps", 5000, "--database", place, *options), place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    outcome, place = importing(tmp_path_factory.mktemp("imported"))
    assert outcome.code == 0, outcome.err
    return place


def test_the_numbers_of_the_file_are_those_of_the_table(place):
    (comparison,) = tuner.open_database(place).run("theirs").table().comparisons
    adam, shampoo = comparison.contenders
    losses = np.array([0.31, 0.29, 0.33])  # as the file has them
    assert adam.by_steps.loss.mean == pytest.approx(losses.mean())
    assert adam.by_steps.loss.spread == pytest.approx(losses.std())
    assert adam.validation["loss"].mean == pytest.approx(np.mean([0.40, 0.42, 0.38]))
    assert shampoo.test["accuracy"].mean == pytest.approx(np.mean([0.93, 0.94]))
    assert shampoo.by_steps.diverged == 1
    assert dict(shampoo.point.hyperparameters) == {"learning_rate": 0.1}
    assert [run.candidate.seed for run in adam.runs] == [3, 4, 7]
    assert comparison.steps == 5000


def test_the_database_is_sound_and_nothing_is_left_to_train(place):
    assert call("database", "check", "--database", place).out.endswith("sound\n")
    assert "theirs is complete" in call("resume", "theirs", "--database", place).err


def test_every_output_says_that_the_runs_were_imported(place, tmp_path):
    for verb in (
        ["studies"],
        ["table"],
        ["table", "--format", "latex"],
        ["show", "theirs/Adam"],
        ["table", "--profile"],
    ):
        assert "imported" in call(*verb, "--database", place).out, verb
    assert json.loads(call("table", "--json", "--database", place).out)["comparisons"][0]["is_imported"]
    assert call("report", "--output", tmp_path / "report.html", "--database", place).code == 0
    assert "Adam (imported)" in (tmp_path / "report.html").read_text(encoding="utf-8")
    figures = tuner.open_database(place).figures("theirs", formats=["svg"])
    assert set(figures) == {"theirs-final-losses.svg", "theirs-validation.svg"}


def test_the_pages_of_a_study_say_that_it_was_imported(place):
    pytest.importorskip("fastapi")
    from tests.support.reading_service import BEARER, application, served

    with served(application(str(place))) as address:
        pages = {}
        for path in ("", "runs/theirs", "studies/1"):
            with urllib.request.urlopen(urllib.request.Request(f"{address}/{path}", headers=BEARER)) as response:
                pages[path] = response.read().decode()
    assert "Adam (imported), Shampoo (imported)" in pages[""]
    assert "measured elsewhere" in pages["runs/theirs"]
    assert "measured elsewhere" in pages["studies/1"]


def test_what_lodo_tune_measured_is_not_marked(tmp_path):
    place = database(tmp_path / "own.db")
    assert "imported" not in call("table", "--database", place).out
    assert not json.loads(call("studies", "--json", "--database", place).out)["studies"][0]["is_imported"]


def test_what_trials_writes_of_a_comparison_can_be_imported(tmp_path):
    own = database(tmp_path / "own.db")
    text = call("trials", "second", "--database", own).out
    outcome, place = importing(tmp_path, text)
    assert outcome.code == 0, outcome.err
    (before,), (after,) = (
        tuner.open_database(each).run(name).table().comparisons for each, name in ((own, "second"), (place, "theirs"))
    )
    assert [one.by_steps for one in after.contenders] == [one.by_steps for one in before.contenders]
    assert after.steps == before.steps


def test_a_profile_over_tasks_remarks_on_imported_runs(place):
    (comparison,) = tuner.open_database(place).run("theirs").table().comparisons
    assert any("theirs were imported" in remark for remark in profile([comparison]).remarks)


def test_a_second_import_of_a_name_is_refused(place):
    outcome, _ = importing(place.parent)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "exists already" in outcome.err


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("optimizer,seed", "optimizer,sead", "lacks seed"),
        ("Adam,3,0.31", "Adam,3,nan", "line 2, fitness: is a finite number"),
        ("Adam,4,0.29", "Adam,3,0.29", "line 3: Adam has seed 3 twice"),
        ("Shampoo,7", "Shampoo,8", "Shampoo has other seeds"),
        ("Adam,7,0.33,finished,0.001", "Adam,7,0.33,finished,0.002", "line 4: Adam has one set of hyperparameters"),
        (",diverged,", ",exploded,", "line 6, status: is one of"),
        ("finished,0.1,", "finished,-0.1,", "line 5, learning_rate: is a number from 0"),
        ("0.93\n", "0.93,1\n", "line 5: has 8 cells"),
        ("beta_1", "learning_rate", "a column has no name of its own"),
        ("Shampoo,3", "Sham/poo,3", "an optimizer's name"),
        (THEIRS.partition("\n")[2], "", "no line of data"),
    ],
)
def test_a_fault_of_the_file_is_named_with_its_line_and_nothing_is_written(tmp_path, before, after, named):
    outcome, place = importing(tmp_path, THEIRS.replace(before, after, 1))
    assert (outcome.code != 0, outcome.err.count("\n")) == (True, 1)
    assert named in outcome.err
    assert not place.exists()


def test_searches_and_missing_budgets_are_refused(tmp_path):
    own = database(tmp_path / "own.db")
    outcome, _ = importing(tmp_path, call("trials", "first", "--database", own).out)
    assert "only comparisons are imported" in outcome.err
    (tmp_path / "theirs.csv").write_text(THEIRS)
    outcome = call("database", "import", tmp_path / "theirs.csv", "--task", "cifar", "--database", tmp_path / "b.db")
    assert "--steps" in outcome.err
