"""Guarantees of the store for comparisons and the measurements of their runs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tests.support.store_values import ME, comparison, driven, evaluation, key, losses, observations, stored_values
from tuner.core.study import Point, StudyStatus
from tuner.core.trial import Key, Measurement, Observation, Role, Status
from tuner.storage import Incomplete, LeaseLost, Store

KEYS = [key(slot, generation, Role.COMPARISON) for generation in range(2) for slot in range(3)]


def start_comparison(store: Store, add: list[Key]) -> tuple[int, int]:
    """Create and acquire a comparison of two points on three seeds; return its id and epoch."""
    return driven(store, "contest", add=add, make=comparison, points=2)


class LawsOfComparisons:
    """A part of the conformance suite."""

    def test_the_specification_of_a_comparison_is_read_back_unchanged(self, store: Store) -> None:
        study, _ = start_comparison(store, [])
        driven(store, "search")
        stored, search = store.studies()
        assert (stored.id, stored.spec) == (study, comparison("contest", points=2))
        assert (stored.is_search, search.is_search) == (False, True)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"points": ()},
            {"points": (Point({"rate": math.nan}), Point({"rate": 1.0}))},
            {"measurement": Measurement(validate_every=0)},
            {"measurement": Measurement(seconds=math.inf)},
        ],
    )
    def test_an_invalid_specification_of_a_comparison_is_refused(self, store: Store, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="Received"):
            store.create_study(dataclasses.replace(comparison(points=2), **wrong))
        assert store.studies() == []

    def test_the_observations_of_runs_are_read_back_bit_for_bit(self, store: Store) -> None:
        study, epoch = start_comparison(store, KEYS)
        store.record(study, epoch, [evaluation(at, observations=observations(at)) for at in reversed(KEYS)])
        runs = store.seed_runs(study, curves=True)
        assert [run.candidate.key for run in runs] == KEYS
        for run, at in zip(runs, KEYS, strict=True):
            assert run.losses is not None
            assert run.losses.tobytes() == losses(at).tobytes()
            assert set(run.series) == {"validation", "test"}
            *validation, test = observations(at)
            series = run.series["validation"]
            assert series.evaluations.tolist() == [0, 10, 20]
            assert series.seconds.tolist() == [0.0, 0.5, 1.0]
            assert series.elapsed.tolist() == [0.0, 0.7, 1.4]
            assert list(series.metrics) == ["loss", "accuracy"]
            for name, numbers in series.metrics.items():
                assert numbers.tolist() == [observation.metrics[name] for observation in validation]
            assert run.series["test"].metrics["loss"].tolist() == [test.metrics["loss"]]
            assert np.isnan(run.series["test"].seconds).all()
        assert store.seed_runs(study)[0].losses is None

    def test_a_metric_that_an_observation_lacks_is_nan_in_its_series(self, store: Store) -> None:
        study, epoch = start_comparison(store, KEYS)
        partial = (Observation("test", 1, 0, 0, {"loss": 1.0}), Observation("test", 2, 0, 0, {"accuracy": 2.0}))
        store.record(study, epoch, [evaluation(KEYS[0], observations=partial)])
        metrics = store.seed_runs(study)[0].series["test"].metrics
        assert np.isnan(metrics["loss"]).tolist() == [False, True]
        assert np.isnan(metrics["accuracy"]).tolist() == [True, False]

    def test_a_search_has_no_seed_runs(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key())])
        assert store.seed_runs(study) == []

    def test_a_late_or_second_result_changes_no_observation(self, store: Store) -> None:
        study, epoch = start_comparison(store, KEYS)
        store.record(study, epoch, [evaluation(KEYS[0], observations=observations(KEYS[0]))])
        assert store.record(study, epoch, [evaluation(KEYS[0], observations=observations(KEYS[1]))]) == [False]
        with pytest.raises(LeaseLost):
            store.record(study, epoch - 1, [evaluation(KEYS[1], observations=observations(KEYS[1]))])
        first, second, *_ = store.seed_runs(study)
        assert first.series["test"].metrics["loss"].tolist() == [5e-324]
        assert not second.series

    @pytest.mark.parametrize("name", ["@seconds", "", "x" * 65, "a\x00"])
    def test_an_invalid_metric_name_rejects_the_whole_call(self, store: Store, name: str) -> None:
        study, epoch = start_comparison(store, KEYS)
        before = stored_values(store, study)
        invalid = (Observation("test", 1, 0.0, 0.0, {name: 1.0}),)
        with pytest.raises(ValueError, match="Received"):
            store.record(study, epoch, [evaluation(KEYS[0]), evaluation(KEYS[1], observations=invalid)])
        assert stored_values(store, study) == before

    def test_a_comparison_is_complete_only_with_every_point_on_every_seed(self, store: Store) -> None:
        study, epoch = start_comparison(store, KEYS[:-1])
        store.record(study, epoch, [evaluation(at) for at in KEYS[:-1]])
        with pytest.raises(Incomplete, match="5 of 6"):
            store.release(study, epoch, StudyStatus.COMPLETE)
        store.release(study, epoch, StudyStatus.INTERRUPTED)
        assert store.find("contest")[0].counts[Status.FINISHED] == 5
        store.add(study, store.acquire(study, owner=ME), [])
