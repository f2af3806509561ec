"""The PixelCNN's network, input and minibatches against a plain formulation and the paper's numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.catalogue import TASKS
from tasks.pixelcnn import PixelCNN, averaged
from tasks.pixelcnn_network import LAYERS, input_channels, layer_slices, logits

SEED = np.array([[3, 4]], np.int32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images whose every pixel tells which part of the data they are of: 1 to 90 train, 100 validation, 200 test."""
    path: Path = tmp_path_factory.mktemp("data")
    train = np.concatenate([np.arange(1, 91), np.full(64, 100)]).astype(np.uint8)
    test = np.full(40, 200, np.uint8)
    np.savez(
        path / "mnist.npz",
        **{k: np.tile(v[:, None, None], (1, 28, 28)) for k, v in (("x_train", train), ("x_test", test))},
    )
    return path


def plain_logits(weights: Any, inputs: Any, blocks: int = 4) -> Any:
    """The network as TensorFlow's own convolutions say it, with a depthwise convolution of multiplier 3."""
    taken = 0

    def take(*shape: int) -> Any:
        nonlocal taken
        taken += math.prod(shape)
        return tf.reshape(weights[taken - math.prod(shape) : taken], shape)

    def convolution(features: Any, ins: int, outs: int) -> Any:
        return tf.nn.conv2d(features, take(1, 1, ins, outs), 1, "SAME") + take(outs)

    features = convolution(inputs, 5, 20)
    while features.shape[1] > 1:  # 28, 14, 7, 4, 2
        for _block in range(blocks):
            inner = tf.atan(convolution(features, 20, 40))
            inner = tf.nn.depthwise_conv2d(inner, take(3, 3, 40, 3), [1, 1, 1, 1], "SAME") + take(120)
            features = features + convolution(tf.atan(inner), 120, 20)
        features = tf.nn.avg_pool2d(features, 2, 2, "SAME")
    assert features.shape[1:] == (1, 1, 20)
    result = tf.reshape(features, [-1, 20]) @ take(20, 256) + take(256)
    assert taken == weights.shape[0]
    return result


def random_batch(count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 784, count, np.int32)
    return tf.constant(rng.integers(0, 256, (count, 28, 28), np.uint8)), tf.constant(pixels)


def test_there_are_as_many_weights_and_layers_as_in_the_paper(folder: Path) -> None:
    task = PixelCNN(data_dir=folder, batch_size=1)
    assert sum(layer.size for layer in LAYERS) == 94_696  # the paper's number
    assert task.initial(SEED)[0].shape == (94_696, 1)
    assert len(task.layers) == 62


def test_a_layer_is_a_kernel_together_with_its_bias() -> None:
    sizes = [stop - start for start, stop in layer_slices()]
    block = [20 * 40 + 40, 3 * 3 * 40 * 3 + 120, 120 * 20 + 20]
    assert sizes == [5 * 20 + 20, *block * 20, 20 * 256 + 256]


