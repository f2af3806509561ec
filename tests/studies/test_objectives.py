"""Searches by objectives other than the paper's: what is stored, chosen and shown."""

import csv
import io
import json
import math

import keras
import numpy as np
import pytest

import tuner
from tasks.keras_task import keras_task
from tasks.preset import Preset
from tasks.registry import GENERAL_PRESETS, entry, register
from tests.support import regression
from tests.support.command_line import call
from tests.support.in_process import without_ray
from tuner.core.objective_text import parse
from tuner.core.trial import Key, Role, Status, Trial
from tuner.storage import Store, observations
from tuner.training.measurements.end_state import EndState
from tuner.training.measurements.validation import Validation
from tuner.training.train import train

LINE = "tests.support.regression:Line"
SMALL = {"generations": 3, "population": 6, "steps": 40, "sigma": 2.0, "progress": False}

RANDOM = np.random.default_rng(5)
POINTS = RANDOM.normal(size=(150, 2)).astype(np.float32)
CLASSES = (POINTS[:, 0] * POINTS[:, 1] > 0).astype(np.int32)  # a network without a hidden layer cannot learn them


def network():
    """A small classifier."""
    return keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)])


Quadrants = keras_task(
    network, train=(POINTS[:100], CLASSES[:100]), validation=(POINTS[100:], CLASSES[100:]), metrics=["accuracy"],
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), name="quadrants",
)  # fmt: skip
QUADRANTS = f"{__name__}:Quadrants"


class AccurateLine(regression.Line):
    """A task that says by what it is to be tuned."""

    objective = "validation.accuracy:best"
    presets = GENERAL_PRESETS | {
        "tiny": Preset(generations=1, population=2, sigmas=(1.0,), steps=(20,), fresh_seeds=0, optimizers=("Adam",),
                       objective="validation.loss"),
    }  # fmt: skip


class StrangeLine(regression.Line):
    """A task whose author has misspelt it."""

    objective = "accuracy"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LODO_TUNE_DATABASE", raising=False)
    with without_ray():
        yield tmp_path


def stored(run, role=Role.SEARCH):
    """Each candidate of a run that finished, with its losses and its validation, as they are stored."""
    with Store.open(run.database.source, read_only=True) as store:
        found = []
        for study in store.find(run.name):
            with store._reading() as connection:
                observed = observations.read(connection, study.id)
            for row in store.candidates(study.id):
                if row.key.role is role and row.status is Status.FINISHED:
                    series = observed.get(row.key, {})
                    assert series.keys() <= {"validation", "milestones"}  # a search measures nothing else
                    found.append((row, store.curve(study.id, row.key), series.get("validation")))
        assert found
        return found


@pytest.mark.parametrize(
    ("text", "looks", "expected"),
    [
        ("validation.accuracy", [40], lambda v: v.metrics["accuracy"][-1]),
        ("validation.loss:best", range(4, 44, 4), lambda v: v.metrics["loss"].min()),
        ("validation.accuracy:last=0.3", range(4, 44, 4), lambda v: v.metrics["accuracy"][v.evaluations > 28].mean()),
        ("validation.loss:best:every=15", [15, 30, 40], lambda v: v.metrics["loss"].min()),
    ],
)
def test_the_value_of_a_candidate_is_that_of_its_stored_validation(text, looks, expected):
    run = tuner.tune(LINE, "Adam", objective=text, **SMALL)
    sign = -1 if parse(text).is_max else 1
    for row, _, validation in stored(run):
        assert validation.evaluations.tolist() == list(looks)
        assert row.fitness == pytest.approx(sign * expected(validation), rel=1e-12)
    shown = run.trials().query("role == 'search' and status == 'finished'").fitness.tolist()
    assert shown == [sign * row.fitness for row, _, _ in stored(run)]


def test_the_evaluations_to_a_training_loss_are_those_of_the_stored_curve_and_misses_come_after_by_nearness():
    target = 0.6
    run = tuner.tune(LINE, "Adam", objective=f"evaluations-to:training-loss<={target}:over=0.1", **SMALL)
    found = stored(run)
    assert all(validation is None for _, _, validation in found)
    misses, hits = {}, []
    for row, curve, _ in found:
        means = np.convolve(curve, np.ones(4) / 4, "valid")  # a tenth of 40 evaluations
        if (means <= target).any():
            assert row.fitness == 4 + np.argmax(means <= target)
            hits.append(row.fitness)
        else:
            misses[row.fitness] = means.min()
    assert hits
    assert len(misses) > 1
    assert min(misses) > 40 >= max(hits)
    assert [misses[fitness] for fitness in sorted(misses)] == sorted(misses.values())
    assert sum(map(math.isinf, run.trials().query("role == 'search'").fitness)) == len(misses)


