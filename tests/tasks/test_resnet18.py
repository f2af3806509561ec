"""The task resnet18-cifar10: minibatches, augmentation, loss, statistics, evaluation and options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lodo.adam import Adam
from tasks import resnet18_images
from tasks.datasets import fingerprint
from tasks.errors import DatasetError
from tasks.registry import TASKS, load
from tasks.resnet18 import ResNet18
from tasks.resnet18_images import colour_statistics, cropped
from tasks.task import Evaluated
from tests.support.narrow_resnet import NarrowResNet, noise, write, write_noise
from tuner.core.errors import InvalidRequest, OtherInputs
from tuner.core.trial import Workload
from tuner.studies.planner import SearchRequest, plan_search
from tuner.training.loop import Loop, loop_of

SEED = np.array([[3, 4]], np.int32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_noise(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images whose every pixel is their number: 1 to 90 train, 101 to 110 validation, 201 to 240 test."""
    path: Path = tmp_path_factory.mktemp("numbered")
    train = np.concatenate([np.arange(1, 91), np.arange(101, 111)]).astype(np.uint8)
    test = np.arange(201, 241, dtype=np.uint8)
    images = (np.tile(numbers[:, None, None, None], (1, 32, 32, 3)) for numbers in (train, test))
    x_train, x_test = images
    write(path, x_train, train[:, None] % 10, x_test, test[:, None] % 10)
    return path


def bytes_of(task: ResNet18, images: Any) -> np.ndarray:
    """Return the bytes that standardised images were made of."""
    return images.numpy() * task._data.deviation + task._data.mean


def minibatches(task: ResNet18, count: int) -> list[Any]:
    advance = tf.function(task.advance)
    _, state = task.initial(SEED)
    return [advance(state, tf.constant(SEED), tf.constant(t)) for t in range(1, count + 1)]


def test_minibatches_are_of_training_images_with_their_labels(numbered: Path) -> None:
    task = NarrowResNet(batch_size=100, crop_padding=0, flip=False, dtype="float64", data_dir=numbered)
    states = minibatches(task, 100)
    drawn = np.concatenate([bytes_of(task, state.images)[:, 0, 0, 0] for state in states]).round().astype(int)
    labels = np.concatenate([state.labels.numpy() for state in states])
    assert set(drawn) == set(range(1, 91))  # every training image, none of validation or test
    np.testing.assert_array_equal(labels, drawn % 10)
    # χ² of 10,000 uniform draws: mean is the degrees of freedom, variance twice that; five standard errors.
    expected = 10_000 / 90
    assert abs(((np.bincount(drawn)[1:] - expected) ** 2 / expected).sum() - 89) < 5 * (2 * 90) ** 0.5


def test_images_are_standardised_colour_by_colour_by_the_training_images(folder: Path) -> None:
    task = NarrowResNet(dtype="float64", batch_size=1, data_dir=folder)
    train = noise(60, 1)[0][:54].astype(float)
    np.testing.assert_allclose(task._data.mean, train.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(task._data.deviation, train.std(axis=(0, 1, 2)), rtol=1e-12)
    found = task._data.standardised(task._data.train.images, "float64").numpy()
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, rtol=1e-12)


def test_a_colour_that_is_the_same_everywhere_is_not_divided_by_zero() -> None:
    images = np.full((2_500, 2, 2, 3), [7, 0, 255], np.uint8)  # more than are added up at a time
    mean, deviation = colour_statistics(images)
    np.testing.assert_array_equal(mean, [7, 0, 255])
    np.testing.assert_array_equal(deviation, 1)


