"""Summaries of studies: counts, fitnesses, costs, and the verdict on the tuned point."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search_spaces.space import Scale, SearchSpace
from tests.support.builders import ADAM, MOMENTUM, TUNED, fresh, run, search, spec, study
from tuner import strategies
from tuner.core.numbers import fitness
from tuner.core.study import StudyStatus
from tuner.core.trial import Role, Status
from tuner.results.analysis.failures import UNKNOWN, grouped_failures, run_label
from tuner.results.analysis.generations import by_generation
from tuner.results.analysis.relative import Relative
from tuner.results.analysis.summary import Cost, better_half, summarise, summarise_in_detail
from tuner.results.analysis.verdict import Gain, Verdict, judge

DIVERGED, FAILED, TIMED_OUT = Status.DIVERGED, Status.FAILED, Status.TIMED_OUT
WAITING, RUNNING = Status.WAITING, Status.RUNNING
OF = spec()
LAST = (0.4, 0.1, 0.2, 0.3)  # the last generation's fitnesses, in slot order


def compared(default, tuned, seeds=None):
    records = fresh(default, tuned)
    half = len(default)
    return judge(records[:half], records[half:], half if seeds is None else seeds)


def verdict(default, tuned, seeds=None):
    return compared(default, tuned, seeds)[0]


def summary(*generations, of=OF, runs=(), **fields):
    return summarise(study(of, **fields), [*search(of, *generations), *runs])


def test_the_hyperparameters_stand_in_the_order_of_the_space_with_default_and_tuned():
    rows = summary(LAST, LAST).hyperparameters
    assert [(row.name, row.scale, row.default, row.tuned) for row in rows] == [
        ("learning_rate", Scale.LOG, 0.001, 0.0123456789),
        ("beta_1", Scale.DECAY, 0.9, 0.75),
        ("beta_2", Scale.DECAY, 0.999, 0.99987654),
    ]


def test_fresh_runs_have_the_mean_and_the_sample_standard_deviation_of_those_that_finished():
    # default 1, 2, 6: mean 3, squared distances 4 + 1 + 9 = 14, over n - 1 = 2: sqrt(7).
    # tuned 1, 3 and a diverged one: mean 2, squared distances 1 + 1 = 2, over 1: sqrt(2).
    found = summary(LAST, LAST, runs=fresh([1.0, 2.0, 6.0], [1.0, DIVERGED, 3.0]))
    assert (found.default.mean, found.default.spread) == (3.0, pytest.approx(math.sqrt(7), rel=1e-15))
    assert (found.tuned.mean, found.tuned.spread) == (2.0, pytest.approx(math.sqrt(2), rel=1e-15))
    assert (found.tuned.finished, found.tuned.diverged, found.tuned.seeds, found.tuned.left) == (2, 1, 3, 0)


def test_one_fresh_run_has_a_mean_and_no_spread_and_none_has_neither():
    found = summary(LAST, LAST, runs=fresh([1.5, DIVERGED, FAILED], [DIVERGED, DIVERGED, TIMED_OUT]))
    assert (found.default.mean, found.default.spread) == (1.5, None)
    assert (found.tuned.mean, found.tuned.spread) == (None, None)
    assert (found.default.failed, found.tuned.timed_out) == (1, 1)


def test_a_spread_beyond_float64_is_infinite_and_hides_every_difference():
    found = summary(LAST, LAST, runs=fresh([1.7e308, -1.7e308, 1.7e308], [0.0, 0.0, 0.0]))
    assert (found.default.spread, found.gain.spread) == (math.inf, math.inf)
    assert found.verdict is Verdict.WITHIN_THE_SPREAD


def test_gains_beyond_float64_are_infinite_and_keep_their_sign():
    assert compared([1.7e308] * 3, [-1.7e308] * 3) == (Verdict.BETTER, Gain(math.inf, 0.0, Relative(2.0)))
    assert compared([-1.7e308] * 3, [1.7e308] * 3) == (Verdict.WORSE, Gain(-math.inf, 0.0, Relative(-2.0)))


def test_under_the_papers_rule_searched_is_the_mean_of_the_better_half_of_the_last_generation():
    # Of 0.4, 0.1, 0.2, 0.3 the better two are 0.1 and 0.2; the lower fitnesses before do not count.
    assert summary((0.01, 0.01, 0.01, 0.01), LAST).searched == pytest.approx(0.15, rel=1e-15)


def test_the_better_half_is_exactly_those_whose_average_the_strategy_paper_returns():
    fitnesses = [[3.0, 1.0, math.inf, 2.0, 1.0], [2.0, math.inf, 1.0, 1.0, 5.0]]
    of = spec(population=5)
    strategy = strategies.create(
        "paper",
        mean=SearchSpace.from_dict(ADAM).default_genome(),
        lower=SearchSpace.from_dict(ADAM).lower,
        upper=SearchSpace.from_dict(ADAM).upper,
        population=5,
        parameters=of.parameters,
        steps=of.steps,
        seed=1,
    )
    for told in fitnesses:
        genomes = strategy.ask().genomes
        strategy.tell(told)
    records = search(of, *[[each if math.isfinite(each) else DIVERGED for each in told] for told in fitnesses])
    half = better_half(by_generation(of, records)[-1])
    assert [individual.key.slot for individual in half] == [2, 3]
    np.testing.assert_allclose(strategy.result(), np.mean([genomes[2], genomes[3]], axis=0), rtol=1e-15)


def test_searched_is_of_those_that_finished_where_they_are_fewer_than_half():
    assert summary(LAST, (DIVERGED, DIVERGED, 0.7, FAILED)).searched == 0.7


def test_searched_is_the_generation_before_if_the_last_wholly_diverged_at_the_same_budget_and_nothing_at_another():
    wholly = (DIVERGED,) * 4
    assert summary(LAST, wholly, of=spec(steps=(200, 200))).searched == pytest.approx(0.15, rel=1e-15)
    assert summary(LAST, wholly, of=spec(steps=(100, 200))).searched is None


def test_for_other_strategies_searched_is_the_best_individual_of_all_that_had_the_last_budget():
    of = spec(steps=(200, 100, 200), strategy="random")
    # 0.1 in the first generation has the last one's budget; 0.001 in the second has not.
    assert summary(LAST, (0.001,) * 4, (0.5, 0.6, 0.7, 0.8), of=of).searched == 0.1


def test_best_is_the_lowest_of_all_that_had_the_newest_budget_that_anybody_finished_and_ties_go_to_the_earlier():
    best = summary((0.0, 0.0, 0.0, 0.0), (0.4, 0.2, 0.2, DIVERGED)).best
    assert (best.generation, best.slot, best.steps, best.fitness) == (1, 1, 200, 0.2)
    assert dict(best.hyperparameters)["learning_rate"] == 0.02  # the builder's 0.01 * (slot + 1)
    assert summary((5.0, 6.0, 7.0, 8.0), (DIVERGED,) * 4).best.generation == 0
    assert summary((DIVERGED,) * 4).best is None
    alike = summary((0.3, 0.1, 0.4, 0.5), (0.4, 0.2, 0.2, DIVERGED), of=spec(steps=(200, 200))).best
    assert (alike.generation, alike.slot, alike.fitness) == (0, 1, 0.1)


def test_every_individual_is_counted_once_by_what_came_of_it():
    counts = summary((1.0, 2.0, DIVERGED, FAILED), (1.0, TIMED_OUT, RUNNING, WAITING)).counts
    assert (counts.finished, counts.diverged, counts.failed, counts.timed_out) == (3, 1, 1, 1)
    assert (counts.done, counts.total) == (6, 8)


def test_costs_are_summed_over_the_search_and_the_fresh_runs_apart():
    # The builder's runs take 0.5 s and all of their budget, or 17 evaluations if they do not finish.
    found = summary((1.0, 1.0, 1.0, DIVERGED), (1.0, 1.0, FAILED, WAITING), runs=fresh([1.0, 1.0, 1.0], [1.0, 1.0]))
    assert (found.search_cost.evaluations, found.search_cost.seconds) == (3 * 100 + 17 + 2 * 200 + 17, 3.5)
    assert (found.fresh_cost.evaluations, found.fresh_cost.seconds) == (5 * 200, 2.5)


def test_what_was_lost_is_what_each_training_had_done_by_its_end():
    # The builder's runs that do not finish have done 17 evaluations in 0.5 s.
    runs = search(OF, (1.0, DIVERGED, FAILED, DIVERGED), (1.0, TIMED_OUT, DIVERGED, RUNNING))
    runs[3] = replace(runs[3], steps_done=99)
    found = summarise(study(), [*runs, *fresh([DIVERGED] * 3, [FAILED] * 3)])  # fresh seeds are not of the search
    assert found.diverged_cost == Cost(17 + 99 + 17, 1.5)
    assert (found.failed_cost, found.timed_out_cost) == (Cost(17, 0.5), Cost(17, 0.5))
    assert found.search_cost == Cost(100 + 200 + 133 + 34, 3.5)


def test_the_place_of_a_tuned_value_is_told_in_sigmas_and_by_its_bounds():
    space = {
        "optimizer": "Adam",
        "hyperparameters": {
            "learning_rate": {"scale": "log", "default": 0.001, "high": 0.02},
            "beta_1": {"scale": "decay", "default": 0.9},
            "fixed": {"scale": "log", "default": 1.0, "low": 1.0, "high": 1.0},
            "free": {"scale": "decay", "default": 0.5},
            "given": {"scale": "decay", "default": 0.5, "low": 0.0, "high": 0.9},
        },
    }
    of = spec(space)  # its first sigma is 3
    tuned = {"learning_rate": 0.02, "beta_1": 0.99, "fixed": 1.0, "free": 0.0, "given": 0.0}
    found = summarise(replace(study(of), tuned=tuned), search(of, (1.0,) * 4, (1.0,) * 4))
    rate, beta, fixed, free, given = found.hyperparameters
    assert [row.bound for row in (rate, beta, fixed, free, given)] == ["high", "", "", "low", "low"]
    # No momentum is below 0, whether the space says so or not.
    assert [row.is_bound_given for row in (rate, free, given)] == [True, False, False]
    assert rate.distance == pytest.approx(math.log(20) / 3, rel=1e-12)
    assert beta.distance == pytest.approx(math.log(0.1) / 3, rel=1e-12)  # 1 - beta is a tenth


def test_tolerances_are_there_if_details_are_asked_for():
    candidates = search(OF, LAST, LAST)
    assert {row.tolerance for row in summarise(study(), candidates).hyperparameters} == {None}
    notes = [row.tolerance.note for row in summarise_in_detail(study(), candidates).hyperparameters]
    # The genomes of the builder are all (0, 0, 0).
    assert notes == ["1 of the 9 different genomes that are needed finished with the last budget"] * 3


def test_an_incomplete_study_is_summarised_without_a_tuned_point():
    found = summary((1.0, 2.0, 3.0, 4.0), (1.0, RUNNING), tuned=False, status=StudyStatus.INTERRUPTED)
    assert found.status == "interrupted"
    assert [row.tuned for row in found.hyperparameters] == [None, None, None]
    assert (found.searched, found.tuned.mean, found.tuned.left, found.verdict) == (None, None, 3, Verdict.NOT_RUN)


def test_a_study_without_any_candidate_is_summarised():
    found = summarise(study(spec(MOMENTUM), tuned=False, status=StudyStatus.INTERRUPTED), [])
    assert (found.counts.done, found.counts.total, found.best, found.search_cost.evaluations) == (0, 8, None, 0)


def test_the_order_of_the_candidates_does_not_matter():
    records = [*search(OF, LAST, LAST), *fresh([1.0, 2.0, 6.0], [1.0, DIVERGED, 3.0])]
    assert summarise(study(), records[::-1]) == summarise(study(), records)


# The verdict: the mean gain lies beyond twice the gains' sample standard deviation. The gains here are x - 1, x and
# x + 1, of mean x and standard deviation 1, under fitnesses that vary a hundred times as much from seed to seed.
@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (2.5, Verdict.BETTER),
        (2.0, Verdict.WITHIN_THE_SPREAD),  # not more than 2
        (0.0, Verdict.WITHIN_THE_SPREAD),
        (-2.0, Verdict.WITHIN_THE_SPREAD),
        (-2.5, Verdict.WORSE),
    ],
)
def test_the_verdict_is_better_or_worse_only_beyond_twice_the_spread_of_the_gains(gain, expected):
    found = compared([100.0, 200.0, 300.0], [100 - (gain - 1), 200 - gain, 300 - (gain + 1)])
    assert (found[0], found[1].mean, found[1].spread) == (expected, gain, 1.0)


def test_equally_good_points_are_called_better_as_rarely_as_the_docstring_says():
    # P(t with n - 1 degrees of freedom > 2 sqrt(n)): 3.7 % at n = 3 and 1.4 % at n = 4, by its distribution function
    # 1/2 + x / (2 sqrt(2 + x²)) at 2 degrees and Student's table at 3. Of 4,000 studies, four standard errors.
    rng = np.random.default_rng(0)
    for seeds, chance in ((3, 0.5 - math.sqrt(12 / 14) / 2), (4, 0.0140)):
        gains = rng.normal(size=(4000, seeds))
        better = sum(verdict([5.0] * seeds, list(5.0 - row)) is Verdict.BETTER for row in gains)
        assert abs(better / 4000 - chance) < 4 * math.sqrt(chance / 4000)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 3e15], Verdict.BETTER),  # its standard deviation is 2.4 times its mean
        ([-1.0, -2.0, -3.0, -4.0, -5.0, -3e15], Verdict.WORSE),
        ([1.0, 2.0, 3.0, 4.0, 3e15], Verdict.WITHIN_THE_SPREAD),  # equally good points have this in 3 % of studies
        ([1.0, 2.0, 3.0, 4.0, 0.0, 3e15], Verdict.WITHIN_THE_SPREAD),
        ([-1.0, 2.0, 3.0, 4.0, 5.0, 3e15], Verdict.WITHIN_THE_SPREAD),
    ],
)
def test_from_six_seeds_on_gains_of_one_sign_decide_however_skewed_they_are(gains, expected):
    assert verdict(gains, [0.0] * len(gains)) is expected


def test_with_six_seeds_equally_good_points_are_called_better_as_rarely_as_the_docstring_says():
    # 2^-6, for any distribution that is symmetric about zero: here Cauchy's. Of 4,000 studies, four standard errors.
    gains = np.random.default_rng(0).standard_cauchy(size=(4000, 6))
    better = sum(verdict(list(row), [0.0] * 6) is Verdict.BETTER for row in gains)
    assert abs(better / 4000 - 2**-6) < 4 * math.sqrt(2**-6 / 4000)


def test_without_noise_any_difference_beyond_rounding_counts():
    assert verdict([0.5] * 3, [0.5] * 3) is Verdict.WITHIN_THE_SPREAD
    assert verdict([0.5] * 3, [0.5 - 2**-30] * 3) is Verdict.BETTER
    assert verdict([0.5] * 3, [0.5 - 2**-50] * 3) is Verdict.WITHIN_THE_SPREAD  # a rounding error
    assert verdict([0.5] * 3, [0.5 + 2**-30] * 3) is Verdict.WORSE


@pytest.mark.parametrize(
    ("default", "tuned", "expected"),
    [
        ([1.0, 1.0, DIVERGED], [0.1, 0.1, 0.1], Verdict.DEFAULT_DIVERGED),
        ([1.0, 1.0, 1.0], [0.1, DIVERGED, 0.1], Verdict.TUNED_DIVERGED),
        ([DIVERGED, DIVERGED, 1.0], [0.1, DIVERGED, 0.1], Verdict.DEFAULT_DIVERGED),
        ([DIVERGED, 1.0, 1.0], [0.1, DIVERGED, 0.1], Verdict.BOTH_DIVERGED),
        ([DIVERGED] * 3, [DIVERGED] * 3, Verdict.BOTH_DIVERGED),
    ],
)
def test_a_diverged_run_decides_before_any_mean(default, tuned, expected):
    assert compared(default, tuned) == (expected, Gain())  # a gain would flatter who diverged


def test_a_seed_on_which_either_failed_or_timed_out_is_left_out_for_both():
    # The default's 100 and the tuned point's 50 have no counterpart.
    found = compared([1.0, 1.0, 100.0, FAILED, 1.0], [0.0, 0.0, TIMED_OUT, 50.0, 0.0])
    assert found == (Verdict.BETTER, Gain(1.0, 0.0, Relative(1.0)))


def test_divergence_on_a_seed_that_is_left_out_does_not_decide():
    assert verdict([1.0, 1.0, 1.0, DIVERGED], [0.0, 0.0, 0.0, FAILED]) is Verdict.BETTER


def test_two_seeds_are_too_few():
    assert compared([1.0, 2.0], [0.0, 1.0]) == (Verdict.TOO_FEW_SEEDS, Gain(1.0, 0.0, Relative(1.0 / 1.5)))
    assert compared([1.0], [0.5]) == (Verdict.TOO_FEW_SEEDS, Gain(0.5, None, Relative(0.5)))
    assert verdict([1.0, 1.0, FAILED], [0.0, 0.0, 0.0]) is Verdict.TOO_FEW_SEEDS
    assert compared([FAILED] * 3, [0.0] * 3) == (Verdict.TOO_FEW_SEEDS, Gain())


def test_there_is_no_verdict_before_all_fresh_runs_are_done_or_if_none_are_wanted():
    assert verdict([1.0, 1.0, 1.0], [0.0, 0.0, RUNNING]) is Verdict.NOT_RUN
    assert verdict([1.0, 1.0, 1.0], [0.0, 0.0, 0.0], seeds=4) is Verdict.NOT_RUN
    assert compared([], []) == (Verdict.NOT_RUN, Gain())


def test_runs_are_paired_by_their_seed_whatever_their_order():
    default = [run(Role.DEFAULT, 0, seed, outcome) for seed, outcome in enumerate([1.0, 1.0, 1.0, FAILED])]
    tuned = [run(Role.TUNED, 0, seed, outcome) for seed, outcome in enumerate([0.0, 0.0, 0.0, 9.0])]
    assert judge(default, tuned[::-1], 4)[0] is Verdict.BETTER


def test_a_generation_knows_its_best_its_median_of_those_that_finished_and_who_is_left():
    first, second = by_generation(OF, search(OF, (4.0, DIVERGED, 1.0, 2.5), (RUNNING, DIVERGED)))
    assert (first.best, first.median, first.left) == (1.0, 2.5, 0)  # 1, 2.5, 4
    assert [fitness(individual) for individual in first.finished] == [1.0, 2.5, 4.0]
    assert (second.best, second.median, second.left) == (None, None, 3)  # one diverged of 4
    assert (first.steps, second.steps, first.sigma, second.sigma) == (100, 200, 3.0, 1.5)


def test_reasons_that_differ_in_numbers_alone_are_one_group_and_the_largest_comes_first():
    records = [
        run(Role.SEARCH, 0, 0, FAILED, reason="worker crashed"),
        run(Role.SEARCH, 0, 1, DIVERGED, reason="loss was nan at evaluation 3"),
        run(Role.TUNED, 0, 2, DIVERGED, reason="loss was nan at evaluation 41"),
        run(Role.SEARCH, 0, 2, TIMED_OUT, reason="timed out after 2 s"),
        run(Role.SEARCH, 0, 3, FAILED),
        run(Role.SEARCH, 1, 0, 1.0, reason="not a failure"),
        run(Role.SEARCH, 1, 1, RUNNING, reason="not final"),
    ]
    groups = [
        (group.status, group.reason, [run_label(key) for key in group.keys]) for group in grouped_failures(records)
    ]
    assert groups == [
        (DIVERGED, "loss was nan at evaluation …", ["g00/s01", "tuned 2"]),
        (FAILED, "worker crashed", ["g00/s00"]),
        (TIMED_OUT, "timed out after 2 s", ["g00/s02"]),  # alone, so its numbers stay
        (FAILED, UNKNOWN, ["g00/s03"]),
    ]


def test_the_tuned_point_is_the_studys_own():
    assert {row.name: row.tuned for row in summary(LAST, LAST).hyperparameters} == TUNED["Adam"]
