"""Which cohort an idle worker takes: of its own workload first, then of a new one, of others only if worth it."""

import numpy as np
import pytest

from tests.support.fake_training import trial
from tests.support.simulated_workers import SimulatedPool
from tuner.core.trial import Evaluation, Workload
from tuner.execution.costs import INITIAL_COMPILATION_SECONDS, Costs
from tuner.execution.dispatch import Dispatch, Queue
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.retries import first_attempt


def queue(optimizer="Adam", attempts=4, steps=20, remaining=0):
    workload = Workload(task="fake", optimizer=optimizer, cohort_size=1)
    return Queue(workload, "label", [first_attempt([trial(s, steps=steps)], 1) for s in range(attempts)], remaining)


@pytest.fixture
def costs():
    return Costs()


@pytest.fixture
def dispatch(costs):
    return Dispatch(costs)


def test_a_worker_keeps_to_what_it_has_compiled(dispatch):
    adam, lodo = queue("Adam", remaining=1_000_000), queue("LODO")
    dispatch.compiled.update([lodo.identity])
    assert dispatch.choose([adam, lodo], {lodo.identity}) is lodo


def test_a_worker_without_work_of_its_own_starts_what_no_worker_has_compiled(dispatch):
    adam, lodo = queue("Adam", remaining=1_000_000), queue("LODO")
    dispatch.compiled.update([adam.identity])
    assert dispatch.choose([adam, lodo], set()) is lodo


def test_a_worker_takes_from_others_only_what_would_last_longer_than_compiling_it_once_more(dispatch, costs):
    adam = queue("Adam", attempts=4, steps=100)
    dispatch.compiled.update([adam.identity])
    assert dispatch.choose([adam], set()) is adam  # nothing is known yet
    costs.record(adam.identity, 100, 5.0, compiled=False)
    costs.record(adam.identity, 100, 1.5, compiled=True)  # compilation took 3.5 s, and 6 s wait
    adam.in_progress = 1
    assert dispatch.choose([adam], set()) is adam
    adam.in_progress = 2  # two workers train it: 3 s each
    assert dispatch.choose([adam], set()) is None
    adam.in_progress = 0  # the workers that have compiled it are busy with another batch, for an unknown time
    assert dispatch.choose([adam], set()) is adam


def test_the_batch_with_most_work_behind_it_goes_first(dispatch, costs):
    short, long = queue("Adam"), queue("LODO", remaining=1000)
    assert dispatch.choose([short, long], set()) is long
    for one, seconds in ((short, 100.0), (long, 1.0)):  # a step of the short one takes a hundred times as long
        costs.record(one.identity, 100, seconds, compiled=True)
    assert dispatch.choose([short, long], set()) is short


def test_there_is_room_where_a_worker_has_neither_its_own_work_nor_new_work(dispatch):
    adam = queue("Adam")
    assert not dispatch.has_room([adam], [set()])  # it starts Adam
    assert dispatch.has_room([adam], [set(), set()])
    dispatch.compiled.update([adam.identity])
    assert not dispatch.has_room([adam], [{adam.identity}])
    assert dispatch.has_room([adam], [{adam.identity}, set()])
    assert not dispatch.has_room([adam], [])


def test_the_longest_of_a_batch_goes_first():
    attempts = [first_attempt([trial(slot, steps=steps)], 1) for slot, steps in enumerate([10, 30, 20, 30])]
    one = Queue(Workload("fake", "Adam", 1), "label", attempts, 0)
    assert [one.pop().keys[0].slot for _ in range(4)] == [1, 3, 2, 0]


def test_compilation_is_assumed_to_take_three_seconds_until_it_was_measured(costs):
    assert costs.compilation("Adam") == INITIAL_COMPILATION_SECONDS
    costs.record("Adam", 100, 2.0, compiled=False)
    costs.record("Adam", 200, 1.0, compiled=True)
    assert costs.compilation("Adam") == pytest.approx(1.5)
    assert costs.seconds("Adam", 100) == pytest.approx(0.5)
    assert costs.seconds("LODO", 100) is None
    assert costs.estimate("LODO", 100) == pytest.approx(0.5)


