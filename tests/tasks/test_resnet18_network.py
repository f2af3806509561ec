"""ResNet-18's network against a model built of Keras' own layers, and against the paper's numbers."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tasks.resnet18_network import ResNet

NARROW = ResNet(widths=(4, 8, 12, 16))


def keras_model(network: ResNet) -> Any:
    """The network of Keras' layers, in float64; its weights come in the order of ours."""
    units: list[Any] = []

    def unit(features: Any, filters: int, size: int, stride: int) -> Any:
        convolution = keras.layers.Conv2D(filters, size, stride, padding="same", use_bias=False, dtype="float64")
        normalisation = keras.layers.BatchNormalization(momentum=0.99, epsilon=1e-3, dtype="float64")
        units.extend([convolution, normalisation])
        return normalisation(convolution(features))

    def relu(features: Any) -> Any:
        return keras.layers.ReLU(dtype="float64")(features)

    def added(*features: Any) -> Any:
        return keras.layers.Add(dtype="float64")(features)

    inputs = keras.Input([32, 32, 3], dtype="float64")
    features = relu(unit(inputs, network.widths[0], 3, 1))
    for stage, (width, blocks) in enumerate(zip(network.widths, network.blocks, strict=True)):
        for block in range(blocks):
            halves = stage > 0 and block == 0
            inner = relu(unit(features, width, 3, 2 if halves else 1))
            inner = unit(inner, width, 3, 1)
            features = relu(added(inner, unit(features, width, 1, 2) if halves else features))
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float64")(features)
    dense = keras.layers.Dense(network.classes, dtype="float64")
    model = keras.Model(inputs, dense(pooled))
    model.own = [variable for layer in [*units, dense] for variable in layer.trainable_variables]
    model.statistics = units[1::2]
    return model


def give(model: Any, weights: Any) -> None:
    """Give a model of Keras' the weights of the flat vector."""
    parts = tf.split(weights, [math.prod(variable.shape) for variable in model.own])
    for variable, part in zip(model.own, parts, strict=True):
        variable.assign(tf.reshape(part, variable.shape))


def moving(model: Any, name: str) -> np.ndarray:
    return np.concatenate([getattr(layer, name).numpy() for layer in model.statistics])


@pytest.fixture(scope="module")
def weights() -> Any:
    """Weights away from the start: scales that are not 1, offsets that are not 0."""
    start = NARROW.initial_weights(tf.constant([1, 2]), "float64")
    return start + 0.2 * tf.random.stateless_normal(start.shape, [3, 4], dtype=tf.float64)


@pytest.fixture(scope="module")
def images() -> Any:
    return tf.random.stateless_normal([5, 32, 32, 3], [5, 6], dtype=tf.float64)


LABELS = tf.constant([3, 0, 9, 3, 1])


def loss_gradient_and_statistics(network: ResNet, weights: Any, images: Any) -> tuple[Any, ...]:
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits, means, variances = network.training_logits(weights, images)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits))
    return loss, tape.gradient(loss, weights), means, variances


def test_there_are_as_many_weights_as_in_the_paper() -> None:
    assert ResNet().parameters == 11_173_962  # the paper's number
    assert ResNet().channels == 4_800
    assert len(ResNet().variable_shapes) == 62


