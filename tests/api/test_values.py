"""What the API returns, what it costs to import, and what it does not do: print, leave variables, lose state."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import tuner
from tests.support.in_process import without_ray
from tests.support.report_values import HOSTILE, database
from tuner.storage import UnknownStudy

HEAVY = {"numpy", "pandas", "tensorflow", "ray", "sqlalchemy", "click", "rich", "matplotlib", "deap"}
SMALL = {"generations": 2, "population": 3, "steps": 10, "sigma": 0.5}


@pytest.fixture
def place(tmp_path):
    return tuner.open_database(database(tmp_path / "studies.db"))


def test_importing_tuner_loads_nothing_heavy_and_sets_no_variable():
    program = (
        "import os, sys, time\n"
        "before, start = dict(os.environ), time.process_time()\n"
        "import tuner\n"
        "print(time.process_time() - start < 0.2, dict(os.environ) == before)\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), 'tune' in dir(tuner))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n[] True\n"


def test_every_public_name_is_there_and_no_other():
    assert sorted(tuner._MODULES) == sorted(tuner.__all__)
    for name in tuner.__all__:
        assert getattr(tuner, name).__module__.startswith(("tuner.", "search_spaces."))
    with pytest.raises(AttributeError, match="has no attribute 'tunne'"):
        _ = tuner.tunne


def test_a_run_is_a_mapping_of_optimizers_to_studies(place):
    run = place.run("first")
    assert (len(run), run.optimizers, [study.name for study in run]) == (
        2, ("Adam", "LODO"), ["first/Adam", "first/LODO"],
    )  # fmt: skip
    study = run["Adam"]
    assert (study.status, study.run, study.optimizer) == ("complete", "first", "Adam")
    assert set(study.tuned) == {"learning_rate", "beta_1", "beta_2"}
    with pytest.raises(KeyError, match="did you mean 'Adam'"):
        _ = run["adam"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.name = "other"
    assert place.run("first/LODO").optimizers == ("LODO",)
    with pytest.raises(UnknownStudy):
        place.run("third")


def test_trials_are_a_row_per_candidate_with_a_column_per_hyperparameter(place):
    trials = place.run("first").trials()
    assert list(trials.columns) == [
        "study", "generation", "slot", "role", "status", "fitness", "learning_rate", "beta_1", "beta_2",
        "initial_learning_rate", "meta_learning_rate", "momentum", "seed", "budget", "steps_done", "seconds",
    ]  # fmt: skip
    assert len(trials) == 2 * (2 * 4 + 2 * 2)
    diverged = trials[trials.status == "diverged"]
    assert diverged.fitness.tolist() == [np.inf, np.inf]
    adam = trials[trials.study == "first/Adam"]
    assert adam.learning_rate.notna().all()
    assert adam.momentum.isna().all()
    assert (adam.role.value_counts().to_dict()) == {"search": 8, "default": 2, "tuned": 2}
    assert place.run("second").trials().role.unique().tolist() == ["comparison"]


def test_curves_are_arrays(place):
    study = place.run("first")["Adam"]
    row = study.trials().set_index(["role", "generation", "slot"]).loc[("search", 1, 0)]
    curve = study.curve(1, 0)
    assert curve.shape == (row.steps_done,)
    assert np.mean(curve[-10:]) == pytest.approx(row.fitness)
    assert study.curve(0, 1, role="tuned").shape == (200,)
    (first, *_) = place.run("second").runs("LODO", curves=True)
    assert first.losses.shape == (300,)


def test_what_a_notebook_shows_is_escaped(place):
    for name in ("first", "second"):
        run = place.run(name)
        shown = run._repr_html_()
        assert f"<h4>{name}</h4>" in shown
        assert "<table" in shown
        assert HOSTILE not in shown
        assert "<script" not in shown
        assert "onerror='" not in shown
    assert "&lt;script&gt;" in place.run("first")._repr_html_()
    assert place.run("first").table()._repr_html_() in place.run("first")._repr_html_()


def test_figures_are_matplotlib_s(place):
    from matplotlib.figure import Figure

    assert isinstance(place.run("first").figure(), Figure)
    assert isinstance(place.run("first").figure("search-sharpness"), Figure)
    assert isinstance(place.run("second").figure(), Figure)
    assert place.run("second").figure("sweep") is None
    with pytest.raises(tuner.InvalidRequest, match="did you mean 'search'"):
        place.run("first").figure("serch")


def test_quality_by_budget_is_of_searches_and_profiles_are_of_comparisons(place):
    table = place.run("first").table(by_budget=True)
    assert table == place.table(by_budget=True)  # the comparison is left out
    assert [line.optimizer for line in table.by_budget[0].lines] == ["Adam", "LODO"]
    assert place.run("first").figure("search-by-budget") is None  # each has one generation with the last budget
    assert list(place.figures(by_budget=True, formats=("svg", "png"))) == ["by-budget.svg", "by-budget.png"]
    profile = place.table(profile=True).profile
    assert [task.run for task in profile.tasks] == ["second"]
    assert list(place.figures(profile=True)) == ["profile.png"]
    with pytest.raises(tuner.InvalidRequest, match="takes searches"):
        place.run("second").table(by_budget=True)


def test_details_are_of_searches_and_exclude_what_replaces_the_table(place):
    run = place.run("first")
    summary = run["Adam"].summary()
    assert [row.name for row in summary.hyperparameters] == list(run["Adam"].tuned)
    assert summary == run.table(details=True).searches[0]
    assert [one.run for one in place.table(details=True).comparisons] == ["second"]
    with pytest.raises(tuner.InvalidRequest, match="exclude each other") as raised:
        place.table(details=True, profile=True)
    assert raised.value.field == "details"
    with pytest.raises(tuner.InvalidRequest, match="is a comparison, which has no tuned point"):
        place.run("second")["Adam"].summary()


def test_a_password_of_a_database_is_shown_nowhere():
    place = tuner.open_database("postgresql://me:s3cret@127.0.0.1:9/x")
    assert "s3cret" not in repr(place) + place.url + repr(tuner.Run(place, "run"))


@pytest.mark.parametrize("progress", [False, None])
def test_without_progress_nothing_is_printed(progress, tmp_path, capfd):
    tuner.train("rosenbrock", "Momentum", steps=1)  # TensorFlow and XLA print as they begin
    capfd.readouterr()
    with without_ray():
        tuner.tune("rosenbrock", "Momentum", **SMALL, database=tmp_path / "a.db", progress=progress)
    assert capfd.readouterr() == ("", "")


def test_progress_is_a_line_per_generation_on_standard_error_or_what_a_function_makes_of_it(tmp_path, capsys):
    lines = []
    with without_ray():
        tuner.tune("rosenbrock", "Momentum", **SMALL, database=tmp_path / "a.db", progress=True)
        tuner.tune("rosenbrock", "Momentum", **SMALL, database=tmp_path / "b.db", progress=lines.append)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" (")[0] for line in err.splitlines()] == [
        "rosenbrock/Momentum  generation 0", "rosenbrock/Momentum  generation 1", "rosenbrock/Momentum  fresh seeds",
    ]  # fmt: skip
    assert len(lines) == 3


def test_a_callback_receives_every_evaluation(tmp_path):
    received = []

    class Callback(tuner.Callback):
        def on_event(self, event):
            received.append(event)

    with without_ray():
        run = tuner.tune("rosenbrock", "Adam", **SMALL, database=tmp_path / "a.db", callback=Callback, progress=False)
    fitnesses = [event.fitness for event in received if hasattr(event, "fitness")]
    assert sorted(fitnesses) == sorted(run.trials().fitness)


def test_an_interruption_before_anything_is_stored_has_nothing_to_go_on_with(tmp_path):
    def stop(line):
        raise KeyboardInterrupt

    with without_ray(), pytest.raises(KeyboardInterrupt) as caught:
        tuner.tune("rosenbrock", "keras:SGD", **SMALL, database=tmp_path / "a.db", progress=stop)
    assert not hasattr(caught.value, "__notes__")
    assert tuner.open_database(tmp_path / "a.db").runs() == []


def test_a_data_folder_holds_for_one_call_and_no_variable_is_set(tmp_path):
    before = dict(os.environ)
    with pytest.raises(ValueError, match=r"mnist\.npz"):
        tuner.tune("pixelcnn", preset="quick", data_dir=tmp_path, database=tmp_path / "a.db")
    with pytest.raises(tuner.InvalidRequest, match="data_dir: there is no folder"):
        tuner.train("pixelcnn", "Adam", steps=1, data_dir=tmp_path / "nowhere")
    assert dict(os.environ) == before


def test_classes_stand_for_names(tmp_path):
    import keras

    from lodo.momentum import Momentum
    from tasks.rosenbrock import Rosenbrock

    given = {"steps": 10, "hyperparameters": {"learning_rate": 0.01}}
    assert tuner.train(Rosenbrock, Momentum, **given).to_dict()["task"] == "rosenbrock"
    assert tuner.train(Rosenbrock, keras.optimizers.SGD, **given).optimizer == "keras:SGD"
    with pytest.raises(tuner.InvalidRequest, match=r"optimizer: .*is not an optimizer; an optimizer is a subclass of"):
        tuner.train(Rosenbrock, int, steps=1)
    with pytest.raises(tuner.InvalidRequest, match=r"task: .*is not a Task"):
        tuner.train(int, "Adam", steps=1)


def test_a_database_in_memory_lives_as_long_as_its_object():
    with without_ray():
        run = tuner.tune("rosenbrock", "Momentum", **SMALL, database="sqlite://", progress=False)
    assert len(run.trials()) == 2 * 3 + 2  # nothing is random, so that default and tuned point are trained once
