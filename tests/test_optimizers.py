"""Each optimizer against an independent NumPy reference, lane by lane, and against Keras' own class."""

import numpy as np
import pytest
import tensorflow as tf

import search_spaces.loader
from lodo import registry
from tests.driving import drive, lane_seeds
from tests.references import first_order
from tests.references import lodo as lodo_references
from tests.references.tasks import ROSENBROCK_START, NoisyQuadraticBowl, bowl_eigenvalues, rosenbrock

STEPS = 100
REFERENCES = {
    "Adam": first_order.Adam,
    "Momentum": first_order.Momentum,
    "RMSprop": first_order.RMSprop,
    "Yogi": first_order.Yogi,
    "LODO": lodo_references.LODO,
}
# Two lanes each: the defaults but for rates that make way in a hundred steps, and something far from them.
SETTINGS = {
    "Adam": [
        {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999},
        {"learning_rate": 0.3, "beta_1": 0.0, "beta_2": 0.5},
    ],
    "Momentum": [{"learning_rate": 0.01, "momentum": 0.0}, {"learning_rate": 0.02, "momentum": 0.8}],
    "RMSprop": [
        {"learning_rate": 0.01, "rho": 0.9, "momentum": 0.0},
        {"learning_rate": 0.02, "rho": 0.3, "momentum": 0.7},
    ],
    "Yogi": [
        {"learning_rate": 0.05, "beta_1": 0.9, "beta_2": 0.999},
        {"learning_rate": 0.01, "beta_1": 0.2, "beta_2": 0.9},
    ],
    "LODO": [
        {"initial_learning_rate": 0.05, "meta_learning_rate": 0.001, "momentum": 0.9},
        {"initial_learning_rate": 0.02, "meta_learning_rate": 0.01, "momentum": 0.5},
    ],
}


def bowl(seed: int, n: int) -> NoisyQuadraticBowl:
    """A small bowl with random axes and a random walk of its centre."""
    draws = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(draws.normal(size=(n, n)))
    return NoisyQuadraticBowl(
        axes @ np.diag(bowl_eigenvalues(n)) @ axes.T, np.cumsum(draws.normal(size=(STEPS, n)), axis=0)
    )


def lodo_arguments(optimizer, n: int, lanes: int) -> list[dict]:
    """What a reference of LODO must be given to stand where each lane of the product stands.

    The product's block b acts on the entries j · n_blocks + b, the reference's on b · k + j; a shuffle that takes one
    order to the other, put around every permutation, makes them the same network.
    """
    network = optimizer.preconditioner(n)
    k, count = network.block_size, network.n_blocks
    drawn = np.stack([block.numpy() for block in network.initial_blocks(lane_seeds(lanes), tf.float64)])
    drawn = drawn.reshape(network.depth, k, k, count, lanes).transpose(4, 0, 3, 1, 2)  # [P, N, n_blocks, k, k]
    order = np.array([j * count + b for b in range(count) for j in range(k)])  # reference place -> product place
    place = np.argsort(order)
    permutations = [network.permutations[0][order]]
    permutations += [place[permutation[order]] for permutation in network.permutations[1:]]
    return [{"blocks": drawn[lane], "permutations": np.stack(permutations)} for lane in range(lanes)]


def reference_run(name, settings, extra, start, minibatch):
    reference = REFERENCES[name](start, **extra, **settings)
    path, curve = [], []
    for t in range(1, STEPS + 1):
        x, losses = reference.step(minibatch(t))
        path.append(np.array(x))
        curve.extend(losses)
    return np.stack(path), np.array(curve)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("problem", ["rosenbrock", "bowl"])
def test_a_hundred_steps_follow_the_reference_in_every_lane(name, problem):
    settings = SETTINGS[name]
    optimizer = registry.load(name)()
    if problem == "rosenbrock":
        start, batches = np.array(ROSENBROCK_START), [lambda t: rosenbrock] * 2
    else:
        start, batches = np.zeros(5), [bowl(1, 5).minibatch, bowl(2, 5).minibatch]
    extras = lodo_arguments(optimizer, len(start), 2) if name == "LODO" else [{}, {}]
    path, curve = drive(optimizer, start, settings, batches, STEPS)
    for lane in range(2):
        expected_path, expected_curve = reference_run(name, settings[lane], extras[lane], start, batches[lane])
        # The method's own rounding is amplified most where Adam divides a small average by its own root.
        np.testing.assert_allclose(path[:, :, lane], expected_path, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(curve[:, lane], expected_curve, rtol=1e-9, atol=1e-11)


def test_every_optimizer_has_a_reference():
    assert set(REFERENCES) == set(registry.OPTIMIZERS)


@pytest.mark.parametrize("name", registry.OPTIMIZERS)
def test_a_name_builds_its_own_class(name):
    assert registry.load(name).__name__ == name


@pytest.mark.parametrize("name", registry.OPTIMIZERS)
def test_the_search_space_tunes_exactly_the_hyperparameters_that_the_optimizer_takes(name):
    assert set(search_spaces.loader.builtin(name).names) == set(registry.load(name).hyperparameters)


def test_no_two_optimizers_behave_alike_on_the_bowl():
    ends = {}
    for name in registry.OPTIMIZERS:
        path, _ = drive(registry.load(name)(), np.zeros(5), SETTINGS[name][1:], [bowl(3, 5).minibatch], 10)
        ends[name] = path[-1, :, 0]
    names = list(ends)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            assert np.abs(ends[one] - ends[other]).max() > 1e-6, (one, other)


@pytest.mark.parametrize("name", registry.OPTIMIZERS)
def test_a_lane_that_diverges_leaves_the_others_as_they_are(name):
    settings = SETTINGS[name]
    wild = {key: 1e200 if "learning_rate" in key else value for key, value in settings[0].items()}
    beside_wild, _ = drive(
        registry.load(name)(), np.array(ROSENBROCK_START), [wild, settings[1]], [lambda t: rosenbrock] * 2, 20
    )
    beside_tame, _ = drive(registry.load(name)(), np.array(ROSENBROCK_START), settings, [lambda t: rosenbrock] * 2, 20)
    assert not np.isfinite(beside_wild[-1, :, 0]).all()
    np.testing.assert_array_equal(beside_wild[:, :, 1], beside_tame[:, :, 1])


KERAS = {
    # Keras keeps hyperparameters in float32: these are exact in it.
    "Adam": (lambda k: k.Adam(2**-5, beta_1=0.875, beta_2=1 - 2**-10), (2**-5, 0.875, 1 - 2**-10)),
    "Momentum": (lambda k: k.SGD(2**-6, momentum=0.75), (2**-6, 0.75)),
    "RMSprop": (lambda k: k.RMSprop(2**-6, rho=0.875, momentum=0.5), (2**-6, 0.875, 0.5)),
}


@pytest.mark.parametrize("name", KERAS)
def test_an_optimizer_that_keras_has_takes_the_same_steps(name):
    import keras

    make, values = KERAS[name]
    ours = registry.load(name)
    settings = dict(zip(ours.hyperparameters, values, strict=True))
    path, _ = drive(ours(), np.array(ROSENBROCK_START), [settings], [lambda t: rosenbrock], 50)
    variable = keras.Variable(np.array(ROSENBROCK_START), dtype="float64")
    theirs = make(keras.optimizers)
    for t in range(50):
        _, gradient = rosenbrock(np.array(variable))
        theirs.apply([tf.constant(gradient)], [variable])
        np.testing.assert_allclose(path[t, :, 0], np.array(variable), rtol=1e-12, atol=1e-13)