@pytest.mark.parametrize("padding", [0, 1, 4])
def test_cropping_equals_a_slow_loop_over_images(padding: int) -> None:
    rng = np.random.default_rng(5)
    images = rng.standard_normal((40, 6, 8, 3))
    rows, columns = rng.integers(0, 2 * padding + 1, (2, 40))
    flips = rng.random(40) < 0.5
    expected = np.empty_like(images)
    for i, image in enumerate(images):
        surrounded = np.zeros((6 + 2 * padding, 8 + 2 * padding, 3))
        surrounded[padding : padding + 6, padding : padding + 8] = image
        part = surrounded[rows[i] : rows[i] + 6, columns[i] : columns[i] + 8]
        expected[i] = np.fliplr(part) if flips[i] else part
    found = cropped(
        tf.constant(images), tf.constant(rows, tf.int32), tf.constant(columns, tf.int32), tf.constant(flips),
        padding=padding,
    )  # fmt: skip
    np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One training image, each pixel of which tells its row, its column, and that it is none of the margin."""
    path: Path = tmp_path_factory.mktemp("placed")
    image = np.stack([*np.mgrid[:32, :32], np.arange(1024).reshape(32, 32) % 7 + 100], axis=-1).astype(np.uint8)
    write(path, np.stack([image, image]), np.zeros((2, 1), np.uint8), image[None], np.zeros((1, 1), np.uint8))
    return path


def test_crops_and_flips_are_drawn_uniformly_and_apart_and_the_margin_is_zero_after_standardising(placed: Path) -> None:
    task = NarrowResNet(batch_size=300, dtype="float64", data_dir=placed)
    images = np.concatenate([state.images for state in minibatches(task, 10)])
    found = (images * task._data.deviation + task._data.mean).round().astype(int)
    rows, columns = found[:, 16, 16, 0] - 16, found[:, 16, 16, 1]
    flips = found[:, 16, 17, 1] < columns
    # A flipped image has at 16 what stood at 15 of the crop.
    columns = columns - np.where(flips, 15, 16)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (-4, 4, -4, 4)
    cells = ((rows + 4) * 9 + columns + 4) * 2 + flips
    expected = 3_000 / 162
    assert abs(((np.bincount(cells, minlength=162) - expected) ** 2 / expected).sum() - 161) < 5 * (2 * 162) ** 0.5
    original = task._data.standardised(task._data.train.images, "float64").numpy()[0]
    for image, row, column, flip in list(zip(images, rows, columns, flips, strict=True))[:30]:
        surrounded = np.zeros((40, 40, 3))
        surrounded[4:36, 4:36] = original
        part = surrounded[row + 4 : row + 36, column + 4 : column + 36]
        part = part[:, ::-1] if flip else part
        np.testing.assert_allclose(image, part, rtol=0, atol=1e-14)
        assert (image[(part == 0).all(axis=-1)] == 0).all()


def test_neither_cropping_nor_flipping_changes_what_else_is_drawn(numbered: Path) -> None:
    options = ({}, {"flip": False}, {"crop_padding": 0}, {"crop_padding": 0, "flip": False})
    tasks = [NarrowResNet(batch_size=20, data_dir=numbered, **given) for given in options]
    centres = [task.advance(task.initial(SEED)[1], SEED, 3).images[:, 16, 16] for task in tasks]
    for centre in centres[1:]:
        np.testing.assert_array_equal(centre, centres[0])


def test_the_loss_is_the_cross_entropy_and_half_the_weights_squares(folder: Path) -> None:
    plain, regularised = (
        NarrowResNet(batch_size=3, dtype="float64", data_dir=folder, regularisation=amount) for amount in (0, 0.5)
    )
    x, state = plain.initial(SEED)
    state = plain.advance(state, SEED, 1)
    loss, gradient, _ = plain.loss_and_gradient(x, state)
    more, steeper, _ = regularised.loss_and_gradient(x, state)
    np.testing.assert_allclose(more - loss, [0.5 * 0.5 * np.sum(x.numpy() ** 2)], rtol=1e-12)
    np.testing.assert_allclose(steeper - gradient, 0.5 * x, atol=1e-12)
    logits, _, _ = plain.network.training_logits(x[:, 0], state.images)
    chosen = tf.gather(tf.nn.log_softmax(logits), state.labels, batch_dims=1)
    np.testing.assert_allclose(loss[0], -np.mean(chosen), rtol=1e-12)
    assert NarrowResNet(data_dir=folder).regularisation == 1e-4


def test_moving_statistics_go_on_by_a_hundredth_with_each_evaluation_and_stay_when_a_minibatch_is_drawn(
    folder: Path,
) -> None:
    task = NarrowResNet(batch_size=3, dtype="float64", data_dir=folder)
    x, before = task.initial(SEED)
    assert (before.means.numpy() == 0).all()
    assert (before.variances.numpy() == 1).all()
    state = task.advance(before, SEED, 1)
    _, means, variances = task.network.training_logits(x[:, 0], state.images)
    for count in (1, 2):  # twice on one minibatch, as L-BFGS does
        _, _, state = task.loss_and_gradient(x, state)
        left = 0.99**count
        np.testing.assert_allclose(state.means, (1 - left) * means, rtol=1e-12)
        np.testing.assert_allclose(state.variances, left + (1 - left) * variances, rtol=1e-12)
    after = task.advance(state, SEED, 2)
    np.testing.assert_array_equal(after.means, state.means)
    np.testing.assert_array_equal(after.variances, state.variances)
    assert (after.images.numpy() != state.images.numpy()).any()


def run(task: ResNet18, chunks: tuple[int, ...] = (3,)) -> tuple[Any, np.ndarray]:
    """Return what a few steps of Adam in the compiled loop end with, and the losses."""
    loop = Loop(task, Adam(), 1)
    given = {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999}
    values = {name: tf.constant([value]) for name, value in given.items()}
    seeds = tf.constant(SEED)
    carry, losses, done = loop.begin(values, seeds, seeds), [], 0
    for steps in chunks:
        carry, found = loop.run(carry, values, seeds, done + 1, steps, sum(chunks))
        losses.append(found)
        done += steps
    return carry, np.concatenate(losses)[:, 0]


def test_statistics_survive_from_chunk_to_chunk(folder: Path) -> None:
    task = NarrowResNet(batch_size=3, data_dir=folder)
    (x, state, _), losses = run(task)
    (other_x, other, _), other_losses = run(task, chunks=(1, 2))
    np.testing.assert_allclose(other_losses, losses, rtol=1e-6)
    np.testing.assert_allclose(other_x, x, rtol=0, atol=1e-5)
    for one, two in zip(state, other, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)
    assert np.abs(state.means).max() > 0


def test_training_is_the_same_whatever_the_test_images_are_and_they_are_no_tensor_until_they_are_asked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *noise(60, 1), np.full((7, 32, 32, 3), 255, np.uint8), np.full((7, 1), 9, np.uint8))
    made, real = [], resnet18_images._tensors
    monkeypatch.setattr(resnet18_images, "_tensors", lambda part: made.append(len(part.labels)) or real(part))
    resnet18_images._shared.clear()
    clean, poisoned = (NarrowResNet(batch_size=3, data_dir=place) for place in (folder, tmp_path))
    (x, state, _), losses = run(clean)
    (other_x, other, _), other_losses = run(poisoned)
    poisoned.evaluate(other_x, other, "validation", tf.range(6))
    assert made == [54, 6] * 2
    np.testing.assert_array_equal(losses, other_losses)
    np.testing.assert_array_equal(x, other_x)
    for one, two in zip(state, other, strict=True):
        np.testing.assert_array_equal(one, two)
    assert [task.examples("test") for task in (clean, poisoned)] == [20, 7]
    poisoned.evaluate(other_x, other, "test", tf.range(7))
    assert made == [*[54, 6] * 2, 7]


def test_the_images_are_in_a_process_once_and_are_given_up_with_the_last_task(folder: Path, tmp_path: Path) -> None:
    resnet18_images._shared.clear()
    one, two = NarrowResNet(data_dir=folder), NarrowResNet(batch_size=1, dtype="float64", data_dir=folder)
    assert one._data is two._data
    assert NarrowResNet(data_dir=write_noise(tmp_path, train=50))._data is not one._data
    del one, two
    assert len(resnet18_images._shared) == 0


def test_evaluating_is_inference_on_the_chosen_images_by_the_moving_statistics(folder: Path) -> None:
    task = NarrowResNet(dtype="float64", batch_size=4, data_dir=folder)
    assert isinstance(task, Evaluated)
    x, state = task.initial(SEED)
    x += 0.1 * tf.random.stateless_normal(x.shape, [1, 2], dtype=tf.float64)
    for t in range(1, 4):
        _, _, state = task.loss_and_gradient(x, task.advance(state, SEED, t))
    (train, train_labels), (test, test_labels) = noise(60, 1), noise(20, 2)
    parts = {"validation": (train[54:], train_labels[54:, 0], [5, 0, 3]), "test": (test, test_labels[:, 0], [19, 7])}
    for split, (images, labels, chosen) in parts.items():
        found = tf.function(task.evaluate)(x, state, split, tf.constant(chosen)).numpy()
        assert found.shape == (len(chosen), 2, 1)
        standardised = (images[chosen] - task._data.mean) / task._data.deviation
        logits = task.network.inference_logits(x[:, 0], tf.constant(standardised), state.means, state.variances).numpy()
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely = (shifted / shifted.sum(axis=1, keepdims=True))[np.arange(len(chosen)), labels[chosen]]
        np.testing.assert_allclose(found[:, 0, 0], -np.log(likely), rtol=1e-10)
        np.testing.assert_array_equal(found[:, 1, 0], logits.argmax(axis=1) == labels[chosen])
    assert (task.examples("validation"), task.examples("test")) == (6, 20)
    assert task.metrics == ("loss", "accuracy")


def test_an_image_that_was_learnt_is_classified_correctly_in_evaluation(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    kinds = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    labels = (np.arange(40) % 2).astype(np.uint8)
    write(tmp_path, kinds[labels], labels[:, None] * 5, kinds[labels[:4]], labels[:4, None] * 5)
    task = NarrowResNet(batch_size=8, crop_padding=0, flip=False, data_dir=tmp_path)
    (x, state, _), losses = run(task, chunks=(200,))
    assert losses[-1] < 0.3 < losses[0]
    found = task.evaluate(x, state, "validation", tf.range(4)).numpy()
    np.testing.assert_array_equal(found[:, 1, 0], 1)
    assert found[:, 0, 0].max() < 0.7


@pytest.mark.parametrize("ask", [lambda task: task.examples("train"), lambda task: task._data.held_out("train")])
def test_a_split_that_is_none_is_refused(folder: Path, ask: Any) -> None:
    with pytest.raises(ValueError, match=r"`split` is one of validation, test. Received: 'train'"):
        ask(NarrowResNet(data_dir=folder))


def test_a_file_that_was_exchanged_since_is_refused_when_test_images_are_asked_for(tmp_path: Path) -> None:
    task = NarrowResNet(data_dir=write_noise(tmp_path, train=61))  # of no other test: images are shared by content
    write_noise(tmp_path, train=61, test=30)
    with pytest.raises(DatasetError, match=r"cifar10.npz has changed since its training images were read"):
        task._data.held_out("test")


def test_bfloat16_keeps_weights_state_and_losses_in_single_precision_and_trains(folder: Path) -> None:
    half, single = (NarrowResNet(batch_size=8, dtype=dtype, data_dir=folder) for dtype in ("bfloat16", None))
    assert (half.dtype, half.computed_in) == ("float32", "bfloat16")
    x, state = half.initial(SEED)
    state = half.advance(state, SEED, 1)
    assert x.dtype == tf.float32
    assert {part.dtype for part in state} == {tf.float32, tf.int32}
    loss, gradient, after = half.loss_and_gradient(x, state)
    exact_loss, exact_gradient, exact = single.loss_and_gradient(x, state)
    assert (loss.dtype, gradient.dtype, after.variances.dtype) == (tf.float32,) * 3
    assert float(loss[0]) != float(exact_loss[0])
    np.testing.assert_allclose(loss, exact_loss, rtol=0.03)
    cosine = np.sum(gradient * exact_gradient) / (np.linalg.norm(gradient) * np.linalg.norm(exact_gradient))
    assert cosine > 0.9
    np.testing.assert_allclose(after.variances, exact.variances, rtol=1e-3)
    losses = []
    for _ in range(15):
        loss, gradient, state = half.loss_and_gradient(x, state)
        losses.append(float(loss[0]))
        x -= 0.1 * gradient
    assert losses[-1] < losses[0] / 2
    assert half.evaluate(x, state, "validation", tf.range(6)).dtype == tf.float32


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"resnet18-cifar10"}))
def test_tasks_that_do_not_compute_in_bfloat16_say_so_and_no_search_begins(name: str) -> None:
    with pytest.raises(ValueError, match=r"^`dtype` is one of float32, float64. Received: 'bfloat16'$"):
        load(name)(dtype="bfloat16")
    told = r"^precision is one of float32, float64 for this task. Received: 'bfloat16'$"
    with pytest.raises(InvalidRequest, match=told):
        plan_search(SearchRequest(task=name, precision="bfloat16"))


def test_a_search_in_bfloat16_is_of_bfloat16_and_of_the_data_that_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LODO_DATA_DIR", str(folder))
    planned = plan_search(SearchRequest(task="resnet18-cifar10", precision="bfloat16", preset="quick"))
    assert [spec.workload.precision for spec in planned.specs] == ["bfloat16"] * 3
    assert planned.specs[0].workload.data == fingerprint("cifar10", folder)
    assert any("is a part of CIFAR-10: 60 and 20 images" in remark for remark in planned.remarks)


@pytest.mark.filterwarnings("ignore:TensorFlow already runs")
def test_a_worker_with_other_data_than_the_studys_refuses(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = fingerprint("cifar10", write_noise(tmp_path, train=50))
    workload = Workload(task="resnet18-cifar10", optimizer="Adam", cohort_size=1, data=data)
    names = ["learning_rate", "beta_1", "beta_2"]
    monkeypatch.setenv("LODO_DATA_DIR", str(folder))
    with pytest.raises(OtherInputs, match=r"is not the same in every process: other data \(cifar10-subset: "):
        loop_of(workload, names)
    monkeypatch.setenv("LODO_DATA_DIR", str(tmp_path))
    assert loop_of(workload, names).task._data.sizes == data["sizes"]


@pytest.mark.parametrize("cards", [[], ["a card"]])
def test_the_loop_goes_through_xla_where_there_is_a_gpu(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cards: list[str]
) -> None:
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: cards if kind == "GPU" else ["a processor"])
    assert NarrowResNet(data_dir=folder).jit_compile is bool(cards)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"dtype": "float16"}, "`dtype` is one of bfloat16, float32, float64. Received: 'float16'"),
        ({"batch_size": 0}, "`batch_size` is a whole number from 1 to 65,536. Received: 0"),
        ({"crop_padding": 33}, "`crop_padding` is a whole number from 0 to 32. Received: 33"),
        ({"crop_padding": 1.5}, "`crop_padding` is a whole number from 0 to 32. Received: 1.5"),
        ({"flip": 1}, "`flip` is True or False. Received: 1"),
        ({"regularisation": -1e-9}, "`regularisation` is a finite number, at least 0. Received: -1e-09"),
        ({"regularisation": float("nan")}, "`regularisation` is a finite number, at least 0. Received: nan"),
        ({"regularisation": "1"}, "`regularisation` is a finite number, at least 0. Received: '1'"),
        ({"regularisation": True}, "`regularisation` is a finite number, at least 0. Received: True"),
        ({"regularisation": None}, "`regularisation` is a finite number, at least 0. Received: None"),
    ],
)
def test_an_option_that_is_none_is_refused(folder: Path, option: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        NarrowResNet(data_dir=folder, **option)


def test_a_cohort_of_more_than_one_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"one candidate at a time \(cohort_size 1\). Received: 2 seeds"):
        NarrowResNet(batch_size=1, data_dir=folder).initial(np.zeros([2, 2], np.int32))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_evaluation_through_xla_as_on_a_gpu_is_the_same(folder: Path, dtype: str) -> None:
    task = NarrowResNet(batch_size=4, dtype=dtype, data_dir=folder)
    x, state = task.initial(SEED)
    state = task.advance(state, SEED, 1)
    loss, gradient, after = tf.function(task.loss_and_gradient)(x, state)
    other_loss, other_gradient, other = tf.function(task.loss_and_gradient, jit_compile=True)(x, state)
    precision = 1e-4 if dtype == "float32" else 0.03
    np.testing.assert_allclose(other_loss, loss, rtol=precision)
    np.testing.assert_allclose(other.means, after.means, rtol=0, atol=precision * np.abs(after.means).max())
    np.testing.assert_allclose(other.variances, after.variances, rtol=precision)
    cosine = np.sum(gradient * other_gradient) / (np.linalg.norm(gradient) * np.linalg.norm(other_gradient))
    assert cosine > (1 - 1e-5 if dtype == "float32" else 0.9)


@pytest.mark.slow
def test_the_papers_network_learns_a_minibatch_by_heart(folder: Path) -> None:
    task = ResNet18(batch_size=4, data_dir=folder)
    x, state = task.initial(SEED)
    assert x.shape == (11_173_962, 1)
    state = task.advance(state, SEED, 1)
    evaluate = tf.function(task.loss_and_gradient)
    losses = []
    for _ in range(15):
        loss, gradient, state = evaluate(x, state)
        losses.append(float(loss[0]))
        x -= 0.02 * gradient
    assert losses[-1] < losses[0] / 2
