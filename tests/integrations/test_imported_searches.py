"""Searches that were made in Ray Tune: an experiment's files become a search that is marked as imported."""

import json
import math

import pytest

import tuner
from search_spaces.space import SearchSpace
from tests.support.command_line import call
from tuner.core.errors import InvalidRequest
from tuner.core.objective_text import parse
from tuner.core.trial import Role, Status
from tuner.integrations.ray_tune_results import read_experiment
from tuner.storage import Store

# What each trial reported per iteration, and its configuration; as Ray Tune 2.60 writes them.
TRIALS = [
    ([0.9, 0.5], {"lr": 1e-1, "net": {"width": 64}, "act": "relu", "depth": 3}),
    ([0.8, 0.2], {"lr": 1e-3, "net": {"width": 32}, "act": "gelu", "depth": 3}),
    ([0.1, 0.4], {"lr": 1e-4, "net": {"width": 16}, "act": "relu", "depth": 3}),
    ([0.7, math.nan], {"lr": 9.0, "net": {"width": 128}, "act": "relu", "depth": 3}),
    ([], {"lr": 1e-2, "net": {"width": 8}, "act": "gelu", "depth": 3}),
    ([0.6], {"lr": 1e-2, "net": {"width": 9}, "act": "gelu", "depth": 3}),
]


def experiment(folder):
    """Write an experiment of Ray Tune."""
    for number, (losses, configuration) in enumerate(TRIALS, 1):
        trial = folder / f"train_{number * 7919:08x}_{number}_lr=1_2026-11-28_02-19-12"
        trial.mkdir(parents=True)
        (trial / "params.json").write_text(json.dumps(configuration), encoding="utf-8")
        lines = [
            {"loss": loss, "eval": {"acc": 1 - loss}, "training_iteration": at, "time_total_s": 2.0 * at, "done": False}
            for at, loss in enumerate(losses, 1)
        ]
        (trial / "result.json").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        if number == len(TRIALS):
            (trial / "error.txt").write_text("Traceback …\nZeroDivisionError: division by zero\n", encoding="utf-8")
    return folder


def importing(tmp_path, *options):
    folder, place = experiment(tmp_path / "width search"), tmp_path / "studies.db"
    outcome = call("database", "import", "--ray-tune", folder, *options, "--database", place)
    return outcome, place


def search_of(place, run="width-search"):
    return tuner.open_database(place).run(run)["Ray-Tune"]


def candidates_of(place, study):
    with Store.open(str(place), read_only=True) as store:
        return store.candidates(study.record.id)


def test_trials_are_candidates_in_their_order_and_the_best_is_tuned(tmp_path):
    outcome, place = importing(tmp_path, "--objective", "validation.loss")
    assert outcome.out == "width-search/Ray-Tune: imported from Ray Tune experiment width search\n", outcome.err
    study = search_of(place)
    assert study.tuned == {"lr": 1e-3, "net_width": 32, "act": "gelu", "depth": 3}
    rows = tuner.open_database(place).run("width-search").trials()
    assert list(rows["lr"]) == [configuration["lr"] for _, configuration in TRIALS]
    assert list(rows["status"]) == ["finished"] * 3 + ["diverged", "failed", "failed"]
    assert list(rows["fitness"][:3]) == [0.5, 0.2, 0.4]
    assert list(rows["steps_done"]) == [2, 2, 2, 2, 1, 1]
    assert list(rows["seconds"]) == [4.0, 4.0, 4.0, 4.0, 0.0, 2.0]


def test_the_best_value_and_nested_metrics_with_their_direction_can_be_the_objective(tmp_path):
    folder = experiment(tmp_path / "e")
    best = read_experiment(folder, objective="validation.loss:best")
    assert [trial.value for trial in best.trials] == [0.5, 0.2, 0.1, 0.7, None, None]
    accuracy = read_experiment(folder, objective="validation.eval_acc:max")
    assert [trial.value for trial in accuracy.trials[:3]] == pytest.approx([0.5, 0.8, 0.6])
    assert accuracy.objective == parse("validation.eval_acc:max")


def test_reasons_and_curves_are_kept(tmp_path):
    search = read_experiment(experiment(tmp_path / "e"), objective="validation.loss")
    ends = [(trial.status, trial.reason) for trial in search.trials[3:]]
    assert ends == [
        (Status.DIVERGED, "loss was nan"),
        (Status.FAILED, "reported no loss"),
        (Status.FAILED, "ZeroDivisionError: division by zero"),
    ]
    assert search.trials[0].curve == {1: 0.9, 2: 0.5}
    assert search.trials[3].curve == {1: 0.7}


def test_ranges_are_those_of_what_was_tried(tmp_path):
    _, place = importing(tmp_path, "--objective", "validation.loss")
    (record,) = (study.record for study in tuner.open_database(place).run("width-search"))
    space = record.spec.space
    assert space["fixed"] == {"depth": 3}
    assert space["hyperparameters"] == {
        "lr": {"scale": "log", "default": 0.1, "low": 1e-4, "high": 9.0},
        "net_width": {"scale": "integer", "default": 64, "low": 8, "high": 128},
        "act": {"scale": "choice", "default": "relu", "values": ["relu", "gelu"]},
    }


