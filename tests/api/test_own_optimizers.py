"""Optimizers of users' own in the Python API: classes of a session, of a module, and pairs of functions."""

import pytest
import tensorflow as tf

import tuner
from tests.conformance.broken_optimizers import Sound
from tests.support.in_process import without_ray

SMALL = {"generations": 1, "population": 2, "steps": 10, "progress": False}


def init(x):
    """No state."""
    return ()


def update(gradient, state, x, hyperparameters):
    """Gradient descent."""
    return -hyperparameters["learning_rate"] * gradient, state


def test_a_class_of_a_module_is_named_by_it_and_one_of_a_function_by_the_session(tmp_path):
    class Local(Sound):
        """Local to this test."""

    with without_ray():
        run = tuner.tune("rosenbrock", [Sound, Local], database=tmp_path / "a.db", **SMALL)
    places = {study.spec.workload.optimizer: study.spec.workload.optimizer_place for study in run.studies}
    assert places == {"Sound": f"{Sound.__module__}:Sound", "Local": "session:Local"}
    with without_ray():
        assert tuner.resume(run.name, tmp_path / "a.db", optimizers=Local, progress=False).is_complete


def test_a_mapping_gives_names_also_to_a_pair_of_functions(tmp_path):
    space = tmp_path / "pair.yaml"
    space.write_text("optimizer: Pair\nhyperparameters:\n  learning_rate: {scale: log, default: 0.01}\n")
    with without_ray():
        run = tuner.tune(
            "rosenbrock",
            {"Pair": (init, update), "Twice": Sound},
            search_space=space,
            database=tmp_path / "a.db",
            **SMALL,
        )
    assert [study.spec.workload.optimizer for study in run.studies] == ["Pair", "Twice"]
    with pytest.raises(tuner.InvalidRequest, match="a pair of functions is given with a name"):
        tuner.tune("rosenbrock", [(init, update)], database=tmp_path / "a.db", **SMALL)


def test_train_takes_a_class_and_a_class_that_is_defined_again_is_trained_anew():
    losses = []
    for factor in (1.0, 2.0):

        class Again(Sound):
            """Steps by another factor each time it is defined."""

            factor_of_this_one = factor

            def direction(self, average):
                return average * tf.cast(self.factor_of_this_one, average.dtype)

        losses.append(tuner.train("rosenbrock", Again, steps=5).runs[0].losses)
    assert losses[0][0] == losses[1][0]
    assert losses[0][-1] != losses[1][-1]


@pytest.mark.ray
def test_a_class_of_the_session_is_sent_to_the_workers_by_value(tmp_path):
    class Sent(Sound):
        """Local to this test."""

    run = tuner.tune("rosenbrock", [Sent], database=tmp_path / "a.db", workers=1, **SMALL)
    assert run.trials().status.eq("finished").all()
