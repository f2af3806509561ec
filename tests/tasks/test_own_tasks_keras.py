"""Tasks from Keras models: their steps are those of `fit`, and all in them follows from the seed."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tasks.errors import TaskError
from tasks.keras_data import examples
from tasks.keras_losses import accuracy_of_each, share_of_each, single_loss
from tasks.keras_task import keras_task
from tasks.task import Evaluated
from tests.support import command_line
from tests.tasks.keras_cases import of_keras_2
from tuner.checks.check import Check, NotApplicable
from tuner.checks.probe import Probe
from tuner.checks.suite import CHECKS
from tuner.studies.task_options import accepted_options
from tuner.training.evaluator import Evaluator

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)
POINTS = RANDOM.normal(size=(60, 3))
CLASSES = RANDOM.integers(0, 3, 60)
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
SEEDS = tf.constant([[1, 2]])


def convolutions() -> Any:
    """A network with all that makes trouble."""
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 3),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("tanh"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, kernel_regularizer="l2"),
        ]
    )


def line() -> Any:
    return keras.Sequential([keras.Input([3]), layers.Dense(3)])


def net(*middle: Any) -> Any:
    return keras.Sequential([keras.Input([3]), *middle, layers.Dense(3)])


@pytest.fixture(scope="module")
def probe() -> Probe:
    data = (IMAGES, CLASSES)
    found = keras_task(
        convolutions, train=data, loss=CROSS_ENTROPY, batch_size=4, validation=data, test=data, metrics=["accuracy"]
    )
    return Probe(found(dtype="float64"), is_random=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_task_from_a_model_passes_what_every_task_passes(probe: Probe, check: Check) -> None:
    with contextlib.suppress(NotApplicable):
        check.run(probe)


def test_x_is_made_of_the_models_variables_and_a_layer_is_a_kernel_with_its_bias(probe: Probe) -> None:
    assert probe.task.variable_shapes == ((3, 3, 1, 2), (2,), (2,), (2,), (8, 3), (3,))
    assert probe.task.layers == ((0, 20), (20, 24), (24, 51))


def without_dropout() -> Any:
    model = convolutions()
    return keras.Sequential([layer for layer in model.layers if not isinstance(layer, layers.Dropout)])


def test_gradient_descent_is_that_of_fit_on_the_same_batches_statistics_and_regularisation_included() -> None:
    task = keras_task(without_dropout, train=(IMAGES, CLASSES), loss=CROSS_ENTROPY, batch_size=20)()
    x, state = task.initial(SEEDS)
    model = without_dropout()
    model.compile(keras.optimizers.SGD(0.1), CROSS_ENTROPY)
    model(IMAGES[:1])
    cuts = tf.split(x[:, 0], [int(np.prod(shape)) for shape in task.variable_shapes])
    for variable, cut in zip(model.trainable_variables, cuts, strict=True):
        variable.assign(tf.reshape(cut, variable.shape))
    step = tf.function(task.loss_and_gradient, autograph=False)
    for t in range(1, 4):
        state = task.advance(state, SEEDS, tf.constant(t))
        loss, gradient, state = step(x, state)
        x -= 0.1 * gradient
        batch = state[0].numpy()
        history = model.fit(IMAGES[batch], CLASSES[batch], batch_size=20, shuffle=False, verbose=0).history
        np.testing.assert_allclose(loss[0], history["loss"][0], rtol=1e-5)
    weights = np.concatenate([np.ravel(variable) for variable in model.trainable_variables])
    np.testing.assert_allclose(x[:, 0], weights, rtol=1e-4, atol=1e-6)
    for found, variable in zip(state[1], model.non_trainable_variables, strict=True):
        np.testing.assert_allclose(found, variable, rtol=1e-5, atol=1e-7)


def test_a_seed_is_a_start_and_the_seeds_of_the_process_stay_as_they_were(probe: Probe) -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    tf.random.set_seed(5)
    expected = random.random(), np.random.random(), float(tf.random.normal([]))  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    tf.random.set_seed(5)
    one, again, other = (probe.task.initial(tf.constant([seed]))[0].numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    found = random.random(), np.random.random(), float(tf.random.normal([]))  # noqa: NPY002
    assert found == expected
    np.testing.assert_array_equal(one, again)
    assert (one[:18] != other[:18]).all()  # a kernel; biases start at 0


def test_a_start_is_the_same_traced_and_not(probe: Probe) -> None:
    for found, traced in zip(
        tf.nest.flatten(probe.task.initial(SEEDS)), tf.nest.flatten(probe._initial(SEEDS)), strict=True
    ):
        np.testing.assert_array_equal(found, traced)


def test_dropout_follows_from_the_seed_and_the_step_alone(probe: Probe) -> None:
    task = probe.task
    x, state = task.initial(SEEDS)
    first, second = (task.advance(state, SEEDS, tf.constant(t)) for t in (1, 2))
    evaluate = tf.function(task.loss_and_gradient)
    loss = float(evaluate(x, first)[0][0])
    _, _, after = evaluate(x, first)
    assert float(evaluate(x, (first[0], second[1]))[0][0]) != loss  # the batch of one step, dropout of another
    again = task.advance(after, SEEDS, tf.constant(1))
    assert float(evaluate(x, again)[0][0]) == pytest.approx(loss, rel=1e-12)  # whatever came between


def test_statistics_start_anew_in_every_run_and_move_with_every_evaluation(probe: Probe) -> None:
    x, state = probe.task.initial(SEEDS)
    evaluate = tf.function(probe.task.loss_and_gradient)
    _, _, after = evaluate(x, probe.task.advance(state, SEEDS, tf.constant(1)))
    means = [place for place, variable in enumerate(probe.task._others) if variable.name == "moving_mean"]
    assert len(means) == 1
    np.testing.assert_array_equal(state[1][means[0]], [0, 0])
    assert (after[1][means[0]].numpy() != 0).all()
    np.testing.assert_array_equal(probe.task.initial(SEEDS)[1][1][means[0]], [0, 0])


def test_minibatches_are_drawn_from_all_examples() -> None:
    task = keras_task(line, train=(POINTS[:10], CLASSES[:10]), loss=CROSS_ENTROPY, batch_size=500)()
    chosen = task.advance(task.initial(SEEDS)[1], SEEDS, tf.constant(1))[0].numpy()
    counts = np.bincount(chosen, minlength=10)
    assert len(counts) == 10
    assert ((counts - 50) ** 2 / 50).sum() < 9 + 5 * 18**0.5  # χ² with 9 degrees of freedom, five standard errors


def test_evaluating_is_what_keras_evaluates_and_the_test_set_is_read_last() -> None:
    read = []

    def test_set() -> Any:
        read.append("test")
        return POINTS[:7], CLASSES[:7]

    given = {"validation": (POINTS[30:], CLASSES[30:]), "test": test_set, "metrics": ["accuracy"]}
    task = keras_task(line, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, **given)()
    assert isinstance(task, Evaluated)
    assert (task.metrics, task.examples("validation")) == (("loss", "accuracy"), 30)
    x, state = task.initial(SEEDS)
    found = tf.function(task.evaluate, autograph=False)(x, state, "validation", tf.range(30))
    assert found.shape == (30, 2, 1)
    model = line()
    model.set_weights([tf.reshape(x[:9], [3, 3]), x[9:, 0]])
    model.compile(loss=CROSS_ENTROPY, metrics=["accuracy"])
    expected = model.evaluate(POINTS[30:], CLASSES[30:], verbose=0)
    np.testing.assert_allclose(tf.reduce_mean(found, axis=0)[:, 0], expected, rtol=1e-5)
    assert read == []
    assert (task.examples("test"), task.examples("test"), read) == (7, 7, ["test"])


def test_inference_leaves_dropout_out_and_uses_running_statistics() -> None:
    given = {"train": (IMAGES, CLASSES), "loss": CROSS_ENTROPY, "validation": (IMAGES, CLASSES)}
    task = keras_task(convolutions, **given)()
    x, state = task.initial(SEEDS)
    together = task.evaluate(x, state, "validation", tf.range(8))
    for example in range(2):
        alone = task.evaluate(x, state, "validation", tf.constant([example]))
        np.testing.assert_allclose(alone[0], together[example], rtol=1e-5)
    moved = [
        value + 1 if variable.name == "moving_mean" else value
        for value, variable in zip(state[1], task._others, strict=True)
    ]
    assert (task.evaluate(x, (state[0], tuple(moved)), "validation", tf.range(8)) != together).numpy().all()


def test_without_validation_and_test_a_task_is_not_evaluated() -> None:
    found = keras_task(line, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)
    assert not isinstance(found(), Evaluated)
    evaluated = keras_task(line, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, test=(POINTS, CLASSES))()
    assert (evaluated.examples("validation"), evaluated.examples("test")) == (0, len(POINTS))
    with pytest.raises(ValueError, match=r"^line has no validation set$"):
        Evaluator(evaluated, "validation")


def two_inputs() -> Any:
    points, words = keras.Input([3], name="points"), keras.Input([2], dtype="int32", name="words")
    embedded = layers.Flatten()(layers.Embedding(9, 2)(words))
    return keras.Model({"points": points, "words": words}, layers.Dense(3)(layers.Concatenate()([points, embedded])))


def test_inputs_may_be_several_and_of_several_kinds() -> None:
    words = RANDOM.integers(0, 9, (60, 2)).astype(np.int16)
    task = keras_task(two_inputs, train=({"points": POINTS, "words": words}, CLASSES), loss=CROSS_ENTROPY)()
    x, state = task.initial(SEEDS)
    chosen = task.advance(state, SEEDS, tf.constant(1))[0].numpy()
    loss, gradient, _ = task.loss_and_gradient(x, task.advance(state, SEEDS, tf.constant(1)))
    embedding, kernel = x[:18].numpy().reshape(9, 2), x[18:39].numpy().reshape(7, 3)
    logits = np.hstack([POINTS[chosen], embedding[words[chosen]].reshape(-1, 4)]) @ kernel
    wrong = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(32), CLASSES[chosen]]
    np.testing.assert_allclose(loss[0], wrong.mean(), rtol=1e-5)
    assert gradient.shape == x.shape


class Deaf(keras.Model):
    """A model whose `call` has no `training`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def frozen() -> Any:
    model = keras.Sequential([keras.Input([3]), layers.Dense(4, name="kept"), layers.Dense(3)])
    model.layers[0].trainable = False
    return model


