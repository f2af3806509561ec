"""A StudyRun by itself: ask, tell, tick and close, called by hand."""

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


def start_run(store, study, callback=None):
    return StudyRun(store, study, callback or NoCallback(), owner=OWNER, lease_seconds=60.0)


def finished(trial):
    loss = (math.log(trial.hyperparameters["rate"]) - math.log(2)) ** 2
    return Evaluation(trial.key, Status.FINISHED, loss, (), trial.steps, 0.01)


def run_to_end(run):
    """Run a study to its end, and return the number of its trials."""
    count = 0
    while (work := run.ask()) is not None:
        count += len(work.trials)
        for trial in reversed(work.trials):  # in any order
            run.tell(AttemptStarted((trial.key,), 1, "node", 1))
            run.tell(finished(trial))
        run.tick()
    return count


def test_a_study_is_completed_by_ask_tell_and_tick(store):
    study = store.create_study(spec(generations=3, population=5, cohort_size=1))
    run = start_run(store, study)
    assert run_to_end(run) == 3 * 5 + 2 * 3
    assert run.is_over
    assert store.find("run")[0].status == StudyStatus.COMPLETE
    assert run.ask() is None


def test_ask_returns_none_while_trials_are_outstanding(store):
    run = start_run(store, store.create_study(spec(generations=2, population=3, cohort_size=1)))
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


def test_close_writes_the_results_and_the_next_run_asks_for_the_rest(store):
    study = store.create_study(spec(generations=1, population=4, cohort_size=1))
    run = start_run(store, study)
    work = run.ask()
    run.tell(finished(work.trials[0]))
    run.close()
    run.close()
    assert store.find("run")[0].status == StudyStatus.INTERRUPTED
    resumed = start_run(store, store.find("run")[0])
    assert [trial.key.slot for trial in resumed.ask().trials] == [1, 2, 3]
    resumed.close()


def test_an_owned_study_is_refused_and_a_run_that_lost_its_lease_writes_nothing(store):
    study = store.create_study(spec(generations=1, population=2, cohort_size=1))
    run = start_run(store, study)
    with pytest.raises(StudyOwned):
        StudyRun(store, study, NoCallback(), owner="other:1", lease_seconds=60.0)
    work = run.ask()
    store.release(study.id, 1, StudyStatus.INTERRUPTED)
    start_run(store, store.find("run")[0]).close()
    run.tell(finished(work.trials[0]))
    run.tell(finished(work.trials[1]))
    with pytest.raises(LeaseLost):
        run.tick()
    assert run.is_over
    assert store.find("run")[0].counts[Status.FINISHED] == 0