def test_a_hyperparameter_that_some_trials_lack_has_a_condition(tmp_path):
    folder = experiment(tmp_path / "e")
    for number, trial in enumerate(sorted(folder.iterdir(), key=lambda trial: int(trial.name.split("_")[2]))):
        configuration = json.loads((trial / "params.json").read_text(encoding="utf-8"))
        if configuration["act"] == "gelu":
            configuration["of_gelu"] = 0.1 * number
        if number in (0, 1):
            configuration["at_times"] = number
        (trial / "params.json").write_text(json.dumps(configuration), encoding="utf-8")
    place = tmp_path / "studies.db"
    call("database", "import", "--ray-tune", folder, "--objective", "validation.loss", "--database", place)
    study = search_of(place, "e")
    space = SearchSpace.from_dict(study.record.spec.space)
    conditions = {one.name: dict(one.only_when) for one in space.dimensions if one.only_when}
    assert conditions == {"of_gelu": {"act": ("gelu",)}, "at_times": {"at_times_used": (True,)}}
    for candidate in candidates_of(place, study):
        assert space.decode(candidate.genome) == pytest.approx(candidate.hyperparameters)
    assert study.tuned["of_gelu"] == pytest.approx(0.1)
    assert call("database", "check", "--database", place).out.endswith("sound\n")


def test_every_output_says_that_the_search_was_imported(tmp_path):
    _, place = importing(tmp_path, "--objective", "validation.loss", "--name", "theirs", "--task", "digits")
    for verb in (["studies"], ["table"], ["table", "--format", "latex"], ["show", "theirs/Ray-Tune"]):
        outcome = call(*verb, "--database", place)
        assert outcome.code == 0, outcome.err
        assert "imported" in outcome.out, verb
    text = call("table", "--database", place).out
    assert "best       Ray-Tune (imported): 0.2, as its search measured it, without fresh seeds" in text
    assert "cost       10 steps" in text  # 2 of four trials, and 1 of the two others, in the user's unit
    assert call("report", "--output", tmp_path / "report.html", "--database", place).code == 0
    assert "Ray-Tune (imported)" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert tuner.open_database(place).figures("theirs", formats=["svg"])
    assert call("database", "check", "--database", place).out.endswith("sound\n")
    assert "theirs is complete" in call("resume", "theirs", "--database", place).err
    (record,) = (study.record for study in tuner.open_database(place).run("theirs"))
    assert record.spec.task == "digits"
    assert {candidate.key.role for candidate in candidates_of(place, search_of(place, "theirs"))} == {Role.SEARCH}


def test_an_experiment_that_was_cut_is_read_as_far_as_it_goes(tmp_path):
    folder = experiment(tmp_path / "e")
    first = sorted(folder.iterdir())[0]
    with (first / "result.json").open("a", encoding="utf-8") as file:
        file.write('{"loss": 0.00')
    assert read_experiment(folder, objective="validation.loss").trials[0].curve == {1: 0.9, 2: 0.5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--objective is validation.METRIC[:best][:min | :max], METRIC one of eval_acc, loss"),
        (["--objective", "validation.lost"], "METRIC one of eval_acc, loss. Received: 'validation.lost'"),
        (["--objective", "training-loss"], "METRIC one of eval_acc, loss. Received: 'training-loss'"),
        (["--objective", "validation.loss", "--steps", "3"], "--steps belongs to a CSV"),
        (["--objective", "validation.loss", "--study", "x"], "--study belongs to --optuna URL"),
        (["--objective", "validation.loss", "--name", "a b"], "a run's name is 1 to 64 letters"),
        (["theirs.csv"], "takes one of FILE.csv, --optuna URL and --ray-tune DIR. Received: 2 of them"),
    ],
)
def test_what_is_not_accepted_is_named_in_one_line(options, message, tmp_path):
    outcome, _ = importing(tmp_path, *options)
    assert outcome.code != 0
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_an_import_names_what_it_needs(tmp_path):
    for arguments, message in (
        ([], "takes one of FILE.csv, --optuna URL and --ray-tune DIR. Received: 0 of them"),
        (["theirs.csv"], "Missing option '--task'"),
        (["--ray-tune", tmp_path], "is the folder of an experiment"),
        (["--ray-tune", tmp_path / "missing"], "is the folder of an experiment"),
    ):
        outcome = call("database", "import", *arguments, "--database", tmp_path / "studies.db")
        assert outcome.code == 2, outcome.err
        assert message in outcome.err


def test_a_run_is_not_imported_twice(tmp_path):
    _, place = importing(tmp_path, "--objective", "validation.loss")
    again = call(
        "database",
        "import",
        "--ray-tune",
        tmp_path / "width search",
        "--objective",
        "validation.loss",
        "--database",
        place,
    )
    assert "the run width-search exists already; give this one another name" in again.err


def test_files_that_are_no_json_are_named(tmp_path):
    folder = experiment(tmp_path / "e")
    first = sorted(folder.iterdir())[0]
    (first / "params.json").write_text("[", encoding="utf-8")
    with pytest.raises(InvalidRequest, match=r"params.json: is no JSON with the configuration of a trial"):
        read_experiment(folder, objective="validation.loss")
    (first / "result.json").write_text("{\n{}\n", encoding="utf-8")
    with pytest.raises(InvalidRequest, match=r"result.json, line 1: is no JSON"):
        read_experiment(folder, objective="validation.loss")


def test_a_search_in_which_nothing_finished_is_refused(tmp_path):
    folder = experiment(tmp_path / "e")
    for trial in folder.iterdir():
        (trial / "error.txt").write_text("lost", encoding="utf-8")
    outcome = call(
        "database", "import", "--ray-tune", folder, "--objective", "validation.loss", "--database", tmp_path / "s.db"
    )
    assert "no trial of e has finished" in outcome.err