@pytest.mark.parametrize(("build", "size"), [(Deaf, 12), (frozen, 15)])
def test_models_of_ones_own_class_and_frozen_layers_are_trained(build: Any, size: int) -> None:
    task = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, jit_compile=True)()
    x, state = task.initial(SEEDS)
    _, gradient, _ = task.loss_and_gradient(x, state)
    assert x.shape == gradient.shape == (size, 1)
    assert (gradient.numpy() != 0).all()


PREDICTED = tf.constant([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]])


@pytest.mark.parametrize(
    ("loss", "targets", "predicted", "expected"),
    [
        ("mse", [1.0, 2.0], [[2.0], [4.0]], [1, 4]),  # a rank that differs by an axis of 1 is made alike
        (lambda y, p: tf.abs(y - p), [1.0, 2.0], [[2.0], [4.0]], [1, 2]),
        (lambda y, p: tf.reduce_mean(tf.abs(y - p)), [[1.0], [2.0]], [[2.0], [4.0]], [1, 2]),
        (keras.losses.MeanAbsoluteError(reduction="sum"), [[1.0, 1.0]], [[2.0, 4.0]], [2]),
    ],
)
def test_losses_of_each_example(loss: Any, targets: Any, predicted: Any, expected: list[float]) -> None:
    found = share_of_each(single_loss(loss, "float32"), tf.constant(targets), tf.constant(predicted))
    np.testing.assert_allclose(found.values, expected)


