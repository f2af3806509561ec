"""Searches that were made in Optuna: a study becomes a search that is marked as imported."""

import math

import pytest

import tuner
from tests.support.command_line import call
from tuner.storage import Store

optuna = pytest.importorskip("optuna")

from tuner.integrations.optuna import GeneticSampler  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    lr = trial.suggest_float("Net.LR", 1e-6, 1.0, log=True)
    act = trial.suggest_categorical("act", ["relu", None])
    trial.suggest_int("layers", 3, 3)
    depth = trial.suggest_int("depth", 1, 4) if act == "relu" else 0
    for step in range(1, 4):
        trial.report(1.0 / step, step)
    if trial.number == 2:
        raise ZeroDivisionError
    if trial.number == 3:
        raise optuna.TrialPruned
    return math.nan if trial.number == 4 else math.log(lr / 1e-2) ** 2 + depth


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A storage with two studies."""
    place = tmp_path_factory.mktemp("optuna") / "optuna.db"
    for name, direction in (("my study", "minimize"), ("other", "maximize")):
        study = optuna.create_study(
            storage=f"sqlite:///{place}",
            study_name=name,
            direction=direction,
            sampler=optuna.samplers.RandomSampler(seed=1),
        )
        study.optimize(objective, n_trials=12, catch=(ZeroDivisionError,))
    return place


def test_trials_are_candidates_in_their_order_and_the_best_is_tuned(theirs, tmp_path):
    place = tmp_path / "studies.db"
    outcome = call("database", "import", "--optuna", theirs, "--database", place)
    assert [line.partition(":")[0] for line in outcome.out.splitlines()] == ["my-study/Optuna", "other/Optuna"], outcome
    for run, name in (("my-study", "my study"), ("other", "other")):
        study = optuna.load_study(study_name=name, storage=f"sqlite:///{theirs}")
        ours = tuner.open_database(place).run(run)
        rows = ours.trials()
        assert list(rows["net_lr"]) == [trial.params["Net.LR"] for trial in study.trials]
        assert list(rows["status"][2:5]) == ["failed", "pruned", "failed"]
        finished = [trial.value for trial in study.trials if trial.state.name == "COMPLETE"]
        assert list(rows["fitness"][rows["status"] == "finished"]) == finished
        assert ours["Optuna"].tuned["net_lr"] == study.best_params["Net.LR"]
        missing = [trial.params.get("depth") is None for trial in study.trials]
        assert list(rows["depth"].isna()) == missing
    with Store.open(str(place), read_only=True) as store:
        reasons = [each.reason for each in store.candidates(store.find("other")[0].id)]
    assert reasons[2:5] == ["failed according to Optuna", "pruned after step 3", "failed according to Optuna"]
    assert call("database", "check", "--database", place).out.endswith("sound\n")
    for verb in (["table", "other"], ["show", "other/Optuna"], ["studies"]):
        assert "imported" in call(*verb, "--database", place).out


def test_distributions_are_the_search_space(theirs, tmp_path):
    place = tmp_path / "studies.db"
    call("database", "import", "--optuna", theirs, "--study", "other", "--name", "mine", "--database", place)
    (study,) = tuner.open_database(place).run("mine")
    space = study.record.spec.space
    first = optuna.load_study(study_name="other", storage=f"sqlite:///{theirs}").trials[0]
    assert space["fixed"] == {"layers": 3}
    scales = {
        name: {key: value for key, value in each.items() if key != "default"}
        for name, each in space["hyperparameters"].items()
    }
    assert scales == {
        "net_lr": {"scale": "log", "low": 1e-6, "high": 1.0},
        "act": {"scale": "choice", "values": ["relu", "None"]},
        "depth": {"scale": "integer", "low": 1, "high": 4, "only_when": {"act": ["relu"]}},
    }
    assert space["hyperparameters"]["net_lr"]["default"] == first.params["Net.LR"]
    assert study.record.spec.workload.objective.text == "validation.value:max"


def test_a_search_with_our_sampler_says_so(tmp_path):
    study = optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'o.db'}", study_name="s", sampler=GeneticSampler(generations=2, population=2)
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0))
    call("database", "import", "--optuna", tmp_path / "o.db", "--database", tmp_path / "studies.db")
    assert "strategy genetic in optuna" in call("table", "--database", tmp_path / "studies.db").out


def test_what_is_not_accepted_is_named_in_one_line_and_nothing_is_written(theirs, tmp_path):
    both = optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'two.db'}", study_name="two", directions=["minimize"] * 2
    )
    both.optimize(lambda trial: (trial.suggest_float("x", 0.0, 1.0), 1.0), n_trials=2)
    (tmp_path / "text.db").write_text("no database", encoding="utf-8")
    for arguments, message in (
        (["--optuna", tmp_path / "none.db"], "there is no file"),
        (["--optuna", tmp_path / "text.db"], "cannot be read"),
        (["--optuna", tmp_path / "two.db"], "two has 2 objectives"),
        (["--optuna", theirs, "--study", "another"], "has my study, other. Received: 'another'"),
        (["--optuna", theirs, "--name", "one"], "--name names one study. Received: 2 studies"),
        (["--optuna", theirs, "--objective", "validation.loss"], "of other is validation.loss:max"),
        (["--optuna", theirs, "--objective", "training-loss"], "of a study of Optuna is validation.NAME"),
        (["--optuna", theirs, "--ray-tune", tmp_path], "Received: 2 of them"),
    ):
        outcome = call("database", "import", *arguments, "--database", tmp_path / "studies.db")
        assert outcome.code != 0
        assert message in outcome.err, outcome.err
        assert "Traceback" not in outcome.err
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "studies.db").exists()
