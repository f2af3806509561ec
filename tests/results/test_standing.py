"""The best optimizer of a run and how certain that is, from the outcomes on fresh seeds."""

import math

import numpy as np
import pytest

from tests.support.builders import ADAM, LODO, YOGI, fresh, spec, study
from tuner.core.aggregates import GenerationTotals, Pace, StudyTotals
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.decimation import decimated
from tuner.results.analysis.standing import lead, ranked, seconds_left, standing
from tuner.results.analysis.verdict import Verdict


def totals(space, tuned=(), *, best=1.0, done=4, pace=None, status=StudyStatus.COMPLETE, generations=2):
    """Return the totals of a search of 2 generations of 4 with budgets 100 and 200, and 3 fresh seeds."""
    of = spec(space)
    counts = dict.fromkeys(Status, 0)
    numbers = tuple(
        GenerationTotals(number, counts | {Status.FINISHED: done}, best + number, 10 + number, best, best, 1, 1.0)
        for number in range(generations)
    )
    outcomes = fresh([9.0] * len(tuned), tuned)
    return standing(StudyTotals(study(of, status=status), 1, numbers, tuple(outcomes), pace))


def test_the_leader_is_clear_if_it_is_better_seed_by_seed_by_more_than_twice_the_spread():
    adam, lodo = totals(ADAM, [5.0, 6.0, 7.0]), totals(LODO, [1.0, 2.1, 2.9])  # differences 4, 3.9, 4.1
    found = lead([adam, lodo])
    assert (found.first, found.second) == (lodo, adam)
    assert found.is_on_fresh_seeds
    assert found.is_final
    assert found.verdict is Verdict.BETTER
    assert found.gain.mean == pytest.approx(4.0)


def test_the_leader_is_open_if_the_difference_is_within_twice_its_spread():
    found = lead([totals(ADAM, [5.0, 6.0, 1.0]), totals(LODO, [1.0, 2.0, 2.9])])  # differences 4, 4, -1.9
    assert found.first.optimizer == "LODO"
    assert found.verdict is Verdict.WITHIN_THE_SPREAD


def test_a_point_that_diverged_on_a_seed_comes_after_those_that_did_not():
    diverged, steady = totals(ADAM, [1.0, 1.0, Status.DIVERGED]), totals(LODO, [5.0, 5.0, 5.0])
    found = lead([diverged, steady])
    assert found.first is steady
    assert found.verdict is Verdict.DEFAULT_DIVERGED  # of the second


def test_before_fresh_seeds_the_best_of_the_greatest_budget_leads_without_a_verdict():
    behind = totals(YOGI, best=0.1, generations=1, status=StudyStatus.RUNNING)  # with a budget of 100 only
    adam, lodo = (totals(one, best=best, status=StudyStatus.RUNNING) for one, best in ((ADAM, 2.0), (LODO, 1.0)))
    found = lead([behind, adam, lodo])
    assert (found.first, found.second) == (lodo, adam)
    assert not found.is_on_fresh_seeds
    assert not found.is_final
    assert found.verdict is None
    assert [one.optimizer for one in ranked([behind, adam, lodo])] == ["LODO", "Adam", "Yogi"]


def test_nothing_leads_without_a_result():
    nothing = StudyTotals(study(spec(ADAM), tuned=False, status=StudyStatus.RUNNING), 1, (), (), None)
    assert lead([standing(nothing)]) is None


def test_the_time_left_is_the_work_left_by_the_sum_of_the_paces():
    pace = Pace(10, 500, 10.0)  # 50 gradient evaluations per second
    running = [totals(space, best=1.0, done=2, pace=pace, status=StudyStatus.RUNNING) for space in (ADAM, LODO)]
    # Each: 2 of 4 candidates of 100 and of 200 are left, and 2 x 3 fresh seeds of 200: 200 + 400 + 1200.
    assert [one.evaluations_left for one in running] == [1800, 1800]
    assert seconds_left(running) == pytest.approx(3600 / 100)
    assert seconds_left([totals(ADAM, done=2, status=StudyStatus.RUNNING)]) is None


def test_a_decimated_curve_keeps_its_ends_its_extremes_and_what_is_not_finite():
    losses = np.sin(np.arange(10_000))
    losses[7_777], losses[1_234], losses[5_000] = 50.0, -50.0, math.nan
    places = decimated(losses, 200)
    assert len(places) <= 200
    assert {0, 9_999, 7_777, 1_234, 5_000} <= set(places.tolist())
    assert (np.diff(places) > 0).all()
    assert decimated(losses[:150], 200).tolist() == list(range(150))
    assert len(decimated(losses, 4)) <= 4
