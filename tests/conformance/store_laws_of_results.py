"""Guarantees of the store for evaluations, curves and attempts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.store_values import driven, evaluation, key, keys, losses, stored_values
from tuner.core.study import Outcome
from tuner.core.trial import MILESTONES, RUNNING, Observation, Status, of_objectives
from tuner.storage import Conflict, Store, UnknownCandidate

FINAL = [status for status in Status if status.is_final]


class LawsOfResults:
    """A part of the conformance suite."""

    @pytest.mark.parametrize("status", FINAL)
    def test_an_evaluation_is_read_back_unchanged(self, store: Store, status: Status) -> None:
        study, epoch = driven(store, add=keys())
        recorded = evaluation(key(1), status, reason="because", error="Traceback ...", seconds=0.1 + 0.2, steps_done=17)
        assert store.record(study, epoch, [recorded]) == [True]
        row = store.candidates(study)[1]
        assert (row.status, row.fitness, row.steps_done, row.seconds) == (status, recorded.fitness, 17, 0.1 + 0.2)
        assert (row.node, row.device, row.reason, row.error) == ("node-1", "CPU", "because", "Traceback ...")
        assert row.attempts == 1

    def test_outcomes_agree_with_the_candidates(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key(1)), evaluation(key(2), Status.DIVERGED)])
        outcomes, candidates = store.outcomes(study), store.candidates(study)
        names = ("key", "status", "fitness", "steps_done", "seconds")
        assert [[getattr(each, name) for name in names] for each in outcomes] == [
            [getattr(each, name) for name in names] for each in candidates
        ]
        assert {type(each) for each in outcomes} == {Outcome}
        assert store.candidates(study, slot=1) == [each for each in candidates if each.key.slot == 1]

    @pytest.mark.parametrize("fitness", [0.1 + 0.2, 5e-324, -1.7976931348623157e308, 1.7976931348623157e308, 0.0])
    def test_a_fitness_is_stored_bit_for_bit(self, store: Store, fitness: float) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key(), fitness=np.float64(fitness))])
        stored = store.candidates(study)[0].fitness
        assert stored is not None
        assert stored.hex() == fitness.hex()

    def test_fitnesses_by_further_objectives_are_stored_bit_for_bit_of_those_that_have_any(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        further = (0.1 + 0.2, -1.7976931348623157e308)
        other = Observation("validation", 3, 0.5, 0.5, {"loss": 9.0})
        with_further = replace(evaluation(key(1)), observations=(other, of_objectives(3, further)))
        store.record(study, epoch, [evaluation(key(0)), with_further, evaluation(key(2), Status.DIVERGED)])
        assert store.further_fitnesses(study) == {key(1): further}

    def test_a_pruned_candidate_and_running_fitnesses_are_stored_bit_for_bit(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        values = ((2, 0.1 + 0.2), (5, -1.7976931348623157e308))
        reached = tuple(Observation(MILESTONES, at, math.nan, math.nan, {RUNNING: value}) for at, value in values)
        other = Observation("validation", 3, 0.5, 0.5, {"loss": 9.0})
        ended = replace(
            evaluation(key(1), Status.PRUNED, reason="loss was 3"), observations=(reached[0], other, reached[1])
        )
        assert ended.milestones == values
        finished = replace(evaluation(key(0)), observations=reached[:1])
        assert store.record(study, epoch, [finished, ended, evaluation(key(2))]) == [True] * 3
        assert store.milestones(study) == {key(0): values[:1], key(1): values}
        (record,) = store.candidates(study, generation=key(1).generation, slot=1)
        assert (record.status, record.fitness, record.reason) == (Status.PRUNED, math.inf, "loss was 3")
        assert store.check().faults == ()

    @pytest.mark.parametrize(
        ("status", "fitness"),
        [
            (Status.FINISHED, math.nan),
            (Status.FINISHED, math.inf),
            (Status.FINISHED, -math.inf),
            (Status.DIVERGED, math.nan),
            (Status.FAILED, 1.0),
            (Status.RUNNING, math.inf),
            (Status.WAITING, 1.0),
        ],
    )
    def test_a_fitness_that_contradicts_its_status_rejects_the_whole_call(
        self, store: Store, status: Status, fitness: float
    ) -> None:
        study, epoch = driven(store, add=keys())
        before = stored_values(store, study)
        with pytest.raises(ValueError, match="slot 1"):
            store.record(study, epoch, [evaluation(key(0)), evaluation(key(1), status, fitness=fitness)])
        assert stored_values(store, study) == before

    @pytest.mark.parametrize("wrong", [{"seconds": math.nan}, {"seconds": -1.0}, {"steps_done": -1}, {"attempt": 0}])
    def test_invalid_seconds_steps_and_attempts_are_refused(self, store: Store, wrong: dict[str, Any]) -> None:
        study, epoch = driven(store, add=[key()])
        with pytest.raises(ValueError, match="Received"):
            store.record(study, epoch, [evaluation(key(), **wrong)])
        assert store.candidates(study)[0].status is Status.WAITING

    @pytest.mark.parametrize("first", FINAL)
    @pytest.mark.parametrize("second", [Status.FINISHED, Status.FAILED])
    def test_a_final_candidate_never_changes(self, store: Store, first: Status, second: Status) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key(), first)])
        before = stored_values(store, study)
        later = evaluation(key(), second, losses=[9.0], seconds=9.0, steps_done=9, node="other", attempt=1)
        assert store.record(study, epoch, [later]) == [False]
        assert stored_values(store, study) == before

    def test_the_first_of_two_results_in_one_call_is_stored(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        recorded = [evaluation(key(), fitness=1.0), evaluation(key(1)), evaluation(key(), fitness=2.0)]
        assert store.record(study, epoch, recorded) == [True, True, False]
        assert [each.fitness for each in store.candidates(study)][:2] == [1.0, 0.5]

    def test_recording_a_cohort_skips_its_final_candidates(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key(1), fitness=1.0)])
        assert store.record(study, epoch, [evaluation(key(slot)) for slot in range(3)]) == [True, False, True]
        assert [each.fitness for each in store.candidates(study, generation=0)] == [0.5, 1.0, 0.5]

    def test_a_result_of_an_unknown_candidate_rejects_the_whole_call(self, store: Store) -> None:
        study, epoch = driven(store, add=[key(0)])
        with pytest.raises(UnknownCandidate, match=r"^\S+/\S+ has no candidate .*slot 1"):
            store.record(study, epoch, [evaluation(key(0)), evaluation(key(1))])
        assert store.candidates(study)[0].status is Status.WAITING

    def test_empty_lists_of_candidates_and_results_are_accepted(self, store: Store) -> None:
        study, epoch = driven(store)
        store.add(study, epoch, [])
        assert store.record(study, epoch, []) == []

    def test_characters_that_a_database_cannot_store_are_escaped(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(
            study, epoch, [evaluation(key(), Status.FAILED, reason="a\x00b\udcff", error="ü\x00", node="n\x00")]
        )
        stored = store.candidates(study)[0]
        assert (stored.reason, stored.error, stored.node) == ("a\\x00b\\udcff", "ü\\x00", "n\\x00")

    def test_a_long_traceback_is_shortened_in_the_middle_to_4_kB(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key(), Status.FAILED, error="first" + "é" * 10_000 + "last")])
        kept = store.candidates(study)[0].error
        assert kept.startswith("first")
        assert kept.endswith("last")
        assert 4000 <= len(kept.encode()) <= 4096

    def test_a_curve_is_read_back_bit_for_bit_in_its_dtype(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        recorded = {
            key(0): np.array([1.0, math.nan], np.float32),
            key(1): np.array([-0.0, 5e-324, math.inf, -math.inf, math.nan]),
            key(2): np.random.default_rng(0).normal(size=10_000),
        }
        store.record(study, epoch, [evaluation(at, losses=curve) for at, curve in recorded.items()])
        for at, curve in recorded.items():
            stored = store.curve(study, at)
            assert stored.dtype == curve.dtype
            assert stored.tobytes() == curve.tobytes()

    def test_the_curve_of_a_candidate_without_a_result_is_empty(self, store: Store) -> None:
        study, _ = driven(store, add=[key()])
        assert store.curve(study, key()).shape == (0,)

    def test_the_curve_of_an_unknown_candidate_is_an_error(self, store: Store) -> None:
        study, _ = driven(store, add=[key()])
        with pytest.raises(UnknownCandidate):
            store.curve(study, key(1))

    def test_a_returned_curve_is_read_only(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key())])
        with pytest.raises(ValueError, match="read-only"):
            store.curve(study, key())[0] = 1.0
        assert store.curve(study, key()).tobytes() == losses(key()).tobytes()

    def test_an_attempt_is_stored_with_its_start_and_its_end(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.start_attempt(study, epoch, [key(0), key(1)], 1, "node-7", 4711)
        assert [each.status for each in store.candidates(study)][:3] == [Status.RUNNING, Status.RUNNING, Status.WAITING]
        store.end_attempt(study, epoch, [key(0)], 1, "worker crashed", "Traceback ...")
        lost, running = store.attempts(study)
        assert (lost.key, lost.epoch, lost.number, lost.node, lost.pid) == (key(0), epoch, 1, "node-7", 4711)
        assert (lost.outcome, lost.reason, lost.error) == ("lost", "worker crashed", "Traceback ...")
        assert lost.ended_at is not None
        assert (running.key, running.ended_at, running.outcome) == (key(1), None, None)
        assert [each.status for each in store.candidates(study)][:2] == [Status.WAITING, Status.RUNNING]

    def test_a_result_ends_its_attempt(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.record(study, epoch, [evaluation(key(), Status.FAILED, reason="ValueError", error="Traceback ...")])
        (attempt,) = store.attempts(study, key())
        assert (attempt.outcome, attempt.reason, attempt.error) == ("failed", "ValueError", "Traceback ...")
        assert attempt.ended_at is not None

    def test_starting_or_ending_an_attempt_again_changes_nothing(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        for _ in range(2):
            store.start_attempt(study, epoch, [key()], 1, "node", 1)
        running = stored_values(store, study)
        assert len(running[3]) == 1
        store.end_attempt(study, epoch, [key()], 1, "worker crashed")
        ended = stored_values(store, study)
        store.end_attempt(study, epoch, [key()], 1, "another reason")
        assert stored_values(store, study) == ended

    def test_an_attempt_that_has_ended_cannot_be_started_again(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.end_attempt(study, epoch, [key()], 1, "worker crashed")
        with pytest.raises(Conflict):
            store.start_attempt(study, epoch, [key()], 1, "node", 2)
        assert len(store.attempts(study)) == 1

    def test_a_new_attempt_ends_the_previous_one(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.start_attempt(study, epoch, [key()], 2, "node", 2)
        store.end_attempt(study, epoch, [key()], 1, "given up")  # too late: the attempt has ended
        assert [each.outcome for each in store.attempts(study)] == ["lost", None]
        stored = store.candidates(study)[0]
        assert (stored.status, stored.attempts) == (Status.RUNNING, 2)

    def test_the_late_result_of_an_abandoned_attempt_is_counted_and_refused(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        for number in (1, 2):
            store.start_attempt(study, epoch, [key()], number, "node", number)
        late = evaluation(key(), fitness=1.0, attempt=1)
        assert store.record(study, epoch, [late]) == [False]
        assert store.candidates(study)[0].status is Status.RUNNING
        assert store.record(study, epoch, [evaluation(key(), attempt=2)]) == [True]
        assert store.record(study, epoch, [late]) == [False]
        assert store.late_results(study) == 2
        assert store.candidates(study)[0].fitness == 0.5

    def test_the_last_attempt_may_end_before_its_candidate_is_recorded_as_failed(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.start_attempt(study, epoch, [key()], 1, "node", 1)
        store.end_attempt(study, epoch, [key()], 1, "worker crashed")
        assert store.record(study, epoch, [evaluation(key(), Status.FAILED, reason="worker crashed")]) == [True]
        assert [each.outcome for each in store.attempts(study)] == ["lost"]

    def test_an_attempt_of_a_cohort_does_not_change_its_final_candidates(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key(0))])
        before = store.candidates(study)[0]
        store.start_attempt(study, epoch, [key(0), key(1)], 2, "node", 1)
        store.end_attempt(study, epoch, [key(0), key(1)], 2, "worker crashed")
        assert store.candidates(study)[0] == before
        assert [each.number for each in store.attempts(study, key(0))] == [1]

    def test_an_attempt_of_an_unknown_candidate_rejects_the_whole_call(self, store: Store) -> None:
        study, epoch = driven(store, add=[key(0)])
        with pytest.raises(UnknownCandidate):
            store.start_attempt(study, epoch, [key(0), key(9)], 1, "node", 1)
        assert store.candidates(study)[0].status is Status.WAITING
