"""Studies written for Optuna: read back by Optuna itself, which is the extra `optuna`."""

import builtins
import math
from dataclasses import replace

import pytest

from tests.support.command_line import call
from tests.support.postgresql import Server, a_postgresql_server  # noqa: F401 - a fixture
from tests.support.store_values import REMOTE_OWNER, evaluation, key, spec
from tuner.core.objective_text import parse
from tuner.core.trial import Candidate, Role, Status, Trial
from tuner.storage import Store

SPACE = {
    "optimizer": "Adam",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.1, "low": 1e-5},
        "beta_1": {"scale": "decay", "default": 0.9},
    },
}
BUDGETS = (200, 2000)
# What came of each slot, by generation: a fitness, or a status. The lowest fitness is of the smaller budget.
OUTCOMES = (
    (0.5, 0.25, Status.DIVERGED, Status.FAILED),
    (2.0, Status.TIMED_OUT, 1.5, None),
)
REASONS = {Status.DIVERGED: "loss was nan", Status.FAILED: "worker crashed", Status.TIMED_OUT: "took too long"}


def hyperparameters(at):
    return {"learning_rate": 0.1 * (1 + at.slot), "beta_1": 0.5 + 0.1 * at.generation}


def fill(url, run="bowl", budgets=BUDGETS, **workload):
    """Make a study of two generations of four, of which the last waits, and a run on a fresh seed."""
    with Store.open(str(url)) as store:
        of = spec(run, generations=2, population=4, space=SPACE, steps=budgets)
        study = store.create_study(replace(of, workload=replace(of.workload, **workload))).id
        epoch = store.acquire(study, owner=REMOTE_OWNER)
        places = {key(slot, generation): out for generation, row in enumerate(OUTCOMES) for slot, out in enumerate(row)}
        for at, outcome in {**places, key(0, 0, Role.TUNED): 1e-9}.items():
            trial = Trial(at, hyperparameters(at), 5, budgets[at.generation])
            store.add(study, epoch, [Candidate((0.0, 0.0), trial)])
            status = outcome if isinstance(outcome, Status) else Status.FINISHED
            fitness = outcome if isinstance(outcome, float) else math.inf
            if outcome is not None:
                done = evaluation(at, status, fitness=fitness, reason=REASONS.get(status, ""))
                store.record(study, epoch, [done])


def export(folder, *names, storage="optuna.db"):
    """What the command left behind."""
    place = storage if "://" in str(storage) else folder / storage
    return call("database", "export", *names, "--optuna", place, "--database", folder / "studies.db")


def test_where_optuna_is_missing_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    fill(tmp_path / "studies.db")
    plain = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "optuna":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    outcome = export(tmp_path)
    assert outcome.code == 1
    assert outcome.err == "lodo-tune: Optuna is not installed: pip install 'lodo-tune[optuna]'\n"
    assert not (tmp_path / "optuna.db").exists()


def test_a_database_of_ours_is_never_given_to_optuna(tmp_path):
    fill(tmp_path / "studies.db")
    fill(tmp_path / "other.db")
    before = (tmp_path / "other.db").read_bytes()
    for storage in ("studies.db", "other.db"):
        outcome = export(tmp_path, storage=storage)
        assert outcome.code == 2
        assert "is a database of lodo-tune; name another one for Optuna" in outcome.err
    assert (tmp_path / "other.db").read_bytes() == before


