"""Starts that Python builds are built once for the candidates that share a seed."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tuner.core.trial import Evaluation, Key, Role, Trial, Workload
from tuner.training import starts
from tuner.training.loop import loop_of
from tuner.training.starts import Starts
from tuner.training.train import train


class Counting:
    """Draws 50 numbers by the seed, and counts how often."""

    def __init__(self) -> None:
        self.built: list[int] = []

    def initial(self, seeds):
        self.built.append(int(seeds[0, 1]))
        return tf.random.stateless_normal([50, 1], seeds[0]), (tf.zeros([4], tf.int32), ())


def seeds(number):
    return tf.constant([[3, number]])


def test_candidates_with_one_seed_begin_with_the_same_numbers_which_are_built_once():
    task = Counting()
    kept = Starts(task, is_kept=True)
    found = [kept.start(seeds(number)) for number in (1, 2, 1, 2, 1)]
    assert task.built == [1, 2]
    for number, (x, state) in zip((1, 2, 1, 2, 1), found, strict=True):
        expected, expected_state = Counting().initial(seeds(number))
        tf.debugging.assert_equal(x, expected)
        tf.nest.map_structure(tf.debugging.assert_equal, state, expected_state)


def test_only_the_latest_starts_are_kept():
    task = Counting()
    kept = Starts(task, is_kept=True)
    for number in (0, *range(1, starts.MAX_KEPT), 0, starts.MAX_KEPT, 0, 1):  # the last two: one kept, one dropped
        kept.start(seeds(number))
    assert task.built == [*range(starts.MAX_KEPT), starts.MAX_KEPT, 1]


@pytest.mark.parametrize("case", ["a large start", "without keeping, as checks need it"])
def test_a_start_is_built_anew(monkeypatch, case):
    task = Counting()
    if case == "a large start":
        monkeypatch.setattr(starts, "MAX_BYTES", 50 * 4)  # x alone; the state does not fit
    kept = Starts(task, is_kept=case == "a large start")
    kept.start(seeds(1))
    kept.start(seeds(1))
    assert task.built == [1, 1]


TASK = '''
import tensorflow as tf


class Bowl:
    """A bowl whose start Python draws."""

    name, cohort_size, jit_compile, eager_initial, layers = "bowl", 1, False, True, ((0, 3),)

    def __init__(self, *, dtype=None):
        self.dtype, self.built = dtype or "float64", 0

    def initial(self, seeds):
        self.built += 1
        return tf.random.stateless_normal([3, 1], seeds[0], dtype=self.dtype), ()

    def advance(self, state, seeds, t):
        return state

    def loss_and_gradient(self, x, state):
        return tf.reduce_sum(x**2, axis=0), 2 * x, state
'''


def test_a_worker_builds_the_start_of_a_generation_once_and_trains_as_from_one_of_its_own(tmp_path):
    (tmp_path / "bowl.py").write_text(TASK)
    work = Workload(task=f"{tmp_path / 'bowl.py'}:Bowl", optimizer="Momentum", cohort_size=1)
    rates = (0.1, 0.2, 0.1)

    def losses(rate, seed):
        trial = Trial(Key(Role.SEARCH, 0, 0), {"learning_rate": rate, "momentum": 0.0}, seed, 5)
        return next(value.losses for value in train(work, [trial]) if isinstance(value, Evaluation))

    found = [losses(rate, seed=4) for rate in rates]
    loop = loop_of(work, ["learning_rate", "momentum"])
    before = loop.task.built
    losses(0.1, seed=4)
    assert loop.task.built == before
    losses(0.1, seed=5)
    assert loop.task.built == before + 1
    for rate, curve in zip(rates, found, strict=True):  # each step scales x by 1 - 2 · rate
        np.testing.assert_allclose(curve, curve[0] * (1 - 2 * rate) ** (2 * np.arange(5)), rtol=1e-12)
        assert curve[0] == found[0][0]