@pytest.mark.parametrize(
    ("targets", "predicted", "expected"),
    [
        ([0, 2], PREDICTED, [1, 0]),
        ([[0], [1]], PREDICTED, [1, 1]),
        ([[0, 1, 0], [0, 1, 0]], PREDICTED, [0, 1]),
        ([1, 0], [[0.4], [0.6]], [0, 0]),
    ],
)
def test_accuracy_goes_by_shapes(targets: Any, predicted: Any, expected: list[float]) -> None:
    found = accuracy_of_each(tf.constant(targets), tf.constant(predicted))
    np.testing.assert_array_equal(found.values, expected)


def test_double_precision_reaches_model_loss_and_data() -> None:
    task = keras_task(line, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)(dtype="float64")
    x, state = task.initial(SEEDS)
    loss, _, _ = task.loss_and_gradient(x, state)  # of example 0, 32 times
    logits = POINTS[0] @ x[:9].numpy().reshape(3, 3)
    np.testing.assert_allclose(loss[0], np.log(np.exp(logits).sum()) - logits[CLASSES[0]], rtol=1e-12)
    assert keras.config.floatx() == "float32"


def test_a_dataset_is_read_into_arrays_whatever_its_size_says() -> None:
    dataset = tf.data.Dataset.from_tensor_slices(({"a": POINTS}, CLASSES)).filter(lambda inputs, of: of > 0)
    found = examples(lambda: dataset, "train", "float32")
    np.testing.assert_array_equal(found.targets, CLASSES[CLASSES > 0])
    np.testing.assert_array_equal(found.inputs["a"], POINTS[CLASSES > 0].astype(np.float32))


