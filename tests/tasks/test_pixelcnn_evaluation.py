"""The PixelCNN judged on whole images: every pixel's loss, on the split that is asked for, and nothing else moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks import pixelcnn
from tasks.datasets import mnist
from tasks.pixelcnn import PixelCNN, averaged
from tasks.pixelcnn_network import input_channels
from tasks.task import Evaluated
from tests.tasks.test_pixelcnn import plain_logits

SEED = np.array([[3, 4]], np.int32)


class Poison:
    """Test images that nobody may look at; how many there are is no secret."""

    def __len__(self) -> int:
        return 11

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("the test images were looked at")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few dark images with a bright patch each, as digits are: 70 to train and validate, 11 to test."""
    path: Path = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(4)
    images = rng.integers(0, 3, (81, 28, 28), np.uint8)
    images[:, 8:20, 9:19] = rng.integers(100, 256, (81, 12, 10))
    np.savez(path / "mnist.npz", x_train=images[:70], x_test=images[70:])
    return path


def plain_losses(x: Any, images: np.ndarray, blocks: int = 4) -> list[float]:
    """Return the losses of images, in float64, from a query of every pixel of them and textbook convolutions."""
    logits = tf.function(
        lambda images, pixels: plain_logits(x[:, 0], input_channels(images, pixels, "float64"), blocks)
    )
    losses, number = [], images[0].size
    at_once = number // 8 if number == 784 else number
    for image in images:
        total = 0.0
        for first in range(0, number, at_once):
            pixels = np.arange(first, first + at_once, dtype=np.int32)
            found = logits(tf.constant(np.tile(image, [at_once, 1, 1])), tf.constant(pixels)).numpy()
            for pixel, scores in zip(pixels, found, strict=True):
                total += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[image.flat[pixel]]
        losses.append(total / number)
    return losses


def test_an_images_loss_is_the_mean_over_every_one_of_its_pixels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.pixelcnn_evaluation.IMAGES_AT_ONCE", 1)  # so that two are two groups
    task = PixelCNN(dtype="float64", batch_size=1, data_dir=folder)
    x = 3 * task.initial(SEED)[0]  # large enough for pixels to differ much
    found = tf.function(task.evaluate, autograph=False)(x, (), "test", tf.constant([2, 9]))
    assert (found.shape, found.dtype) == ((2, 1, 1), tf.float64)
    np.testing.assert_allclose(found[1, 0], plain_losses(x, mnist(folder).test[[9]]), rtol=1e-12)
    assert abs(found[0, 0, 0] - found[1, 0, 0]) > 1e-3


@pytest.mark.parametrize(("side", "blocks"), [(14, 1), (7, 2)])
def test_smaller_digits_are_judged_likewise(folder: Path, side: int, blocks: int) -> None:
    task = PixelCNN(dtype="float64", batch_size=1, side=side, blocks=blocks, data_dir=folder)
    x = 3 * task.initial(SEED)[0]
    found = tf.function(task.evaluate, autograph=False)(x, (), "test", tf.constant([2]))
    expected = plain_losses(x, averaged(mnist(folder).test[[2]], side), blocks)
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-12)


@pytest.mark.slow
def test_images_are_judged_one_by_one_however_many_are_in_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.pixelcnn_evaluation.IMAGES_AT_ONCE", 2)  # so that three are a group and a half
    task = PixelCNN(dtype="float64", batch_size=1, data_dir=folder)
    x = 3 * task.initial(SEED)[0]
    found = tf.function(task.evaluate, autograph=False)(x, (), "test", tf.constant([9, 2, 7]))
    np.testing.assert_allclose(found[:, 0, 0], plain_losses(x, mnist(folder).test[[9, 2, 7]]), rtol=1e-12)


def test_training_and_validation_never_look_at_test_images_and_judging_changes_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(task: PixelCNN, *, evaluated: bool) -> tuple[list[Any], np.ndarray]:
        x, state = task.initial(SEED)
        curve, found = [], np.empty(0)
        for t in (1, 2):
            loss, gradient, state = task.loss_and_gradient(x, task.advance(state, tf.constant(SEED), tf.constant(t)))
            x -= 0.01 * gradient
            curve += [loss.numpy(), x.numpy()]
            if evaluated and t == 1:
                found = task.evaluate(x, state, "validation", tf.constant([63, 5])).numpy()
        return curve, found

    plain, _ = run(PixelCNN(batch_size=1, data_dir=folder), evaluated=False)
    data = mnist(folder)
    poisoned = type(data)(data.name, data.train, data.validation, Poison(), data.source)
    monkeypatch.setattr(pixelcnn, "mnist", lambda data_dir: poisoned)
    monkeypatch.setattr(pixelcnn, "mean_losses", lambda weights, images, dtype: tf.cast(images[:, 9, 12], dtype))
    task = PixelCNN(batch_size=1, data_dir=folder)
    curve, found = run(task, evaluated=True)
    np.testing.assert_equal(curve, plain)  # bit for bit
    np.testing.assert_array_equal(found[:, 0, 0], data.validation[[63, 5], 9, 12])
    assert (task.examples("validation"), task.examples("test")) == (64, 11)
    with pytest.raises(AssertionError, match="the test images were looked at"):
        task.evaluate(task.initial(SEED)[0], (), "test", tf.constant([0]))


def test_the_task_says_that_it_can_be_evaluated_and_on_what(folder: Path) -> None:
    task = PixelCNN(batch_size=1, data_dir=folder)
    assert isinstance(task, Evaluated)
    assert task.metrics == ("loss",)
    for ask in (task.examples, lambda split: task.evaluate(task.initial(SEED)[0], (), split, tf.constant([0]))):
        with pytest.raises(ValueError, match=r"Unknown split; there are: validation, test\. Received: 'train'"):
            ask("train")
