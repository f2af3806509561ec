"""Several studies of one driver: their results, their failures, and studies that another driver owns."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.studies.test_study import spec
from tests.support.simulated_workers import SimulatedPool
from tuner.core.study import StudyStatus
from tuner.core.trial import Evaluation, Status
from tuner.execution.in_process import InProcessExecutor
from tuner.execution.pool_executor import PoolExecutor
from tuner.storage import Store, StudyOwned
from tuner.studies import driver
from tuner.studies.batch import EveryCandidateFailed
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies, run_study

OPTIMIZERS = ("Adam", "LODO", "Yogi")
OWNER = "elsewhere:1"


def search_spec(optimizer, **options):
    base = spec(cohort_size=1, generations=4, **options)
    return replace(
        base, workload=replace(base.workload, optimizer=optimizer), space=dict(base.space) | {"optimizer": optimizer}
    )


def fitness(trial):
    return (math.log(trial.hyperparameters["rate"]) - math.log(2)) ** 2 + trial.seed % 10 * 1e-6


def pool(workers, seed):
    draw = np.random.default_rng(seed)
    return SimulatedPool(workers, lambda *_: float(draw.lognormal()), fitness=fitness)


@pytest.fixture
def store():
    with Store.open("sqlite://") as opened:
        yield opened


def results(store):
    """Return the tuned point and the candidates with their fitnesses per study."""
    return {
        study.spec.name: (dict(study.tuned), [(row.key, row.genome, row.fitness) for row in store.candidates(study.id)])
        for study in store.studies()
    }


def test_concurrent_studies_have_the_same_results_as_sequential_ones(store):
    machines = pool(5, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(
            store, [store.create_study(search_spec(name)) for name in OPTIMIZERS], executor, NoCallback, owner=OWNER
        )
    with Store.open("sqlite://") as alone:
        for number, name in enumerate(OPTIMIZERS):
            machines = pool(1, seed=number)
            with PoolExecutor(machines, clock=lambda machines=machines: machines.now) as executor:
                run_study(alone, alone.create_study(search_spec(name)), executor, NoCallback(), owner=OWNER)
        assert results(store) == results(alone)


def test_a_study_starts_only_when_a_worker_would_be_idle(store):
    starts = []

    class RecordsStarts(NoCallback):
        def on_study_begin(self, study):
            starts.append((study.spec.workload.optimizer, machines.now))

    machines = SimulatedPool(2, lambda workload, attempt, compiles: 1.0 + compiles)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(
            store, [store.create_study(search_spec(name)) for name in OPTIMIZERS], executor, RecordsStarts, owner=OWNER
        )
    assert [name for name, _ in starts] == list(OPTIMIZERS)
    (_, first), (_, second), (_, third) = starts
    assert first == second == 0.0  # one worker each
    assert third > 40  # once a worker has no cohorts of its workload left


def raise_for_some(workload, trials):
    if workload.optimizer in workload.options["failing"]:
        raise ValueError("no such layer")
    yield from (Evaluation(trial.key, Status.FINISHED, fitness(trial), (), trial.steps, 0.0) for trial in trials)


@pytest.mark.parametrize("failing", [["Adam"], ["Adam", "Yogi"]], ids=len)
def test_studies_in_which_all_candidates_fail_are_reported_after_the_others_have_finished(store, failing):
    studies = [store.create_study(search_spec(name, failing=failing)) for name in OPTIMIZERS]
    with (
        InProcessExecutor(train=f"{__name__}:raise_for_some") as executor,
        pytest.raises(EveryCandidateFailed, match="no such layer") as caught,
    ):
        run_studies(store, studies, executor, NoCallback, owner=OWNER)
    assert [f"run/{name}," in str(caught.value) for name in OPTIMIZERS] == [name in failing for name in OPTIMIZERS]
    assert [study.status for study in store.studies()] == [
        StudyStatus.STOPPED if name in failing else StudyStatus.COMPLETE for name in OPTIMIZERS
    ]


def test_interrupted_studies_are_released_and_resume_to_the_same_results(store):
    machines = pool(5, seed=0)
    studies = [store.create_study(search_spec(name)) for name in OPTIMIZERS]

    class Interrupting(NoCallback):
        def on_event(self, event):
            if isinstance(event, Evaluation) and event.key.generation == 2:
                raise KeyboardInterrupt

    with PoolExecutor(machines, clock=lambda: machines.now) as executor, pytest.raises(KeyboardInterrupt):
        run_studies(store, studies, executor, Interrupting, owner=OWNER)
    assert {study.status for study in store.studies()} == {StudyStatus.INTERRUPTED}
    assert executor.busy == 0
    machines = pool(2, seed=1)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(store, store.studies(), executor, NoCallback, owner="elsewhere:2")
    with Store.open("sqlite://") as undisturbed:
        machines = pool(1, seed=2)
        with PoolExecutor(machines, clock=lambda: machines.now) as executor:
            repeated = [undisturbed.create_study(search_spec(name)) for name in OPTIMIZERS]
            run_studies(undisturbed, repeated, executor, NoCallback, owner=OWNER)
        assert results(store) == results(undisturbed)


def test_a_study_acquired_by_another_driver_before_its_start_is_reported_at_the_end(store):
    studies = [store.create_study(search_spec(name)) for name in OPTIMIZERS]
    epochs = []

    class AcquiresLast(NoCallback):
        def on_study_begin(self, study):
            if not epochs:
                epochs.append(store.acquire(studies[-1].id, owner="elsewhere:7", lease_seconds=60))

    machines = pool(1, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor, pytest.raises(StudyOwned):
        run_studies(store, studies, executor, AcquiresLast, owner=OWNER)
    *done, last = store.studies()
    assert {study.status for study in done} == {StudyStatus.COMPLETE}
    assert last.owner == "elsewhere:7"


def test_a_study_owned_by_another_driver_is_refused_or_waited_for(store, monkeypatch):
    studies = [store.create_study(search_spec(name)) for name in OPTIMIZERS]
    epoch = store.acquire(studies[0].id, owner="elsewhere:7", lease_seconds=60)
    machines = pool(2, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        with pytest.raises(StudyOwned):
            run_studies(store, studies, executor, NoCallback, owner=OWNER)
        acquire, refusals = store.acquire, []

        def released_after_two_refusals(*arguments, **options):
            try:
                return acquire(*arguments, **options)
            except StudyOwned as error:
                refusals.append(error)
                if len(refusals) == 2:
                    store.release(studies[0].id, epoch, StudyStatus.INTERRUPTED)
                raise

        monkeypatch.setattr(driver, "WAIT_SECONDS", 0.01)
        monkeypatch.setattr(store, "acquire", released_after_two_refusals)
        run_studies(store, studies, executor, NoCallback, owner=OWNER, wait=True)
    assert len(refusals) == 2
    assert {study.status for study in store.studies()} == {StudyStatus.COMPLETE}
