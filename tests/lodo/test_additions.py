"""Schedules, weight decay, clipping and averages around optimizers: against NumPy, and against Keras' own."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lodo import additions, registry, schedules
from lodo.with_additions import evaluated, with_additions
from tests.references import additions as reference
from tests.support.driving import drive, lane_seeds

START = np.linspace(-1.0, 2.0, 6)
CURVATURE = np.geomspace(0.05, 2.0, 6)
SHAPES = ((2, 2), (2,))  # of the variables of x
SIZES = (4, 2)
STEPS = 40
SETS = [
    {"warmup_ratio": 0.2},
    {"cosine_final": 0.125},
    {"cosine_final": 0.0, "warmup_ratio": 0.1},
    {"linear_final": 0.25, "warmup_ratio": 0.3},
    {"step_final": 0.01},
    {"step_final": 0.0, "warmup_ratio": 0.1},
    {"weight_decay": 0.5},
    {"clipnorm": 0.25},
    {"global_clipnorm": 0.25},
    {"clipvalue": 0.125},
    {"ema_momentum": 0.75},
    {"linear_final": 0.0, "weight_decay": 0.25, "global_clipnorm": 0.5, "ema_momentum": 0.5},
]


def gradient_of(x):
    """The gradient of a bowl with its minimum at 0.3."""
    return CURVATURE * (x - 0.3)


def bowl(x):
    """The loss and the gradient of the bowl."""
    return 0.5 * float((CURVATURE * (x - 0.3) ** 2).sum()), gradient_of(x)


def made(name, added, own=None):
    """An instance of an optimizer with additions."""
    kind = with_additions(registry.load(name, own), tuple(added))
    known = {"variable_shapes": SHAPES, "layers": ((0, 4), (4, 6))}
    return kind(**{name: known[name] for name in (*kind.needs, *kind.wants) if name in known})


def path_of(name, lanes, added, dtype="float64", **arguments):
    """The path [STEPS, 6, P] of an optimizer with additions, on the same bowl in every lane."""
    own = [key for key in lanes[0] if key not in added]
    batches = [lambda t: bowl] * len(lanes)
    return drive(made(name, added, own), START, lanes, batches, STEPS, dtype, **arguments)[0]


# The definition in NumPy


@pytest.mark.parametrize("added", SETS, ids=", ".join)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
def test_gradient_descent_with_additions_takes_the_steps_of_its_definition_in_each_lane(added, dtype, tolerance):
    other = {name: value / 2 for name, value in added.items()}
    lanes = [{"learning_rate": rate, "momentum": 0.0, **values} for rate, values in ((0.125, added), (0.25, other))]
    path = path_of("Momentum", lanes, added, dtype)
    for lane, (rate, values) in enumerate(((0.125, added), (0.25, other))):
        expected, _ = reference.descend(gradient_of, START, STEPS, SIZES, rate, **values)
        np.testing.assert_allclose(path[:, :, lane], expected, rtol=tolerance, atol=tolerance)


def test_the_average_is_that_of_the_definition_and_is_what_is_evaluated():
    values = {"learning_rate": 0.25, "momentum": 0.0, "ema_momentum": 0.75, "linear_final": 0.0}
    optimizer = made("Momentum", ("ema_momentum", "linear_final"))
    x = tf.constant(START[:, None])
    tensors = {name: tf.constant([value], "float64") for name, value in values.items()}
    state = optimizer.initial_state(x, tensors, lane_seeds(1))
    np.testing.assert_array_equal(evaluated(x, state), x)  # before the first step
    _, expected = reference.descend(gradient_of, START, STEPS, SIZES, 0.25, ema_momentum=0.75, linear_final=0.0)
    for t in range(1, STEPS + 1):
        x, state, _ = optimizer.step(
            lambda point: (tf.zeros([1], "float64"), tf.constant(gradient_of(point.numpy()[:, 0])[:, None])),
            *(x, state, tensors, tf.constant(t), tf.constant(STEPS)),
        )
        np.testing.assert_allclose(evaluated(x, state)[:, 0], expected[t - 1], rtol=1e-13)
    assert np.abs(evaluated(x, state) - x).max() > 1e-3


def test_an_average_does_not_change_a_bit_of_the_path():
    plain = {"learning_rate": 0.25, "beta_1": 0.5, "beta_2": 0.75}
    np.testing.assert_array_equal(
        path_of("Adam", [{**plain, "ema_momentum": 0.9}], ("ema_momentum",)),
        drive(registry.load("Adam")(), START, [plain], [lambda t: bowl], STEPS)[0],
    )


# Keras' own


def keras_path(optimizer):
    """The path [STEPS, 6] of Keras' optimizer on the bowl."""
    variables = [keras.Variable(part.reshape(shape), dtype="float64") for part, shape in zip(*cut(START), strict=True)]
    path = []
    for _ in range(STEPS):
        x = np.concatenate([variable.numpy().ravel() for variable in variables])
        parts = [tf.constant(part.reshape(shape)) for part, shape in zip(*cut(gradient_of(x)), strict=True)]
        optimizer.apply(parts, variables)
        path.append(np.concatenate([variable.numpy().ravel() for variable in variables]))
    return np.stack(path)


