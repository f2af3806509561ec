"""Performance profiles over several targets, against ones computed by hand."""

import math

import numpy as np
import pytest

from tests.support.builders import ADAM, LODO, MOMENTUM, comparison_spec, run, study
from tuner.core.errors import InvalidRequest
from tuner.core.study import SeedRun, Series
from tuner.core.trial import Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.target_profile import MAX_RATIO, profile_of
from tuner.results.figures import draw_profile
from tuner.results.tables.target_profile import csv_of

LOOKS = [0, 100, 200, 300, 400]
CURVES = {  # validation accuracy at LOOKS, of two seeds; a status did not finish
    "Adam": ([0.9, 0.5, 0.7, 0.6, 0.9], [0.0, 0.7, 0.9, 0.9, 0.9]),
    "Momentum": ([0.0, 0.1, 0.2, 0.7, 0.7], Status.DIVERGED),
    "LODO": ([0.0, 0.7, 0.7, 0.9, 0.9], [0.0, 0.1, 0.1, 0.1, 0.7]),
}


def contest(space):
    spec = comparison_spec(space, steps=400, seeds=2, run="contest")
    runs = []
    for slot, curve in enumerate(CURVES[space["optimizer"]]):
        ended = curve if isinstance(curve, Status) else 1.0
        clock = np.array(LOOKS, float)
        accuracy = np.full(5, np.nan) if isinstance(curve, Status) else np.array(curve)
        observed = {"validation": Series(clock, clock, clock, {"accuracy": accuracy})}
        runs.append(SeedRun(run(Role.COMPARISON, 0, slot, ended, steps=400), observed, None))
    return study(spec, tuned=False), runs


@pytest.fixture(scope="module")
def comparison():
    return compare_runs([contest(ADAM), contest(MOMENTUM), contest(LODO)])


def test_a_time_is_that_of_the_first_look_that_reached_the_target_after_the_start(comparison):
    profile = profile_of(comparison, "validation.accuracy>=0.7,0.9,0.99")
    assert profile.names == ("Adam", "Momentum", "LODO")
    assert profile.evaluations.tolist() == [
        [[200, 100], [400, 200], [math.inf, math.inf]],
        [[300, math.inf], [math.inf, math.inf], [math.inf, math.inf]],
        [[100, 400], [300, math.inf], [math.inf, math.inf]],
    ]


def test_a_score_is_the_mean_of_the_profile_up_to_four_times_the_shortest_time(comparison):
    profile = profile_of(comparison, "validation.accuracy>=0.7,0.9")
    ratios = {"Adam": [2, 1, 4 / 3, 1], "Momentum": [3, np.inf, np.inf, np.inf], "LODO": [1, 4, 1, np.inf]}  # by hand
    np.testing.assert_allclose(profile.ratios, list(ratios.values()))
    grid = np.linspace(1, MAX_RATIO, 300_001)
    for name, values in ratios.items():
        shares = np.mean([grid >= value for value in values], axis=0)
        assert profile.scores[name] == pytest.approx(np.trapezoid(shares, grid) / (MAX_RATIO - 1), abs=1e-5)


def test_a_target_that_nobody_reaches_counts_as_unsolved(comparison):
    with_easy = profile_of(comparison, "validation.accuracy>=0.7").scores["LODO"]
    assert profile_of(comparison, "validation.accuracy>=0.7,0.99").scores["LODO"] == pytest.approx(with_easy / 2)


def test_the_figure_ends_at_the_share_of_problems_solved_within_four_times_the_shortest_time(comparison):
    profile = profile_of(comparison, "validation.accuracy>=0.7,0.9")
    (axes,) = draw_profile(comparison, profile).axes
    ends = {line.get_label().split()[0]: line.get_ydata()[-1] for line in axes.lines}
    assert ends == {"Adam": 1.0, "Momentum": 0.25, "LODO": 0.75}


def test_csv_has_a_row_for_each_run_and_target(comparison):
    lines = csv_of(profile_of(comparison, "validation.accuracy>=0.7,0.9")).splitlines()
    assert lines[:3] == [
        "run,contender,target,seed,evaluations", "contest,Adam,validation.accuracy>=0.7,0,200.0",
        "contest,Adam,validation.accuracy>=0.7,1,100.0",
    ]  # fmt: skip
    assert lines[6] == "contest,Momentum,validation.accuracy>=0.7,1,"
    assert len(lines) == 1 + 3 * 2 * 2


def test_a_metric_that_was_not_measured_is_refused(comparison):
    with pytest.raises(InvalidRequest, match=r"targets: contest has measured training-loss, validation\.accuracy"):
        profile_of(comparison, "validation.f1>=1")
