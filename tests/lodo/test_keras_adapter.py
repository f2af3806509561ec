"""Keras' own optimizers in our loop: the steps that Keras takes, in cohorts, with hyperparameters that are tensors."""

import math
from functools import lru_cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from lodo import keras_adapter, registry
from tests.references.tasks import ROSENBROCK_START, rosenbrock
from tests.support.driving import drive, lane_seeds

SHAPES = ((3, 2), (2,))  # a matrix, which Muon and Adafactor treat otherwise, and a vector
SIZE = sum(map(math.prod, SHAPES))
STEPS = 20
START = np.linspace(-1.0, 2.0, SIZE)
CURVATURE = np.geomspace(0.1, 2.0, SIZE)


def dtype_of(name: str) -> str:
    """float64, but for Muon, which Keras cannot run on matrices of float64."""
    return "float32" if name == "keras:Muon" else "float64"


def assert_same(name: str, ours, theirs):
    """Compares two paths to some roundings of the dtype."""
    rtol = {"float32": 1e-5, "float64": 1e-12}[dtype_of(name)]
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol / 10)


def bowl(x):
    """A bowl with its minimum at 0.3."""
    return 0.5 * (CURVATURE * (x - 0.3) ** 2).sum(), CURVATURE * (x - 0.3)


def settings(name: str) -> list[dict[str, float]]:
    """Two lanes' values of all that can be tuned, unlike the defaults and each other; exact in float32, as Keras'."""
    lanes = []
    for place in (2, 3):
        lanes.append({})
        for argument, default in keras_adapter.tunable(name).items():
            if argument.startswith("muon_"):  # coefficients of a polynomial that works with Keras' alone
                continue
            value = 2.0**-place if default is None or default == 0 or default >= 1 else 2.0 ** round(math.log2(default))
            lanes[-1][argument] = 1 - 2.0 ** -(place + 2) if default is not None and 0.5 < default < 1 else value
        lanes[-1]["learning_rate"] = 2.0 ** -(place + 2)
    return lanes


@lru_cache
def path_of_ours(name: str):
    """The path of x, [STEPS, SIZE, 2]."""
    optimizer = registry.load(name, list(settings(name)[0]))(variable_shapes=SHAPES)
    return drive(optimizer, START, settings(name), [lambda t: bowl] * 2, STEPS, dtype_of(name))[0]


def path_of_keras(name: str, values: dict[str, float]):
    """The path of x, [STEPS, SIZE], of an instance of Keras' class with these values, in a loop of Python's."""
    optimizer = getattr(keras.optimizers, name.removeprefix("keras:"))(**values)
    cuts = np.split(START, np.cumsum([math.prod(shape) for shape in SHAPES])[:-1])
    variables = [
        keras.Variable(cut.reshape(shape), dtype=dtype_of(name)) for cut, shape in zip(cuts, SHAPES, strict=True)
    ]
    path = []
    for _ in range(STEPS):
        x = np.concatenate([np.ravel(variable) for variable in variables])
        cuts = np.split(bowl(x)[1], np.cumsum([math.prod(shape) for shape in SHAPES])[:-1])
        gradients = [tf.constant(cut.reshape(shape), dtype_of(name)) for cut, shape in zip(cuts, SHAPES, strict=True)]
        optimizer.apply(gradients, variables)
        path.append(np.concatenate([np.ravel(variable) for variable in variables]))
    return np.stack(path)


@pytest.mark.parametrize("name", keras_adapter.names())
def test_each_lane_takes_the_steps_of_keras_own_instance_with_its_values(name):
    for lane, values in enumerate(settings(name)):
        expected = path_of_keras(name, values)
        assert np.isfinite(expected).all()
        assert np.abs(expected[-1] - START).max() > 1e-3  # it moves
        assert_same(name, path_of_ours(name)[:, :, lane], expected)


@pytest.mark.parametrize("name", ["keras:AdamW", "keras:Ftrl", "keras:Muon", "keras:RMSprop"])
def test_what_is_not_tuned_stays_at_keras_default(name):
    optimizer = registry.load(name, ["learning_rate"])(variable_shapes=SHAPES)
    path, _ = drive(optimizer, START, [{"learning_rate": 2.0**-4}], [lambda t: bowl], STEPS, dtype_of(name))
    expected = path_of_keras(name, {"learning_rate": 2.0**-4})
    assert_same(name, path[:, :, 0], expected)


def test_a_hyperparameter_of_zero_is_what_keras_leaves_out():
    values = {"learning_rate": 2.0**-4, "momentum": 0.0, "weight_decay": 0.0}
    for name in ("keras:SGD", "keras:RMSprop"):
        optimizer = registry.load(name, list(values))(variable_shapes=SHAPES)
        path, _ = drive(optimizer, START, [values], [lambda t: bowl], STEPS)
        expected = path_of_keras(name, {"learning_rate": 2.0**-4})  # without momentum and weight decay
        assert_same(name, path[:, :, 0], expected)


