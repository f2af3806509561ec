"""When results and starts of attempts are written: together with others, within a maximum delay."""

import math

import pytest

from tests.support.fake_training import trial
from tuner.core.events import AttemptStarted
from tuner.core.trial import Evaluation, Status
from tuner.studies.recorder import DELAY, Recorder


class SlowStore:
    """A store with a given duration per commit, which counts the results and starts of each commit."""

    def __init__(self, seconds):
        self.now = 0.0
        self.commits = []
        self._seconds = seconds

    def record(self, study_id, epoch, results, starts):
        self.now += self._seconds
        self.commits.append((len(results), len(starts)))


@pytest.fixture
def store():
    return SlowStore(0.01)


def make_recorder(store, *, cohorts=8, size=1):
    trials = [[trial(number * size + member) for member in range(size)] for number in range(cohorts)]
    return Recorder(store, 1, 1, trials, clock=lambda: store.now)


def started(slot):
    return AttemptStarted((trial(slot).key,), 1, "node", 1)


def finished(slot):
    return Evaluation(trial(slot).key, Status.FAILED, math.inf, (), 1, 0.1, reason="any")


def test_a_result_is_delayed_by_up_to_nine_times_the_duration_of_a_commit(store):
    recorder = make_recorder(store)
    recorder.take(finished(0))
    assert len(recorder.tick()) == 1  # the duration of a commit is not known yet
    recorder.take(finished(1))
    assert recorder.tick() == []
    store.now += 0.08
    recorder.take(finished(2))
    assert recorder.tick() == []
    store.now += 0.011
    assert [one.key.slot for one in recorder.tick()] == [1, 2]
    assert store.commits == [(1, 0), (2, 0)]


def test_a_result_is_never_delayed_longer_than_the_maximum():
    store = SlowStore(3.0)
    recorder = make_recorder(store)
    recorder.take(finished(0))
    recorder.tick()
    recorder.take(finished(1))
    store.now += DELAY
    assert len(recorder.tick()) == 1


def test_the_last_result_of_a_batch_is_written_without_delay(store):
    recorder = make_recorder(store, cohorts=2)
    recorder.take(finished(0))
    recorder.tick()
    recorder.take(finished(1))
    assert len(recorder.tick()) == 1


def test_the_start_of_an_attempt_is_written_with_the_next_result_or_after_the_delay(store):
    recorder = make_recorder(store)
    assert recorder.take(started(0)) == [started(0)]  # reported at once, because losing it does no harm
    assert recorder.tick() == []
    recorder.take(finished(0))
    recorder.tick()
    recorder.take(started(1))
    store.now += DELAY
    recorder.tick()
    assert store.commits == [(1, 1), (0, 1)]


def test_the_results_of_a_cohort_are_written_together(store):
    recorder = make_recorder(store, cohorts=2, size=2)
    recorder.take(finished(0))
    assert recorder.tick() == []
    recorder.take(finished(1))
    assert len(recorder.tick()) == 2
