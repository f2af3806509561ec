"""Several searches for each optimizer as one result: means, spreads, intervals, ranks and verdicts over searches."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from tests.support.builders import ADAM, LODO, MOMENTUM, fresh, search, spec, study
from tuner.core.objective_text import parse
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.margins import Margin, judged
from tuner.results.analysis.relative import relative_gain
from tuner.results.analysis.searches import compared, merged, ranks
from tuner.results.analysis.summary import summarise
from tuner.results.analysis.verdict import Verdict
from tuner.results.figures.progress import Progress, mean_of
from tuner.results.tables.next_lines import next_lines
from tuner.results.tables.table import Table

DIVERGED, FAILED = Status.DIVERGED, Status.FAILED
DEFAULT = (1.0, 1.1, 0.9)


def one(space, seed, tuned, default=DEFAULT, generations=((4.0, 3.0, 2.0, 1.0),), **fields):
    """Return the summary of one of several searches."""
    of = spec(space, steps=(200,) * len(generations), fresh_seeds=len(default), seed=seed, is_repeated=True)
    return summarise(study(of, **fields), [*search(of, *generations), *fresh(default, tuned)])


def several(space, *tuned, **fields):
    return [one(space, seed, values, **fields) for seed, values in enumerate(tuned)]


FIVE = [(value, value + 0.1, value - 0.1) for value in (0.5, 0.4, 0.6, 0.3, 0.7)]
ADAMS = several(ADAM, *FIVE)
LODOS = several(LODO, *[(value, value, value) for value in (0.45, 0.5, 0.55, 0.2, 0.6)])


def test_a_point_has_the_mean_and_the_standard_deviation_of_the_means_of_its_searches():
    (adam,) = merged(ADAMS)
    means = np.mean(FIVE, axis=1)
    assert (adam.tuned.mean, adam.tuned.spread) == pytest.approx((means.mean(), means.std(ddof=1)))
    assert (adam.default.mean, adam.default.spread) == (pytest.approx(1.0), 0.0)
    assert (adam.tuned.seeds, adam.tuned.finished, adam.tuned.left) == (5, 5, 0)
    assert (adam.study, adam.seed, len(adam.searches)) == ("first/Adam", 0, 5)


def test_the_gain_its_interval_and_the_verdict_are_those_of_the_searches():
    (adam,) = merged(ADAMS)
    means = np.mean(FIVE, axis=1)
    assert (adam.gain.mean, adam.gain.spread) == pytest.approx(((1 - means).mean(), means.std(ddof=1)))
    size = relative_gain([(1.0, float(mean)) for mean in means])
    assert (adam.gain.relative.low, adam.gain.relative.high) == pytest.approx((size.low, size.high))
    assert adam.verdict is Verdict.BETTER  # 0.5 > 2 · 0.158
    assert merged(ADAMS[:4])[0].gain.relative.low is None
    assert merged(ADAMS[:2])[0].verdict is Verdict.TOO_FEW_SEEDS


def test_costs_and_counts_are_sums():
    (adam,) = merged(ADAMS)
    assert adam.search_cost.evaluations == sum(each.search_cost.evaluations for each in ADAMS)
    assert adam.fresh_cost.seconds == pytest.approx(sum(each.fresh_cost.seconds for each in ADAMS))
    assert (adam.counts.total, adam.counts.finished) == (20, 20)
    assert adam.best == min((each.best for each in ADAMS), key=lambda best: best.fitness)


@pytest.mark.parametrize(("between", "within"), [(0.1, 0.0), (0.1, 0.2), (0.0, 0.2)])
def test_the_interval_covers_the_randomness_of_searches_and_that_of_trainings(between, within):
    """The true gain is that of the mean over all searches and trainings; 8 fresh seeds in each of 6 searches."""
    generator, draws, covered, seeds_alone = np.random.default_rng(3), 2_000, 0, 0
    for _ in range(draws):
        found = 0.6 + between * generator.normal(size=6)  # what the searches find
        trained = found[:, None] + within * generator.normal(size=(6, 8))
        size = relative_gain([(1.0, float(mean)) for mean in trained.mean(axis=1)])
        covered += size.low <= 0.4 <= size.high
        first = relative_gain([(1.0, value) for value in trained[0].tolist()])  # of one search
        seeds_alone += first.low <= 0.4 <= first.high
    assert covered / draws == pytest.approx(0.95, abs=0.015)
    if between:
        assert seeds_alone / draws < 0.85  # one search alone is too sure


def test_equally_good_points_are_called_better_as_rarely_as_by_the_rule_for_seeds():
    generator, draws, wrong = np.random.default_rng(5), 400, 0
    for _ in range(draws):
        found = generator.normal(1.0, 0.2, size=3)
        group = several(ADAM, *[(float(value),) * 3 for value in found], default=(1.0,) * 3)
        wrong += merged(group)[0].verdict is Verdict.BETTER
    assert wrong / draws == pytest.approx(0.037, abs=0.03)  # the rule's, for three


def test_a_search_in_which_a_point_diverged_on_a_seed_counts_as_diverged_and_is_in_no_mean():
    group = [*ADAMS[:4], one(ADAM, 4, (0.1, DIVERGED, 0.1))]
    (adam,) = merged(group)
    assert (adam.tuned.diverged, adam.tuned.valued) == (1, 4)
    assert adam.tuned.mean == pytest.approx(np.mean([0.5, 0.4, 0.6, 0.3]))
    assert adam.verdict is Verdict.TUNED_DIVERGED
    text = " ".join(Table(tuple(group)).to_text().split())
    assert "(4/5)" in text
    assert "(k/n): the mean of k searches whose runs all finished, of n." in text
    assert "Adam: the tuned point diverged in 1 of 5 searches" in text


def test_a_search_with_a_failed_run_is_left_out_of_the_verdict():
    (adam,) = merged([*ADAMS[:4], one(ADAM, 4, (0.1, FAILED, 0.1))])
    assert (adam.verdict, adam.tuned.failed) == (Verdict.BETTER, 1)
    assert adam.gain.mean == pytest.approx(1 - np.mean([0.5, 0.4, 0.6, 0.3]))


def test_searches_that_all_diverged_have_no_value():
    group = several(ADAM, *[(DIVERGED,) * 3] * 3, default=(DIVERGED,) * 3)
    (adam,) = merged(group)
    assert (adam.tuned.mean, adam.verdict) == (None, Verdict.BOTH_DIVERGED)
    assert "diverged" in Table(tuple(group)).to_text()


def test_while_a_search_is_not_complete_there_is_no_verdict_and_its_name_resumes_all():
    of = spec(ADAM, steps=(200,), seed=4, is_repeated=True)
    open_one = summarise(study(of, tuned=False, status=StudyStatus.INTERRUPTED), search(of, (4.0, 3.0)))
    group = [*ADAMS[:4], open_one]
    (adam,) = merged(group)
    assert (adam.status, adam.verdict) == (StudyStatus.INTERRUPTED, Verdict.NOT_RUN)
    text = " ".join(Table(tuple(group)).to_text().split())
    assert "so far Adam" in text
    assert "18 of 20 individuals and 24 of 30 fresh runs done; continue with lodo-tune resume first/Adam" in text


def test_a_target_that_was_missed_on_a_seed_is_missed_in_the_search():
    objective = parse("evaluations-to:validation.loss<=0.5")
    of = spec(ADAM, steps=(200,), fresh_seeds=3, is_repeated=True)
    group = []
    for seed in range(3):
        this = replace(of, seed=seed, workload=replace(of.workload, objective=objective))
        tuned = (100.0, 110.0, 300.0 if seed == 1 else 90.0)  # above the budget of 200: missed
        group.append(summarise(study(this), [*search(this, (100.0, 120.0)), *fresh((150.0,) * 3, tuned)]))
    (adam,) = merged(group)
    assert (adam.tuned.missed, adam.tuned.mean, adam.verdict) == (1, 100.0, Verdict.TUNED_MISSED)


def test_where_higher_is_better_the_gain_over_searches_is_an_improvement():
    of = spec(ADAM, steps=(200,), fresh_seeds=3, is_repeated=True)
    of = replace(of, workload=replace(of.workload, objective=parse("validation.accuracy")))
    group = [
        summarise(
            study(replace(of, seed=seed)), [*search(of, (-0.5, -0.6)), *fresh((-0.5,) * 3, (-value,) * 3)]
        )
        for seed, value in enumerate((0.6, 0.65, 0.62))
    ]  # fmt: skip
    (adam,) = merged(group)
    assert adam.tuned.mean == pytest.approx(np.mean([0.6, 0.65, 0.62]))
    assert (adam.verdict, adam.gain.mean) == (Verdict.BETTER, pytest.approx(np.mean([0.1, 0.15, 0.12])))


def test_ranks_are_counted_over_the_seeds_with_ties_at_the_better_rank():
    # Adam 0.5 0.4 0.6 0.3 0.7, LODO 0.45 0.5 0.55 0.2 0.6, Momentum as LODO with the first seed and last elsewhere.
    momentum = several(MOMENTUM, *[(value,) * 3 for value in (0.45, 9.0, 9.0, 9.0, 9.0)])
    found = {each.optimizer: each for each in ranks(merged([*ADAMS, *LODOS, *momentum]))}
    assert found["Adam"].counts == (1, 3, 1)
    assert found["LODO"].counts == (4, 1, 0)
    assert found["Momentum"].counts == (1, 0, 4)
    assert found["Adam"].mean == 2.0


def test_ranks_count_only_seeds_with_which_all_have_a_result():
    found = ranks(merged([*ADAMS, *LODOS[:3]]))
    assert [sum(each.counts) for each in found] == [3, 3]


def test_two_optimizers_are_compared_search_by_search():
    adam, lodo = merged([*ADAMS, *LODOS])
    verdict, gain, wins = compared(lodo, adam)
    differences = np.array([0.5, 0.4, 0.6, 0.3, 0.7]) - np.array([0.45, 0.5, 0.55, 0.2, 0.6])
    assert (gain.mean, gain.spread) == pytest.approx((differences.mean(), differences.std(ddof=1)))
    assert (verdict, wins) == (Verdict.WITHIN_THE_SPREAD, 4)
    assert stats.ttest_1samp(differences, 0).pvalue > 0.05


def test_the_margin_holds_over_searches_too():
    near = several(ADAM, *[(0.999, 0.999, 0.999)] * 5, default=(1.0, 1.0, 1.0))
    (adam,) = merged(judged(near, Margin.parse("1%")))
    assert adam.gain.margin == pytest.approx(0.01)
    assert adam.verdict is Verdict.EQUIVALENT
    assert "equivalent: the interval lies within the margin" in Table(judged(near, Margin.parse("1%"))).to_text()


def test_the_table_reads_like_this():
    text = Table((*ADAMS, *LODOS)).to_text()
    assert max(map(len, text.splitlines())) <= 100
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "first: rosenbrock, 1 generation × 4 individuals, strategy paper, seeds 0 to 4"
    assert "best LODO: 0.46 ± 0.16 over 5 searches; next Adam: 0.50 ± 0.16 (1.09 ×)" in lines
    assert "Adam 1.000 exact 1.500 0.50 ± 0.16 50 % (30 to 70) better" in lines
    assert "Adam 1 4 1.8" in lines
    assert "LODO 4 1 1.2" in lines
    words = " ".join(text.split())
    assert "certainty LODO is better than Adam in 4 of 5 searches, by 8 % (-15 to 28): which is not clear" in words
    assert "one search of each optimizer" not in words
    assert "± over 5 searches" in words
    assert (
        "±: standard deviation over 5 searches, each of which has its own seed and 3 fresh seeds of its own." in words
    )


def test_one_search_says_that_it_is_one():
    of = spec(ADAM, steps=(200,))
    alone = summarise(study(of), [*search(of, (4.0, 3.0, 2.0, 1.0)), *fresh(DEFAULT, (0.5, 0.4, 0.6))])
    text = " ".join(Table((alone,)).to_text().split())
    assert "one search of each optimizer (seed 0); another seed may find other values" in text
    assert "searches" not in Table((alone,)).to_json()


def test_the_tuned_values_are_those_of_the_median_search_with_the_range_of_all():
    group = [
        replace(each, hyperparameters=tuple(replace(row, tuned=0.1 * (each.seed + 1)) for row in each.hyperparameters))
        for each in ADAMS
    ]
    (adam,) = merged(group)
    assert [row.tuned for row in adam.hyperparameters] == pytest.approx([0.1] * 3)  # 0.5, of seed 0, is the median
    lines = [" ".join(line.split()) for line in Table(tuple(group)).to_text().splitlines()]
    assert "Adam learning_rate 0.001 → 0.1 0.1 to 0.5" in lines


def test_json_has_the_searches_together_beside_each_of_them():
    document = json.loads(Table((*ADAMS, *LODOS)).to_json(), parse_constant=lambda name: pytest.fail(name))
    assert [each["study"] for each in document["studies"]] == [each.study for each in (*ADAMS, *LODOS)]
    adam, lodo = document["searches"]
    assert (adam["optimizer"], adam["seeds"], adam["studies"][1]) == ("Adam", [0, 1, 2, 3, 4], "first/Adam@1")
    assert adam["fitness"]["tuned"]["mean"] == pytest.approx(0.5)
    assert (adam["ranks"], lodo["ranks"], lodo["mean_rank"]) == ([1, 4], [4, 1], 1.2)


def test_csv_has_a_row_for_each_search():
    frame = Table(tuple(ADAMS)).to_dataframe()
    assert frame["study"].unique().tolist() == [f"first/Adam@{seed}" for seed in range(5)]
    assert frame["optimizer"].unique().tolist() == ["Adam"]


def test_what_to_do_next_counts_searches():
    diverged = ((DIVERGED, DIVERGED, DIVERGED, 1.0),)
    group = [*ADAMS[:3], one(ADAM, 3, FIVE[3], generations=diverged), one(ADAM, 4, FIVE[4], generations=diverged)]
    assert next_lines(merged(group)) == [
        "Narrow the search space or lower σ. Adam: in 2 of 5 searches; with seed 3 most of generation 0 diverged"
    ]
    noisy = several(ADAM, *[(value,) * 3 for value in (0.8, 1.1, 1.0, 0.9, 1.1)], default=(1.0,) * 3)
    (line,) = next_lines(merged(noisy))
    assert line.startswith("Search with more seeds. Adam: 5 seeds detect a gain of ")


def test_the_mean_of_several_lines_is_that_of_their_steps():
    lines = [Progress((10, 30, 50), (4.0, 2.0, 2.0)), Progress((20, 40, 60), (8.0, 1.0, 1.0))]
    assert mean_of(lines) == Progress((20, 30, 40, 50), (6.0, 5.0, 1.5, 1.5))
    assert mean_of([]) is None
    assert mean_of([Progress((10, 20), (1.0, 1.0)), Progress((30, 40), (1.0, 1.0))]) is None
    assert not math.isnan(mean_of([lines[0]]).best[0])