def test_no_two_of_keras_optimizers_are_the_same_class_of_ours():
    ends = {name: path_of_ours(name)[-1] for name in keras_adapter.names()}
    names = list(ends)
    assert {"keras:AdamW", "keras:Lion", "keras:Muon"} <= set(names)
    for at, one in enumerate(names):
        assert registry.load(one).__name__ == one.removeprefix("keras:")
        for other in names[at + 1 :]:
            assert not np.allclose(ends[one], ends[other], rtol=1e-6), (one, other)


@pytest.mark.parametrize("name", ["keras:AdamW", "keras:Lion"])
def test_a_lane_that_diverges_leaves_the_others_as_they_are(name):
    wild, tame = {"learning_rate": 1e30}, {"learning_rate": 2.0**-4}
    optimizer = registry.load(name, ["learning_rate"])()
    start, batches = np.array(ROSENBROCK_START), [lambda t: rosenbrock] * 2
    beside_wild, losses = drive(optimizer, start, [wild, tame], batches, STEPS)
    beside_tame, _ = drive(optimizer, start, [tame, tame], batches, STEPS)
    assert losses[-1, 0] > 1e100 or not np.isfinite(losses[-1, 0])
    np.testing.assert_array_equal(beside_wild[:, :, 1], beside_tame[:, :, 1])


def test_shapes_that_do_not_make_up_x_are_refused():
    optimizer = registry.load("keras:Adam", ["learning_rate"])(variable_shapes=SHAPES)
    with pytest.raises(ValueError, match=r"must have 7 elements in total, as x has. Received: \(\(3, 2\), \(2,\)\)"):
        optimizer.initial_state(tf.zeros([7, 1]), {"learning_rate": tf.ones([1])}, lane_seeds(1))


class Halfway(keras.optimizers.Optimizer):
    """Somebody's optimizer, whose state starts at half of x."""

    def __init__(self):
        super().__init__(learning_rate=0.1)

    def build(self, variables):
        """Makes the state."""
        super().build(variables)
        self.halves = self.add_optimizer_variables(variables, "half")
        for half, variable in zip(self.halves, variables, strict=True):
            half.assign(variable.value / 2)


def test_a_state_whose_start_cannot_be_known_is_refused():
    halfway = type("Ours", (keras_adapter.KerasAdapter,), {"keras_class": Halfway, "hyperparameters": ()})()
    with pytest.raises(ValueError, match=r"the state of Halfway starts as neither a constant nor a copy of x"):
        halfway.initial_state(tf.zeros([3, 1]), {}, lane_seeds(1))


@pytest.mark.parametrize(
    ("name", "names", "message"),
    [
        ("keras:adamW", None, r"Unknown optimizer. Did you mean 'keras:AdamW'\? .* Received: 'keras:adamW'"),
        ("keras:LossScaleOptimizer", None, "Unknown optimizer. .*keras:Adadelta, "),  # it wraps another
        ("keras:Optimizer", None, "Unknown optimizer."),
        ("keras:", None, "Unknown optimizer."),
        ("keras:Adam", ["nesterov"], r"keras:Adam has no hyperparameter of this name. Accepted: learning_rate, beta_1"),
        # It acts only where use_ema is on.
        ("keras:Adam", ["ema_momentum"], r"keras:Adam has no hyperparameter .* Received: 'ema_momentum'"),
        ("keras:Adagrad", ["initial_accumulator_value"], r"has no hyperparameter"),  # used before the first step
    ],
)
def test_what_keras_does_not_have_is_refused(name, names, message):
    with pytest.raises(ValueError, match=message):
        registry.load(name, names)


def test_a_scalar_proxy_can_be_compared_with_zero_and_with_nothing_else():
    from lodo.scalar_proxy import ScalarProxy

    number = ScalarProxy(tf.constant(0.25))
    answers = [bool(number), number > 0, number >= 0, number != 0.0, number not in (None,), number < 0, number <= 0]
    assert answers == [True] * 5 + [False] * 2
    assert not number.used
    for compare in (lambda: number > 0.5, lambda: number == 0.25, lambda: number < 1):
        with pytest.raises(TypeError, match=r"a tuned hyperparameter can be compared with 0 only. Received: "):
            compare()
    np.testing.assert_array_equal(
        [number + 1, 1 + number, number - 1, 1 - number, number * 2, 2 * number, number / 2, 2 / number, -number],
        [1.25, 1.25, -0.75, 0.75, 0.5, 0.5, 0.125, 8.0, -0.25],
    )
    np.testing.assert_array_equal([number**2, 16**number], [0.0625, 2.0])
    assert number.used
