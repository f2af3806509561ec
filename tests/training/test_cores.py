"""Reservation of cores for a timed run."""

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


def test_all_threads_of_a_process_are_pinned_to_its_cores_and_released_afterwards():
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


def test_cores_are_exclusive_and_a_request_waits_until_they_are_free():
    usable = sorted(os.sched_getaffinity(0))
    released, reserved = threading.Event(), []

    def reserve_all():
        os.sched_setaffinity(0, usable)
        with own_cores(len(usable)) as cores:  # all of them
            reserved.extend(cores)
        released.set()

    with own_cores(1) as first:
        waiting = threading.Thread(target=reserve_all)
        waiting.start()
        assert not released.wait(0.5)
        assert len(first) == 1
        assert reserved == []
    waiting.join(timeout=300)
    assert reserved == usable


def test_a_request_for_more_cores_than_exist_does_not_wait():
    with own_cores(len(os.sched_getaffinity(0)) + 1) as cores:
        assert cores == ()
