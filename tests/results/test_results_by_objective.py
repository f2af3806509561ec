"""Verdicts, rankings and tables by objectives other than a loss, from records made by hand."""

import math
from dataclasses import replace

import pytest

from tests.support.builders import ADAM, LODO, comparison_spec, fresh, run, search, spec, study
from tuner.core.objective_text import parse
from tuner.core.study import SeedRun
from tuner.core.trial import Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.generations import by_generation
from tuner.results.analysis.ranking import Standing
from tuner.results.analysis.summary import summarise
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables.table import Table

ACCURACY = parse("validation.accuracy")
TARGET = parse("evaluations-to:validation.loss<=0.1")
DIVERGED = Status.DIVERGED


def by(objective, of):
    return replace(of, workload=replace(of.workload, objective=objective))


def summary(objective, default, tuned, *generations):
    """The summary of a search with a budget of 200; outcomes are fitnesses, as they are stored."""
    of = by(objective, spec(steps=(100, 200)))
    last = generations or ((20.0,) * 4, (20.0,) * 4)
    return summarise(study(of), [*search(of, *last), *fresh(default, tuned)])


def missed(nearest):
    return TARGET.missed_fitness(nearest, 200)


def contest(objective, outcomes):
    studies = []
    for space, fitnesses in zip((ADAM, LODO), outcomes, strict=True):
        of = by(objective, comparison_spec(space, steps=200, seeds=len(fitnesses), run="contest"))
        runs = [SeedRun(run(Role.COMPARISON, 0, slot, one), {}, None) for slot, one in enumerate(fitnesses)]
        studies.append((study(of, tuned=False), runs))
    return compare_runs(studies)


def test_a_gain_is_an_improvement_where_higher_is_better():
    found = summary(ACCURACY, [-0.5, -0.5, -0.6], [-0.9, -0.8, -0.9])
    assert (found.default.mean, found.tuned.mean) == (pytest.approx(1.6 / 3), pytest.approx(2.6 / 3))
    assert (found.verdict, found.gain.mean) == (Verdict.BETTER, pytest.approx(1 / 3))
    assert summary(ACCURACY, [-0.9, -0.8, -0.9], [-0.5, -0.5, -0.6]).verdict is Verdict.WORSE


def test_the_best_individual_has_the_highest_value_and_the_median_is_in_its_units():
    found = summary(ACCURACY, [-0.5] * 3, [-0.9] * 3, [-0.1] * 4, [-0.2, -0.7, -0.4, DIVERGED])
    assert (found.best.slot, found.best.fitness) == (1, 0.7)
    assert found.searched == pytest.approx(0.55)  # of the strategy paper: the mean of the better half


@pytest.mark.parametrize(
    ("default", "tuned", "verdict"),
    [
        ([20.0, missed(0.2), missed(3.0)], [20.0, 30.0, missed(0.2)], Verdict.DEFAULT_MISSED),
        ([20.0, 20.0, 20.0], [10.0, 10.0, missed(0.1001)], Verdict.TUNED_MISSED),
        ([20.0, 20.0, missed(9.0)], [10.0, 10.0, missed(0.2)], Verdict.BOTH_MISSED),
        ([20.0, 20.0, missed(9.0)], [10.0, 10.0, DIVERGED], Verdict.TUNED_DIVERGED),
        ([20.0, 21.0, 20.0], [10.0, 10.0, 10.0], Verdict.BETTER),
    ],
)
def test_a_missed_target_is_a_verdict_of_its_own_after_divergence(default, tuned, verdict):
    assert summary(TARGET, default, tuned).verdict is verdict


def test_runs_that_missed_the_target_are_in_no_mean_and_counted():
    found = summary(TARGET, [20.0, 30.0, missed(0.2)], [missed(0.3)] * 3)
    assert (found.default.mean, found.default.finished, found.default.missed) == (25.0, 3, 1)
    assert (found.tuned.mean, found.tuned.missed) == (None, 3)
    text = Table((found,)).to_text()
    assert "Evaluations to validation loss ≤ 0.1 within 200 gradient evaluations (lower is better)" in text
    assert "(2/3)" in text
    assert "not reached" in text
    assert r"Evaluations to validation loss $\le$ 0.1 within" in Table((found,)).to_latex()


def test_a_median_between_a_time_and_a_miss_is_none():
    of = by(TARGET, spec(steps=(200,)))
    for fitnesses, median in (
        ((40.0, 60.0, missed(0.4), missed(0.5)), None),  # the mean of 60 and a rank above 200 is no time
        ((40.0, 60.0, 80.0, missed(0.5)), 70.0),
        ((40.0, 60.0, missed(0.5)), 60.0),
    ):
        (generation,) = by_generation(of, search(of, fitnesses))
        assert generation.median == median


def test_the_best_of_a_comparison_misses_the_target_least_often():
    steady = [50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0, 57.0]
    hasty = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, missed(0.2)]
    found = contest(TARGET, (steady, hasty))
    adam, lodo = found.contenders
    assert (adam.by_steps.rank.standing, lodo.by_steps.rank.standing) == (Standing.BEST, Standing.LOWER)
    assert (lodo.by_steps.loss.mean, lodo.by_steps.missed) == (13.0, 1)
    text = " ".join(Table(comparisons=(found,)).to_text().split())
    assert "lower: lower evaluations than the best where it finished, but it diverged or missed the target more" in text
    assert "7/8" in text


def test_the_best_of_a_comparison_has_the_highest_mean_where_higher_is_better():
    safe = [-0.80, -0.81, -0.82, -0.83, -0.84, -0.85, -0.86, -0.87]
    found = contest(ACCURACY, (safe, [-0.1 + accuracy for accuracy in safe[:-1]] + [DIVERGED]))
    adam, lodo = found.contenders
    assert (adam.by_steps.rank.standing, lodo.by_steps.rank.standing) == (Standing.BEST, Standing.LOWER)
    assert adam.by_steps.loss.mean == pytest.approx(0.835)
    text = " ".join(Table(comparisons=(found,)).to_text().split())
    assert "best: the highest mean among the optimizers that diverged least often." in text
    assert "higher: higher accuracy values than the best where it finished, but it diverged more often." in text
    equal = contest(ACCURACY, (safe, [accuracy - 0.1 for accuracy in safe]))
    assert equal.contenders[1].by_steps.rank.standing is Standing.BEST


def test_accuracies_of_zero_are_not_taken_for_rounding_errors_of_losses():
    found = contest(ACCURACY, ([0.0] * 8, [0.0] * 8))
    assert not any("rounding" in remark for remark in found.remarks)
    assert math.isclose(found.contenders[0].by_steps.loss.mean, 0.0)
