"""The last doubling of a random search, against an enumeration of all halves, and against the next one."""

import itertools
import math
import statistics
from dataclasses import replace

import numpy as np
import pytest

from tests.support.builders import search, spec, study
from tuner.core.objective import Objective
from tuner.core.trial import Status
from tuner.results.analysis.doubling import Doubling, last_doubling
from tuner.results.analysis.summary import summarise, summarise_in_detail

DIVERGED, RUNNING = Status.DIVERGED, Status.RUNNING
RANDOM = spec(steps=(200, 200), strategy="random")


def test_the_gain_is_the_mean_best_of_every_half_minus_the_best_of_all():
    first, second = (4.0, 3.0, DIVERGED, 1.0), (2.0, 9.0, 8.0, 0.5)
    values = [math.inf if value is DIVERGED else value for value in (*first, *second)]
    mean = statistics.fmean(min(half) for half in itertools.combinations(values, 4))
    found = last_doubling(RANDOM, search(RANDOM, first, second))
    assert (found.half, found.candidates) == (4, 8)
    assert found.gain == pytest.approx(mean - 0.5, rel=1e-12)


def test_candidates_with_another_budget_do_not_count():
    of = spec(steps=(100, 200), strategy="random")
    assert last_doubling(of, search(of, (0.0,) * 4, (3.0, 3.0, 3.0, 3.0))) == Doubling(2, 4, 0.0)


def test_there_is_none_where_it_is_unknown():
    done = [(1.0, 2.0, 3.0, 4.0)] * 2
    assert last_doubling(spec(steps=(200, 200)), search(RANDOM, *done)) is None  # candidates depend on each other
    assert last_doubling(RANDOM, search(RANDOM, done[0], (1.0, 2.0, 3.0, RUNNING))) is None
    assert last_doubling(RANDOM, search(RANDOM, (DIVERGED,) * 4, done[0])) is None  # a half without any that finished
    target = replace(
        RANDOM.workload,
        objective=Objective("training-loss", reduction="evaluations-to", window=0.01, goal="<=", target=1.0),
    )
    assert last_doubling(replace(RANDOM, workload=target), search(RANDOM, *done)) is None
    one = spec(steps=(200,), population=1, strategy="random")
    assert last_doubling(one, search(one, (1.0,))) is None


def test_the_next_doubling_brings_less_on_average_and_something_every_other_time():
    # Uniform fitnesses: the expected best of n is 1 / (n + 1), so the gain from 4 to 8 is 1/5 - 1/9, and that from 8 to
    # 16 is 1/9 - 1/17. Of 4,000 searches, four standard errors of at most 0.1 / sqrt(4000) and 0.5 / sqrt(4000).
    rng = np.random.default_rng(0)
    gains, following, better = [], [], 0
    for values in rng.uniform(size=(4000, 16)):
        gains.append(last_doubling(RANDOM, search(RANDOM, values[:4].tolist(), values[4:8].tolist())).gain)
        following.append(values[:8].min() - values.min())
        better += values[8:].min() < values[:8].min()
    assert statistics.fmean(gains) == pytest.approx(1 / 5 - 1 / 9, abs=0.4 / math.sqrt(4000))
    assert statistics.fmean(following) == pytest.approx(1 / 9 - 1 / 17, abs=0.4 / math.sqrt(4000))
    assert better / 4000 == pytest.approx(0.5, abs=2 / math.sqrt(4000))


def test_it_is_in_the_summary_if_details_are_asked_for():
    candidates = search(RANDOM, (4.0, 3.0, 2.0, 1.0), (4.0, 3.0, 2.0, 1.0))
    assert summarise(study(RANDOM), candidates).doubling is None
    assert summarise_in_detail(study(RANDOM), candidates).doubling.candidates == 8
