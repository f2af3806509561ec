"""What a Keras task supports: each row of the table is compared with Keras' own `fit` and `evaluate`, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tasks.errors import TaskError
from tasks.keras_features import FEATURES, Treatment
from tasks.keras_objective import variables_of
from tasks.keras_task import keras_task
from tasks.random_operations import SEED_STATE
from tests.tasks.keras_cases import CASES, Case
from tuner.training.evaluator import Evaluator
from tuner.training.loop import Loop, build_optimizer

BATCH = 16
RATE = 0.1
SEEDS = tf.constant([[1, 2]])
NAMES = [feature.name for feature in FEATURES]
SUPPORTED = [
    pytest.param(case, id=f"{name} {number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases)
    if not case.refused
]
REFUSED = [
    pytest.param(name, case, id=f"{name} {number}")
    for name, cases in CASES.items()
    for number, case in enumerate(cases)
    if case.refused
]


def test_each_row_of_the_table_that_is_about_a_model_is_tried() -> None:
    of_fit = {"`shuffle`, `epochs`", "`class_weight`", "`callbacks`, `validation_split`"}  # no model carries them
    assert set(CASES) == set(NAMES) - of_fit
    for feature in FEATURES:
        for case in CASES.get(feature.name, ()):
            assert bool(case.refused) == (feature.treatment is Treatment.REFUSED), feature.name


def task_of(case: Case) -> Any:
    given = {"validation": case.train} if case.evaluated else {}
    return keras_task(
        case.build, train=case.train, loss=case.loss, batch_size=BATCH, name="mine", **given, **case.given
    )


def keras_model(case: Case) -> Any:
    """Return a model of the case, compiled by Keras with gradient descent."""
    model = case.build()
    if not model.built:
        model(case.train[0][:1])
    weights, metrics = case.given.get("loss_weights"), case.given.get("metrics")
    model.compile(keras.optimizers.SGD(RATE), case.loss, loss_weights=weights, metrics=metrics)
    return model


def assign(model: Any, task: Any, x: Any, others: Any) -> None:
    """Give a model of Keras the weights and other variables of a run."""
    cuts = tf.split(x[:, 0], [int(np.prod(shape)) for shape in task.variable_shapes])
    trained, left = variables_of(model, task._unused)
    for variable, cut in zip(trained, cuts, strict=True):
        variable.assign(tf.reshape(cut, variable.shape))
    for variable, value in zip(left, others, strict=True):
        variable.assign(value)


def chosen(data: Any, batch: Any) -> Any:
    return None if data is None else tf.nest.map_structure(lambda array: np.asarray(array)[batch], data)


@pytest.fixture(autouse=True)
def defaults_of_keras() -> Iterator[None]:
    """Restore what a case has changed."""
    yield
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("case", SUPPORTED)
def test_steps_are_those_of_fit_and_validation_is_what_evaluate_gives(case: Case) -> None:
    task = task_of(case)()
    loop = Loop(task, build_optimizer("Momentum", task), 1)
    hyperparameters = {"learning_rate": tf.constant([RATE]), "momentum": tf.constant([0.0])}
    carry = loop.begin(hyperparameters, SEEDS, SEEDS)
    model = keras_model(case)
    x, y, weights = (*case.train, None)[:3]
    close = {"rtol": case.tolerance, "atol": case.tolerance}
    for t in range(1, 4):
        batch, others = task.advance(carry[1], SEEDS, tf.constant(t))
        assign(model, task, carry[0], others)  # the seeds of dropout included
        part = [chosen(data, batch.numpy()) for data in (x, y, weights)]
        told = model.fit(part[0], part[1], sample_weight=part[2], batch_size=BATCH, shuffle=False, verbose=0)
        carry, losses = loop.run(carry, hyperparameters, SEEDS, t, 1, 3)
        np.testing.assert_allclose(losses[0, 0], told.history["loss"][0], **close)
        trained, left = variables_of(model, task._unused)
        expected = np.concatenate([np.ravel(variable) for variable in trained])
        np.testing.assert_allclose(carry[0][:, 0], expected, **close)
        for found, variable in zip(carry[1][1], left, strict=True):
            if variable.name != SEED_STATE:
                np.testing.assert_allclose(found, variable, **close)
    if case.evaluated:
        told = model.evaluate(x, y, sample_weight=weights, batch_size=BATCH, verbose=0, return_dict=True)
        measured = Evaluator(task, "validation").mean_metrics(carry)
        for metric, values in measured.items():
            np.testing.assert_allclose(values, told[metric], rtol=case.tolerance)


@pytest.mark.parametrize(("name", "case"), REFUSED)
def test_what_would_be_trained_or_measured_otherwise_is_refused_in_one_line(name: str, case: Case) -> None:
    kind = task_of(case)
    with pytest.raises(TaskError, match=rf"^mine: .*{case.refused}") as caught:
        kind()
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    feature = next(feature for feature in FEATURES if feature.name == name)
    assert feature.received is None or str(caught.value).startswith(f"mine: {name}: not supported. Accepted: ")


@pytest.mark.parametrize("weighted", [True, False])
def test_a_loss_of_one_number_per_minibatch_is_refused_in_validation_with_sample_weights(weighted: bool) -> None:
    draws = np.random.default_rng(0)
    x, y = (draws.normal(size=(40, width)).astype("float32") for width in (3, 1))
    data = (x, y, np.ones(40, "float32")) if weighted else (x, y)
    task = keras_task(
        lambda: keras.Sequential([keras.Input([3]), keras.layers.Dense(1)]),
        train=(x, y), validation=data, loss=lambda t, p: tf.reduce_mean((t - p) ** 2), batch_size=BATCH, name="mine",
    )()  # fmt: skip
    start = task.initial(SEEDS)
    if weighted:
        with pytest.raises(TaskError, match=r"^mine: .*return one number per example$"):
            Evaluator(task, "validation").means(*start)
    else:
        weights = start[0].numpy()[:, 0]
        expected = np.mean((y - x @ weights[:3, np.newaxis] - weights[3]) ** 2)
        np.testing.assert_allclose(Evaluator(task, "validation").means(*start)[0], expected, rtol=1e-5)
