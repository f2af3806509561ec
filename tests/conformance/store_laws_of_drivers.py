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

from tests.support.store_values import ME, NOBODY, candidate, driven, evaluation, everything, key, keys, spec
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.storage import LeaseLost, Store, StudyOwned, UnknownStudy


class LawsOfDrivers:
    """A part of the conformance suite."""

    def test_a_study_that_is_held_is_refused_to_others_with_the_owners_name(self, store: Store) -> None:
        study, epoch = driven(store, owner=ME)
        with pytest.raises(StudyOwned, match=rf"run/Adam is owned by {ME}, heartbeat \d+ s ago"):
            store.acquire(study, owner=NOBODY)
        store.renew(study, epoch)
        record = store.studies()[0]
        assert (record.owner, record.status) == (ME, StudyStatus.RUNNING)
        assert record.lease_left == pytest.approx(15.0, abs=5.0)

    def test_a_lease_that_has_run_out_is_taken_over_and_renewing_keeps_it(self, store: Store) -> None:
        study = store.create_study(spec()).id
        first = store.acquire(study, owner=ME, lease_seconds=0.4)
        for _ in range(3):
            time.sleep(0.15)
            store.renew(study, first)
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=NOBODY)
        time.sleep(0.45)
        assert store.studies()[0].lease_left == 0.0
        assert store.acquire(study, owner=NOBODY) == first + 1
        assert store.studies()[0].owner == NOBODY

    def test_an_owner_whose_lease_ran_out_goes_on_if_nobody_came(self, store: Store) -> None:
        study = store.create_study(spec()).id
        epoch = store.acquire(study, owner=ME, lease_seconds=0.01)
        time.sleep(0.05)
        store.renew(study, epoch)
        store.add(study, epoch, [candidate(key())])
        assert len(store.candidates(study)) == 1

    def test_a_driver_whose_process_was_killed_is_followed_at_once(self, store: Store) -> None:
        with subprocess.Popen(["sleep", "60"]) as process:
            owner = f"{socket.gethostname()}:{process.pid}"
            study = store.create_study(spec()).id
            store.acquire(study, owner=owner, lease_seconds=3600)
            with pytest.raises(StudyOwned):
                store.acquire(study, owner=ME)
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # stays a zombie: not waited for
            assert store.studies()[0].lease_left == 0.0
            assert store.acquire(study, owner=ME) == 2

    def test_of_an_owner_elsewhere_or_one_that_was_never_seen_nothing_is_assumed(self, store: Store) -> None:
        for run, owner in (("a", "elsewhere:1"), ("b", f"{socket.gethostname()}:999999999"), ("c", "no pid")):
            study, _ = driven(store, run, owner)
            with pytest.raises(StudyOwned):
                store.acquire(study, owner=ME)

    @pytest.mark.parametrize("jump", [3600.0, -3600.0])
    def test_a_clock_that_jumps_takes_no_study_from_its_driver(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, jump: float
    ) -> None:
        study, epoch = driven(store, owner=ME)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=NOBODY)
        store.renew(study, epoch)
        left = store.studies()[0].lease_left
        assert left == pytest.approx(15.0, abs=5.0)

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
        epoch = store.acquire(study, owner=NOBODY, lease_seconds=1e-6)
        store.add(study, epoch, [candidate(key())])
        if ended == "released":
            store.release(study, epoch, StudyStatus.INTERRUPTED)
        else:
            time.sleep(0.01)
            new = store.acquire(study, owner="another:1")
            store.start_attempt(study, new, [key()], 1, "node", 1)
        before = everything(store, study)
        with pytest.raises(LeaseLost, match=ended):
            write(store, study, epoch)
        assert everything(store, study) == before

    def test_a_new_driver_finds_nothing_running(self, store: Store) -> None:
        study = store.create_study(spec()).id
        first = store.acquire(study, owner=NOBODY, lease_seconds=1e-6)
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

    def test_a_study_that_is_given_back_runs_nothing_and_has_no_owner(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.release(study, epoch, StudyStatus.INTERRUPTED)
        record = store.studies()[0]
        assert (record.status, record.owner, record.lease_left) == (StudyStatus.INTERRUPTED, None, None)
        assert [each.outcome for each in store.attempts(study)] == ["lost"]
        assert store.candidates(study)[0].status is Status.WAITING
        assert store.acquire(study, owner=ME) == epoch + 1

    def test_the_owner_itself_is_not_let_in_twice(self, store: Store) -> None:
        study, _ = driven(store, owner=ME)
        with pytest.raises(StudyOwned):
            store.acquire(study, owner=ME)

    def test_of_many_threads_that_ask_for_a_study_one_gets_it(self, store: Store) -> None:
        study = store.create_study(spec()).id
        got: list[int] = []

        def ask() -> None:
            try:
                got.append(store.acquire(study, owner=ME))
            except StudyOwned:
                got.append(0)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [0, 0, 0, 1]

    def test_a_heartbeat_in_another_thread_does_not_disturb_the_writes(self, store: Store) -> None:
        places = [key(slot) for slot in range(64)]
        study, epoch = driven(store, add=places)
        failed: list[BaseException] = []
        done = threading.Event()

        def beat() -> None:
            try:
                while not done.is_set():
                    store.renew(study, epoch)
                    time.sleep(0.002)  # lets the other thread run
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=beat)
        thread.start()
        for at in places:
            store.record(study, epoch, [evaluation(at)])
        done.set()
        thread.join()
        assert failed == []
        assert all(each.status is Status.FINISHED for each in store.candidates(study))

    @pytest.mark.parametrize("lease", [0.0, -1.0, math.nan, math.inf])
    def test_a_lease_is_a_positive_number_of_seconds(self, store: Store, lease: float) -> None:
        study = store.create_study(spec()).id
        with pytest.raises(ValueError, match="positive"):
            store.acquire(study, owner=ME, lease_seconds=lease)

    def test_an_unknown_study_has_no_driver(self, store: Store) -> None:
        with pytest.raises(UnknownStudy):
            store.acquire(4711, owner=ME)
