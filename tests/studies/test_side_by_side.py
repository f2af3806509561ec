"""Several studies led by one driver: what they find, what one study's end means for the others, and who waits."""

import math
import threading
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
from tuner.studies.batch import EveryCandidateFailed
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies, run_study

OPTIMIZERS = ("Adam", "LODO", "Yogi")
OWNER = "elsewhere:1"


def of(optimizer, **options):
    asked = spec(cohort_size=1, generations=4, **options)
    return replace(
        asked, workload=replace(asked.workload, optimizer=optimizer), space=dict(asked.space) | {"optimizer": optimizer}
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


def found(store):
    """Returns what was found: the tuned point, and each candidate with its fitness, of each study."""
    return {
        study.spec.name: (dict(study.tuned), [(row.key, row.genome, row.fitness) for row in store.candidates(study.id)])
        for study in store.studies()
    }


def test_studies_side_by_side_find_what_each_finds_alone(store):
    machines = pool(5, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(store, [store.create_study(of(name)) for name in OPTIMIZERS], executor, NoCallback, owner=OWNER)
    with Store.open("sqlite://") as alone:
        for number, name in enumerate(OPTIMIZERS):
            machines = pool(1, seed=number)
            with PoolExecutor(machines, clock=lambda machines=machines: machines.now) as executor:
                run_study(alone, alone.create_study(of(name)), executor, NoCallback(), owner=OWNER)
        assert found(store) == found(alone)


def test_studies_begin_as_workers_would_be_idle_and_not_before(store):
    began = []

    class Noted(NoCallback):
        def on_study_begin(self, study):
            began.append((study.spec.workload.optimizer, machines.now))

    machines = SimulatedPool(2, lambda workload, attempt, compiles: 1.0 + compiles)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        run_studies(store, [store.create_study(of(name)) for name in OPTIMIZERS], executor, Noted, owner=OWNER)
    assert [name for name, _ in began] == list(OPTIMIZERS)
    (_, first), (_, second), (_, third) = began
    assert first == second == 0.0  # a worker each
    assert third > 40  # once a worker has nothing of its own left


def raises_for_some(workload, trials):
    if workload.optimizer in workload.options["guilty"]:
        raise ValueError("no such layer")
    yield from (Evaluation(trial.key, Status.FINISHED, fitness(trial), (), trial.steps, 0.0) for trial in trials)


@pytest.mark.parametrize("guilty", [["Adam"], ["Adam", "Yogi"]], ids=len)
def test_studies_that_fail_wholly_leave_the_others_to_run_and_are_all_told_at_the_end(store, guilty):
    studies = [store.create_study(of(name, guilty=guilty)) for name in OPTIMIZERS]
    with (
        InProcessExecutor(train=f"{__name__}:raises_for_some") as executor,
        pytest.raises(EveryCandidateFailed, match="no such layer") as caught,
    ):
        run_studies(store, studies, executor, NoCallback, owner=OWNER)
    assert [f"run/{name}," in str(caught.value) for name in OPTIMIZERS] == [name in guilty for name in OPTIMIZERS]
    assert [study.status for study in store.studies()] == [
        StudyStatus.STOPPED if name in guilty else StudyStatus.COMPLETE for name in OPTIMIZERS
    ]


def test_an_interruption_gives_every_study_back_and_all_resume_to_what_they_would_have_found(store):
    machines = pool(5, seed=0)
    studies = [store.create_study(of(name)) for name in OPTIMIZERS]

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
            again = [undisturbed.create_study(of(name)) for name in OPTIMIZERS]
            run_studies(undisturbed, again, executor, NoCallback, owner=OWNER)
        assert found(store) == found(undisturbed)


def test_a_study_that_somebody_takes_before_its_turn_is_told_when_the_others_are_done(store):
    studies = [store.create_study(of(name)) for name in OPTIMIZERS]
    taken = []

    class Takes(NoCallback):
        def on_study_begin(self, study):
            if not taken:
                taken.append(store.acquire(studies[-1].id, owner="elsewhere:7", lease_seconds=60))

    machines = pool(1, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor, pytest.raises(StudyOwned):
        run_studies(store, studies, executor, Takes, owner=OWNER)
    *done, last = store.studies()
    assert {study.status for study in done} == {StudyStatus.COMPLETE}
    assert last.owner == "elsewhere:7"


def test_a_study_that_another_driver_holds_is_refused_or_waited_for(store):
    studies = [store.create_study(of(name)) for name in OPTIMIZERS]
    epoch = store.acquire(studies[0].id, owner="elsewhere:7", lease_seconds=60)
    machines = pool(2, seed=0)
    with PoolExecutor(machines, clock=lambda: machines.now) as executor:
        with pytest.raises(StudyOwned):
            run_studies(store, studies, executor, NoCallback, owner=OWNER)
        given_back = threading.Timer(1.5, store.release, (studies[0].id, epoch, StudyStatus.INTERRUPTED))
        given_back.start()
        run_studies(store, studies, executor, NoCallback, owner=OWNER, wait=True)
    assert {study.status for study in store.studies()} == {StudyStatus.COMPLETE}