def test_the_budget_of_a_rung_is_the_budget_of_the_objective():
    run = tuner.tune(LINE, "Adam", preset="quick", objective="validation.loss:last=0.5", generations=4, population=5,
                     steps=[10, 10, 40, 40], progress=False)  # fmt: skip
    budgets = set()
    for row, _, validation in stored(run):
        looks = validation.evaluations > row.steps / 2
        assert validation.evaluations.tolist() == list(range(row.steps // 10, row.steps + 1, row.steps // 10))
        assert row.fitness == pytest.approx(validation.metrics["loss"][looks].mean(), rel=1e-12)
        budgets.add(row.steps)
    assert budgets == {10, 40}


def test_the_validation_accuracy_is_that_of_keras_evaluate_and_the_best_candidate_has_the_highest():
    run = tuner.tune(QUADRANTS, "Adam", objective="validation.accuracy", strategy="random", **SMALL)
    found = [row for row, _, _ in stored(run)]
    workload = run["Adam"].spec.workload
    for row in found[:3]:
        end = EndState()
        trial = Trial(Key(Role.SEARCH, 0, 0), row.hyperparameters, row.seed, row.steps)
        (*_, again) = train(workload, [trial], [Validation(row.steps), end])
        assert again.fitness == row.fitness
        model = network()
        flat, at = end.carry[0].numpy()[:, 0], 0
        for variable in model.trainable_variables:
            size = math.prod(variable.shape)
            variable.assign(flat[at : at + size].reshape(variable.shape))
            at += size
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        assert -row.fitness == pytest.approx(model.evaluate(POINTS[100:], CLASSES[100:], verbose=0)[1], rel=1e-6)
    accuracies = {row.key: -row.fitness for row in found}
    assert len(set(accuracies.values())) > 2
    document = json.loads(run.table().to_json())["studies"][0]
    best = Key(Role.SEARCH, document["best"]["generation"], document["best"]["slot"])
    assert document["best"]["fitness"] == accuracies[best] == max(accuracies.values())
    winner = next(row for row in found if row.key == best)
    assert run["Adam"].tuned == pytest.approx(dict(winner.hyperparameters), rel=1e-12)


def test_the_objective_is_named_and_its_direction_is_followed_wherever_results_are_shown(folder):
    run = tuner.tune(LINE, ["Adam", "Momentum"], objective="validation.accuracy", name="line", **SMALL)
    values = run.trials()
    text = run.table().to_text()
    assert "Validation accuracy at the end of 40 gradient evaluations (higher is better)" in text
    assert "gain: tuned minus default" in " ".join(text.split())
    study = json.loads(run.table().to_json())["studies"][0]
    assert study["objective"] == "validation.accuracy"
    for role in ("default", "tuned"):
        mean = values.query(f"role == '{role}' and study == 'line/Adam'").fitness.mean()
        assert study["fitness"][role]["mean"] == pytest.approx(mean)
    gain = study["fitness"]["tuned"]["mean"] - study["fitness"]["default"]["mean"]
    assert study["fitness"]["gain"]["mean"] == pytest.approx(gain)
    row = next(csv.DictReader(io.StringIO(run.table().to_csv())))
    assert (row["objective"], float(row["tuned_fitness"])) == ("validation.accuracy", study["fitness"]["tuned"]["mean"])
    assert json.loads(run.export("Adam"))["provenance"]["objective"] == "validation.accuracy"
    panel = run.figure().axes[0]
    assert panel.get_ylabel().replace("\n", " ") == "validation accuracy at the end"
    low, high = panel.get_ylim()
    best = values.query("role == 'search'").fitness.max()
    assert low < high  # the best is at the top, and always within the axis
    assert best <= high
    assert (
        run.figure("search-sharpness")
        .get_suptitle()
        .endswith("validation accuracy at the end by hyperparameter in the last generations")
    )
    assert run.figure("search-parallel") is not None
    assert "validation accuracy at the end of the budget, the higher the better" in " ".join(
        run["Adam"].details().split()
    )
    assert call("report", "line", "--output", "report.html").code == 0
    page = (folder / "report.html").read_text()
    assert "--objective validation.accuracy" in page
    assert "validation.accuracy: validation accuracy at the end of the budget, the higher the better" in page
    listed = json.loads(call("studies", "--json").out)["studies"][0]["best"]
    assert listed["fitness"] == values.query("role == 'search' and study == 'line/Adam'").fitness.max()


def test_the_seconds_to_a_target_are_those_of_the_run_that_trains_alone():
    run = tuner.tune(LINE, "Adam", objective="seconds-to:validation.loss<=1", **SMALL)
    reached = 0
    for row, _, validation in stored(run):
        hits = validation.seconds[validation.metrics["loss"] <= 1]
        if len(hits):
            assert row.fitness == hits[0] <= row.seconds
            reached += 1
        else:
            assert row.fitness > 1e8
    assert reached


def test_the_objective_of_a_tasks_class_or_preset_holds_unless_another_is_requested():
    task = f"{__name__}:AccurateLine"
    small = SMALL | {"generations": 1, "population": 2}
    assert tuner.tune(task, "Adam", **small)["Adam"].spec.workload.objective == parse("validation.accuracy:best")
    assert tuner.tune(task, preset="tiny", progress=False)["Adam"].spec.workload.objective == parse("validation.loss")
    requested = tuner.tune(task, "Adam", objective="training-loss", **small)
    assert requested["Adam"].spec.workload.objective.is_default
    assert all(validation is None for _, _, validation in stored(requested))


def test_a_class_with_an_objective_that_is_none_is_refused_by_its_name():
    with pytest.raises(tuner.InvalidRequest, match=r"^task: the objective of its class or preset is training-loss, .*"):
        tuner.tune(f"{__name__}:StrangeLine", "Adam", progress=False)
    Method = type("Method", (regression.Line,), {"objective": lambda self: 0})  # as users' classes may have
    assert entry(register("Method", Method)).objective is None


def test_resuming_keeps_the_objective():
    class Stopped(tuner.Callback):
        def on_batch_begin(self, name, budget, keys):
            if name == "generation 1":
                raise KeyboardInterrupt

    whole = tuner.tune(LINE, "Adam", objective="validation.accuracy", name="whole", **SMALL)
    with pytest.raises(KeyboardInterrupt):
        tuner.tune(LINE, "Adam", objective="validation.accuracy", name="halted", callback=Stopped, **SMALL)
    halted = tuner.resume("halted", progress=False)
    assert halted["Adam"].spec.workload.objective == parse("validation.accuracy")
    columns = ["role", "generation", "slot", "status", "fitness"]
    assert halted.trials()[columns].equals(whole.trials()[columns])


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (LINE, "validation.f1", f"{LINE} measures training-loss, validation.loss, validation.accuracy. Received:"),
        ("rosenbrock", "validation.loss", "rosenbrock has no validation set, so take training-loss"),
        ("rosenbrock", "seconds-to:training-loss<=1", "needs runs that train alone, and 16 train in lockstep here"),
        (LINE, "test.accuracy", "never reads the test set"),
        (LINE, "validation.acuracy:bst", "has an unknown word 'bst'"),
    ],
)
def test_an_objective_that_cannot_be_is_refused_in_one_line_by_both_ways(task, text, message):
    with pytest.raises(tuner.InvalidRequest) as caught:
        tuner.tune(task, "Adam", objective=text, progress=False)
    assert str(caught.value).startswith("objective")
    assert message in str(caught.value)
    outcome = call("--task", task, "--optimizers", "Adam", "--objective", text)
    assert outcome.code == 2
    assert outcome.err.startswith("lodo-tune: --objective")
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_an_accuracy_that_is_minimised_is_remarked():
    said = []
    small = SMALL | {"generations": 1, "population": 2, "progress": said.append}
    tuner.tune(LINE, "Adam", objective="validation.accuracy:min", **small)
    assert any("minimises an accuracy" in line for line in said)
    said.clear()
    tuner.tune(LINE, "Adam", objective="validation.accuracy", **small)
    assert not any("minimises" in line for line in said)
