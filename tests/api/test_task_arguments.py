"""Arguments of a task as hyperparameters: from the search space to the task, the table, exports and comparisons."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import tuner
from tests.support.fake_training import trial as fake_trial
from tests.support.in_process import without_ray
from tuner.core.errors import InvalidRequest
from tuner.core.trial import Evaluation
from tuner.execution.executor import cohorts
from tuner.training import loop

FILE = """\
import tensorflow as tf
from tasks.function_task import function_task

def valley(x, seed, *, copies=1, power=2, start=3.0):
    if copies < 1:
        raise ValueError("copies is at least 1")
    noise = 0.01 * tf.random.stateless_normal([], seed, dtype=x.dtype)
    distance = tf.reduce_sum(tf.abs(tf.repeat(x, copies) - start) ** power)
    return distance / copies + 0.25 * float(abs(power - 2)) + noise

Valley = function_task(valley, start=[0.0, 1.0], cohort_size=4, jit_compile=False)
"""

SPACE = """\
optimizer: Momentum
hyperparameters:
  learning_rate: {scale: log, default: 0.01, low: 0.0001, high: 0.1}
  task.power: {scale: choice, values: [2, 1], default: 1}
  task.start: {scale: choice, values: [1.0, 3.0], only when: {task.power: 2}}
fixed: {task.copies: 2}
"""

SIZE = {"generations": 2, "population": 10, "steps": 8, "fresh_seeds": 2, "strategy": "genetic", "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arguments")
    (folder / "valley.py").write_text(FILE)
    (folder / "space.yaml").write_text(SPACE)
    return folder


def tuned(folder, database="studies.db", space=None, **changes):
    given = {"search_space": folder / "space.yaml"} if space is None else {"space": space}
    arguments = {"optimizers": "Momentum", "database": str(folder / database), **given, **SIZE, **changes}
    with without_ray():
        return tuner.tune(f"{folder / 'valley.py'}:Valley", **arguments)


@pytest.fixture(scope="module")
def run(folder):
    loop._loop.cache_clear()
    return tuned(folder)


def test_each_set_of_arguments_is_compiled_once_and_reused(run):
    frame = run.trials()
    shapes = {tuple(row) for row in frame[["task.copies", "task.power", "task.start"]].fillna(0.0).to_numpy().tolist()}
    assert len(shapes) == 3  # with a power of 2 two starts, with a power of 1 none
    assert set(frame.status) == {"finished"}
    info = loop._loop.cache_info()
    assert info.misses == len(shapes)
    assert info.hits > 0


def test_the_candidates_are_those_that_the_task_computes_with_these_arguments(run, folder):
    frame = run.trials()
    row = frame[(frame.role == "search") & (frame["task.power"] == 2)].iloc[0]
    options = {"copies": int(row["task.copies"]), "power": 2, "start": float(row["task.start"])}
    name = f"{folder / 'valley.py'}:Valley"
    values = {"learning_rate": row.learning_rate}
    alone = tuner.train(name, "Momentum", steps=8, seeds=[int(row.seed)], options=options, hyperparameters=values)
    assert alone.runs[0].fitness == pytest.approx(row.fitness, rel=1e-9)  # a cohort of one, to rounding


def test_an_interrupted_search_goes_on_to_the_same_result(run, folder):
    class Interrupt(tuner.Callback):
        """Ends the run within the second generation."""

        def on_event(self, event):
            if isinstance(event, Evaluation) and event.key.generation == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(folder, "killed.db", name="killed", callback=Interrupt)
    with without_ray():
        again = tuner.resume("killed", database=str(folder / "killed.db"), progress=False)
    columns = ["generation", "slot", "role", "fitness", "learning_rate", "task.copies", "task.power", "task.start"]
    assert again.trials()[columns].equals(run.trials()[columns])


def test_the_table_says_to_what_each_hyperparameter_belongs(run):
    text = str(run.table())
    assert "belongs to" in text
    document = json.loads(run.table().to_json())["studies"][0]["hyperparameters"]
    owners = {row["name"]: row["belongs_to"] for row in document}
    assert owners == {"learning_rate": "optimizer", "task.power": "task", "task.start": "task"}


def test_exports_keep_the_arguments_apart_from_the_optimizer(run):
    study = run["Momentum"]
    assert study.tuned["task.power"] == json.loads(study.export("json"))["hyperparameters"]["task.power"]
    keras = json.loads(study.export("keras"))
    assert not [name for name in keras["config"] if name.startswith("task.")]
    arguments = keras["provenance"]["task_arguments"]
    assert arguments["copies"] == study.tuned["task.copies"]


def test_a_comparison_trains_the_tuned_point_with_its_arguments(run, folder):
    with without_ray():
        comparison = tuner.compare(run, seeds=2, steps=8, progress=False)
    hyperparameters = comparison["Momentum"].spec.points[0].hyperparameters
    assert hyperparameters["task.copies"] == run["Momentum"].tuned["task.copies"]
    assert set(comparison.trials().status) == {"finished"}


def test_a_space_written_in_python_is_that_of_the_file(run, folder):
    space = tuner.space(
        learning_rate=tuner.log(0.01, low=0.0001, high=0.1),
        **{
            "task.copies": 2,
            "task.power": tuner.choice(2, 1, default=1),
            "task.start": tuner.choice(1.0, 3.0, only_when={"task.power": 2}),
        },
    )
    again = tuned(folder, "python.db", space=space, generations=1)
    assert again["Momentum"].spec.space == run["Momentum"].spec.space


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "task.copy: {scale: integer, default: 2, low: 1, high: 3}",
            "no argument of this name (did you mean 'copies'?)",
        ),
        ("task.copies: {scale: integer, default: 2, low: -1, high: 3}", "does not accept the least values"),
        ("momentum: {scale: choice, values: [a, b]}", "takes momentum as a number"),
    ],
)
def test_what_the_task_does_not_take_is_refused_before_the_search(folder, tmp_path, line, message):
    (tmp_path / "bad.yaml").write_text("optimizer: Momentum\nhyperparameters:\n  " + line + "\n")
    with pytest.raises(InvalidRequest) as refused:
        tuned(folder, search_space=tmp_path / "bad.yaml", name="bad")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_option_that_is_tuned_as_well_is_refused(folder):
    with pytest.raises(InvalidRequest, match="copies is tuned as"):
        tuned(folder, options={"copies": 1}, name="twice")


def test_cohorts_have_one_set_of_arguments_each():
    units = [8, 16, 8, 8, 16, None]
    trials = [replace(fake_trial(slot), hyperparameters={"task.units": one}) for slot, one in enumerate(units)]
    made = cohorts(trials, 2)
    assert [[each.key.slot for each in cohort] for cohort in made] == [[0, 2], [3], [1, 4], [5]]
    left = [each for cohort in made[1:] for each in cohort]
    assert cohorts(left, 2) == made[1:]  # what a resumed generation trains again are the same cohorts
