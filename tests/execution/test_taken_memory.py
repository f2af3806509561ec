"""Memory that another program has taken: a healthy candidate is tried again, and never recorded as failed."""

import pytest

from tests.support.fake_training import trial
from tests.support.simulated_workers import SimulatedPool, SimulatedWorker
from tuner.core.trial import Evaluation, Status, Workload
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.messages import Started, Update
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.resources import Resources
from tuner.execution.retries import Cause, Failure

FAILURE = Failure(Cause.LOST, "out of memory: while blender used 17.2 GB", is_of_machine=True)


class KilledWorker(SimulatedWorker):
    """A worker that Ray ends as soon as it trains, the first `pool.kills` times."""

    def train(self, attempt, workload, name, watchdog):
        if attempt.number <= self._pool.kills:
            self.send([Update((Started("node", self.number),)), Update(is_over=True, error=MemoryError())])
        else:
            super().train(attempt, workload, name, watchdog)


class FullMachine(SimulatedPool):
    """A pool of one such worker."""

    def __init__(self, kills):
        super().__init__(1, lambda *_: 1.0)
        self.kills = kills

    def start_worker(self, avoided):
        self.started.append(KilledWorker(self, len(self.started)))
        return self.started[-1]

    def failure_of(self, error):
        return FAILURE


def evaluated(kills):
    pool = FullMachine(kills)
    executor = PoolExecutor(pool, Resources(max_attempts=3), clock=lambda: pool.now)
    batch = executor.submit(Workload(task="fake", optimizer="Adam", cohort_size=1), [trial(0)], label="fake")
    events = []
    while batch.is_open:
        executor.poll()
        events += batch.take()
    return [event for event in events if isinstance(event, Evaluation)]


def test_a_candidate_finishes_once_the_memory_is_free():
    (evaluation,) = evaluated(kills=2)
    assert (evaluation.status, evaluation.attempt) == (Status.FINISHED, 3)


def test_the_run_ends_for_now_where_the_memory_stays_taken():
    with pytest.raises(ClusterUnavailable, match=r"blender used 17\.2 GB; resume once that memory is free") as caught:
        evaluated(kills=3)
    assert caught.value.exit_code == 75
