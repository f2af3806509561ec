"""Guarantees of the store for candidates: exact values and idempotent additions."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from tests.support.store_values import candidate, driven, evaluation, key, keys, stored_values
from tuner.core.trial import Role, Status
from tuner.storage import Conflict, Store


class LawsOfCandidates:
    """A part of the conformance suite."""

    def test_candidates_are_read_back_unchanged_in_the_order_of_their_keys(self, store: Store) -> None:
        all_keys = [*keys(2, 12), *(key(slot, 0, role) for role in (Role.TUNED, Role.DEFAULT) for slot in range(3))]
        added = {at: candidate(at, rate=0.1 + 0.001 * at.slot, seed=2**63 - 1 - at.slot) for at in all_keys}
        study, epoch = driven(store)
        store.add(study, epoch, [added[at] for at in reversed(all_keys)])
        stored = store.candidates(study)
        assert [record.key for record in stored] == sorted(all_keys)
        for record in stored:
            trial = added[record.key].trial
            assert record.genome == added[record.key].genome
            assert (record.hyperparameters, record.seed, record.steps) == (
                trial.hyperparameters,
                trial.seed,
                trial.steps,
            )
            assert (record.status, record.attempts, record.fitness) == (Status.WAITING, 0, None)

    def test_candidates_can_be_filtered_by_role_and_generation(self, store: Store) -> None:
        study, _ = driven(store, add=[*keys(), key(0, 0, Role.TUNED)])
        assert [each.key for each in store.candidates(study, generation=1)] == [key(slot, 1) for slot in range(3)]
        assert [each.key for each in store.candidates(study, role=Role.TUNED)] == [key(0, 0, Role.TUNED)]
        assert len(store.candidates(study, role=Role.SEARCH, generation=0)) == 3

    @pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, -1.7976931348623157e308, 1 / 3, -0.0])
    def test_genomes_are_stored_bit_for_bit(self, store: Store, number: float) -> None:
        study, epoch = driven(store)
        store.add(study, epoch, [dataclasses.replace(candidate(key()), genome=(number, np.float64(number)))])
        assert [each.hex() for each in store.candidates(study)[0].genome] == [number.hex()] * 2

    def test_each_study_has_its_own_candidates(self, store: Store) -> None:
        first, epoch = driven(store, "a", add=keys())
        second, _ = driven(store, "b", add=[key()])
        store.record(first, epoch, [evaluation(key())])
        assert [each.status for each in store.candidates(second)] == [Status.WAITING]
        assert store.curve(second, key()).size == 0
        assert store.studies()[1].counts[Status.FINISHED] == 0

    def test_adding_candidates_again_changes_nothing(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
        before = stored_values(store, study)
        store.add(study, epoch, [candidate(at) for at in [*keys(), key()]])
        assert stored_values(store, study) == before

    @pytest.mark.parametrize("other", [{"rate": 0.2}, {"seed": 6}, {"steps": 201}])
    def test_a_different_candidate_for_an_existing_key_rejects_the_whole_call(
        self, store: Store, other: dict[str, Any]
    ) -> None:
        study, epoch = driven(store, add=[key(1)])
        with pytest.raises(Conflict, match="generation 0, slot 1"):
            store.add(study, epoch, [candidate(key(0)), candidate(key(1), **other)])
        assert [each.key for each in store.candidates(study)] == [key(1)]

    def test_two_candidates_for_one_key_in_one_call_are_refused(self, store: Store) -> None:
        study, epoch = driven(store)
        with pytest.raises(Conflict):
            store.add(study, epoch, [candidate(key()), candidate(key(), seed=6)])
        assert store.candidates(study) == []

    @pytest.mark.parametrize("wrong", [math.nan, math.inf])
    def test_a_genome_that_is_not_finite_is_refused(self, store: Store, wrong: float) -> None:
        study, epoch = driven(store)
        with pytest.raises(ValueError, match="finite"):
            store.add(study, epoch, [candidate(key(1)), dataclasses.replace(candidate(key()), genome=(wrong,))])
        assert store.candidates(study) == []

    def test_a_thousand_candidates_can_be_added_in_one_call(self, store: Store) -> None:
        all_keys = [key(slot) for slot in range(1100)]
        study, epoch = driven(store, add=all_keys)
        store.add(study, epoch, [candidate(at) for at in all_keys])
        assert [each.key for each in store.candidates(study)] == all_keys
