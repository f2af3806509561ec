"""Studies written for MLflow: read back by MLflow itself, which is the extra `mlflow`."""

import builtins

import pytest

from tests.results.test_optuna import REASONS, fill, hyperparameters
from tests.support.command_line import call
from tests.support.store_values import evaluation, key
from tuner.core.trial import Observation, Status
from tuner.storage import Store


def export(folder, *names, storage="mlflow.db"):
    """What the command left behind."""
    place = storage if "://" in storage else folder / storage
    return call("database", "export", *names, "--mlflow", place, "--database", folder / "studies.db")


def test_where_mlflow_is_missing_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    fill(tmp_path / "studies.db")
    plain = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "mlflow":
            raise ImportError(name)
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    outcome = export(tmp_path)
    assert outcome.code == 1
    assert outcome.err == "lodo-tune: MLflow is not installed: pip install 'lodo-tune[mlflow]'\n"


def test_a_database_of_ours_is_never_given_to_mlflow(tmp_path):
    fill(tmp_path / "studies.db")
    outcome = export(tmp_path, storage="studies.db")
    assert outcome.code == 2
    assert "is a database of lodo-tune; name another one for MLflow" in outcome.err


class TestReadBack:
    """Tests for which MLflow must be there."""

    @pytest.fixture
    def client(self, tmp_path):
        """A client of the storage of a test."""
        mlflow = pytest.importorskip("mlflow", reason="MLflow, the extra `mlflow`, is not installed")
        fill(tmp_path / "studies.db")
        return mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")

    @staticmethod
    def runs(client):
        """The runs of the study by name."""
        experiment = client.get_experiment_by_name("bowl/Adam")
        return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}

    def test_each_final_candidate_is_a_run_with_what_it_has(self, client, tmp_path):
        outcome = export(tmp_path)
        assert outcome.code == 0, outcome.err
        assert outcome.out == "bowl/Adam: 8 new runs for MLflow\n"
        runs = self.runs(client)
        assert sorted(runs) == [
            *(f"g00/s0{slot}" for slot in range(4)),
            *(f"g01/s0{slot}" for slot in range(3)),
            "tuned/0",
        ]
        best, failed = runs["g01/s02"], runs["g00/s03"]
        assert (best.info.status, best.data.metrics["objective"]) == ("FINISHED", 1.5)
        assert best.data.params == {name: str(value) for name, value in hyperparameters(key(2, 1)).items()}
        assert (failed.info.status, "objective" in failed.data.metrics) == ("FAILED", False)
        expected = {"status": "failed", "reason": REASONS[Status.FAILED], "budget": "200", "seed": "5", "slot": "3"}
        assert expected.items() <= failed.data.tags.items()

    def test_measurements_are_metrics_by_step(self, client, tmp_path):
        steps = range(10, 30_001, 10)
        with Store.open(str(tmp_path / "studies.db")) as store:
            study = store.studies()[0].id
            observed = tuple(Observation("validation", step, step / 10, step / 5, {"loss": 1 / step}) for step in steps)
            done = evaluation(key(3, 1), fitness=0.125, observations=observed)
            store.record(study, 1, [done])  # by the driver that has begun it
        assert export(tmp_path).code == 0
        run = self.runs(client)["g01/s03"]
        found = client.get_metric_history(run.info.run_id, "validation.loss")
        assert len(found) <= 1_000
        assert (found[-1].step, found[-1].value) == (30_000, 1 / 30_000)
        assert all(each.value == 1 / each.step for each in found)
        assert found[-1].timestamp - run.info.start_time == 6_000_000  # milliseconds since the beginning
        assert run.data.metrics["objective"] == 0.125

    def test_a_candidate_that_was_pruned_is_killed_and_has_what_was_measured(self, client, tmp_path):
        reached = Observation("milestones", 50, float("nan"), float("nan"), {"fitness": 3.0})
        measured = Observation("validation", 50, 1.0, 1.0, {"loss": 2.5})
        with Store.open(str(tmp_path / "studies.db")) as store:
            ended = evaluation(key(3, 1), Status.PRUNED, observations=(measured, reached))
            store.record(store.studies()[0].id, 1, [ended])
        assert export(tmp_path).code == 0
        run = self.runs(client)["g01/s03"]
        assert (run.info.status, run.data.tags["status"]) == ("KILLED", "pruned")
        assert run.data.metrics.pop("validation.loss") == 2.5
        assert run.data.metrics.keys() <= {"loss"}

    def test_a_study_that_is_there_gets_the_runs_that_it_lacks(self, client, tmp_path, monkeypatch):
        plain, count = type(client).set_terminated, []

        def cut_off(self, *rest):
            count.append(rest)
            if len(count) == 4:
                raise KeyboardInterrupt
            plain(self, *rest)

        monkeypatch.setattr(type(client), "set_terminated", cut_off)
        assert export(tmp_path).code == 130
        monkeypatch.undo()
        assert export(tmp_path).out == "bowl/Adam: 5 new runs for MLflow\n"
        assert export(tmp_path).out == "bowl/Adam: 0 new runs for MLflow\n"
        assert len(self.runs(client)) == 8
        assert {run.info.status for run in self.runs(client).values()} == {"FINISHED", "FAILED"}

    def test_an_experiment_of_somebody_elses_or_a_deleted_one_is_not_touched(self, client, tmp_path):
        own = client.create_experiment("bowl/Adam")
        assert "there is another experiment 'bowl/Adam'" in export(tmp_path).err
        client.delete_experiment(own)
        assert "there is a deleted experiment 'bowl/Adam'" in export(tmp_path).err

    def test_a_server_that_does_not_answer_is_one_line_without_its_password(self, client, tmp_path, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        outcome = export(tmp_path, storage="http://me:secret@127.0.0.1:9")
        assert outcome.code == 1
        assert outcome.err.count("\n") == 1
        assert "secret" not in outcome.err
