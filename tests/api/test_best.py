"""The best individual that the list of studies shows, against the one of the summary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.store_values import driven, evaluation, keys
from tuner.api.best import best_of
from tuner.api.reading import summary_of
from tuner.core.trial import Status
from tuner.storage import Store


@pytest.mark.parametrize("seed", range(20))
def test_the_best_of_a_list_is_that_of_the_summary(seed):
    draw = np.random.default_rng(seed)
    steps = tuple(int(each) for each in draw.choice([100, 200], 4))  # fitnesses of other budgets do not compare
    with Store.open("sqlite://") as store:
        study, epoch = driven(store, add=keys(4, 4), generations=4, population=4, steps=steps)
        for at in keys(4, 4):
            status = Status(draw.choice(["finished", "finished", "diverged", "failed", "waiting"]))
            if status is not Status.WAITING:
                value = float(draw.integers(3)) if status is Status.FINISHED else np.inf  # with ties
                store.record(study, epoch, [evaluation(at, status, fitness=value)])
        (record,) = store.studies()
        best = summary_of(store, record).best
        assert best_of(store, record) == replace(best, hyperparameters=())


def test_a_search_without_a_result_has_no_best():
    with Store.open("sqlite://") as store:
        driven(store, add=keys())
        (record,) = store.studies()
        assert best_of(store, record) is None
