"""CIFAR-10: the order of sources, the split, the fingerprint, and files that are broken in every way."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasks.cifar10
from tasks import downloads
from tasks.cifar10 import cifar10, cifar10_facts
from tasks.datasets import fingerprint
from tasks.errors import DatasetError
from tests.support.narrow_resnet import noise, write

TRAIN, TRAIN_LABELS = noise(60, 1)
TEST, TEST_LABELS = noise(20, 2)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable set, Keras' cache empty, no network: a test gives back what it needs."""
    monkeypatch.delenv("LODO_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(downloads, "answers", lambda url: False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    write(path, TRAIN, TRAIN_LABELS, TEST, TEST_LABELS)
    return path


def keras_gives(monkeypatch: pytest.MonkeyPatch, train: int = 60) -> None:
    from keras.datasets import cifar10 as keras_cifar10

    def load_data() -> Any:
        print("progress")
        return (TRAIN[:train], TRAIN_LABELS[:train]), (TEST, TEST_LABELS)

    monkeypatch.setattr(keras_cifar10, "load_data", load_data)


def test_the_last_tenth_of_a_part_of_cifar10_is_held_out_and_it_is_called_a_part(folder: Path) -> None:
    data = cifar10(folder)
    np.testing.assert_array_equal(data.train.images, TRAIN[:54])
    np.testing.assert_array_equal(data.train.labels, TRAIN_LABELS[:54, 0])
    np.testing.assert_array_equal(data.validation.images, TRAIN[54:])
    np.testing.assert_array_equal(data.validation.labels, TRAIN_LABELS[54:, 0])
    np.testing.assert_array_equal(data.test.images, TEST)
    np.testing.assert_array_equal(data.test.labels, TEST_LABELS[:, 0])
    assert data.name == "cifar10-subset"
    assert "is a part of CIFAR-10: 60 and 20 images of 50,000 and 10,000" in data.note


@pytest.mark.parametrize(
    ("counts", "sizes", "name"),
    [
        ((2, 5), (1, 1, 5), "cifar10-subset"),
        ((9, 5), (8, 1, 5), "cifar10-subset"),
        ((29, 5), (27, 2, 5), "cifar10-subset"),
        ((49_999, 10_000), (45_000, 4_999, 10_000), "cifar10-subset"),
        ((60_000, 10_000), (55_000, 5_000, 10_000), "cifar10-subset"),
        ((50_000, 10_000), (45_000, 5_000, 10_000), "cifar10"),
    ],
)
def test_what_is_held_out_is_at_least_one_image_and_at_most_5000_and_only_all_of_cifar10_needs_no_note(
    counts: tuple[int, int], sizes: tuple[int, int, int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.cifar10, "_sha256", lambda parts: "")  # of images that take no memory
    images = [np.broadcast_to(np.uint8(0), (count, 32, 32, 3)) for count in counts]
    data = tasks.cifar10._split(*images, *(np.zeros(count, np.uint8) for count in counts), source="")
    assert tuple(len(part.labels) for part in (data.train, data.validation, data.test)) == sizes
    assert data.name == name
    assert bool(data.note) == (name != "cifar10")


def test_arrays_cannot_be_written_to(folder: Path) -> None:
    data = cifar10(folder)
    for part in (data.train, data.validation, data.test):
        assert not part.images.flags.writeable
        assert not part.labels.flags.writeable


def test_labels_may_be_a_vector(folder: Path) -> None:
    before = fingerprint("cifar10", folder)
    write(folder, TRAIN, TRAIN_LABELS[:, 0], TEST, TEST_LABELS[:, 0])
    assert fingerprint("cifar10", folder) == before


def test_the_argument_goes_before_the_variable_and_that_before_keras(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras_gives(monkeypatch, train=40)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    assert len(cifar10().train.labels) == 36
    monkeypatch.setenv("LODO_DATA_DIR", str(folder))
    assert len(cifar10().train.labels) == 54
    monkeypatch.setenv("LODO_DATA_DIR", str(tmp_path / "not there"))
    assert len(cifar10(folder).train.labels) == 54


def test_a_named_folder_without_the_file_is_an_error_though_keras_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras_gives(monkeypatch)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    with pytest.raises(DatasetError, match=r"There is no file .*cifar10\.npz; expected an .npz file with x_train and"):
        cifar10(tmp_path)


def test_keras_downloads_where_the_network_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keras_gives(monkeypatch)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    data = cifar10()
    assert data.source == "Keras' download"
    np.testing.assert_array_equal(data.train.images, TRAIN[:54])
    assert capsys.readouterr().out == ""  # stdout is for data


def test_the_cache_of_keras_is_used_without_asking_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "keras" / "datasets" / "cifar-10-batches-py-target_archive"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"an archive")
    monkeypatch.setattr(tasks.cifar10, "KERAS_SHA256", hashlib.sha256(b"an archive").hexdigest())
    monkeypatch.setattr(downloads, "answers", lambda url: pytest.fail("the network was asked"))
    keras_gives(monkeypatch)
    assert len(cifar10().train.labels) == 54


def test_a_broken_cache_of_keras_is_reported_and_left_alone_though_keras_would_delete_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "keras" / "datasets" / "cifar-10-batches-py-target_archive"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"half a download")
    keras_gives(monkeypatch)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    with pytest.raises(DatasetError, match=r"cifar-10-batches-py-target_archive is broken; expected sha256 6d958be0"):
        cifar10()
    assert archive.read_bytes() == b"half a download"


def test_the_names_of_keras_cache_and_archive_are_keras_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keras.src.datasets import cifar10 as keras_cifar10

    asked: dict[str, str] = {}

    def get_file(**given: str) -> str:
        asked.update(given)
        raise LookupError

    monkeypatch.setattr(keras_cifar10, "get_file", get_file)
    with pytest.raises(LookupError):
        keras_cifar10.load_data()
    assert asked["origin"] == tasks.cifar10.KERAS_URL
    assert asked["file_hash"] == tasks.cifar10.KERAS_SHA256
    assert asked["fname"] + "_archive" == tasks.cifar10.KERAS_ARCHIVE


def test_a_download_that_fails_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras.datasets import cifar10 as keras_cifar10

    def fail() -> None:
        raise Exception("URL fetch failure\non a url")  # as Keras does

    monkeypatch.setattr(keras_cifar10, "load_data", fail)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    with pytest.raises(DatasetError, match=r"Keras' download is not available: URL fetch failure on a url$"):
        cifar10()


def test_without_any_source_the_error_names_all_of_them() -> None:
    with pytest.raises(DatasetError) as caught:
        cifar10()
    for word in ("data_dir", "LODO_DATA_DIR", "cifar10.npz", "Keras", "does not answer"):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fingerprint_is_of_the_contents_and_not_of_the_file(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    np.savez_compressed(
        other / "cifar10.npz", y_test=TEST_LABELS, x_test=TEST, y_train=TRAIN_LABELS, x_train=np.asfortranarray(TRAIN)
    )
    one, two = fingerprint("cifar10", folder), fingerprint("cifar10", other)
    assert one == two
    assert one["name"] == "cifar10-subset"
    assert one["sizes"] == {"train": 54, "validation": 6, "test": 20}
    assert len(one["sha256"]) == 64
    assert one["sha256"] == cifar10(folder).sha256


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_test", "y_test"])
def test_a_fingerprint_tells_a_single_pixel_and_a_single_label(part: str, folder: Path) -> None:
    before = fingerprint("cifar10", folder)
    arrays = {"x_train": TRAIN, "y_train": TRAIN_LABELS, "x_test": TEST, "y_test": TEST_LABELS}
    arrays[part] = arrays[part].copy()
    arrays[part].flat[-1] ^= 1
    np.savez(folder / "cifar10.npz", more=1, **arrays)  # of another size than before
    after = fingerprint("cifar10", folder)
    assert after["sha256"] != before["sha256"]
    assert {**after, "sha256": before["sha256"]} == before


def test_a_file_is_not_read_again_for_its_fingerprint_unless_it_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cifar10_facts(folder)
    read, real = [], tasks.cifar10.read_images
    monkeypatch.setattr(tasks.cifar10, "read_images", lambda *args, **given: read.append(args) or real(*args, **given))
    assert cifar10_facts(folder) == before
    assert not read
    write(folder, TRAIN[:50], TRAIN_LABELS[:50], TEST, TEST_LABELS)
    assert cifar10_facts(folder)[0]["sizes"]["train"] == 45
    (folder / "cifar10.npz").unlink()
    with pytest.raises(DatasetError, match="There is no file"):
        cifar10_facts(folder)


def test_a_fingerprint_that_someone_changes_stays_as_it_was(folder: Path) -> None:
    cifar10_facts(folder)[0]["sizes"]["train"] = 0
    assert cifar10_facts(folder)[0]["sizes"]["train"] == 54


def arrays_but(**others: Any) -> Any:
    arrays = {"x_train": TRAIN, "y_train": TRAIN_LABELS, "x_test": TEST, "y_test": TEST_LABELS, **others}
    return lambda path: np.savez(path, **{key: array for key, array in arrays.items() if array is not None})


def truncated(path: Path) -> None:
    arrays_but()(path)
    path.write_bytes(path.read_bytes()[:50_000])


BROKEN = {
    "truncated": (truncated, "cannot be read: BadZipFile"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read: BadZipFile"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "no labels": (arrays_but(y_train=None), "it has no array 'y_train' but x_train.npy, x_test.npy, y_test.npy"),
    "channels first": (arrays_but(x_test=TEST.transpose(0, 3, 1, 2)), r"x_test is of shape \[20, 3, 32, 32\]"),
    "grey images": (arrays_but(x_train=TRAIN[..., 0]), r"x_train is of shape \[60, 32, 32\]"),
    "one-hot labels": (arrays_but(y_train=np.eye(10, dtype=np.uint8)), r"y_train is of shape \[10, 10\]"),
    "a scalar label": (arrays_but(y_test=np.uint8(3)), r"y_test is of shape \[\]"),
    "no rows": (arrays_but(x_test=TEST[:0], y_test=TEST_LABELS[:0]), r"x_test is of shape \[0, 32, 32, 3\]"),
    "float images": (arrays_but(x_train=TRAIN / 255), "x_train is of dtype float64"),
    "wide labels": (arrays_but(y_train=TRAIN_LABELS.astype(np.int64)), "y_train is of dtype int64"),
    "an eleventh class": (arrays_but(y_test=TEST_LABELS + 1), "y_test has the label 10; expected labels from 0 to 9"),
    "a label too few": (
        arrays_but(y_train=TRAIN_LABELS[1:]),
        "x_train has 60 images and y_train 59 labels; expected labels from 0 to 9, one per image",
    ),
    "one image": (arrays_but(x_train=TRAIN[:1], y_train=TRAIN_LABELS[:1]), "x_train has 1 image; expected at least 2"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_an_error_that_names_it_and_what_is_expected(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cifar10.npz"
    write_broken, message = BROKEN[kind]
    write_broken(path)
    with pytest.raises(DatasetError, match=message) as caught:
        cifar10(tmp_path)
    assert str(path) in str(caught.value)
    assert "expected" in str(caught.value)
    assert "\n" not in str(caught.value)
