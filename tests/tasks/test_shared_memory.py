"""Data that the processes of a machine share: written once, mapped by each, and handed to TensorFlow without a copy."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tasks import shared_memory
from tasks.shared_memory import mapping, shared
from tasks.tensors import constant

LARGE = np.random.default_rng(0).integers(0, 256, (2000, 28, 28), np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lodo-tune"


def test_a_large_array_becomes_a_file_that_only_its_owner_reads_and_is_the_same(cache):
    found = shared(LARGE)
    np.testing.assert_array_equal(found, LARGE)
    assert mapping(found) is not None
    assert not found.flags.writeable
    (file,) = cache.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_the_file_is_written_once(cache):
    shared(LARGE)
    (file,) = cache.iterdir()
    before = file.stat().st_ino
    shared(LARGE.copy())
    assert [each.stat().st_ino for each in cache.iterdir()] == [before]


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(b"not an array"), lambda file: _change(file)])
def test_a_file_that_holds_something_else_is_written_anew(cache, spoil):
    shared(LARGE)
    (file,) = cache.iterdir()
    spoil(file)
    np.testing.assert_array_equal(shared(LARGE), LARGE)


def _change(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_a_file_that_nothing_has_opened_for_a_month_is_deleted_when_another_is_written(cache):
    shared(LARGE)
    shared(LARGE[::-1])
    unused, used = cache.iterdir()
    for file in (unused, used):
        os.utime(file, (0, 0))
    shared(np.load(used))  # opens it
    shared(LARGE + 1)
    assert not unused.exists()
    assert used.exists()
    assert len(list(cache.iterdir())) == 2


def test_a_small_array_is_left_alone(cache):
    assert shared(LARGE[:10]) is not None
    assert mapping(shared(LARGE[:10])) is None
    assert not cache.exists()


def test_without_a_place_for_it_the_array_stays_as_it_is(cache, monkeypatch):
    cache.parent.joinpath("lodo-tune").write_text("a file is in the way")
    assert shared(LARGE) is LARGE


def test_a_folder_that_others_could_write_to_is_not_used(cache):
    cache.mkdir()
    cache.chmod(0o777)
    assert shared(LARGE) is LARGE
    assert list(cache.iterdir()) == []


def test_a_full_disk_leaves_the_array_and_nothing_half_written(cache, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    assert shared(LARGE) is LARGE
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("part", [slice(None), slice(64, None), slice(3, 7), slice(None, None, 2)])
def test_a_tensor_of_a_mapped_array_and_of_its_parts_holds_the_same(part):
    np.testing.assert_array_equal(constant(shared(LARGE)[part]).numpy(), LARGE[part])
    gathered = tf.function(lambda numbers: tf.gather(constant(shared(LARGE)[part]), numbers))
    np.testing.assert_array_equal(gathered(tf.constant([2, 0])), LARGE[part][[2, 0]])


MAPS = """
import sys
import numpy as np
from tasks.shared_memory import shared
from tasks.tensors import constant
import tensorflow as tf
array = np.random.default_rng(0).integers(0, 256, (64, 1 << 20), np.uint8)
mapped = shared(array)
del array
tensor = constant(mapped[:-1])
assert int(tf.reduce_max(tensor)) == 255
inside, dirty = False, None
for line in open("/proc/self/smaps"):
    if "-" in line.split()[0] and ":" not in line.split()[0]:
        inside = line.rstrip().endswith(".npy")
    elif inside and line.startswith(("Private_Dirty", "Rss")):
        print(*line.split()[:2])
"""


def test_a_tensor_is_the_mapped_file_itself_and_not_a_copy():
    if not Path("/proc/self/smaps").exists():
        pytest.skip("this system has no /proc")
    done = subprocess.run([sys.executable, "-c", MAPS], capture_output=True, text=True, timeout=300, check=True)
    found = dict(line.split(":") for line in done.stdout.splitlines())
    assert int(found["Rss"]) > 60_000  # kB: it was read through the mapping
    assert int(found["Private_Dirty"]) == 0


def test_nothing_is_left_of_a_write_that_failed(cache, monkeypatch):
    monkeypatch.setattr(shared_memory.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("no")))
    assert shared(LARGE) is LARGE
    assert list(cache.iterdir()) == []
