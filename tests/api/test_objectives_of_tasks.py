"""Several objectives of a task that ships or is one's own: the second is what a candidate costs."""

from __future__ import annotations

import pytest

import tuner
from tests.support import toy_functions
from tests.support.in_process import without_ray
from tuner.core.errors import InvalidRequest
from tuner.core.objective_text import parse_several

FILE = """\
import tensorflow as tf

class Bowl:
    name, jit_compile, cohort_size = "bowl", False, 1

    def __init__(self, *, dtype=None, size=4):
        self.dtype, self.size = dtype or "float64", size
        self.layers = ((0, size),)

    def initial(self, seeds):
        return tf.ones([self.size, seeds.shape[0]], self.dtype), ()

    def advance(self, state, seeds, t):
        return state

    def loss_and_gradient(self, x, state):
        loss = tf.reduce_mean(x**2, axis=0) + 1 / self.size
        return loss, 2 * x / self.size, state
"""

SPACE = """\
optimizer: Momentum
hyperparameters:
  learning_rate: {scale: log, default: 0.01, low: 0.0001, high: 1.0}
  task.size: {scale: choice, values: [2, 8], ordered: true}
"""


def tuned(tmp_path, **changes):
    (tmp_path / "bowl.py").write_text(FILE)
    (tmp_path / "space.yaml").write_text(SPACE)
    arguments = {"objective": "training-loss,parameters", "generations": 2, "population": 8, "steps": 5, **changes}
    with without_ray():
        return tuner.tune(
            f"{tmp_path / 'bowl.py'}:Bowl",
            "Momentum",
            search_space=tmp_path / "space.yaml",
            database=str(tmp_path / "studies.db"),
            fresh_seeds=2,
            progress=False,
            **arguments,
        )


def test_the_number_of_weights_is_an_objective_beside_the_loss(tmp_path):
    run = tuned(tmp_path)
    study = run["Momentum"]
    assert study.spec.strategy == "nsga2"
    frame = run.trials()
    done = frame[frame.status == "finished"]
    assert (done.fitness_2 == done["task.size"]).all()  # x has `size` entries
    assert (done.fitness >= 1 / done["task.size"]).all()  # the least loss of a bowl
    points = study.summary().front.points
    search = done[done.role == "search"]
    for point in points:  # no candidate is better by both
        better = (search.fitness <= point.values[0]) & (search.fitness_2 < point.values[1])
        assert not better.any()
    assert [point.values[1] for point in points] == sorted({point.values[1] for point in points}, reverse=True)
    assert "number of weights" in str(run.table())


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ("parameters,training-loss", "names parameters after what is trained for"),
        ("parameters", "names parameters after what is trained for"),
        ("training-loss,parameters,parameters", "names different metrics"),
        ("seconds-per-step", "names seconds-per-step after what is trained for"),
        ("training-loss,second-per-step", "did you mean 'seconds-per-step'"),
        ("training-loss,seconds-per-step:max", "without further words"),
    ],
)
def test_a_cost_alone_is_refused(objective, message):
    with pytest.raises(InvalidRequest, match=message):
        parse_several(objective)


def test_several_objectives_of_tasks_that_train_in_lockstep_are_refused(tmp_path):
    arguments = {"objective": "training-loss,parameters", "database": str(tmp_path / "studies.db")}
    with pytest.raises(InvalidRequest, match="one task that trains one candidate at a time"):
        tuner.tune("rosenbrock", "Adam", preset="quick", **arguments)


def test_a_training_function_reports_seconds_of_its_own(tmp_path):
    with pytest.raises(InvalidRequest, match=r"a training function reports .* validation\.seconds"):
        tuner.tune(
            toy_functions.cheap_and_good,
            space=tuner.space(width=tuner.integer(16, low=1, high=256)),
            objective="validation.loss,seconds-per-step",
            database=str(tmp_path / "studies.db"),
        )


def test_a_strategy_of_one_objective_is_refused_for_two(tmp_path):
    with pytest.raises(InvalidRequest, match="genetic searches one objective; take nsga2"):
        tuned(tmp_path, strategy="genetic")
