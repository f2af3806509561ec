"""Additions in exports: Keras' own take the steps of ours, and what a format lacks is refused in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lodo import additions
from tests.results.test_export_formats import read
from tests.support.driving import drive
from tests.support.interop import LAYERS, STARTS, STEPS, quadratic
from tuner.results.exports import NotExported
from tuner.results.exports import additions as exported
from tuner.training import own_optimizers

START = STARTS["quadratic"]
SHAPES = tuple((stop - start,) for start, stop in LAYERS["quadratic"])
CASES = [
    ("Adam", {"cosine_final": 0.125, "warmup_ratio": 0.2, "weight_decay": 0.5}),
    ("Adam", {"warmup_ratio": 0.1, "clipnorm": 0.25}),
    ("Momentum", {"linear_final": 0.0, "global_clipnorm": 0.5}),
    ("RMSprop", {"step_final": 0.01, "clipvalue": 0.125}),
    ("keras:SGD", {"cosine_final": 0.25, "weight_decay": 0.25}),
    ("LODO-Diagonal", {"cosine_final": 0.125, "warmup_ratio": 0.2, "global_clipnorm": 0.5}),
]
SETTINGS = {  # exact in float32, in which Keras keeps constants
    "Adam": {"learning_rate": 0.0625, "beta_1": 0.5, "beta_2": 0.75},
    "LODO-Diagonal": {"initial_learning_rate": 0.0625},
    "Momentum": {"learning_rate": 0.0625, "momentum": 0.5},
    "RMSprop": {"learning_rate": 0.0625, "rho": 0.75, "momentum": 0.5},
    "keras:SGD": {"learning_rate": 0.0625, "momentum": 0.5},
}


def keras_path(document):
    """The path [STEPS, 6] of the optimizer that Keras makes of an export."""
    optimizer = keras.optimizers.deserialize(document)
    cut = np.cumsum([shape[0] for shape in SHAPES])[:-1]
    variables = [keras.Variable(part, dtype="float64") for part in np.split(START, cut)]
    path = []
    for _ in range(STEPS):
        x = np.concatenate([variable.numpy() for variable in variables])
        optimizer.apply([tf.constant(part) for part in np.split(quadratic(x)[1], cut)], variables)
        path.append(np.concatenate([variable.numpy() for variable in variables]))
    return np.stack(path)


@pytest.mark.parametrize(("name", "added"), CASES)
def test_what_keras_makes_of_an_export_takes_our_steps(name, added):
    import lodo.keras  # noqa: F401 (registers LODO)

    values = read(name, "json", **SETTINGS[name], **added)["hyperparameters"]
    kind = own_optimizers.load(name, None, list(values))
    optimizer = kind(**{key: SHAPES for key in kind.wants if key == "variable_shapes"})
    # the run of the export has 200 steps (tests.support.builders)
    path, _ = drive(optimizer, START, [values], [lambda t: quadratic], STEPS, horizon=200)
    theirs = keras_path(read(name, "keras", **SETTINGS[name], **added))
    np.testing.assert_allclose(theirs, path[:, :, 0], rtol=5e-6, atol=5e-6)  # schedules of Keras are of float32


def test_an_average_is_switched_on_in_keras():
    config = read("Adam", "keras", ema_momentum=0.75)["config"]
    assert (config["use_ema"], config["ema_momentum"]) == (True, 0.75)


@pytest.mark.parametrize("schedule", ["linear_final", "step_final"])
def test_a_warm_up_that_keras_lacks_is_refused_in_one_line(schedule):
    with pytest.raises(
        NotExported, match=r"^Keras has no warm-up before a linear schedule or one in steps.*json, yaml"
    ):
        read("Adam", "keras", warmup_ratio=0.1, **{schedule: 0.5})


def test_json_yaml_and_algoperf_have_every_addition():
    values = dict.fromkeys(additions.ADDITIONS, 0.5)
    for format in ("json", "yaml"):
        assert read("Adam", format, **values)["hyperparameters"].items() >= values.items()
    (point,) = read("Adam", "algoperf", **values)
    assert point["warmup_factor"] == point["grad_clip"] == point["weight_decay"] == 0.5


def test_a_node_of_hydra_holds_what_needs_no_call_beside_the_optimizer():
    assert {"keras", "torch", "optax"} <= read("Adam", "hydra", weight_decay=0.5).keys()
    scheduled = read("Adam", "hydra", cosine_final=0.5, clipvalue=1.0)
    assert "torch" not in scheduled
    first, second = scheduled["optax"]["_args_"]
    assert first == {"_target_": "optax.clip", "max_delta": 1.0}
    assert second["learning_rate"]["_target_"] == "optax.cosine_decay_schedule"


def test_exports_know_the_additions_and_the_rates_of_the_optimizers():
    assert set(exported.NAMES) == set(additions.ADDITIONS)
    assert (exported.RATES, exported.SCHEDULES, exported.CLIPPINGS) == (
        additions.RATES,
        additions.SCHEDULES,
        additions.CLIPPINGS,
    )