def test_the_network_equals_the_plain_formulation(folder: Path) -> None:
    task = PixelCNN(dtype="float64", batch_size=3, data_dir=folder)
    x = task.initial(SEED)[0]
    images, pixels = random_batch(3)

    @tf.function
    def plain(weights):
        labels = tf.gather_nd(tf.cast(images, tf.int32), tf.stack([tf.range(3), pixels // 28, pixels % 28], axis=1))
        with tf.GradientTape() as tape:
            tape.watch(weights)
            found = plain_logits(weights, input_channels(images, pixels, "float64"))
            wrong = -tf.gather(tf.nn.log_softmax(found), labels, batch_dims=1)
            loss = tf.reduce_mean(wrong)
        return loss, tape.gradient(loss, weights)

    loss, gradient, _ = tf.function(task.loss_and_gradient)(x, (images, pixels))
    plain_loss, plain_gradient = plain(x[:, 0])
    np.testing.assert_allclose(loss[0], plain_loss, rtol=1e-12)
    scale = np.abs(plain_gradient).max()
    np.testing.assert_allclose(gradient[:, 0] / scale, plain_gradient / scale, rtol=0, atol=1e-12)


def test_single_precision_agrees_with_double_to_its_rounding(folder: Path) -> None:
    single, double = (PixelCNN(dtype=dtype, batch_size=4, data_dir=folder) for dtype in (None, "float64"))
    x = tf.cast(single.initial(SEED)[0], tf.float64)
    loss, gradient, _ = single.loss_and_gradient(tf.cast(x, tf.float32), random_batch(4))
    double_loss, double_gradient, _ = double.loss_and_gradient(x, random_batch(4))
    assert (single.dtype, loss.dtype, gradient.dtype) == ("float32", tf.float32, tf.float32)
    np.testing.assert_allclose(loss, double_loss, rtol=1e-5)
    np.testing.assert_allclose(gradient, double_gradient, atol=1e-5 * np.abs(double_gradient).max())


@pytest.mark.parametrize("pixel", [0, 27, 28, 400, 783])
def test_input_channels_are_the_papers(pixel: int) -> None:
    image = np.random.default_rng(2).integers(1, 256, (28, 28), np.uint8)
    expected = np.zeros((28, 28, 5))
    for row in range(28):
        for column in range(28):
            visible = row * 28 + column < pixel
            expected[row, column] = [
                image[row, column] / 256 if visible else 0,
                1 if column <= pixel % 28 else -1,
                1 if visible else -1,
                row * 2 / 28 - 1,
                column * 2 / 28 - 1,
            ]
    found = input_channels(tf.constant(image[None]), tf.constant([pixel]), "float64")
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-15)


def test_the_queried_pixel_and_those_after_it_are_never_seen(folder: Path) -> None:
    x = PixelCNN(dtype="float64", batch_size=1, data_dir=folder).initial(SEED)[0][:, 0]
    image = np.random.default_rng(3).integers(0, 256, 784, np.uint8)
    hidden, last_visible = image.copy(), image.copy()
    hidden[300:] += 7
    last_visible[299] += 7
    images = tf.constant(np.stack([image, hidden, last_visible]).reshape(3, 28, 28))
    found = logits(x, input_channels(images, tf.fill([3], 300), "float64")).numpy()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-13)
    assert np.abs(found[0] - found[2]).max() > 1e-9


def test_weights_start_with_variance_one_over_fan_in_plus_one(folder: Path) -> None:
    x = PixelCNN(batch_size=1, data_dir=folder).initial(SEED)[0].numpy()[:, 0]
    fan_in = [5, *[20, 9, 120] * 20, 20]  # the paper's: inputs of a neuron, 9 for a depthwise one
    for (start, stop), layer, expected in zip(layer_slices(), LAYERS, fan_in, strict=True):
        normal = x[start:stop] * (expected + 1) ** 0.5
        count = stop - start
        assert abs(normal.mean()) < 5 / count**0.5
        assert abs(normal.var() - 1) < 5 * (2 / count) ** 0.5
        assert layer.fan_in == expected
    biases = x[[stop - 1 - i for _, stop in layer_slices() for i in range(20)]]
    assert np.unique(biases).size == biases.size  # they are drawn too, none is zero


def test_minibatches_are_of_training_images_and_of_all_pixels(folder: Path) -> None:
    task = PixelCNN(batch_size=100, data_dir=folder)
    advance = tf.function(task.advance)
    _, state = task.initial(SEED)
    images, pixels = [], []
    for t in range(1, 201):
        state = advance(state, tf.constant(SEED), tf.constant(t))
        images.append(state[0].numpy()[:, 0, 0])
        pixels.append(state[1].numpy())
    drawn, queried = np.concatenate(images), np.concatenate(pixels)
    assert set(drawn) == set(range(1, 91))  # every training image, none of validation or test
    assert (queried.min(), queried.max()) == (0, 783)
    # χ² of 20,000 uniform draws: mean is the degrees of freedom, variance twice that; five standard errors.
    for values, bins in ((drawn - 1, 90), (queried, 784)):
        counts = np.bincount(values, minlength=bins)
        expected = 20_000 / bins
        assert abs(((counts - expected) ** 2 / expected).sum() - (bins - 1)) < 5 * (2 * bins) ** 0.5
    # An image and its pixel are drawn apart: were they made of one number, their parities would agree.
    for one, other in ((drawn, queried), (drawn % 2, queried % 2)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / 20_000**0.5


def test_gradient_descent_on_one_minibatch_lowers_its_loss(folder: Path) -> None:
    task = PixelCNN(batch_size=4, data_dir=folder)
    evaluate = tf.function(task.loss_and_gradient)
    x, state = task.initial(SEED)
    state = task.advance(state, SEED, 1)
    losses = []
    for _ in range(30):
        loss, gradient, state = evaluate(x, state)
        losses.append(float(loss[0]))
        x -= 0.03 * gradient
    assert losses[0] > 5  # about the ln 256 = 5.5 of a guess, or worse
    assert losses[-1] < 1


@pytest.mark.parametrize(("side", "blocks", "weights"), [(14, 1, 23_336), (7, 2, 32_256)])
def test_a_smaller_network_has_smaller_digits_and_fewer_layers(
    folder: Path, side: int, blocks: int, weights: int
) -> None:
    task = PixelCNN(dtype="float64", batch_size=50, side=side, blocks=blocks, data_dir=folder)
    x, state = task.initial(SEED)
    images, pixels = task.advance(state, SEED, 1)
    assert (x.shape, images.shape) == ((weights, 1), (50, side, side))
    assert side**2 - 30 < pixels.numpy().max() < side**2
    assert (
        task.layers[-1][1]
        == sum(map(math.prod, task.variable_shapes))
        == weights
        == TASKS["pixelcnn"].weights({"side": side, "blocks": blocks})
    )
    inputs = input_channels(images, pixels, "float64")
    np.testing.assert_allclose(logits(x[:, 0], inputs), plain_logits(x[:, 0], inputs, blocks), rtol=1e-11, atol=1e-12)


def test_smaller_digits_are_rounded_means_of_squares_of_pixels() -> None:
    images = np.random.default_rng(5).integers(0, 256, (3, 28, 28), np.uint8)
    images[0] = 255
    found = averaged(images, 7)
    assert (found.dtype, found[0].min(), found[0].max()) == (np.uint8, 255, 255)
    for row, column in ((0, 0), (3, 5), (6, 6)):
        square = images[2, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert found[2, row, column] == math.floor(square.mean() + 0.5)
    np.testing.assert_array_equal(averaged(images, 28), images)


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"side": 12}, r"`side` is one of 7, 14, 28\. Received: 12"),
        ({"side": 14.0}, r"`side` is a whole number from 7 to 28\. Received: 14\.0"),
        ({"blocks": 0}, r"`blocks` is a whole number from 1 to 8\. Received: 0"),
    ],
)
def test_a_network_that_there_is_not_is_refused(folder: Path, options: dict[str, Any], refused: str) -> None:
    with pytest.raises(ValueError, match=refused):
        PixelCNN(data_dir=folder, **options)


def test_a_cohort_of_more_than_one_is_refused(folder: Path) -> None:
    task = PixelCNN(batch_size=1, data_dir=folder)
    with pytest.raises(ValueError, match=r"one candidate at a time \(cohort_size 1\). Received: 2 seeds"):
        task.initial(np.zeros([2, 2], np.int32))


@pytest.mark.parametrize("batch_size", [0, 65_537, 2.5, True, "32"])
def test_a_batch_size_that_is_none_is_refused(folder: Path, batch_size: object) -> None:
    with pytest.raises(ValueError, match=r"`batch_size` is a whole number from 1 to 65,536. Received: "):
        PixelCNN(batch_size=batch_size, data_dir=folder)


def test_a_missing_data_file_is_an_error_of_the_constructor(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no file .*mnist\.npz"):
        PixelCNN(data_dir=tmp_path)
