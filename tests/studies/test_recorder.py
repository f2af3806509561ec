"""When what happens to candidates is written: together with what comes soon after, and never late."""

import math

import pytest

from tests.support.fake_training import trial
from tuner.core.events import AttemptStarted
from tuner.core.trial import Evaluation, Status
from tuner.studies.recorder import DELAY, Recorder


class SlowStore:
    """A store whose commits take a while; keeps how many results and starts came with each."""

    def __init__(self, seconds):
        self.now = 0.0
        self.commits = []
        self._seconds = seconds

    def record(self, study_id, epoch, results, begun):
        self.now += self._seconds
        self.commits.append((len(results), len(begun)))


@pytest.fixture
def store():
    return SlowStore(0.01)


def ledger(store, *, cohorts=8, size=1):
    trials = [[trial(number * size + member) for member in range(size)] for number in range(cohorts)]
    return Recorder(store, 1, 1, trials, clock=lambda: store.now)


def started(slot):
    return AttemptStarted((trial(slot).key,), 1, "node", 1)


def finished(slot):
    return Evaluation(trial(slot).key, Status.FAILED, math.inf, (), 1, 0.1, reason="no matter")


def test_a_result_waits_four_commits_long_for_others(store):
    book = ledger(store)
    book.take(finished(0))
    assert len(book.tick()) == 1  # nothing is known of commits yet
    book.take(finished(1))
    assert book.tick() == []
    store.now += 0.03
    book.take(finished(2))
    assert book.tick() == []
    store.now += 0.011
    assert [one.key.slot for one in book.tick()] == [1, 2]
    assert store.commits == [(1, 0), (2, 0)]


def test_nothing_waits_longer_than_the_longest_delay_however_slow_commits_are():
    store = SlowStore(3.0)
    book = ledger(store)
    book.take(finished(0))
    book.tick()
    book.take(finished(1))
    store.now += DELAY
    assert len(book.tick()) == 1


def test_the_last_result_of_a_batch_waits_for_nothing(store):
    book = ledger(store, cohorts=2)
    book.take(finished(0))
    book.tick()
    book.take(finished(1))
    assert len(book.tick()) == 1


def test_a_start_is_written_with_the_next_result_or_after_the_delay(store):
    book = ledger(store)
    assert book.take(started(0)) == [started(0)]  # it is told at once: nothing is lost with it
    assert book.tick() == []
    book.take(finished(0))
    book.tick()
    book.take(started(1))
    store.now += DELAY
    book.tick()
    assert store.commits == [(1, 1), (0, 1)]


def test_a_part_of_a_cohort_waits_for_the_rest_of_it(store):
    book = ledger(store, cohorts=2, size=2)
    book.take(finished(0))
    assert book.tick() == []
    book.take(finished(1))
    assert len(book.tick()) == 2
