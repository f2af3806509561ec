"""Cores that a timed run has for itself."""

import os
import threading

import pytest

from tuner.training.cores import own_cores

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores and Linux"
)


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_process_is_on_its_cores_with_all_its_threads_and_everywhere_again_afterwards():
    before = os.sched_getaffinity(0)
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    with own_cores(1) as cores:
        assert len(cores) == 1
        assert os.sched_getaffinity(0) == os.sched_getaffinity(other.native_id) == set(cores)
    assert os.sched_getaffinity(0) == os.sched_getaffinity(other.native_id) == before
    ended.set()
    other.join()


def test_no_two_have_the_same_core_and_who_finds_none_free_waits():
    usable = sorted(os.sched_getaffinity(0))
    held, got = threading.Event(), []

    def second():
        os.sched_setaffinity(0, usable)
        with own_cores(len(usable)) as cores:  # all of them
            got.extend(cores)
        held.set()

    with own_cores(1) as first:
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not held.wait(0.5)
        assert len(first) == 1
        assert got == []
    waiting.join(timeout=30)
    assert got == usable


def test_more_cores_than_there_are_are_not_waited_for():
    with own_cores(len(os.sched_getaffinity(0)) + 1) as cores:
        assert cores == ()