PAIRS = tf.data.Dataset.from_tensor_slices((POINTS, CLASSES))
WITH_NAN = np.where(np.arange(60)[:, None] == 7, np.nan, POINTS)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ((POINTS, CLASSES[:5]), r"arrays of different lengths. Received: x with 60, y with 5"),
        (((POINTS, IMAGES[:3]), CLASSES), r"Received: x\[0\] with 60, x\[1\] with 3, y with 60"),
        ((POINTS[:0], CLASSES[:0]), r"has no examples. Received: x with 0, y with 0"),
        ((WITH_NAN, CLASSES), r"x must be finite numbers. Received: NaN or infinity in example 7"),
        (({"a": WITH_NAN}, CLASSES), r"x\['a'\] must be finite numbers"),
        ((POINTS.astype(str), CLASSES), r"x must be an array of numbers.*Received: str"),
        ((None, CLASSES), r"x must be an array of numbers.*Received: NoneType None"),
        ((POINTS,), r"must be a pair \(x, y\).*or \(x, None\).*Received: tuple of 1: "),
        ((POINTS, CLASSES, CLASSES, CLASSES), r"must be a pair \(x, y\).*Received: tuple of 4: "),
        (lambda: 1 / 0, r" raises ZeroDivisionError: division by zero"),
        (PAIRS.repeat(), r"is an infinite dataset"),
        (PAIRS.batch(8), r"looks batched.*\.unbatch\(\)"),
        (PAIRS.take(0), r"has no examples. Received: an empty dataset"),
        (tf.data.Dataset.from_tensor_slices(POINTS), r"must be a pair.*Received: elements TensorSpec"),
    ],
)
def test_data_that_cannot_be_learned_from_is_reported(train: Any, message: str) -> None:
    with pytest.raises(TaskError, match=rf"^`train`.*{message}") as caught:
        examples(train, "train", "float32")
    assert "\n" not in str(caught.value)


class Noise(layers.Layer):
    """Adds noise by some function of a shape."""

    def __init__(self, draw: Any) -> None:
        super().__init__()
        self.draw = draw

    def call(self, inputs: Any) -> Any:
        return inputs + self.draw([3])


