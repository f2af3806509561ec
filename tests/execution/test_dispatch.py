"""Choice of the cohort for an idle worker: of its workload, of a new one, or shared if that saves time."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.fake_training import trial
from tests.support.simulated_workers import SimulatedPool
from tuner.core.trial import Evaluation, Status, Workload
from tuner.execution.costs import INITIAL_COMPILATION_SECONDS, Costs
from tuner.execution.dispatch import Dispatch, Queue
from tuner.execution.executor import ClusterUnavailable
from tuner.execution.pool_executor import PoolExecutor
from tuner.execution.resources import Resources
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


def test_a_worker_prefers_a_workload_that_it_has_compiled(dispatch):
    adam, lodo = queue("Adam", remaining=1_000_000), queue("LODO")
    dispatch.compiled.update([lodo.identity])
    assert dispatch.choose([adam, lodo], {lodo.identity}) is lodo


def test_a_worker_then_prefers_a_workload_that_no_worker_has_compiled(dispatch):
    adam, lodo = queue("Adam", remaining=1_000_000), queue("LODO")
    dispatch.compiled.update([adam.identity])
    assert dispatch.choose([adam, lodo], set()) is lodo


def test_a_worker_shares_the_workload_of_others_only_if_it_outlasts_a_compilation(dispatch, costs):
    adam = queue("Adam", attempts=4, steps=100)
    dispatch.compiled.update([adam.identity])
    assert dispatch.choose([adam], set()) is adam  # no durations are known yet
    costs.record(adam.identity, 100, 5.0, compiled=False)
    costs.record(adam.identity, 100, 1.5, compiled=True)  # compilation took 3.5 s, and 6 s of work remain
    adam.in_progress = 1
    assert dispatch.choose([adam], set()) is adam
    adam.in_progress = 2  # two workers train it: 3 s each
    assert dispatch.choose([adam], set()) is None
    adam.in_progress = 0  # the workers that have compiled it are busy with another batch, for an unknown time
    assert dispatch.choose([adam], set()) is adam


def test_the_batch_with_the_most_remaining_work_is_chosen_first(dispatch, costs):
    short, long = queue("Adam"), queue("LODO", remaining=1000)
    assert dispatch.choose([short, long], set()) is long
    for one, seconds in ((short, 100.0), (long, 1.0)):  # a step of the short one takes a hundred times as long
        costs.record(one.identity, 100, seconds, compiled=True)
    assert dispatch.choose([short, long], set()) is short


def test_there_is_room_for_a_batch_if_a_worker_would_be_idle(dispatch):
    adam = queue("Adam")
    assert not dispatch.has_room([adam], [set()])  # it starts Adam
    assert dispatch.has_room([adam], [set(), set()])
    dispatch.compiled.update([adam.identity])
    assert not dispatch.has_room([adam], [{adam.identity}])
    assert dispatch.has_room([adam], [{adam.identity}, set()])
    assert not dispatch.has_room([adam], [])


def test_the_longest_cohort_of_a_batch_is_started_first():
    attempts = [first_attempt([trial(slot, steps=steps)], 1) for slot, steps in enumerate([10, 30, 20, 30])]
    one = Queue(Workload("fake", "Adam", 1), "label", attempts, 0)
    assert [one.pop().keys[0].slot for _ in range(4)] == [1, 3, 2, 0]


def test_compilation_is_assumed_to_take_three_seconds_until_it_is_measured(costs):
    assert costs.compilation("Adam") == INITIAL_COMPILATION_SECONDS
    costs.record("Adam", 100, 2.0, compiled=False)
    costs.record("Adam", 200, 1.0, compiled=True)
    assert costs.compilation("Adam") == pytest.approx(1.5)
    assert costs.seconds("Adam", 100) == pytest.approx(0.5)
    assert costs.seconds("LODO", 100) is None
    assert costs.estimate("LODO", 100) == pytest.approx(0.5)


def run(executor, batches):
    """Poll until all batches have ended; return their evaluations in order of arrival."""
    evaluations = []
    while any(batch.is_open for batch in batches):
        executor.poll()
        evaluations += [event for batch in batches for event in batch.take() if isinstance(event, Evaluation)]
    return evaluations


def workload(optimizer):
    return Workload(task="fake", optimizer=optimizer, cohort_size=1)


def test_a_worker_stays_idle_if_compilation_would_take_longer_than_waiting():
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


def test_concurrent_batches_keep_workers_busy_at_the_end_of_a_batch():
    rng = np.random.default_rng(0)
    pool = SimulatedPool(8, lambda *_: float(rng.lognormal(0.0, 0.5)))
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    batches = [
        executor.submit(workload(name), [trial(slot) for slot in range(32)], label=name)
        for name in ("Adam", "LODO", "Yogi")
    ]
    assert len(run(executor, batches)) == 96
    assert pool.busy_share() > 0.9  # one after the other: 0.8


def test_a_worker_is_replaced_after_the_maximum_number_of_cohorts():
    pool = SimulatedPool(1, lambda *_: 1.0)
    executor = PoolExecutor(pool, max_cohorts=3, clock=lambda: pool.now)
    assert len(run(executor, [executor.submit(workload("Adam"), [trial(s) for s in range(7)], label="x")])) == 7
    assert [worker.cohorts for worker in pool.started] == [3, 3, 1]


def test_no_more_workers_train_than_are_permitted_and_those_too_many_are_given_back_when_their_cohort_ends():
    pool = SimulatedPool(4, lambda *_: 10.0)
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    executor.limit(3)
    batch = executor.submit(workload("Adam"), [trial(slot) for slot in range(12)], label="x")
    while pool.now < 5:
        executor.poll()
        assert executor.workers <= 3
    assert executor.busy == 3
    executor.limit(1)
    assert executor.busy == 3  # none is ended within its cohort
    finished = []
    while pool.now < 15:
        executor.poll()
        finished += [event for event in batch.take() if isinstance(event, Evaluation)]
    assert (len(finished), executor.busy, executor.workers) == (3, 1, 1)
    executor.limit(4)
    finished += run(executor, [batch])
    assert len({event.key for event in finished}) == 12
    assert len(pool.started) > 3


def test_a_batch_does_not_wait_for_a_worker_with_a_long_cohort_of_another_batch():
    long = 10_000.0
    pool = SimulatedPool(2, lambda work, attempt, new: long if attempt.keys[0].slot == 9 else 1.0 + 10.0 * new)
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    for number in range(2):  # until both workers have compiled it and its duration is known
        trials = [trial(0), trial(1)]
        run(executor, [executor.submit(workload("Adam"), trials, label=f"g{number:02d}")])
    long_batch = executor.submit(workload("LODO"), [trial(9)], label="long")
    executor.poll()
    next(worker for worker in pool.started if worker not in executor._roster.assignments).kill()  # the other dies
    evaluations = run(executor, [executor.submit(workload("Adam"), [trial(2), trial(3)], label="short")])
    assert len(evaluations) == 2
    assert pool.now < long
    executor.withdraw(long_batch)


class FullCluster(SimulatedPool):
    """A cluster whose cores are all in use by others for 100 seconds."""

    is_local = False

    def start_worker(self, avoided):
        worker = super().start_worker(avoided)
        self.later(100.0, worker, [worker.read()])
        return worker


def test_a_cluster_without_free_cores_is_reported_once():
    reports = []
    pool = FullCluster(2, lambda *_: 1.0)
    executor = PoolExecutor(pool, say=lambda line: reports.append((round(pool.now), line)), clock=lambda: pool.now)
    for _ in executor.evaluate(Workload("fake", "Adam", 1), [trial(slot) for slot in range(4)], label="fake"):
        pass
    assert reports == [(30, "waiting for free cores: other work holds the cluster's, or its workers are slow to start")]


class Deaf(SimulatedPool):
    """A machine whose workers are not ended by a kill, as those of a node that hangs; they continue their cohort."""

    def start_worker(self, avoided):
        worker = super().start_worker(avoided)
        worker.kill = lambda: None
        return worker


def test_late_results_of_a_worker_that_cannot_be_killed_are_counted_and_discarded():
    late, limit = 60.0, 5.0  # seconds
    pool = Deaf(2, lambda workload, attempt, is_new: late if attempt.keys[0].slot == 0 else 4.0)
    executor = PoolExecutor(pool, Resources(timeout=limit), grace=1.0, clock=lambda: pool.now)
    trials = [trial(slot) for slot in range(20)]
    events = list(executor.evaluate(Workload("fake", "Adam", 1), trials, label="fake"))
    ended = {event.key.slot: event.status for event in events if isinstance(event, Evaluation)}
    assert ended == {0: Status.TIMED_OUT, **dict.fromkeys(range(1, 20), Status.FINISHED)}
    assert (executor.stale, pool.now < late) == (0, True)
    while not executor.stale and pool.now < 2 * late:
        executor.poll()
    assert executor.stale == 1


class Unkillable(SimulatedPool):
    """A machine whose workers do not end when they are killed, so that it has no cores for others."""

    def start_worker(self, avoided):
        worker = super().start_worker(avoided)
        worker.kill = lambda: None
        if len(self.started) > self.capacity()[0]:
            worker.read()
        return worker


def test_a_machine_whose_killed_workers_do_not_end_ends_the_run_instead_of_waiting_forever():
    pool = Unkillable(2, lambda *_: 1e9)
    executor = PoolExecutor(pool, Resources(timeout=5), grace=1.0, clock=lambda: pool.now)
    with pytest.raises(ClusterUnavailable, match="no worker can start, because killed ones did not end: 2;"):
        list(executor.evaluate(Workload("fake", "Adam", 1), [trial(slot) for slot in range(4)], label="fake"))
    assert pool.now < 100


def test_a_worker_takes_a_cohort_of_a_shape_that_it_has_compiled_first():
    workload = Workload(task="fake", optimizer="Adam", cohort_size=1)
    units = [8, 16, 8, 16]
    trials = [replace(trial(slot), hyperparameters={"task.units": one}) for slot, one in enumerate(units)]
    waiting = Queue(workload, "label", [first_attempt([one], 1) for one in trials], 0)
    shapes = [(waiting.identity, '{"units": 16}')]
    assert [waiting.pop(shapes).keys[0].slot for _ in units] == [1, 3, 0, 2]


def test_a_worker_remembers_a_shape_that_it_trained_before_many_cohorts_of_another():
    trained = []

    def seconds(workload, attempt, is_new):
        trained.append(attempt.lanes[0].hyperparameters["task.units"])
        return 1.0

    pool = SimulatedPool(1, seconds)
    executor = PoolExecutor(pool, clock=lambda: pool.now)
    for number, units in enumerate([[16, *[8] * 20], [32, 16]]):
        trials = [replace(trial(slot), hyperparameters={"task.units": one}) for slot, one in enumerate(units)]
        run(executor, [executor.submit(Workload("fake", "Adam", 1), trials, label=f"g{number:02d}")])
    assert trained[-2:] == [16, 32]
