"""A StudyRun is led by ask, tell and tick alone, whatever leads it."""

import math

import pytest

from tests.studies.test_study import OWNER, spec
from tuner.core.events import AttemptStarted
from tuner.core.study import StudyStatus
from tuner.core.trial import Evaluation, Status
from tuner.storage import LeaseLost, Store, StudyOwned
from tuner.studies.callbacks import NoCallback
from tuner.studies.study_run import StudyRun


@pytest.fixture
def store():
    with Store.open("sqlite:///:memory:") as opened:
        yield opened


def begin(store, study, callback=None):
    return StudyRun(store, study, callback or NoCallback(), owner=OWNER, lease_seconds=60.0)


def finished(trial):
    loss = (math.log(trial.hyperparameters["rate"]) - math.log(2)) ** 2
    return Evaluation(trial.key, Status.FINISHED, loss, (), trial.steps, 0.01)


def to_the_end(run):
    """Lead a run by hand; return how many trials it asked for."""
    count = 0
    while (work := run.ask()) is not None:
        count += len(work.trials)
        for trial in reversed(work.trials):  # in any order
            run.tell(AttemptStarted((trial.key,), 1, "node", 1))
            run.tell(finished(trial))
        run.tick()
    return count


def test_a_study_is_led_to_its_end_by_asking_and_telling(store):
    study = store.create_study(spec(generations=3, population=5, cohort_size=1))
    run = begin(store, study)
    assert to_the_end(run) == 3 * 5 + 2 * 3
    assert run.is_over
    assert store.find("run")[0].status == StudyStatus.COMPLETE
    assert run.ask() is None


def test_nothing_is_asked_for_while_work_is_outstanding(store):
    run = begin(store, store.create_study(spec(generations=2, population=3, cohort_size=1)))
    first = run.ask()
    assert len(first.trials) == 3
    for trial in first.trials[:2]:
        run.tell(finished(trial))
        run.tick()
        assert run.ask() is None
    run.tell(finished(first.trials[2]))
    run.tick()
    assert run.ask().trials[0].key.generation == 1
    run.close()


def test_a_closed_run_writes_what_it_was_told_and_the_next_one_asks_for_the_rest(store):
    study = store.create_study(spec(generations=1, population=4, cohort_size=1))
    run = begin(store, study)
    work = run.ask()
    run.tell(finished(work.trials[0]))
    run.close()
    run.close()
    assert store.find("run")[0].status == StudyStatus.INTERRUPTED
    again = begin(store, store.find("run")[0])
    assert [trial.key.slot for trial in again.ask().trials] == [1, 2, 3]
    again.close()


def test_a_study_that_another_run_holds_is_refused_and_one_that_lost_its_lease_writes_nothing(store):
    study = store.create_study(spec(generations=1, population=2, cohort_size=1))
    run = begin(store, study)
    with pytest.raises(StudyOwned):
        StudyRun(store, study, NoCallback(), owner="other:1", lease_seconds=60.0)
    work = run.ask()
    store.release(study.id, 1, StudyStatus.INTERRUPTED)
    begin(store, store.find("run")[0]).close()
    run.tell(finished(work.trials[0]))
    run.tell(finished(work.trials[1]))
    with pytest.raises(LeaseLost):
        run.tick()
    assert run.is_over
    assert store.find("run")[0].counts[Status.FINISHED] == 0