class InPython(layers.Layer):
    """Multiplies by a number that Python draws at each call."""

    def call(self, inputs: Any) -> Any:
        drawn = tf.numpy_function(lambda value: value * random.uniform(0.5, 2), [inputs], inputs.dtype)
        return tf.ensure_shape(drawn, inputs.shape)


def noise(draw: Any) -> Any:
    return lambda: keras.Sequential([layers.Dense(3), Noise(draw)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"build": noise(tf.random.normal)}, r"draws random numbers that no seed repeats \(RandomStandardNormal\)"),
        (
            {"build": noise(keras.random.normal)},
            r"random numbers that no seed repeats \(Keras' global generator\)",
        ),
        (
            {"build": lambda: net(InPython())},
            r"random numbers that no seed repeats \(tf.numpy_function or tf.py_function, in which Python",
        ),
        ({"build": lambda: layers.Dense(3)}, r"`build` must return a keras.Model. Received: Dense "),
        ({"build": lambda: 1 / 0}, r"`build` raises ZeroDivisionError"),
        ({"build": lambda: keras.Sequential([layers.Flatten()])}, r"the model has no trainable weights"),
        (
            {"build": lambda: keras.Sequential([layers.Conv2D(2, 2)])},
            r"the model does not accept the inputs: ValueError",
        ),
        (
            {"build": lambda: keras.Sequential([keras.Input([7]), layers.Dense(3)])},
            r"model, loss and data are not compatible: ValueError.*expected shape=\(None, 7\)|have value 7",
        ),
        ({"loss": lambda y, p: tf.constant(1.0)}, r"the loss does not depend on the model's trainable weights"),
        ({"train": (POINTS, POINTS[:, :2]), "loss": "mse"}, r"model, loss and data are not compatible"),
        ({"train": (POINTS, CLASSES[:5])}, r"`train` has arrays of different lengths"),
    ],
)
def test_a_model_that_cannot_be_trained_is_reported_before_anything_is(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"build": line, "train": (POINTS, CLASSES), "loss": CROSS_ENTROPY, "name": "mine"} | change
    found = keras_task(given.pop("build"), **given)
    with pytest.raises(TaskError, match=rf"^mine: .*({message})") as caught:
        found()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((POINTS[:, :2], CLASSES), r"cannot be evaluated: ValueError: Exception encountered when calling"),
        ((POINTS, np.hstack([POINTS, POINTS])), r"cannot be evaluated: ValueError"),
        ((POINTS, None), r"`validation` must have targets if `train` has them"),
    ],
)
def test_what_keras_says_of_validation_is_one_line_without_colours_and_with_the_name(
    validation: Any, message: str
) -> None:
    task = keras_task(line, train=(POINTS, CLASSES), loss=CROSS_ENTROPY, validation=validation, name="mine")()
    x, state = task.initial(SEEDS)
    with pytest.raises(TaskError, match=rf"^mine: .*{message}") as caught:
        Evaluator(task, "validation").means(x, state)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"build": of_keras_2()}, r"Received: Sequential, of Keras 2 \(tf_keras\); a task takes models of `keras`"),
        ({"build": 3}, r"`build` must be a function.*Received: int"),
        ({"build": line()}, r"Received: Sequential; return it from a function"),
        ({"train": None}, r"`train` must be \(x, y\).*Received: None"),
        ({"metrics": "accuracy"}, r"`metrics` must be a list of these: accuracy"),
        ({"metrics": ["auc"]}, r"`metrics` must be a list of these: accuracy.*Received: \['auc'\]"),
        ({"metrics": ["accuracy"]}, r"`metrics` need `validation` or `test` data"),
        ({"batch_size": 0}, r"`batch_size` is a whole number from 1 to 65,536"),
        ({"dtype": "float16"}, r"`dtype` is one of float32, float64"),
        (
            {"class_weight": {0: 2.0}},
            r"^`class_weight` is not an argument. Accepted: .*`train`=\(x, y, sample_weight\)",
        ),
        ({"validation_split": 0.1}, r"^`validation_split` is not an argument. Accepted: `validation`=\(x, y\)"),
        (
            {"optimizer": "adam"},
            r"^`optimizer` is not an argument. Accepted: omit it; optimizers are chosen per search",
        ),
        ({"validaton": 1}, r"^`validaton` is not an argument. Accepted: build, train, loss, .*, dtype. Received"),
    ],
)
def test_arguments_that_make_no_task_are_refused_at_once(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"build": line, "train": (POINTS, CLASSES), "loss": CROSS_ENTROPY} | change
    build = given.pop("build")
    with pytest.raises(ValueError, match=message):
        keras_task(build, **given)


