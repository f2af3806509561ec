"""Digits from a PixelCNN, drawn pixel by pixel, and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks import pixelcnn_generation
from tasks.pixelcnn import PixelCNN
from tasks.pixelcnn_network import PARAMETERS, input_channels, logits
from tasks.pixelcnn_pictures import LINE, grid, seen_inputs
from tasks.task import Pictured

SEED = 2**40 + 7


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> PixelCNN:
    path: Path = tmp_path_factory.mktemp("data")
    images = np.random.default_rng(1).integers(1, 256, (70, 28, 28), np.uint8)
    np.savez(path / "mnist.npz", x_train=images, x_test=images[:1])
    return PixelCNN(dtype="float64", batch_size=1, data_dir=path)


def test_digits_are_those_of_a_slow_loop_over_pixels_with_the_same_draws(task: PixelCNN) -> None:
    x = 3 * task.initial(np.array([[5, 6]], np.int32))[0]  # large enough for the pixels before to matter
    expected_by_network = tf.function(
        lambda images, pixel: logits(x[:, 0], input_channels(images, tf.fill([2], pixel), "float64"))
    )
    # What is not drawn yet is noise: a pixel depends on those before it alone.
    digits = np.random.default_rng(2).integers(0, 256, (2, 28, 28), np.uint8)
    for pixel in range(784):
        scores = expected_by_network(tf.constant(digits), tf.constant(pixel))
        seed = tf.random.experimental.stateless_fold_in(tf.constant([SEED % 2**31, SEED // 2**31], tf.int32), pixel)
        digits[:, pixel // 28, pixel % 28] = tf.random.stateless_categorical(scores, 1, seed)[:, 0]
    np.testing.assert_array_equal(task.generate(x, 2, SEED), digits)
    assert (digits[0] != digits[1]).any()


def test_greys_are_drawn_as_often_as_the_softmax_says(task: PixelCNN) -> None:
    weights = np.zeros([PARAMETERS, 1])  # no kernel: the dense layer's biases decide
    weights[-256:] = -1e4
    weights[[-256 + 7, -256 + 250], 0] = np.log([1, 3])
    digits = task.generate(tf.constant(weights), 2, 1).numpy()
    assert digits.dtype == np.uint8
    assert digits.shape == (2, 28, 28)
    assert set(np.unique(digits)) == {7, 250}
    count = digits.size
    assert abs((digits == 250).mean() - 0.75) < 5 * (0.75 * 0.25 / count) ** 0.5


def test_the_seed_alone_decides_and_nothing_is_traced_anew(task: PixelCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.zeros([PARAMETERS, 1], tf.float64)
    once = task.generate(x, 2, 3).numpy()
    assert len(np.unique(once)) > 200  # uniform

    def traced(*arguments: Any) -> Any:
        raise AssertionError("traced again")

    monkeypatch.setattr(pixelcnn_generation, "input_channels", traced)
    np.testing.assert_array_equal(task.generate(x, 2, 3), once)
    for seed in (4, 3 + 2**31, -3):
        assert (task.generate(x, 2, seed) != once).mean() > 0.9
    with pytest.raises(AssertionError, match="traced again"):
        task.generate(x, 3, 3)


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
    shown = seen_inputs(tf.constant(image), tf.constant([5 * 28 + 9])).numpy()
    seen, column, visible, rows, columns = (shown[:, place : place + 28] for place in range(0, 144, 29))
    before = np.arange(784).reshape(28, 28) < 5 * 28 + 9
    np.testing.assert_array_equal(seen, np.where(before, image[0], 0))
    np.testing.assert_array_equal(visible, np.where(before, 255, 0))
    np.testing.assert_array_equal(column, np.tile(np.where(np.arange(28) <= 9, 255, 0), [28, 1]))
    np.testing.assert_array_equal(rows, columns.T)
    assert (rows[0] == 0).all()
    assert (np.diff(rows[:, 0].astype(int)) > 0).all()
