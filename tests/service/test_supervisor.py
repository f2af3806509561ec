"""The supervisor: drivers as processes, verbs, restarts, and the same rows whatever happens."""

import signal
import subprocess
import sys
import time
from unittest import mock

import pytest

from tests.support.in_process_driver import TRAIN
from tests.support.supervised import SMALL, rows, supervised
from tuner.api.submission import Catalogue, planned
from tuner.core.requests import Desired, State
from tuner.execution.in_process import InProcessExecutor
from tuner.service.supervisor.supervisor import LEASES_SECONDS, OUTAGE_SECONDS
from tuner.storage import LeaseLost, NotPossible, ServiceStore, StudyExists, processes, request_drivers, this_process
from tuner.studies.callbacks import NoCallback
from tuner.studies.driver import run_studies

SLOW = {"COHORT_SECONDS": "0.4"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the rows of SMALL, as a driver in this process finds them, without a service."""
    with ServiceStore.open(str(tmp_path_factory.mktemp("undisturbed") / "runs.db")) as store:
        studies = store.create_run(planned("run", SMALL, Catalogue.of()).specs)
        with InProcessExecutor(train=TRAIN) as executor:
            run_studies(store, studies, executor, NoCallback, owner=this_process())
        return rows(store, "run")


def test_a_submitted_run_is_trained_by_a_process_of_its_own_to_the_same_rows(tmp_path, undisturbed):
    with supervised(tmp_path / "runs.db") as service:
        service.submit("run")
        ended = service.until_state("run", State.COMPLETE, State.FAILED)
        assert (ended.state, ended.driver, ended.epoch, ended.granted) == (State.COMPLETE, None, 1, 0)
        assert rows(service.store, "run") == undisturbed
        log = service.supervisor._processes._log(ended.id)
        assert log.stat().st_mode & 0o077 == 0 or log.parent.stat().st_mode & 0o077 == 0  # for this user alone
        service.supervisor._estimated_at = -1e9
        service.supervisor.round()
        assert not log.exists()


@pytest.mark.slow
@pytest.mark.faults
def test_verbs_reach_a_driver_and_a_run_goes_on_to_the_same_rows(tmp_path, undisturbed):
    with supervised(tmp_path / "runs.db", **SLOW) as service:
        service.submit("run")
        service.until(lambda: service.final("run") >= 16)
        service.store.ask("run", Desired.PAUSE, by="ann")
        assert service.store.ask("run", Desired.PAUSE, by="ann").desired is Desired.PAUSE  # repeated: no effect
        paused = service.until_state("run", State.PAUSED)
        assert (paused.driver, paused.reason) == (None, "pause requested")
        count = service.final("run")
        assert count % 16 == 0  # cohorts that were trained were finished
        for _ in range(5):
            service.supervisor.round()
        assert service.request("run").state is State.PAUSED
        service.store.ask("run", Desired.RUN, by="ann")
        service.until(lambda: service.final("run") > count)
        service.kill_driver("run")
        assert service.until_state("run", State.COMPLETE).epoch == 3
        assert rows(service.store, "run") == undisturbed


@pytest.mark.parametrize("desired", [Desired.STOP, Desired.CANCEL])
def test_a_run_that_is_stopped_or_cancelled_ends_and_its_results_stay(tmp_path, desired):
    with supervised(tmp_path / "runs.db", **SLOW) as service:
        service.submit("run")
        service.until(lambda: service.final("run") >= 16)
        service.store.ask("run", desired, by="ann")
        ended = service.until_state("run", State.STOPPED, State.CANCELLED)
        assert ended.state == {Desired.STOP: State.STOPPED, Desired.CANCEL: State.CANCELLED}[desired]
        assert 16 <= service.final("run") < 96
        (study,) = service.store.find("run")
        assert (study.status, study.owner) == ("interrupted", None)
        assert service.store.ask("run", desired, by="ann").state is ended.state  # repeated: no effect
        with pytest.raises(NotPossible, match="cannot be asked to run"):
            service.store.ask("run", Desired.RUN, by="ann")


def test_a_run_without_a_driver_is_paused_stopped_and_cancelled_at_once(tmp_path):
    with supervised(tmp_path / "runs.db", workers=0) as service:
        for run in ("one", "two", "three"):
            service.submit(run)
        assert service.store.ask("one", Desired.PAUSE, by="ann").state is State.PAUSED
        assert service.store.ask("two", Desired.STOP, by="ann").state is State.STOPPED
        assert service.store.ask("three", Desired.CANCEL, by="ann").state is State.CANCELLED
        assert service.store.ask("one", Desired.RUN, by="ann").state is State.QUEUED
        service.supervisor.round()
        assert "without workers" in service.request("one").reason
        assert [line.action for line in service.store.trail()][:4] == ["resume", "cancel", "stop", "pause"]


@pytest.mark.slow
@pytest.mark.faults
def test_another_service_adopts_the_drivers_of_one_that_was_killed(tmp_path, undisturbed):
    with supervised(tmp_path / "runs.db", **SLOW) as first:
        first.submit("run")
        first.until(lambda: first.final("run") >= 16)
        before = first.request("run")
        first.supervisor._store.resign(this_process())  # as a killed process, it looks no more
        with supervised(tmp_path / "runs.db", **SLOW) as second:
            assert second.until_state("run", State.COMPLETE).epoch == before.epoch  # no other driver was started
            assert rows(second.store, "run") == undisturbed


@pytest.mark.faults
def test_a_driver_whose_start_was_not_noticed_in_time_is_refused(tmp_path):
    with supervised(tmp_path / "runs.db", workers=0) as service:
        request = service.submit("run")
        late = service.store.start_driver(request.id, request.epoch, 1)
        assert service.store.start_driver(request.id, request.epoch, 1) is None  # another supervisor was faster
        service.store.end_driver(request.id, late, "interrupted", "taken as lost")
        with pytest.raises(LeaseLost):
            service.store.claim(request.id, late, this_process())


@pytest.mark.faults
def test_a_driver_that_dies_again_and_again_is_tried_less_and_less_often_and_the_run_fails_at_last(tmp_path):
    with supervised(tmp_path / "runs.db", workers=0) as service:
        service.submit("run")
        waits = []
        for _ in range(8):
            request = service.request("run")
            with service.store._writing() as connection:  # time passes
                connection.exec_driver_sql("UPDATE requests SET not_before = NULL")
            epoch = service.store.start_driver(request.id, request.epoch, 1)
            service.store.end_driver(request.id, epoch, "interrupted", "Traceback …\nMemoryError: too small")
            waits.append(service.request("run").waits)
        ended = service.request("run")
        assert waits[:7] == sorted(waits[:7])
        assert waits[0] == pytest.approx(2, abs=1)
        assert (ended.state, ended.failures) == (State.FAILED, 8)
        assert ended.reason.endswith("MemoryError: too small")
        assert ended.last_error.startswith("Traceback")
        again = service.store.retry("run", by="ann")
        assert (again.state, again.failures, again.waits) == (State.QUEUED, 0, 0.0)


def test_a_driver_that_has_recorded_results_does_not_count_among_those_that_die_again_and_again(tmp_path):
    with supervised(tmp_path / "runs.db", workers=0) as service:
        request = service.submit("run")
        for has_results, failures in ((False, 1), (False, 2), (True, 1), (False, 2)):
            with service.store._writing() as connection:  # time passes
                connection.exec_driver_sql("UPDATE requests SET not_before = NULL")
            epoch = service.store.start_driver(request.id, service.request("run").epoch, 1)
            service.store.claim(request.id, epoch, this_process())
            service.store.heartbeat(request.id, epoch, 1, has_results)
            service.store.end_driver(request.id, epoch, "interrupted", "killed")
            assert service.request("run").failures == failures


@pytest.mark.slow
@pytest.mark.faults
def test_a_driver_that_dies_is_followed_by_another_with_its_last_words_shown(tmp_path, undisturbed):
    with supervised(tmp_path / "runs.db", DIE_AT="9", DIE_UNTIL="1") as service:
        service.submit("run")
        service.until(lambda: service.request("run").failures == 1)
        waiting = service.request("run")
        assert waiting.state is State.QUEUED
        assert "has died 1 times in a row; tried again after 2 s" in waiting.reason
        assert service.until_state("run", State.COMPLETE).epoch == 2
        assert rows(service.store, "run") == undisturbed


def test_a_request_that_cannot_be_trained_fails_at_once_and_says_why(tmp_path):
    with supervised(tmp_path / "runs.db") as service:
        service.submit("run")
        with service.store._writing() as connection:
            connection.exec_driver_sql('UPDATE requests SET fields = \'{"task": ["nothing"]}\'')
        ended = service.until_state("run", State.FAILED)
        assert ended.reason.startswith("task is one of")


def test_the_name_of_a_submitted_run_is_kept_for_it(tmp_path):
    with supervised(tmp_path / "runs.db", workers=0) as service:
        service.submit("run")
        from tuner.storage import Store

        with Store.open(service.database) as other:
            assert other.taken_names() == ["run"]
            with pytest.raises(StudyExists, match="was submitted to the service"):
                other.create_run(planned("run", SMALL, Catalogue.of()).specs)


@pytest.mark.faults
def test_a_driver_that_hangs_is_replaced_and_has_time_to_report_after_an_outage(tmp_path):
    hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        with supervised(tmp_path / "runs.db") as service:
            request = service.submit("run")
            epoch = service.store.start_driver(request.id, request.epoch, 1)
            with mock.patch.object(request_drivers, "DRIVER_LEASE", 0.0):
                service.store.claim(request.id, epoch, processes.owner_of(hanging.pid))
            service.supervisor.round()  # the database was away until now, as far as this supervisor knows
            assert (service.request("run").state, hanging.poll()) == (State.RUNNING, None)
            service.supervisor._well_since -= LEASES_SECONDS
            service.supervisor._looked_at -= OUTAGE_SECONDS + 1  # one look has taken long: the database did not answer
            service.supervisor.round()
            assert (service.request("run").state, hanging.poll()) == (State.RUNNING, None)
            service.supervisor._well_since -= LEASES_SECONDS
            service.supervisor.round()
            assert hanging.wait(timeout=300) == -signal.SIGKILL
            assert service.request("run").epoch == epoch
            assert "has ended unexpectedly" in service.request("run").last_error
    finally:
        hanging.kill()
        hanging.wait()


@pytest.mark.slow
@pytest.mark.faults
def test_grants_that_change_all_the_time_change_no_row(tmp_path, undisturbed):
    with supervised(tmp_path / "runs.db", **{"COHORT_SECONDS": "0.1"}) as service:
        service.submit("run")
        flips = 0
        while service.request("run").state is not State.COMPLETE:
            request = service.request("run")
            service.supervisor.round()
            if request.state is State.RUNNING and service.final("run") > 16 * flips:
                flips += 1
                service.store.grant({request.id: 0}, {})  # as if another user had come
                service.until(lambda: service.request("run").state is not State.RUNNING, looks=False)
            time.sleep(0.05)
        assert service.request("run").epoch > 3
        assert rows(service.store, "run") == undisturbed