def run(executor, batches):
    """Returns every batch's evaluations, in the order in which they came."""
    found = []
    while any(batch.is_open for batch in batches):
        executor.poll()
        found += [event for batch in batches for event in batch.take() if isinstance(event, Evaluation)]
    return found


def workload(optimizer):
    return Workload(task="fake", optimizer=optimizer, cohort_size=1)


def test_a_worker_that_would_only_compile_stays_idle():
    # Cohorts of a second on four workers, each of which would have to compile for another ten.
    pool = SimulatedPool(4, lambda workload, attempt, compiles: 1.0 + 10.0 * compiles)
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    first = executor.submit(workload("Adam"), [trial(0)], label="fake")
    run(executor, [first])
    second = executor.submit(workload("Adam"), [trial(1)], label="fake")
    run(executor, [second])
    third = executor.submit(workload("Adam"), [trial(slot) for slot in range(2, 8)], label="fake")
    assert len(run(executor, [third])) == 6
    assert sum(worker.cohorts > 0 for worker in pool.started) == 1
    assert pool.now == pytest.approx(11 + 1 + 6)


def test_batches_side_by_side_keep_the_workers_busy_at_each_others_ends():
    draw = np.random.default_rng(0)
    pool = SimulatedPool(8, lambda *_: float(draw.lognormal(0.0, 0.5)))
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    batches = [
        executor.submit(workload(name), [trial(slot) for slot in range(32)], label=name)
        for name in ("Adam", "LODO", "Yogi")
    ]
    assert len(run(executor, batches)) == 96
    assert pool.busy_share() > 0.9  # one after the other: 0.8


def test_a_worker_is_replaced_after_so_many_cohorts():
    pool = SimulatedPool(1, lambda *_: 1.0)
    executor = PoolExecutor(pool, max_cohorts=3, clock=lambda: pool.now)
    assert len(run(executor, [executor.submit(workload("Adam"), [trial(s) for s in range(7)], label="x")])) == 7
    assert [worker.cohorts for worker in pool.started] == [3, 3, 1]


def test_a_batch_does_not_wait_for_a_worker_that_is_busy_with_anothers_long_cohort():
    long = 10_000.0
    pool = SimulatedPool(2, lambda work, attempt, new: long if attempt.keys[0].slot == 9 else 1.0 + 10.0 * new)
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    for number in range(2):  # both workers have compiled it, and its duration is known
        both = [trial(0), trial(1)]
        run(executor, [executor.submit(workload("Adam"), both, label=f"g{number:02d}")])
    hung = executor.submit(workload("LODO"), [trial(9)], label="takes one of them")
    executor.poll()
    next(worker for worker in pool.started if worker not in executor._roster.assignments).kill()  # and the other dies
    found = run(executor, [executor.submit(workload("Adam"), [trial(2), trial(3)], label="is done on a new one")])
    assert len(found) == 2
    assert pool.now < long
    executor.withdraw(hung)


class FullCluster(SimulatedPool):
    """A cluster on which others hold all cores for 100 seconds."""

    is_local = False

    def start_worker(self, avoided):
        worker = super().start_worker(avoided)
        self.later(100.0, worker, [worker.read()])
        return worker


def test_it_is_reported_once_that_a_cluster_has_no_free_cores():
    said = []
    pool = FullCluster(2, lambda *_: 1.0)
    executor = PoolExecutor(pool, say=lambda line: said.append((round(pool.now), line)), clock=lambda: pool.now)
    for _ in executor.evaluate(Workload("fake", "Adam", 1), [trial(slot) for slot in range(4)], label="fake"):
        pass
    assert said == [(30, "waiting for free cores: other work holds the cluster's, or its workers are slow to start")]