@pytest.mark.parametrize(
    ("loss", "received"),
    [
        ("no_such", "'no_such'"),
        (3, "3"),
        (keras.losses.MeanSquaredError, r"the class MeanSquaredError; its instance is MeanSquaredError\(\)"),
        (keras.metrics.MeanSquaredError(), "the metric MeanSquaredError, which counts over all batches"),
    ],
)
def test_a_loss_that_is_none_is_refused(loss: Any, received: str) -> None:
    with pytest.raises(TaskError, match=rf"`loss` must be a name of a loss of Keras.*Received: {received}$"):
        single_loss(loss, "float32")


def test_train_takes_a_model_from_a_file_and_a_run_is_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text(
        "import keras\nimport numpy as np\nfrom tasks.keras_task import keras_task\n"
        "def build():\n"
        "    scale = keras.layers.Normalization()\n"
        "    scale.adapt(np.arange(6.0).reshape(3, 2))\n"  # by compiled functions of TensorFlow's
        "    return keras.Sequential([scale, keras.layers.Dropout(0.5), keras.layers.Dense(1)])\n"
        "data = np.arange(20.0).reshape(10, 2), np.arange(10.0)\n"
        "MyTask = keras_task(build, train=lambda: data, loss='mse', batch_size=4)\n"
    )
    given = ("train", "--task", f"{tmp_path}/my_model.py:MyTask", "--optimizer", "Adam", "--steps", 5, "--curve")
    once, again = (command_line.call(*given, "--seeds", 2) for _ in range(2))
    assert once.code == 0, once.err
    curves = [[line for line in done.out.splitlines() if line.startswith("  ")] for done in (once, again)]
    assert len(curves[0]) == 10
    assert curves[0] == curves[1]
    assert curves[0][:5] != curves[0][5:]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays_are_in_memory_once_for_all_tasks_and_precisions(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = np.random.default_rng(0).random((100_000, 3), np.float32)  # 1.2 MB
    task = keras_task(line, train=lambda: (x, x), loss="mse")(dtype=dtype)
    (file,) = (tmp_path / "lodo-tune").iterdir()
    places = [
        tuple(int(end, 16) for end in each.split()[0].split("-"))
        for each in Path("/proc/self/maps").read_text().splitlines()
        if each.endswith(str(file))
    ]
    for part in (task._read["train"].inputs, task._read["train"].targets):
        address = part._numpy().ctypes.data  # without a copy
        assert any(first <= address < last for first, last in places)
    loss, _, _ = task.loss_and_gradient(*task.initial(SEEDS))  # of example 0, 32 times
    kernel = task.initial(SEEDS)[0][:9].numpy().reshape(3, 3).astype(float)
    np.testing.assert_allclose(loss[0], ((x[0] @ kernel - x[0]) ** 2).mean(), rtol=1e-5)


def test_arguments_of_build_with_a_default_are_options_of_the_task() -> None:
    def build(units: int = 2, *, activation: str = "relu") -> Any:
        return net(layers.Dense(units, activation))

    kind = keras_task(build, train=(POINTS, CLASSES), loss=CROSS_ENTROPY)
    assert accepted_options(kind) == ["batch_size", "units", "activation"]
    assert kind().variable_shapes == ((3, 2), (2,), (2, 3), (3,))
    assert kind(units=5).variable_shapes == ((3, 5), (5,), (5, 3), (3,))
    with pytest.raises(TaskError, match=r"no argument of this name\. Did you mean 'units'\?"):
        kind(unit=5)
