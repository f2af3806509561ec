"""Guarantees of the store for candidates: exact values and idempotent additions."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from tests.support.store_values import candidate, driven, evaluation, everything, key, keys
from tuner.core.trial import Role, Status
from tuner.storage import Conflict, Store


class LawsOfCandidates:
    """A part of the conformance suite."""

    def test_candidates_come_back_as_they_were_given_in_the_order_of_their_keys(self, store: Store) -> None:
        places = [*keys(2, 12), *(key(slot, 0, role) for role in (Role.TUNED, Role.DEFAULT) for slot in range(3))]
        given = {at: candidate(at, rate=0.1 + 0.001 * at.slot, seed=2**63 - 1 - at.slot) for at in places}
        study, epoch = driven(store)
        store.add(study, epoch, [given[at] for at in reversed(places)])
        found = store.candidates(study)
        assert [record.key for record in found] == sorted(places)
        for record in found:
            trial = given[record.key].trial
            assert record.genome == given[record.key].genome
            assert (record.hyperparameters, record.seed, record.steps) == (
                trial.hyperparameters,
                trial.seed,
                trial.steps,
            )
            assert (record.status, record.attempts, record.fitness) == (Status.WAITING, 0, None)

    def test_candidates_can_be_asked_for_by_role_and_generation(self, store: Store) -> None:
        study, _ = driven(store, add=[*keys(), key(0, 0, Role.TUNED)])
        assert [each.key for each in store.candidates(study, generation=1)] == [key(slot, 1) for slot in range(3)]
        assert [each.key for each in store.candidates(study, role=Role.TUNED)] == [key(0, 0, Role.TUNED)]
        assert len(store.candidates(study, role=Role.SEARCH, generation=0)) == 3

    @pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, -1.7976931348623157e308, 1 / 3, -0.0])
    def test_every_bit_of_a_genome_is_kept(self, store: Store, number: float) -> None:
        study, epoch = driven(store)
        store.add(study, epoch, [dataclasses.replace(candidate(key()), genome=(number, np.float64(number)))])
        assert [each.hex() for each in store.candidates(study)[0].genome] == [number.hex()] * 2

    def test_studies_do_not_see_each_others_candidates(self, store: Store) -> None:
        first, epoch = driven(store, "a", add=keys())
        second, _ = driven(store, "b", add=[key()])
        store.record(first, epoch, [evaluation(key())])
        assert [each.status for each in store.candidates(second)] == [Status.WAITING]
        assert store.curve(second, key()).size == 0
        assert store.studies()[1].counts[Status.FINISHED] == 0

    def test_adding_candidates_again_changes_nothing(self, store: Store) -> None:
        study, epoch = driven(store, add=keys())
        store.record(study, epoch, [evaluation(key())])
        before = everything(store, study)
        store.add(study, epoch, [candidate(at) for at in [*keys(), key()]])
        assert everything(store, study) == before

    @pytest.mark.parametrize("other", [{"rate": 0.2}, {"seed": 6}, {"steps": 201}])
    def test_another_candidate_for_a_key_is_refused_with_all_that_came_along(
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

    def test_a_generation_of_a_thousand_is_added_in_one_call(self, store: Store) -> None:
        places = [key(slot) for slot in range(1100)]
        study, epoch = driven(store, add=places)
        store.add(study, epoch, [candidate(at) for at in places])
        assert [each.key for each in store.candidates(study)] == places
