"""The memory of a process: what it and its descendants hold for themselves."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tuner.core.environment import environment
from tuner.core.process_memory import MEMORY, Growth, Taken, memory_limit, own_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds")
SIZE = 80_000_000
NOISE = 20_000_000  # what the interpreter may take or give back meanwhile

FORKS = f"""
import os, sys, time
held = bytearray(os.urandom(1000)) * ({SIZE} // 1000)
sys.path.insert(0, {str(sys.path[0])!r})
from tuner.core.process_memory import own_bytes
alone = own_bytes()
read, write = os.pipe()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)  # until the parent ends, or closes it
        os._exit(0)
    children.append(child)
print(own_bytes(more_than=2 * alone) - alone, own_bytes(more_than=10**12) - alone)
os.close(write)
[os.waitpid(child, 0) for child in children]
"""


def test_memory_that_is_taken_counts_and_memory_that_is_given_back_does_not():
    before = own_bytes()
    held = np.ones(SIZE // 8)
    assert abs(own_bytes() - before - SIZE) < NOISE
    del held
    assert abs(own_bytes() - before) < NOISE


def test_what_a_process_that_was_started_holds_counts_as_well():
    before = own_bytes()
    program = f"import sys; held = b'x' * {SIZE}; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert own_bytes() - before > SIZE - NOISE
        child.stdin.close()


def test_what_forked_processes_share_counts_once_where_it_matters():
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=300)
    once, each = map(int, done.stdout.split())
    assert once < SIZE / 2  # beside the page tables, what each has written itself
    assert each > 2 * SIZE  # the sum over the processes, which is only a bound


def test_what_is_taken_for_a_moment_counts():
    taken = Taken(SIZE // 2)
    assert taken.excess() == 0
    bytearray(SIZE)
    assert abs(taken.excess() - SIZE) < NOISE


def test_files_that_are_mapped_do_not_count(tmp_path):
    np.save(tmp_path / "data.npy", np.ones(SIZE // 8))
    taken = Taken(SIZE // 2)
    mapped = np.load(tmp_path / "data.npy", mmap_mode="r")
    assert mapped.sum() == SIZE // 8
    assert taken.excess() == 0


def test_where_the_most_cannot_be_set_back_only_what_exceeds_it_counts(monkeypatch):
    Taken(0)
    bytearray(2 * SIZE)  # by a candidate before
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", refused)
        taken = Taken(SIZE // 2)
    bytearray(SIZE)
    assert taken.excess() == 0
    bytearray(3 * SIZE)
    assert abs(taken.excess() - 3 * SIZE) < NOISE


def refused(path, text):
    raise PermissionError(path)


def test_a_process_that_keeps_more_than_half_of_what_a_candidate_may_take_is_to_be_replaced():
    growth = Growth()
    with environment({MEMORY: str(SIZE)}):
        assert memory_limit() == SIZE
        assert not growth.is_too_much()  # what the first candidate has imported stays
        held = np.ones(SIZE // 8)
        assert growth.is_too_much()
        del held
        assert not growth.is_too_much()


def test_without_a_limit_nothing_is_too_much():
    growth = Growth()
    assert memory_limit() is None
    assert not growth.is_too_much()
    held = np.ones(SIZE // 8)
    assert not growth.is_too_much()
    del held
