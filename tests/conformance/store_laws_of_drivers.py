"""Guarantees of the store for drivers: one at a time, and no writes of former ones."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import threading
import time
from typing import Any

import pytest

from tests.support.store_values import ME, REMOTE_OWNER, candidate, driven, evaluation, key, keys, spec, stored_values
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import LeaseLost, Store, StudyOwned, UnknownStudy, processes


def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock that measures leases on this machine; return the seconds that it is ahead, to be changed."""
    now, passed = processes.uptime(), [0.0]
    monkeypatch.setattr(processes, "uptime", lambda: now + passed[0])
    return passed


class LawsOfDrivers:
    """A part of the conformance suite."""

    def test_acquiring_an_owned_study_is_refused_with_the_owners_name(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passed = stopped_clock(monkeypatch)
        study, epoch = driven(store, owner=ME)
        with pytest.raises(StudyOwned, match=rf"run/Adam is owned by {ME}, heartbeat \d+ s ago"):
            store.acquire(study, owner=REMOTE_OWNER)
        passed[0] += 10.0
        assert store.studies()[0].lease_left == pytest.approx(5.0)
        store.renew(study, epoch)
        record = store.studies()[0]
        assert (record.owner, record.status) == (ME, StudyStatus.RUNNING)
        assert record.lease_left == pytest.approx(15.0)

    def test_an_expired_lease_can_be_taken_over_and_renewing_prevents_it(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        passed = stopped_clock(monkeypatch)
        study = store.create_study(spec()).id
        first = store.acquire(study, owner=ME, lease_seconds=40.0)
        for _ in range(3):
            passed[0] += 15.0
            store.renew(study, first)
        passed[0] += 39.0
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=REMOTE_OWNER)
        passed[0] += 2.0
        assert store.studies()[0].lease_left == 0.0
        assert store.acquire(study, owner=REMOTE_OWNER) == first + 1
        assert store.studies()[0].owner == REMOTE_OWNER

    def test_an_owner_with_an_expired_lease_keeps_the_study_until_another_acquires_it(self, store: Store) -> None:
        study = store.create_study(spec()).id
        epoch = store.acquire(study, owner=ME, lease_seconds=0.01)
        time.sleep(0.05)
        store.renew(study, epoch)
        store.add(study, epoch, [candidate(key())])
        assert len(store.candidates(study)) == 1

    def test_a_study_whose_driver_was_killed_can_be_acquired_at_once(self, store: Store) -> None:
        with subprocess.Popen(["sleep", "60"]) as process:
            owner = f"{socket.gethostname()}:{process.pid}"
            study = store.create_study(spec()).id
            store.acquire(study, owner=owner, lease_seconds=3600)
            with pytest.raises(StudyOwned):
                store.acquire(study, owner=ME)
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # remains a zombie, because it is not reaped
            assert store.studies()[0].lease_left == 0.0
            assert store.acquire(study, owner=ME) == 2

    def test_an_owner_whose_process_cannot_be_checked_keeps_its_lease(self, store: Store) -> None:
        for run, owner in (("a", "elsewhere:1"), ("b", f"{socket.gethostname()}:999999999"), ("c", "no pid")):
            study, _ = driven(store, run, owner)
            with pytest.raises(StudyOwned):
                store.acquire(study, owner=ME)

    @pytest.mark.parametrize("jump", [3600.0, -3600.0])
    def test_a_jump_of_the_clock_does_not_end_a_lease(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, jump: float
    ) -> None:
        study, epoch = driven(store, owner=ME)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=REMOTE_OWNER)
        stopped_clock(monkeypatch)
        store.renew(study, epoch)
        assert store.studies()[0].lease_left == pytest.approx(15.0)

    @pytest.mark.parametrize("ended", ["taken over", "released"])
    @pytest.mark.parametrize(
        "write",
        [
            lambda store, study, epoch: store.renew(study, epoch),
            lambda store, study, epoch: store.release(study, epoch, StudyStatus.STOPPED),
            lambda store, study, epoch: store.add(study, epoch, [candidate(key(2))]),
            lambda store, study, epoch: store.start_attempt(study, epoch, [key()], 9, "node", 1),
            lambda store, study, epoch: store.end_attempt(study, epoch, [key()], 1, "reason"),
            lambda store, study, epoch: store.record(study, epoch, [evaluation(key(), attempt=9)]),
            lambda store, study, epoch: store.finish(study, epoch, tuned={}, tuned_genome=[]),
            lambda store, study, epoch: store.add_note(study, epoch, "note"),
        ],
        ids=["renew", "release", "add", "start_attempt", "end_attempt", "record", "finish", "add_note"],
    )
    def test_every_write_of_a_driver_that_lost_its_study_is_refused(self, store: Store, ended: str, write: Any) -> None:
        study = store.create_study(spec()).id
        epoch = store.acquire(study, owner=REMOTE_OWNER, lease_seconds=1e-6)
        store.add(study, epoch, [candidate(key())])
        if ended == "released":
            store.release(study, epoch, StudyStatus.INTERRUPTED)
        else:
            time.sleep(0.01)
            new = store.acquire(study, owner="another:1")
            store.start_attempt(study, new, [key()], 1, "node", 1)
        before = stored_values(store, study)
        with pytest.raises(LeaseLost, match=ended):
            write(store, study, epoch)
        assert stored_values(store, study) == before

    def test_acquiring_a_study_resets_running_candidates_to_waiting(self, store: Store) -> None:
        study = store.create_study(spec()).id
        first = store.acquire(study, owner=REMOTE_OWNER, lease_seconds=1e-6)
        store.add(study, first, [candidate(at) for at in keys()])
        store.start_attempt(study, first, [key(0), key(1)], 1, "node", 1)
        store.record(study, first, [evaluation(key(0))])
        time.sleep(0.01)
        second = store.acquire(study, owner="another:1")
        assert [each.status for each in store.candidates(study)][:2] == [Status.FINISHED, Status.WAITING]
        assert [each.outcome for each in store.attempts(study)] == ["finished", "lost"]
        store.start_attempt(study, second, [key(1)], 1, "node", 2)  # attempts are counted from 1 per driver
        assert store.record(study, second, [evaluation(key(1))]) == [True]
        assert [(each.epoch, each.number) for each in store.attempts(study, key(1))] == [(first, 1), (second, 1)]
        assert store.candidates(study)[1].attempts == 2

    def test_a_released_study_has_no_owner_and_no_running_candidates(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.release(study, epoch, StudyStatus.INTERRUPTED)
        record = store.studies()[0]
        assert (record.status, record.owner, record.lease_left) == (StudyStatus.INTERRUPTED, None, None)
        assert [each.outcome for each in store.attempts(study)] == ["lost"]
        assert store.candidates(study)[0].status is Status.WAITING
        assert store.acquire(study, owner=ME) == epoch + 1

    def test_an_owner_cannot_acquire_its_study_twice(self, store: Store) -> None:
        study, _ = driven(store, owner=ME)
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=ME)

    def test_only_one_of_several_concurrent_threads_acquires_a_study(self, store: Store) -> None:
        study = store.create_study(spec()).id
        epochs: list[int] = []

        def acquire() -> None:
            try:
                epochs.append(store.acquire(study, owner=ME))
            except StudyOwned:
                epochs.append(0)

        threads = [threading.Thread(target=acquire) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(epochs) == [0, 0, 0, 1]

    def test_writes_succeed_while_another_thread_renews_the_lease(self, store: Store) -> None:
        all_keys = [key(slot) for slot in range(64)]
        study, epoch = driven(store, add=all_keys)
        errors: list[BaseException] = []
        done = threading.Event()

        def renew() -> None:
            try:
                while not done.is_set():
                    store.renew(study, epoch)
                    time.sleep(0.002)  # lets the other thread run
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=renew)
        thread.start()
        for at in all_keys:
            store.record(study, epoch, [evaluation(at)])
        done.set()
        thread.join()
        assert errors == []
        assert all(each.status is Status.FINISHED for each in store.candidates(study))

    @pytest.mark.parametrize("lease", [0.0, -1.0, math.nan, math.inf])
    def test_a_lease_that_is_not_a_positive_number_of_seconds_is_refused(self, store: Store, lease: float) -> None:
        study = store.create_study(spec()).id
        with pytest.raises(ValueError, match="positive"):
            store.acquire(study, owner=ME, lease_seconds=lease)

    def test_acquiring_an_unknown_study_is_refused(self, store: Store) -> None:
        with pytest.raises(UnknownStudy):
            store.acquire(4711, owner=ME)