def cut(vector):
    """The parts of a vector that are the variables, and their shapes."""
    return np.split(vector, [4]), SHAPES


RATE = 0.25
WARMUP = 8  # steps of 40, of a share of 0.2
DECAY = keras.optimizers.schedules
KERAS_SCHEDULES = [
    ({"cosine_final": 0.125}, DECAY.CosineDecay(RATE, STEPS, alpha=0.125)),
    (
        {"cosine_final": 0.125, "warmup_ratio": 0.2},
        DECAY.CosineDecay(RATE / 9, STEPS - WARMUP, alpha=0.125, warmup_target=RATE, warmup_steps=WARMUP),
    ),
    (
        {"warmup_ratio": 0.2},
        DECAY.CosineDecay(RATE / 9, STEPS - WARMUP, alpha=1.0, warmup_target=RATE, warmup_steps=WARMUP),
    ),
    ({"linear_final": 0.25}, DECAY.PolynomialDecay(RATE, STEPS, end_learning_rate=0.25 * RATE)),
    ({"step_final": 0.01}, DECAY.PiecewiseConstantDecay([19, 29], [RATE, 0.1 * RATE, 0.01 * RATE])),
]
SINGLE = 2e-6  # Keras computes schedules, and constants such as a weight decay, in float32


@pytest.mark.parametrize(("added", "schedule"), KERAS_SCHEDULES, ids=[" ".join(added) for added, _ in KERAS_SCHEDULES])
@pytest.mark.parametrize("name", ["Momentum", "Adam", "keras:SGD"])
def test_schedules_are_those_of_keras(name, added, schedule):
    own = {"beta_1": 0.5, "beta_2": 0.75} if name == "Adam" else {"momentum": 0.5}
    kind = keras.optimizers.Adam if name == "Adam" else keras.optimizers.SGD
    path = path_of(name, [{"learning_rate": RATE, **own, **added}], added)
    np.testing.assert_allclose(path[:, :, 0], keras_path(kind(learning_rate=schedule, **own)), rtol=SINGLE, atol=SINGLE)


def test_adam_with_weight_decay_is_adamw_of_keras_under_a_schedule_too():
    own = {"beta_1": 0.5, "beta_2": 0.75}
    for added, schedule in [({}, RATE), KERAS_SCHEDULES[1]]:
        decayed = {**added, "weight_decay": 0.5}
        path = path_of("Adam", [{"learning_rate": RATE, **own, **decayed}], decayed)
        theirs = keras_path(keras.optimizers.AdamW(learning_rate=schedule, weight_decay=0.5, **own))
        np.testing.assert_allclose(path[:, :, 0], theirs, rtol=SINGLE, atol=SINGLE)


@pytest.mark.parametrize("added", [{"clipnorm": 0.25}, {"global_clipnorm": 0.25}, {"clipvalue": 0.125}], ids=" ".join)
def test_clipping_is_that_of_keras(added):
    path = path_of("Momentum", [{"learning_rate": RATE, "momentum": 0.5, **added}], added)
    theirs = keras_path(keras.optimizers.SGD(learning_rate=RATE, momentum=0.5, **added))
    np.testing.assert_allclose(path[:, :, 0], theirs, rtol=SINGLE, atol=SINGLE)


def test_the_average_is_that_of_keras():
    theirs = keras.optimizers.SGD(learning_rate=RATE, use_ema=True, ema_momentum=0.75)
    keras_path(theirs)
    kept = np.concatenate([average.numpy().ravel() for average in theirs._model_variables_moving_average])
    _, expected = reference.descend(gradient_of, START, STEPS, SIZES, RATE, ema_momentum=0.75)
    np.testing.assert_allclose(kept, expected[-1], rtol=SINGLE)


# Every optimizer


def test_a_step_with_two_evaluations_clips_both_gradients():
    added = {"clipvalue": 0.125}
    seen = []

    def steep(x):
        seen.append(x)
        return 0.0, 1e6 * gradient_of(x)

    values = {"learning_rate": 0.5, "decay_steps": 1e4, "initial_scale": 1.0, **added}
    path, losses = drive(made("L-BFGS", added), START, [values], [lambda t: steep], 1)
    assert len(losses) == len(seen) == 2
    np.testing.assert_allclose(path[0, :, 0], START - 0.5 * np.clip(1e6 * gradient_of(START), -0.125, 0.125))


@pytest.mark.parametrize("name", ["BFGS", "L-BFGS", "O-LBFGS"])
def test_quasi_newton_methods_survive_a_warm_up(name):
    values = {"learning_rate": 0.1, "initial_scale": 0.1, "warmup_ratio": 0.5}
    values |= {} if name == "BFGS" else {"decay_steps": 1e4}
    own = registry.load(name).hyperparameters
    lane = {key: value for key, value in values.items() if key in (*own, "warmup_ratio")}
    assert np.isfinite(path_of(name, [lane], ("warmup_ratio",))).all()


