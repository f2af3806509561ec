"""Users' own optimizers as classes of our protocol: the steps that they would take by themselves."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lodo import own_class
from lodo.function_optimizer import function_optimizer
from lodo.optimizer import GradientOptimizer
from tests.conformance.broken_optimizers import Sound, SoundKeras
from tests.support.driving import drive

START = np.linspace(-1.0, 2.0, 4)
CURVATURE = np.geomspace(0.1, 2.0, 4)
STEPS = 20
LANES = [{"learning_rate": 2.0**-4, "momentum": 0.5}, {"learning_rate": 2.0**-6, "momentum": 0.75}]  # exact in float32


def bowl(x):
    """A bowl with its minimum at 0.3."""
    return 0.5 * (CURVATURE * (x - 0.3) ** 2).sum(), CURVATURE * (x - 0.3)


def path_of(optimizer, name="Mine"):
    """The path of x, [STEPS, 4, 2]."""
    adapted = own_class.adapted(own_class.checked(optimizer, name), name, ("learning_rate", "momentum"))
    return drive(adapted(), START, LANES, [lambda t: bowl] * 2, STEPS)[0]


def path_by_hand(values):
    """The path [STEPS, 4] of the rule of `Sound` in NumPy."""
    x, average, path = START.copy(), np.zeros(4), []
    for _ in range(STEPS):
        average = average + (bowl(x)[1] - average) * (1 - values["momentum"])
        x = x - values["learning_rate"] * average
        path.append(x)
    return np.stack(path)


def init(x):
    """The state of the rule of `Sound`, for one candidate, with a count that is a number of Python's."""
    return {"average": tf.zeros_like(x), "count": 0.0}


def update(gradient, state, x, hyperparameters):
    """A step of the rule of `Sound`."""
    average = state["average"] + (gradient - state["average"]) * (1 - hyperparameters["momentum"])
    return -hyperparameters["learning_rate"] * average, {"average": average, "count": state["count"] + 1}


@pytest.mark.parametrize(
    "optimizer",
    [Sound, SoundKeras, (init, update), function_optimizer(init, update)],
    ids=["ours", "keras", "pair", "made"],
)
def test_each_lane_takes_the_steps_of_the_rule_with_its_own_hyperparameters(optimizer):
    path = path_of(optimizer)
    for lane, values in enumerate(LANES):
        np.testing.assert_allclose(path[:, :, lane], path_by_hand(values), rtol=1e-12)


class Lookahead(keras.optimizers.Optimizer):
    """Every second step goes halfway back to slow weights, which start as a copy of x: a collective step."""

    def __init__(self, learning_rate=0.1, share=0.5):
        super().__init__(learning_rate=learning_rate)
        self.share = share

    def build(self, variables):
        super().build(variables)
        self.slow = self.add_optimizer_variables(variables, "slow")
        for slow, variable in zip(self.slow, variables, strict=True):
            slow.assign(variable)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for slow, variable, gradient in zip(self.slow, trainable_variables, grads, strict=True):
            is_second = keras.ops.cast(self.iterations % 2, variable.dtype)
            fast = variable - keras.ops.cast(learning_rate, variable.dtype) * gradient
            self.assign(slow, slow + is_second * self.share * (fast - slow))
            self.assign(variable, is_second * slow + (1 - is_second) * fast)


def test_a_collective_step_with_slow_weights_is_that_of_keras_own_loop():
    adapted = own_class.adapted(own_class.checked(Lookahead, "Lookahead"), "Lookahead", ("learning_rate",))
    path, _ = drive(adapted(), START, [{"learning_rate": 2.0**-3}], [lambda t: bowl], STEPS)
    alone, variable = Lookahead(2.0**-3), keras.Variable(START, dtype="float64")
    for step in range(STEPS):
        alone.apply([tf.constant(bowl(np.array(variable))[1])], [variable])
        np.testing.assert_allclose(path[step, :, 0], np.array(variable), rtol=1e-12)


def test_hyperparameters_are_those_of_the_class_or_its_space_or_its_constructor():
    class Named(GradientOptimizer):
        hyperparameters = ("gain",)

    class OfConstructor(GradientOptimizer):
        def __init__(self, learning_rate=0.1, history=3, name="x", *, is_fast=True):
            super().__init__()

    assert own_class.arguments(Named, "Named") == {"gain": None}
    assert own_class.arguments(Sound, "Sound") == {"learning_rate": None, "momentum": None}
    assert own_class.arguments(OfConstructor, "OfConstructor") == {"learning_rate": 0.1, "history": 3.0}
    assert own_class.arguments(SoundKeras, "SoundKeras") == {"learning_rate": 0.01, "momentum": 0.5}


def test_an_argument_that_the_instance_does_not_keep_is_no_hyperparameter():
    class Hidden(SoundKeras):
        def __init__(self, learning_rate=0.01, beta=0.3):
            super().__init__(learning_rate=learning_rate)
            self._beta = beta

    assert own_class.arguments(Hidden, "Hidden") == {"learning_rate": 0.01}


def test_only_a_registered_class_of_keras_kind_has_a_name_there():
    registered = keras.saving.register_keras_serializable("tests")(type("Registered", (SoundKeras,), {}))
    assert own_class.registered_name(registered) == "tests>Registered"
    assert own_class.registered_name(SoundKeras) is None
    assert own_class.registered_name(Sound) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, "Mine is not an optimizer; an optimizer is a subclass of lodo"),
        (lambda x: x, "Mine is not an optimizer"),
        (Sound(), "give the class Sound, not an instance of it"),
        (keras.optimizers.Adam(), "give the class Adam, not an instance of it"),
        (
            type("SGD", (), {"__module__": "torch.optim.sgd"}),
            "Mine is of torch, whose optimizers run in loops of their own",
        ),
    ],
)
def test_what_is_no_optimizer_is_refused_with_what_is_accepted(given, message):
    with pytest.raises(own_class.OwnOptimizerError, match=message):
        own_class.checked(given, "Mine")


def test_hyperparameters_that_a_class_does_not_have_are_refused():
    with pytest.raises(
        own_class.OwnOptimizerError, match=r"Mine takes the hyperparameters learning_rate, momentum\. Rec"
    ):
        own_class.adapted(Sound, "Mine", ("learning_rate",))