class TestReadBack:
    """Tests for which Optuna must be there."""

    @pytest.fixture(autouse=True)
    def optuna(self):
        return pytest.importorskip("optuna", reason="Optuna, the extra `optuna`, is not installed")

    @pytest.fixture
    def study(self, optuna, tmp_path):
        """A study as Optuna has it."""
        fill(tmp_path / "studies.db")
        outcome = export(tmp_path)
        assert outcome.code == 0, outcome.err
        assert outcome.out == f"bowl/Adam: 7 trials for Optuna in sqlite:///{tmp_path / 'optuna.db'}\n"
        return optuna.load_study(study_name="bowl/Adam", storage=f"sqlite:///{tmp_path / 'optuna.db'}")

    def test_a_pruned_individual_is_a_pruned_trial_without_a_value(self, optuna, tmp_path):
        with Store.open(str(tmp_path / "studies.db")) as store:
            study = store.create_study(spec("bowl", generations=1, population=2, space=SPACE, steps=(200,))).id
            epoch = store.acquire(study, owner=REMOTE_OWNER)
            for slot, status in enumerate((Status.FINISHED, Status.PRUNED)):
                trial = Trial(key(slot), hyperparameters(key(slot)), 5, 200)
                store.add(study, epoch, [Candidate((0.0, 0.0), trial)])
                store.record(study, epoch, [evaluation(key(slot), status, reason="loss was 3" * (slot > 0))])
        assert export(tmp_path).code == 0
        loaded = optuna.load_study(study_name="bowl/Adam", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
        states = optuna.trial.TrialState
        assert [one.state for one in loaded.trials] == [states.COMPLETE, states.PRUNED]
        assert loaded.trials[1].value is None
        assert loaded.trials[1].user_attrs["status"] == "pruned"

    def test_each_final_individual_of_the_search_is_a_trial_in_order(self, optuna, study):
        states = optuna.trial.TrialState
        found = [trial.state for trial in study.trials]
        assert found == [states.COMPLETE, states.COMPLETE, states.FAIL, states.FAIL,
                         states.COMPLETE, states.FAIL, states.COMPLETE]  # fmt: skip
        assert [trial.value for trial in study.trials] == [0.5, 0.25, None, None, 2.0, None, 1.5]
        places = [(trial.user_attrs["generation"], trial.user_attrs["slot"]) for trial in study.trials]
        assert places == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2)]
        for trial, (generation, slot) in zip(study.trials, places, strict=True):
            assert trial.params == hyperparameters(key(slot, generation))

    def test_the_best_trial_is_the_best_individual_of_the_last_budget(self, study, tmp_path):
        with Store.open(str(tmp_path / "studies.db"), read_only=True) as store:
            from tuner.api.reading import summary_of

            summary = summary_of(store, store.studies()[0])
        assert study.best_value == summary.best.fitness == 1.5
        assert study.best_params == dict(summary.best.hyperparameters)

    def test_why_a_trial_failed_is_among_its_attributes(self, study):
        failed = [trial.user_attrs for trial in study.trials if trial.value is None]
        assert [one["status"] for one in failed] == ["diverged", "failed", "timed out"]
        assert [one["reason"] for one in failed] == [REASONS[Status(one["status"])] for one in failed]

    def test_the_distributions_are_those_of_the_search_space(self, optuna, study):
        found = study.trials[0].distributions
        # e^700 is the greatest of the scale `log`, 1 - 2^-53 of `decay`.
        assert found["learning_rate"] == optuna.distributions.FloatDistribution(1e-5, math.exp(700), log=True)
        assert found["beta_1"] == optuna.distributions.FloatDistribution(0.0, 1 - 2.0**-53)

    def test_where_all_budgets_are_alike_no_trial_is_infeasible(self, optuna, tmp_path):
        fill(tmp_path / "studies.db", budgets=(200, 200))
        assert export(tmp_path).code == 0
        study = optuna.load_study(study_name="bowl/Adam", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
        assert study.best_value == 0.25
        assert not any(trial.constraints for trial in study.trials)

    def test_an_objective_that_is_maximised_has_its_direction_and_its_own_units(self, optuna, tmp_path):
        fill(tmp_path / "studies.db", budgets=(200, 200), objective=parse("validation.accuracy"))
        assert export(tmp_path).code == 0
        study = optuna.load_study(study_name="bowl/Adam", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
        assert study.direction == optuna.study.StudyDirection.MAXIMIZE
        assert study.user_attrs["objective"] == "validation.accuracy"
        assert study.best_value == -0.25  # its fitness, which is stored, is 0.25, the lowest

    def test_a_study_that_is_there_is_left_as_it_is(self, study, tmp_path):
        outcome = export(tmp_path)
        assert (outcome.code, outcome.out) == (1, "")
        assert "there is a study 'bowl/Adam' in sqlite:///" in outcome.err
        assert len(study.trials) == 7

    def test_a_study_that_was_cut_off_while_it_was_written_is_written_anew(self, optuna, tmp_path, monkeypatch):
        fill(tmp_path / "studies.db")
        plain, count = optuna.study.Study.add_trial, []

        def cut_off(self, trial):
            count.append(trial)
            if len(count) == 4:
                raise KeyboardInterrupt
            plain(self, trial)

        monkeypatch.setattr(optuna.study.Study, "add_trial", cut_off)
        assert export(tmp_path).code == 130
        monkeypatch.undo()
        assert export(tmp_path).code == 0
        (name,) = optuna.get_all_study_names(f"sqlite:///{tmp_path / 'optuna.db'}")
        assert len(optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path / 'optuna.db'}").trials) == 7

    def test_a_study_of_somebody_else_s_of_the_same_name_is_not_touched(self, optuna, tmp_path):
        fill(tmp_path / "studies.db")
        optuna.create_study(study_name="bowl/Adam", storage=f"sqlite:///{tmp_path / 'optuna.db'}")
        assert "already; delete it there first" in export(tmp_path).err

    def test_a_storage_that_cannot_be_opened_is_one_line(self, tmp_path):
        fill(tmp_path / "studies.db")
        (tmp_path / "text.db").write_text("not a database " * 100)
        outcome = export(tmp_path, storage="text.db")
        assert outcome.code != 0
        assert outcome.err.count("\n") == 1

    @pytest.mark.postgresql
    def test_a_server_takes_a_study_by_its_url_and_the_password_is_not_printed(self, optuna, tmp_path, request):
        server: Server = request.getfixturevalue("postgresql_server")
        fill(tmp_path / "studies.db")
        url = server.url(server.create_database())
        outcome = export(tmp_path, storage=url)
        assert outcome.code == 0, outcome.err
        with_driver = url.replace("postgresql://", "postgresql+psycopg://")
        study = optuna.load_study(study_name="bowl/Adam", storage=with_driver)
        assert (len(study.trials), study.best_value) == (7, 1.5)

    def test_a_file_may_have_any_name(self, optuna, tmp_path, monkeypatch):
        fill(tmp_path / "studies.db")
        monkeypatch.chdir(tmp_path)
        outcome = call("database", "export", "--optuna", "o%p?t#.db", "--database", "studies.db")
        assert outcome.code == 0, outcome.err
        assert (tmp_path / "o%p?t#.db").is_file()
        assert not (tmp_path / "o%p").exists()