def test_a_layer_is_a_convolution_with_its_scales_and_offsets_or_the_dense_kernel_with_its_bias() -> None:
    sizes = [stop - start for start, stop in ResNet().layers]
    expected = [3 * 3 * 3 * 64 + 128, *[3 * 3 * 64 * 64 + 128] * 4]
    for c in (128, 256, 512):
        same = 3 * 3 * c * c + 2 * c
        expected += [3 * 3 * c // 2 * c + 2 * c, same, c // 2 * c + 2 * c, same, same]
    assert sizes == [*expected, 512 * 10 + 10]


def test_training_equals_keras_layers_in_loss_gradient_and_moving_statistics(weights: Any, images: Any) -> None:
    model = keras_model(NARROW)
    give(model, weights)
    loss, gradient, means, variances = tf.function(loss_gradient_and_statistics)(NARROW, weights, images)

    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        theirs = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits))
    slopes = tape.gradient(theirs, [variable.value for variable in model.own])
    expected = np.concatenate([np.ravel(slope) for slope in slopes])
    np.testing.assert_allclose(loss, theirs, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    np.testing.assert_allclose(0.01 * means, moving(model, "moving_mean"), rtol=0, atol=1e-14)
    np.testing.assert_allclose(0.99 + 0.01 * variances, moving(model, "moving_variance"), rtol=1e-13)


def test_inference_equals_keras_layers(weights: Any, images: Any) -> None:
    model = keras_model(NARROW)
    give(model, weights)
    rng = np.random.default_rng(7)
    means, variances = 0.3 * rng.standard_normal(NARROW.channels), rng.uniform(0.2, 3, NARROW.channels)
    taken = 0
    for layer in model.statistics:
        channels = layer.moving_mean.shape[0]
        layer.moving_mean.assign(means[taken : taken + channels])
        layer.moving_variance.assign(variances[taken : taken + channels])
        taken += channels
    found = tf.function(NARROW.inference_logits)(weights, images, tf.constant(means), tf.constant(variances))
    np.testing.assert_allclose(found, model(images, training=False), rtol=1e-11, atol=1e-12)


def test_single_precision_with_its_fused_normalisation_agrees_with_double(weights: Any, images: Any) -> None:
    double = loss_gradient_and_statistics(NARROW, weights, images)
    single = loss_gradient_and_statistics(NARROW, tf.cast(weights, tf.float32), tf.cast(images, tf.float32))
    for ours, exact in zip(single, double, strict=True):
        assert ours.dtype == tf.float32
        np.testing.assert_allclose(ours, exact, rtol=2e-4, atol=2e-4 * np.abs(exact).max())
    # The last stage has 5 · 4 · 4 values a channel: the fused kernel's own variance would be 80/79 as large.
    np.testing.assert_allclose(single[3][-16:], double[3][-16:], rtol=1e-4)


def test_bfloat16_agrees_with_single_precision_to_its_rounding(weights: Any, images: Any) -> None:
    weights, images = tf.cast(weights, tf.float32), tf.cast(images, tf.float32)
    single = loss_gradient_and_statistics(NARROW, weights, images)
    half = loss_gradient_and_statistics(NARROW, weights, tf.cast(images, tf.bfloat16))
    assert all(result.dtype == tf.float32 for result in half)
    assert float(half[0]) != float(single[0])  # it does compute otherwise
    np.testing.assert_allclose(half[0], single[0], rtol=0.03)
    for ours, exact in zip(half[2:], single[2:], strict=True):
        assert np.linalg.norm(ours - exact) < 0.02 * np.linalg.norm(exact)
    # Rounding to 8 bits flips ReLUs, and adds up on the way back through 17 convolutions: the dense layer's slopes are
    # near, the first ones only point the same way.
    ours, exact = half[1].numpy(), single[1].numpy()
    assert np.linalg.norm((ours - exact)[-170:]) < 0.05 * np.linalg.norm(exact[-170:])
    assert ours @ exact > 0.9 * np.linalg.norm(ours) * np.linalg.norm(exact)


def test_an_image_is_judged_by_itself(weights: Any, images: Any) -> None:
    statistics = tf.zeros([NARROW.channels], tf.float64), tf.ones([NARROW.channels], tf.float64)
    together = NARROW.inference_logits(weights, images, *statistics)
    alone = NARROW.inference_logits(weights, images[2:3], *statistics)
    np.testing.assert_allclose(together[2:3], alone, rtol=1e-11)


def test_weights_start_as_keras_starts_them() -> None:
    network = ResNet(widths=(16, 24, 32, 40))
    weights = network.initial_weights(tf.constant([8, 9]), "float64").numpy()
    stops = np.cumsum([math.prod(shape) for shape in network.variable_shapes])
    parts = np.split(weights, stops[:-1])
    assert weights.shape == (network.parameters,)
    for shape, part in zip(network.variable_shapes[:-2], parts[:-2], strict=True):
        if len(shape) == 4:
            limit = (6 / (math.prod(shape[:2]) * (shape[2] + shape[3]))) ** 0.5
            assert limit * (1 - 20 / part.size) < np.abs(part).max() <= limit
            assert abs(part.mean()) < 5 * limit / (3 * part.size) ** 0.5
            assert abs(part.var() / (limit**2 / 3) - 1) < 5 * (0.8 / part.size) ** 0.5
    for scales, offsets in zip(parts[1:-2:3], parts[2:-2:3], strict=True):
        assert (scales == 1).all()
        assert (offsets == 0).all()
    assert 0.9 * (6 / 50) ** 0.5 < np.abs(parts[-2]).max() <= (6 / 50) ** 0.5
    assert (parts[-1] == 0).all()
    kernels = np.concatenate([*parts[:-2:3], parts[-2]])
    assert np.unique(kernels).size == kernels.size  # no two are drawn from the same seed
