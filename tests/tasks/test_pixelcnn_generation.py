"""Digits from a PixelCNN, drawn pixel by pixel, and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks import pixelcnn_generation
from tasks.pixelcnn import PixelCNN
from tasks.pixelcnn_network import LAYERS, input_channels, logits, logits_of_features
from tasks.pixelcnn_pictures import LINE, grid, inputs_as_picture
from tasks.task import Pictured

SEED = 2**40 + 7
PARAMETERS = sum(layer.size for layer in LAYERS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("data")
    images = np.random.default_rng(1).integers(1, 256, (70, 28, 28), np.uint8)
    np.savez(path / "mnist.npz", x_train=images, x_test=images[:1])
    return path


@pytest.fixture
def task(folder: Path) -> PixelCNN:
    return PixelCNN(batch_size=1, data_dir=folder)


@pytest.mark.slow
def test_a_digit_is_that_of_a_slow_loop_over_pixels_with_the_same_draws(folder: Path) -> None:
    task = PixelCNN(dtype="float64", batch_size=1, data_dir=folder)
    x = 3 * task.initial(np.array([[5, 6]], np.int32))[0]  # large enough for the pixels before to matter
    expected_by_network = tf.function(lambda image, pixel: logits(x[:, 0], input_channels(image, pixel, "float64")))
    # What is not drawn yet is noise: a pixel depends on those before it alone.
    digit = np.random.default_rng(2).integers(0, 256, (1, 28, 28), np.uint8)
    for pixel in range(784):
        scores = expected_by_network(tf.constant(digit), tf.constant([pixel]))
        seed = tf.random.experimental.stateless_fold_in(tf.constant([SEED % 2**31, SEED // 2**31], tf.int32), pixel)
        digit[:, pixel // 28, pixel % 28] = tf.random.stateless_categorical(scores, 1, seed)[:, 0]
    np.testing.assert_array_equal(task.generate(x, 1, SEED), digit)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Leave out the pools, which cost the time and add nothing where kernels are zero; return the batches traced."""
    batches = []

    def dense_alone(features: Any, network: Any) -> Any:
        batches.append(features.shape[0])
        return logits_of_features(features[:, :1, :1], network, pools_done=5)

    monkeypatch.setattr(pixelcnn_generation, "logits_of_features", dense_alone)
    return batches


@pytest.mark.usefixtures("traced")
def test_greys_are_drawn_as_often_as_the_softmax_says(task: PixelCNN) -> None:
    weights = np.zeros([PARAMETERS, 1], np.float32)  # the dense layer's biases decide
    weights[-256:] = -1e4
    weights[[-256 + 7, -256 + 250], 0] = np.log([1, 3])
    digits = task.generate(tf.constant(weights), 9, 1).numpy()
    assert digits.dtype == np.uint8
    assert digits.shape == (9, 28, 28)
    assert set(np.unique(digits)) == {7, 250}
    assert abs((digits == 250).mean() - 0.75) < 5 * (0.75 * 0.25 / digits.size) ** 0.5
    weights[-256 + 99] = 1e4
    assert (task.generate(tf.constant(weights), 9, 1).numpy() == 99).all()


def test_the_seed_decides_and_another_one_is_not_traced_anew(task: PixelCNN, traced: list[int]) -> None:
    x = tf.zeros([PARAMETERS, 1])  # every grey is as likely
    once = task.generate(x, 2, 3).numpy()
    assert len(np.unique(once)) > 200
    assert (once[0] != once[1]).mean() > 0.9
    np.testing.assert_array_equal(task.generate(x, 2, 3), once)
    for seed in (4, 3 + 2**31, -3):
        assert (task.generate(x, 2, seed).numpy() != once).mean() > 0.9
    assert traced == [2]


def test_pictures_are_digits_four_by_four_and_the_five_channels_of_four_images(
    task: PixelCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def generate(x: Any, count: int, seed: int) -> Any:
        asked.append((count, seed))
        return tf.cast(tf.broadcast_to(tf.range(count)[:, None, None], [count, 28, 28]), tf.uint8)

    monkeypatch.setattr(task, "generate", generate)
    x, state = task.initial(np.array([[5, 6]], np.int32))
    found, other = (task.pictures(x, state, seed) for seed in (SEED, 8))
    assert isinstance(task, Pictured)
    assert asked == [(16, SEED), (16, 8)]
    assert {name: (picture.shape, picture.dtype) for name, picture in found.items()} == {
        "digits": ((115, 115), tf.uint8),
        "inputs": ((115, 144), tf.uint8),
    }
    np.testing.assert_array_equal(found["digits"][::29, ::29], np.arange(16).reshape(4, 4))
    assert (found["inputs"] != other["inputs"]).numpy().any()


def test_a_grid_has_lines_between_its_pictures_and_none_around() -> None:
    pictures = np.arange(2 * 3 * 2 * 2, dtype=np.uint8).reshape(6, 2, 2)
    line = LINE
    np.testing.assert_array_equal(
        grid(tf.constant(pictures), columns=3),
        [
            [0, 1, line, 4, 5, line, 8, 9],
            [2, 3, line, 6, 7, line, 10, 11],
            [line] * 8,
            [12, 13, line, 16, 17, line, 20, 21],
            [14, 15, line, 18, 19, line, 22, 23],
        ],
    )


def test_the_inputs_picture_shows_visible_greys_and_black_to_white_for_minus_one_to_one() -> None:
    image = np.random.default_rng(3).integers(1, 256, (1, 28, 28), np.uint8)
    shown = inputs_as_picture(tf.constant(image), tf.constant([5 * 28 + 9])).numpy()
    seen, column, visible, rows, columns = (shown[:, place : place + 28] for place in range(0, 144, 29))
    before = np.arange(784).reshape(28, 28) < 5 * 28 + 9
    np.testing.assert_array_equal(seen, np.where(before, image[0], 0))
    np.testing.assert_array_equal(visible, np.where(before, 255, 0))
    np.testing.assert_array_equal(column, np.tile(np.where(np.arange(28) <= 9, 255, 0), [28, 1]))
    np.testing.assert_array_equal(rows, columns.T)
    assert (rows[0] == 0).all()
    assert (np.diff(rows[:, 0].astype(int)) > 0).all()
