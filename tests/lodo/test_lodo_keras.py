"""LODO in Keras: the functional LODO's steps, inside `fit`, saved and restored, with what Keras' base class gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import lodo.keras
from lodo.lodo import LODO
from lodo.lodo_diagonal import LODODiagonal

SIZES = [(3, 4), (4,), (4, 1), (1,)]
SETTINGS = {"learning_rate": 0.0625, "meta_learning_rate": 0.01, "momentum": 0.7}  # Keras keeps the rate in float32
CLASSES = {"LODO": (lodo.keras.LODO, LODO), "LODO-Diagonal": (lodo.keras.LODODiagonal, LODODiagonal)}


def shallow(learning_rate=0.05, **arguments):
    """Returns a LODO of few layers, which are compiled faster."""
    return lodo.keras.LODO(learning_rate, depth=3, **arguments)


def some_gradients(steps, sizes=SIZES, dtype="float32"):
    draws = np.random.default_rng(3)
    return [[tf.constant(draws.normal(size=size), dtype) for size in sizes] for _ in range(steps)]


def variables(dtype="float32"):
    draws = np.random.default_rng(4)
    return [keras.Variable(draws.normal(size=size), dtype=dtype) for size in SIZES]


def flat(parts):
    return np.concatenate([np.asarray(part).ravel() for part in parts])


def model(dtype="float32"):
    keras.utils.set_random_seed(7)
    made = keras.Sequential([keras.layers.Dense(4, activation="tanh", dtype=dtype), keras.layers.Dense(1, dtype=dtype)])
    made.build((None, 3))
    return made


def data():
    draws = np.random.default_rng(5)
    inputs = draws.normal(size=(64, 3)).astype("float32")
    return inputs, inputs @ np.array([[1.0], [-2.0], [0.5]], "float32")


def fitted(optimizer, *, epochs=3, jit_compile=False, made=None):
    """Returns a model after some epochs on a small regression."""
    made = made or model()
    made.compile(optimizer=optimizer, loss="mse", jit_compile=jit_compile)
    made.fit(*data(), batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CLASSES)
def test_each_step_is_the_functional_optimizers_bit_for_bit(name, dtype):
    seed = {"seed": 9} if name == "LODO" else {}  # the diagonal one draws nothing
    of_keras, rule = CLASSES[name][0](**SETTINGS, **seed), CLASSES[name][1]()
    ours = variables(dtype)
    x = tf.constant(flat(ours), dtype)[:, None]
    hyperparameters = {
        key: tf.constant([SETTINGS[given]], dtype)
        for key, given in [("initial_learning_rate", "learning_rate"), *((k, k) for k in rule.hyperparameters[1:])]
    }
    state = rule.initial_state(x, hyperparameters, tf.constant([[9, 0]]))
    for t, gradients in enumerate(some_gradients(5, dtype=dtype), start=1):
        of_keras.apply(gradients, ours)
        gradient = tf.constant(flat(gradients), dtype)[:, None]
        x, state, _ = rule.step(lambda _, g=gradient: (tf.zeros([1], dtype), g), x, state, hyperparameters,
                                tf.constant(t), tf.constant(5))  # fmt: skip
        np.testing.assert_array_equal(flat(ours), x.numpy()[:, 0])


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_a_model_is_fitted(name, jit_compile):
    made = model()
    made.compile(loss="mse")
    before = made.evaluate(*data(), verbose=0)
    after = fitted(CLASSES[name][0](learning_rate=0.1), epochs=30, jit_compile=jit_compile)
    assert after.evaluate(*data(), verbose=0) < before / 20


def test_compiled_and_uncompiled_training_agree():
    compiled, plain = (fitted(shallow(), jit_compile=jit) for jit in (True, False))
    np.testing.assert_allclose(flat(compiled.get_weights()), flat(plain.get_weights()), rtol=1e-4, atol=1e-5)


def test_variables_of_several_dtypes_are_moved_in_their_own():
    ours = [keras.Variable(np.ones(2), dtype="bfloat16"), keras.Variable(np.ones(3), dtype="float32")]
    shallow(0.5).apply([tf.ones(2, tf.bfloat16), tf.ones(3)], ours)
    # The first step moves by α_0 (1 - β) g = 0.05; bfloat16 has 8 significant bits: 0.95 is 0.94921875 there.
    np.testing.assert_allclose(np.asarray(ours[0], "float32"), [0.94921875] * 2, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours[1], [0.95] * 3, rtol=1e-6)


@pytest.mark.parametrize(("name", "numbers"), [("LODO", 449), ("LODO-Diagonal", 5)])
def test_the_state_is_as_large_as_the_docstring_says(name, numbers):
    optimizer = CLASSES[name][0]()
    optimizer.build([keras.Variable(np.zeros(1000))])
    held = sum(np.prod(variable.shape) for variable in optimizer.variables)
    assert held == numbers * 1000 + 2  # and the step number and the learning rate, as every Keras optimizer


def test_config_and_deserialize_make_the_same_optimizer():
    optimizer = lodo.keras.LODO(0.05, 0.01, 0.7, depth=3, block_size=2, seed=4, weight_decay=0.1, clipnorm=1.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is lodo.keras.LODO
    assert again.get_config() == optimizer.get_config()
    first, second = variables(), variables()
    for gradients in some_gradients(3):
        optimizer.apply(gradients, first)
        again.apply(gradients, second)
    np.testing.assert_array_equal(flat(first), flat(second))


def test_a_saved_model_trains_on_bit_for_bit(tmp_path):
    whole = fitted(shallow(), epochs=4)
    half = fitted(shallow(), epochs=2)
    half.save(tmp_path / "half.keras")
    restored = keras.models.load_model(tmp_path / "half.keras")
    restored.fit(*data(), batch_size=16, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(flat(restored.get_weights()), flat(whole.get_weights()))


def test_a_checkpoint_restores_the_state(tmp_path):
    whole = fitted(shallow(), epochs=4)
    half = fitted(shallow(), epochs=2)
    path = tf.train.Checkpoint(model=half, optimizer=half.optimizer).save(tmp_path / "half")
    restored = model()
    restored.compile(optimizer=shallow(seed=77), loss="mse")
    restored.optimizer.build(restored.trainable_variables)
    tf.train.Checkpoint(model=restored, optimizer=restored.optimizer).restore(path).assert_existing_objects_matched()
    restored.fit(*data(), batch_size=16, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(flat(restored.get_weights()), flat(whole.get_weights()))


def test_a_schedule_of_the_learning_rate_is_followed():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.5, 0.0])
    optimizer, ours = shallow(schedule), variables()
    first, second = some_gradients(2)
    optimizer.apply(first, ours)
    moved = flat(ours)
    optimizer.apply(second, ours)
    assert not np.array_equal(moved, flat(variables()))
    np.testing.assert_array_equal(flat(ours), moved)  # at rate 0 nothing moves


def test_weight_decay_clipping_and_accumulation_are_keras_own():
    # Without gradients' entries beyond clipvalue: x (1 - 0.2 · 0.5) - 0.5 (1 - 0.9) clipped g, on the second of two
    # accumulated gradients; weight decay is taken at the learning rate, before the step.
    optimizer = shallow(0.5, weight_decay=0.2, clipvalue=0.1, gradient_accumulation_steps=2)
    ours = [keras.Variable(np.full(5, 2.0), dtype="float64")]
    for gradient in (0.0, 8.0):
        optimizer.apply([tf.fill([5], tf.constant(gradient, tf.float64))], ours)
    np.testing.assert_allclose(ours[0], np.full(5, 2.0 * 0.9 - 0.05 * 0.1), rtol=1e-6)


def test_an_average_of_the_weights_is_kept():
    made = fitted(shallow(use_ema=True, ema_momentum=0.5))
    last = flat([variable.numpy() for variable in made.optimizer._model_variables_moving_average])
    np.testing.assert_allclose(flat(made.get_weights()), last, rtol=1e-6)  # fit ends by putting the average there


def test_loss_scaling_changes_nothing_but_rounding():
    plain = fitted(shallow())
    scaled = fitted(keras.optimizers.LossScaleOptimizer(shallow(), initial_scale=1024.0))
    np.testing.assert_allclose(flat(scaled.get_weights()), flat(plain.get_weights()), rtol=1e-3, atol=1e-4)


def test_a_variable_without_a_gradient_stays_where_it_is():
    optimizer, ours = shallow(0.5), variables()
    before = flat(ours[1:2])
    for gradients in some_gradients(3):
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            optimizer.apply([gradients[0], None, *gradients[2:]], ours)
    np.testing.assert_array_equal(flat(ours[1:2]), before)


def test_a_sparse_gradient_is_refused_by_its_variable():
    table = keras.Variable(np.ones((5, 2)), name="table")
    sparse = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([3]), dense_shape=tf.constant([5, 2]))
    with pytest.raises(ValueError, match=r"LODO needs dense gradients.* Received: the sparse gradient of table"):
        lodo.keras.LODO().apply([sparse], [table])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"learning_rate": 0.0}, "`learning_rate` must be a positive number. Received: 0.0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a positive number. Received: nan"),
        ({"meta_learning_rate": -1e-3}, "`meta_learning_rate` must be a number, at least 0. Received: -0.001"),
        ({"momentum": 1.0}, "`momentum` must be a number from 0 to below 1. Received: 1.0"),
        ({"block_size": 0}, "`block_size` must be a whole number at least 1. Received: 0"),
        ({"depth": 1.5}, "`depth` must be a whole number at least 1. Received: 1.5"),
        ({"seed": True}, "`seed` must be a whole number from 0 to 2\\*\\*31 - 1. Received: True"),
        ({"seed": -1}, "`seed` must be a whole number from 0 to 2\\*\\*31 - 1. Received: -1"),
        ({"beta": 0.9}, "beta"),
    ],
)
def test_an_argument_out_of_range_is_refused_by_name(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        lodo.keras.LODO(**arguments)


def test_an_empty_list_of_variables_is_refused():
    optimizer = lodo.keras.LODO()
    with pytest.raises(ValueError, match="there is nothing to train"):
        optimizer.build([keras.Variable(np.zeros((0, 3)))])
    assert not optimizer.built