def test_lodo_takes_its_schedule_on_the_initial_learning_rate():
    values = {"initial_learning_rate": 0.25, "meta_learning_rate": 0.0, "momentum": 0.0, "linear_final": 0.0}
    path = path_of("LODO", [values], ("linear_final",))  # without learning, G is α_0 I
    expected, _ = reference.descend(gradient_of, START, STEPS, SIZES, 0.25, linear_final=0.0)
    np.testing.assert_allclose(path[:, :, 0], expected, rtol=1e-10)


@pytest.mark.parametrize("added", SETS, ids=", ".join)
def test_a_lane_that_diverges_leaves_the_bits_of_the_other_alone(added):
    lane = {"learning_rate": 0.125, "momentum": 0.5, **added}
    optimizer = made("Momentum", added)
    for value in (np.nan, np.inf, -np.inf):
        broken = lambda t, value=value: lambda x: (value, np.full(6, value if t == 3 else 1.0))  # noqa: E731
        beside, _ = drive(optimizer, START, [lane, lane], [lambda t: bowl, broken], STEPS)
        alone, _ = drive(optimizer, START, [lane, lane], [lambda t: bowl] * 2, STEPS)
        np.testing.assert_array_equal(beside[:, :, 0], alone[:, :, 0])
        if "clipvalue" not in added or np.isnan(value):  # clipping by value makes an infinite gradient finite
            assert not np.isfinite(beside[-1, :, 1]).any()


@pytest.mark.parametrize("schedule", additions.SCHEDULES)
def test_steps_beyond_the_horizon_repeat_the_last_one(schedule):
    def at(t):
        return schedules.factor(
            tf.constant(t), tf.constant(10), warmup=tf.constant([0.2]), schedule=schedule, final=tf.constant([0.25])
        ).numpy()

    assert at(10) == at(11) == at(1000)
    assert at(2) < at(3) == 1 > at(10)


def test_a_schedule_is_stretched_over_the_budget():
    final = tf.constant([0.25], "float64")
    shares = [
        [
            schedules.factor(tf.constant(t), tf.constant(steps), warmup=final, schedule="cosine_final", final=final)[0]
            for t in range(1, steps + 1)
        ]
        for steps in (100, 400)
    ]
    np.testing.assert_allclose(shares[0], shares[1][::4], atol=0.04)  # the warm-up starts at 1/26 and at 1/101


# Names and values


def test_the_guide_lists_every_addition_with_what_it_accepts():
    guide = (Path(__file__).parents[2] / "docs/guides/schedules.md").read_text(encoding="utf-8")
    for name, addition in additions.ADDITIONS.items():
        accepted = addition.accepted.removeprefix("a number ").removeprefix("from ").removeprefix("of ")
        assert f"| `{name}` | {accepted} |" in guide


def test_an_addition_is_the_optimizers_own_if_that_has_it():
    assert "weight_decay" in additions.available(("learning_rate",))
    assert "weight_decay" not in additions.available(("learning_rate", "weight_decay"))
    assert "weight_decay" not in additions.available(())  # it may have one
    assert set(additions.available(())) == set(additions.ADDITIONS) - {"weight_decay"}


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (("cosine_final", "step_final"), "Adam takes one schedule of cosine_final, linear_final, step_final. Received"),
        (("clipnorm", "clipvalue"), "Adam takes one clipping of clipnorm, global_clipnorm, clipvalue. Received"),
    ],
)
def test_additions_that_exclude_each_other_are_refused(added, message):
    with pytest.raises(additions.AdditionError, match=message):
        with_additions(registry.load("Adam"), added)


@pytest.mark.parametrize("name", ["warmup_ratio", "cosine_final", "linear_final", "step_final", "weight_decay"])
def test_an_optimizer_without_a_learning_rate_is_refused_where_one_is_needed(name):
    with pytest.raises(additions.AdditionError, match=rf"^{name} is for an optimizer with a learning rate .*damping$"):
        with_additions(registry.load("Levenberg-Marquardt"), (name,))


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("warmup_ratio", 1.5, "a number from 0 to 1"),
        ("warmup_ratio", -0.1, "a number from 0 to 1"),
        ("cosine_final", 2.0, "a number from 0 to 1"),
        ("weight_decay", -1e-9, "a number of at least 0"),
        ("clipnorm", 0.0, "a number above 0"),
        ("global_clipnorm", -1.0, "a number above 0"),
        ("clipvalue", float("inf"), "a number above 0"),
        ("ema_momentum", 1.0, "a number from 0 to below 1"),
        ("ema_momentum", float("nan"), "a number from 0 to below 1"),
    ],
)
def test_a_value_that_an_addition_does_not_take_is_refused(name, value, accepted):
    with pytest.raises(additions.AdditionError, match=f"^{name} is {accepted}. Received: {value}$"):
        additions.check_value(name, value)
