"""One user has a hundred runs in the queue of drivers that train, and two others come with one each."""

from unittest import mock

import pytest

from tests.service.test_killed_services import undisturbed
from tests.support.supervised import SMALL, rows, supervised
from tuner.api.request_driver import Link
from tuner.core.requests import Outcome, State
from tuner.storage import this_process

WORKERS = 2
COHORT = 16  # lanes of a cohort of rosenbrock


@pytest.mark.slow
def test_who_comes_has_a_worker_after_a_cohort_and_all_rows_are_those_of_runs_that_were_trained_alone(tmp_path):
    with supervised(tmp_path / "runs.db", workers=WORKERS, COHORT_SECONDS="2") as service:
        store, fields = service.store, {}

        def submit(run, by, seed):
            fields[run] = {**SMALL, "seed": seed}
            service.submit(run, by, seed=seed)

        def state_of(run):
            return service.request(run).state

        def final(user):
            return sum(service.final(one.run) for one in store.requests() if one.submitted_by == user)

        for number in range(100):
            submit(f"ann-{number}", "ann", number)
        service.until(lambda: all(service.final(f"ann-{number}") for number in range(WORKERS)))
        before = final("ann")
        submit("bob-0", "bob", 1_001)
        submit("eve-0", "eve", 1_002)
        service.until(lambda: state_of("bob-0").has_driver and state_of("eve-0").has_driver)
        # The cohort that each worker has begun, and the one that it may begin until the next heartbeat.
        assert final("ann") - before <= 2 * WORKERS * COHORT
        waiting = [one for one in store.requests([State.QUEUED]) if one.submitted_by == "ann"]
        assert len(waiting) == 100
        assert all(one.reason for one in waiting)
        service.until(lambda: state_of("bob-0") is state_of("eve-0") is State.COMPLETE)
        complete = {one.run for one in store.requests([State.COMPLETE])}
        assert len(complete) < 10  # those who came did not wait for the others' hundred
        service.until(lambda: len(store.requests([State.COMPLETE])) > len(complete))  # of which the next goes on
        for one in store.requests([State.COMPLETE]):
            assert rows(store, one.run) == undisturbed(tmp_path / f"{one.run}.db", one.run, fields[one.run])
        assert store.check().faults == ()


def test_a_driver_whose_run_is_trained_uses_no_worker_while_ray_ends(tmp_path):
    with supervised(tmp_path / "runs.db") as service:
        request, executor = service.submit("run"), mock.Mock(workers=1, busy=1)
        epoch = service.store.start_driver(request.id, request.epoch, 1)
        service.store.claim(request.id, epoch, this_process())
        with Link(service.store, request.id, epoch, 1) as link:
            link.check(executor)
            service.until(lambda: service.request("run").using == 1, looks=False)
            link.end()
            service.until(lambda: service.request("run").using == 0, looks=False)
        service.store.end_driver(request.id, epoch, Outcome.COMPLETE)
