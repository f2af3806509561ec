"""Comparisons by objectives other than the paper's, and profiles over several targets."""

import csv
import json
import math

import numpy as np
import pytest

import tuner
from tests.support.command_line import call
from tests.support.in_process import without_ray

LINE = "tests.support.regression:Line"
SMALL = {"generations": 2, "population": 4, "steps": 40, "sigma": 2.0, "progress": False}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    with without_ray():
        yield tmp_path


def test_a_comparison_ranks_by_the_objective_of_the_search():
    run = tuner.tune(LINE, ["Adam", "Momentum"], objective="validation.accuracy", name="line", **SMALL)
    comparison = tuner.compare(run, steps=60, seeds=4, validate_every=20, progress=False)
    document = json.loads(comparison.table().to_json())["comparisons"][0]
    assert document["objective"] == "validation.accuracy"
    assert "Validation accuracy at the end of the step budget (higher is better)" in comparison.table().to_text()
    means = {}
    for contender in document["contenders"]:
        ends = [seed.series["validation"].metrics["accuracy"][-1] for seed in comparison.runs(contender["optimizer"])]
        means[contender["optimizer"]] = np.mean(ends)
        assert contender["by_steps"]["loss"]["mean"] == pytest.approx(np.mean(ends))
    best = [one["optimizer"] for one in document["contenders"] if one["by_steps"]["standing"] == "best"]
    assert means[best[0]] == max(means.values())
    assert "validation accuracy at the end" in comparison.figure("final-losses").axes[0].get_xlabel()
    often = tuner.compare(run, objective="validation.loss:best", steps=60, seeds=2, progress=False)
    assert often.runs("Adam")[0].series["validation"].evaluations.tolist() == list(range(0, 66, 6))  # tenths of 60
    other = tuner.compare(run, objective="training-loss", steps=60, seeds=4, progress=False)
    assert json.loads(other.table().to_json())["comparisons"][0]["objective"] == "training-loss"
    assert "Mean training loss in the last 10 % of the step budget (lower is better)" in other.table().to_text()


def test_a_target_that_no_run_reaches_gives_no_ranking_and_no_gain_but_says_so():
    run = tuner.tune(LINE, ["Adam", "Momentum"], objective="evaluations-to:validation.loss<=1e-9", **SMALL)
    for study in json.loads(run.table().to_json())["studies"]:
        assert study["fitness"]["verdict"] == "both missed target"
        assert study["fitness"]["tuned"]["mean"] is study["fitness"]["gain"]["mean"] is study["best"]["fitness"] is None
        assert study["fitness"]["tuned"]["missed"] == study["fitness"]["tuned"]["finished"] > 0
    text = run.table().to_text()
    assert "not reached" in text
    assert run.figure() is not None
    assert run.figure("search-sharpness") is not None
    assert run.figure("search-parallel") is None
    comparison = tuner.compare(run, steps=30, seeds=4, progress=False)
    document = json.loads(comparison.table().to_json())["comparisons"][0]
    assert all(one["by_steps"]["standing"] is None and one["by_steps"]["missed"] == 4 for one in document["contenders"])
    assert "no run of any optimizer reached the target" in " ".join(comparison.table().to_text().split())
    assert comparison.figure("final-losses") is None


def test_a_comparison_by_time_measures_the_objective_at_the_end_of_the_steps():
    comparison = tuner.compare(
        task=LINE, optimizers="Adam", defaults=True, objective="validation.loss", seconds=0.3, steps=25,
        validate_every=10, seeds=1, progress=False,
    )  # fmt: skip
    (run,) = comparison.runs("Adam")
    validation = run.series["validation"]
    assert validation.evaluations[-1] > 25  # training went on
    assert validation.evaluations[:4].tolist() == [0, 10, 20, 25]
    assert run.candidate.fitness == validation.metrics["loss"][3]


def test_the_profile_of_a_comparison_has_the_times_of_its_stored_validation(folder):
    comparison = tuner.compare(
        task=LINE, optimizers=["Adam", "Momentum"], defaults=True, steps=60, validate_every=5, seeds=3, name="race",
        progress=False,
    )  # fmt: skip
    profile = comparison.profile("validation.loss<=5,3,1e-9")
    for number, name in enumerate(("Adam", "Momentum")):
        for run in comparison.runs(name):
            validation = run.series["validation"]
            for at, target in enumerate((5, 3, 1e-9)):
                hits = validation.evaluations[1:][validation.metrics["loss"][1:] <= target]
                expected = hits[0] if len(hits) else math.inf
                assert profile.evaluations[number, at, run.candidate.key.slot] == expected
    outcome = call("figures", "race", "--targets", "validation.loss<=5,3,1e-9", "--output", "drawn")
    assert outcome.code == 0
    rows = list(csv.DictReader((folder / "drawn" / "race-targets.csv").open()))
    assert len(rows) == 2 * 3 * 3
    assert (folder / "drawn" / "race-targets.png").stat().st_size > 5_000
    for targets, message in (
        ("validation.f1>=1", "--targets: race has measured training-loss, validation.loss, validation.accuracy"),
        ("loss", "--targets takes METRIC<=A,B,C or METRIC>=A,B,C. Received: 'loss'"),
        ("test.loss<=1", "--targets never reads the test set"),
        ("training-loss<=1,x", "--targets has a finite number as its target"),
    ):
        refused = call("figures", "race", "--targets", targets, "--output", "other")
        assert (refused.code, len(refused.err.splitlines())) == (2, 1)
        assert message in refused.err
