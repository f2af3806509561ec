"""Guarantees of the store for comparisons and the measurements of their runs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tests.support.store_values import ME, comparison, driven, evaluation, everything, key, losses, observations
from tuner.core.study import Point, StudyStatus
from tuner.core.trial import Key, Measurement, Observation, Role, Status
from tuner.storage import Incomplete, LeaseLost, Store

PLACES = [key(slot, generation, Role.COMPARISON) for generation in range(2) for slot in range(3)]


def compared(store: Store, add: list[Key]) -> tuple[int, int]:
    """Create and acquire a comparison of two points on three seeds; return its id and epoch."""
    return driven(store, "contest", add=add, make=comparison, points=2)


class LawsOfComparisons:
    """A part of the conformance suite."""

    def test_what_is_compared_comes_back_as_it_was_given(self, store: Store) -> None:
        study, _ = compared(store, [])
        driven(store, "search")
        found, search = store.studies()
        assert (found.id, found.spec) == (study, comparison("contest", points=2))
        assert (found.is_search, search.is_search) == (False, True)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"points": ()},
            {"points": (Point({"rate": math.nan}), Point({"rate": 1.0}))},
            {"measurement": Measurement(validate_every=0)},
            {"measurement": Measurement(seconds=math.inf)},
        ],
    )
    def test_a_comparison_that_contradicts_itself_is_refused(self, store: Store, wrong: dict[str, object]) -> None:
        with pytest.raises(ValueError, match="Received"):
            store.create_study(dataclasses.replace(comparison(points=2), **wrong))
        assert store.studies() == []

    def test_runs_come_back_with_every_bit_of_what_was_measured(self, store: Store) -> None:
        study, epoch = compared(store, PLACES)
        store.record(study, epoch, [evaluation(at, observations=observations(at)) for at in reversed(PLACES)])
        runs = store.seed_runs(study, curves=True)
        assert [run.candidate.key for run in runs] == PLACES
        for run, at in zip(runs, PLACES, strict=True):
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
                assert numbers.tolist() == [one.metrics[name] for one in validation]
            assert run.series["test"].metrics["loss"].tolist() == [test.metrics["loss"]]
            assert np.isnan(run.series["test"].seconds).all()
        assert store.seed_runs(study)[0].losses is None

    def test_what_an_observation_lacks_is_nan_in_its_series(self, store: Store) -> None:
        study, epoch = compared(store, PLACES)
        some = (Observation("test", 1, 0, 0, {"loss": 1.0}), Observation("test", 2, 0, 0, {"accuracy": 2.0}))
        store.record(study, epoch, [evaluation(PLACES[0], observations=some)])
        metrics = store.seed_runs(study)[0].series["test"].metrics
        assert np.isnan(metrics["loss"]).tolist() == [False, True]
        assert np.isnan(metrics["accuracy"]).tolist() == [True, False]

    def test_a_search_has_no_runs_of_a_comparison(self, store: Store) -> None:
        study, epoch = driven(store, add=[key()])
        store.record(study, epoch, [evaluation(key())])
        assert store.seed_runs(study) == []

    def test_a_late_or_second_result_changes_no_observation(self, store: Store) -> None:
        study, epoch = compared(store, PLACES)
        store.record(study, epoch, [evaluation(PLACES[0], observations=observations(PLACES[0]))])
        assert store.record(study, epoch, [evaluation(PLACES[0], observations=observations(PLACES[1]))]) == [False]
        with pytest.raises(LeaseLost):
            store.record(study, epoch - 1, [evaluation(PLACES[1], observations=observations(PLACES[1]))])
        first, second, *_ = store.seed_runs(study)
        assert first.series["test"].metrics["loss"].tolist() == [5e-324]
        assert not second.series

    @pytest.mark.parametrize("name", ["@seconds", "", "x" * 65, "a\x00"])
    def test_a_metric_that_cannot_be_stored_is_refused_with_all_that_came_along(self, store: Store, name: str) -> None:
        study, epoch = compared(store, PLACES)
        before = everything(store, study)
        odd = (Observation("test", 1, 0.0, 0.0, {name: 1.0}),)
        with pytest.raises(ValueError, match="Received"):
            store.record(study, epoch, [evaluation(PLACES[0]), evaluation(PLACES[1], observations=odd)])
        assert everything(store, study) == before

    def test_a_comparison_is_complete_only_with_every_point_on_every_seed(self, store: Store) -> None:
        study, epoch = compared(store, PLACES[:-1])
        store.record(study, epoch, [evaluation(at) for at in PLACES[:-1]])
        with pytest.raises(Incomplete, match="5 of 6"):
            store.release(study, epoch, StudyStatus.COMPLETE)
        store.release(study, epoch, StudyStatus.INTERRUPTED)
        assert store.find("contest")[0].counts[Status.FINISHED] == 5
        store.add(study, store.acquire(study, owner=ME), [])
