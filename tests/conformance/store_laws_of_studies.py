"""Guarantees of the store for studies: stored values, names and completion."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from tests.support.store_values import ME, driven, evaluation, key, keys, spec
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Status, Workload
from tuner.storage import BadName, Conflict, Incomplete, Store, StudyComplete, StudyExists, UnknownStudy

FINAL = [status for status in Status if status.is_final]


class LawsOfStudies:
    """A part of the conformance suite."""

    def test_a_new_store_has_no_studies(self, store: Store) -> None:
        assert store.studies() == []

    def test_the_specification_of_a_study_is_read_back_unchanged(self, store: Store) -> None:
        expected = spec(
            seed=2**63 - 1,
            parameters={"sigmas": [0.1 + 0.2, 5e-324]},
            hardware={"name": "Grün \ud800 \x00", "n": [1, 2.5, None]},
        )
        record = store.create_study(expected)
        assert record.spec == expected
        assert store.find("run/Adam") == [record]
        assert (record.tuned, record.tuned_genome, record.finished_at, record.owner) == (None, None, None, None)

    def test_a_missing_precision_and_missing_data_are_read_back_as_none(self, store: Store) -> None:
        expected = spec()
        expected = dataclasses.replace(
            expected, workload=dataclasses.replace(expected.workload, precision=None, data=None)
        )
        assert store.create_study(expected).spec == expected

    def test_the_order_of_hyperparameters_in_the_space_is_kept(self, store: Store) -> None:
        space = {name: {"scale": "log"} for name in ("zeta", "alpha", "mu")}
        store.create_study(spec(space={"optimizer": "Adam", "hyperparameters": space}))
        assert list(store.studies()[0].spec.space["hyperparameters"]) == ["zeta", "alpha", "mu"]

    def test_a_second_study_with_the_same_name_is_refused(self, store: Store) -> None:
        first = store.create_study(spec())
        with pytest.raises(StudyExists, match="run/Adam"):
            store.create_study(spec(seed=8))
        assert store.studies() == [first]

    def test_the_studies_of_a_run_are_listed_in_the_order_of_creation(self, store: Store) -> None:
        for name in ("RMSprop", "L-BFGS", "LODO", "Adam-0.9"):
            store.create_study(spec(optimizer=name))
            store.create_study(spec("other", optimizer=name))
        names = [record.spec.name for record in store.find("run")]
        assert names == ["run/RMSprop", "run/L-BFGS", "run/LODO", "run/Adam-0.9"]

    @pytest.mark.parametrize("name", ["runn", "run/Adm", "RUN/Adam"])
    def test_the_error_for_an_unknown_study_suggests_the_nearest_name(self, store: Store, name: str) -> None:
        store.create_study(spec())
        with pytest.raises(UnknownStudy, match="did you mean run"):
            store.find(name)

    @pytest.mark.parametrize(
        "name", ["", "/", "run/", "nothing at all", "r\x00n", "\ud800", "%", "run'; DROP TABLE studies --"]
    )
    def test_an_invalid_name_is_reported_as_an_unknown_study(self, store: Store, name: str) -> None:
        store.create_study(spec())
        with pytest.raises(UnknownStudy):
            store.find(name)
        assert len(store.studies()) == 1

    @pytest.mark.parametrize(
        "name",
        ["", ".hidden", "-flag", "../../x", "a/b", "a b", "é", "a\x00", "a\n", "\ud800", "x" * 65, "x" * 10_000, "a;b"],
    )
    def test_an_invalid_run_name_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(BadName, match="a run's name is"):
            store.create_study(spec(name))
        assert store.studies() == []

    @pytest.mark.parametrize("name", ["", "a/b", "a b", "a_b\x00", "é", ":x"])
    def test_an_invalid_optimizer_name_is_refused(self, store: Store, name: str) -> None:
        with pytest.raises(BadName, match="an optimizer's name is"):
            store.create_study(spec(optimizer=name))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"seed": -1},
            {"seed": 2**63},
            {"steps": (1,)},
            {"parameters": {"sigmas": [1.0, math.nan]}},
            {"hardware": {"speed": math.inf}},
            {"hardware": {1: "a"}},
            {"space": {"x": object()}},
            {"workload": Workload("rosenbrock", "LODO", 16, settings={"depth": 8})},
        ],
    )
    def test_a_specification_that_cannot_be_stored_is_refused(self, store: Store, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="Received"):
            store.create_study(spec(**wrong))
        assert store.studies() == []

    def test_counts_include_only_candidates_of_the_search(self, store: Store) -> None:
        fresh = key(0, 0, Role.DEFAULT)
        study, epoch = driven(store, add=[*keys(), fresh])
        store.start_attempt(study, epoch, [key(1)], 1, "node", 1)
        store.record(study, epoch, [evaluation(key(0)), evaluation(key(2), Status.DIVERGED), evaluation(fresh)])
        counts = store.find("run")[0].counts
        assert counts == {
            Status.WAITING: 3,
            Status.RUNNING: 1,
            Status.FINISHED: 1,
            Status.DIVERGED: 1,
            Status.FAILED: 0,
            Status.TIMED_OUT: 0,
            Status.PRUNED: 0,
        }
        assert store.studies()[0].counts == counts

    def test_notes_are_stored_in_order_without_duplicates(self, store: Store) -> None:
        study, epoch = driven(store)
        for text in ("second thoughts", "a\x00b \ud800", "second thoughts"):
            store.add_note(study, epoch, text)
        assert store.studies()[0].notes == ("second thoughts", "a\x00b \ud800")

    def test_a_stored_tuned_point_cannot_be_changed(self, store: Store) -> None:
        study, epoch = driven(store)
        for _ in range(2):
            store.finish(study, epoch, tuned={"rate": 0.1 + 0.2}, tuned_genome=[math.log(0.3)])
        with pytest.raises(Conflict):
            store.finish(study, epoch, tuned={"rate": 0.3}, tuned_genome=[math.log(0.3)])
        record = store.studies()[0]
        assert (record.tuned, record.tuned_genome) == ({"rate": 0.1 + 0.2}, (math.log(0.3),))
        assert record.status == StudyStatus.RUNNING

    def test_a_tuned_point_that_is_not_finite_is_refused(self, store: Store) -> None:
        study, epoch = driven(store)
        with pytest.raises(ValueError, match="finite"):
            store.finish(study, epoch, tuned={"rate": math.inf}, tuned_genome=[700.0])

    @pytest.mark.parametrize("missing", ["a candidate", "a result", "a fresh run"])
    def test_a_study_with_missing_candidates_or_results_cannot_be_completed(self, store: Store, missing: str) -> None:
        added = keys()[:-1] if missing == "a candidate" else keys()
        study, epoch = driven(store, add=[*added, key(0, 0, Role.TUNED)])
        recorded = [*(added[:-1] if missing == "a result" else added)]
        store.record(study, epoch, [evaluation(at) for at in recorded])
        if missing != "a fresh run":
            store.record(study, epoch, [evaluation(key(0, 0, Role.TUNED))])
        with pytest.raises(Incomplete, match="run/Adam is not complete"):
            store.release(study, epoch, StudyStatus.COMPLETE)
        assert store.studies()[0].status == StudyStatus.RUNNING

    def test_a_complete_study_cannot_be_acquired(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(at, FINAL[at.slot]) for at in keys()])
        store.release(study, epoch, StudyStatus.COMPLETE)
        record = store.studies()[0]
        assert record.status == StudyStatus.COMPLETE
        assert record.finished_at is not None
        with pytest.raises(StudyComplete, match="run/Adam"):
            store.acquire(study, owner=ME)
        assert store.studies()[0] == record

    def test_a_study_cannot_be_released_as_running(self, store: Store) -> None:
        study, epoch = driven(store)
        with pytest.raises(ValueError, match="interrupted"):
            store.release(study, epoch, StudyStatus.RUNNING)

    def test_returned_records_are_not_changed_by_later_writes(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        record, rows = store.studies()[0], store.candidates(study)
        before = (repr(record), repr(rows))
        store.record(study, epoch, [evaluation(at) for at in keys()])
        store.add_note(study, epoch, "note")
        assert (repr(record), repr(rows)) == before
