"""What to do next after a search, computed from its results."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from search_spaces.space import Scale
from tests.results.test_sizes import found
from tests.support.builders import ADAM, LODO, fresh, search, spec, study
from tuner.core.study import StudyStatus
from tuner.core.trial import Status
from tuner.results.analysis.next_steps import Kind, next_steps
from tuner.results.analysis.power import detectable
from tuner.results.analysis.relative import relative_gain
from tuner.results.analysis.summary import Cost, summarise
from tuner.results.analysis.verdict import Verdict
from tuner.results.tables.next_lines import MAX_LINES, next_lines
from tuner.results.tables.table import Table

DIVERGED, FAILED = Status.DIVERGED, Status.FAILED
GOOD = (1.0, 1.1, 1.2, 0.9, 0.8, 1.0), (0.5, 0.55, 0.6, 0.45, 0.4, 0.5)  # default and tuned on six fresh seeds
# Gains -0.1, 0.2, 0.0, -0.1, 0.2, 0.0: mean 1/30, standard deviation 0.137, of a default of 1.
NOISY = (1.0, 1.1, 0.9, 1.0, 1.1, 0.9), (1.1, 0.9, 0.9, 1.1, 0.9, 0.9)


def searched(*generations, steps=None, default=GOOD[0], tuned=GOOD[1], **fields):
    of = spec(ADAM, steps=steps or (200,) * len(generations), fresh_seeds=len(default))
    return summarise(study(of, **fields), [*search(of, *generations), *fresh(default, tuned)])


def kinds(summary):
    return [step.kind for step in next_steps(summary)]


def bounded(tuned, **dimension):
    """Return the summary of a search for one hyperparameter with a tuned value."""
    space = {"optimizer": "Adam", "hyperparameters": {"rate": {"default": tuned, **dimension}}}
    of = spec(space, steps=(200,), fresh_seeds=6)
    return summarise(replace(study(of), tuned={"rate": tuned}), [*search(of, (4.0, 3.0, 2.0, 1.0)), *fresh(*GOOD)])


def test_nothing_is_to_be_done_after_a_search_with_a_clear_result():
    assert next_steps(searched((4.0, 3.0, 2.0, 1.0))) == ()
    assert "What to do next" not in Table((searched((4.0, 3.0, 2.0, 1.0)),)).to_text()


@pytest.mark.parametrize(
    ("tuned", "dimension", "text"),
    [
        (0.1, {"scale": "log", "high": 0.1}, "rate is at its upper bound 0.1 (try 1)"),
        (1e-5, {"scale": "log", "low": 1e-5, "high": 1.0}, "rate is at its lower bound 1e-5 (try 1e-6)"),
        (0.99, {"scale": "decay", "high": 0.99}, "rate is at its upper bound 0.99 (try 0.999)"),
        (0.95, {"scale": "decay", "low": 0.95}, "rate is at its lower bound 0.95 (try 0.5)"),
        (0.5, {"scale": "decay", "low": 0.5}, "rate is at its lower bound 0.5 (try 0)"),
        (3.0, {"scale": "linear", "low": 1.0, "high": 3.0}, "rate is at its upper bound 3 (try 5)"),
        (1.0, {"scale": "linear", "low": 1.0, "high": 3.0}, "rate is at its lower bound 1 (try 0)"),
        (8, {"scale": "integer", "low": 1, "high": 8}, "rate is at its upper bound 8 (try 15)"),
    ],
)
def test_a_tuned_value_at_a_bound_is_named_with_a_wider_bound(tuned, dimension, text):
    assert next_lines([bounded(tuned, **dimension)]) == [f"Widen the search space. Adam: {text}"]


def test_the_limit_of_a_scale_cannot_be_widened():
    assert kinds(bounded(0.0, scale="decay")) == []
    assert kinds(bounded(1, scale="integer", low=1, high=1)) == []


def test_a_bound_of_a_hyperparameter_that_is_inside_is_not_named():
    assert kinds(bounded(0.05, scale="log", high=0.1)) == []


def test_generations_of_which_more_than_half_diverged_are_named():
    summary = searched((DIVERGED, DIVERGED, DIVERGED, 1.0), (DIVERGED, DIVERGED, 2.0, 1.0))
    # 3 · 17 of 885 gradient evaluations were lost, which are few.
    assert next_lines([summary]) == ["Narrow the search space or lower σ. Adam: most of generation 0 diverged"]
    assert summary.diverged_cost.evaluations < 0.5 * summary.search_cost.evaluations


def test_lost_gradient_evaluations_are_named_if_they_are_most_of_a_search():
    def lines(diverged, failed, timed_out):
        lost = [Cost(evaluations, 1.0) for evaluations in (diverged, failed, timed_out)]
        costs = dict(zip(("diverged_cost", "failed_cost", "timed_out_cost"), lost, strict=True))
        return next_lines([replace(searched((4.0, 3.0, 2.0, 1.0)), search_cost=Cost(1000, 9.0), **costs)])

    of = "Adam: of its gradient evaluations"
    assert lines(510, 0, 0) == [f"Narrow the search space or lower σ. {of} 51% diverged"]
    assert lines(300, 100, 200) == [
        f"Look for the reason of failures. {of} 30% diverged and 10% failed and 20% timed out;"
        " see lodo-tune show first/Adam"
    ]
    assert lines(300, 100, 100) == []  # half is not most


def test_a_gain_within_the_noise_says_which_gain_the_seeds_and_twice_as_many_would_tell():
    summary = found(ADAM, *NOISY)
    assert summary.verdict is Verdict.WITHIN_THE_SPREAD
    spread = np.std(np.subtract(*NOISY), ddof=1)
    (step,) = next_steps(summary)
    assert step.seeds == (
        (6, pytest.approx(detectable(spread, 6))),
        (12, pytest.approx(detectable(spread, 12))),
    )  # the default's mean is 1
    assert next_lines([summary]) == [
        "Take more fresh seeds. Adam: 6 seeds detect a gain of 19.0 %; 12 seeds would detect 12.1 %"
    ]


@pytest.mark.parametrize("seeds", [8, 16, 32])
def test_the_detectable_gain_is_the_one_that_a_paired_t_test_finds_in_eight_of_ten_cases(seeds):
    effect = detectable(1.0, seeds) * math.sqrt(seeds)
    critical = stats.t.ppf(0.975, seeds - 1)
    power = stats.nct.sf(critical, seeds - 1, effect)  # SciPy's noncentral t
    assert power == pytest.approx(0.8, abs=0.015)


def test_the_interval_of_the_detectable_gain_excludes_zero_in_eight_of_ten_simulated_cases():
    generator, spread, draws, seeds = np.random.default_rng(7), 0.02, 2_000, 16
    gain, told = detectable(spread, seeds), 0
    for _ in range(draws):
        gains = generator.normal(gain, spread, size=seeds)
        size = relative_gain([(1.0, 1.0 - one) for one in gains.tolist()])
        told += size.low > 0
    assert told / draws == pytest.approx(0.8, abs=0.03)  # three standard errors of 2,000 draws


def test_too_few_seeds_and_clear_gains_have_no_advice_on_noise():
    assert kinds(found(ADAM, (1.0, 1.1, 1.2), (1.0, 1.2, 1.1))) == []
    assert kinds(found(ADAM, *GOOD)) == []
    assert kinds(found(ADAM, (*NOISY[0][:5], DIVERGED), NOISY[1])) == []


def test_a_search_that_still_improved_at_its_end_may_go_on():
    generations = ((9.0, 8.0, 7.0, 6.0),) * 3 + ((5.0, 4.0, 3.0, 2.0),)
    assert next_lines([searched(*generations)]) == [
        "Search for longer. Adam: the best still improved by 66.7 % in the last generation"
    ]
    assert kinds(searched(*generations[:3])) == []  # fewer than four generations say nothing
    assert kinds(searched(*generations, steps=(100, 100, 200, 200))) == []  # nor do other budgets
    steady = ((9.0, 8.0, 7.0, 6.0),) * 3 + ((9.0, 8.0, 7.0, 5.8),)  # by 3 %
    assert kinds(searched(*steady)) == []


def test_an_improvement_within_the_spread_over_seeds_is_none():
    generations = ((9.0, 8.0, 7.0, 6.0),) * 3 + ((5.0, 4.0, 3.0, 5.0),)
    noisy = tuple(2.0 * one for one in (1.0, 3.0, 1.0, 3.0, 1.0, 3.0))  # standard deviation 2.2, twice 4.4
    assert kinds(searched(*generations, default=tuple(10 + one for one in noisy), tuned=noisy)) == []


def test_an_open_search_has_no_advice():
    summary = searched((DIVERGED, DIVERGED, DIVERGED, 1.0), status=StudyStatus.INTERRUPTED)
    assert next_steps(summary) == ()


def test_at_most_three_lines_are_printed_the_most_urgent_first_with_all_optimizers_of_a_kind():
    rate, *others = searched((4.0, 3.0, 2.0, 1.0)).hyperparameters
    edge = replace(rate, bound="high", is_bound_given=True, wider=1.0)
    generations = ((9.0, 8.0, DIVERGED, 6.0),) * 3 + ((DIVERGED, DIVERGED, DIVERGED, 2.0),)
    worst = replace(searched(*generations, default=NOISY[0], tuned=NOISY[1]), hyperparameters=(edge, *others))
    assert kinds(worst) == [Kind.DIVERGENCE, Kind.BOUND, Kind.NOISE, Kind.BUDGET]
    lines = next_lines([worst, replace(worst, optimizer="Yogi")])
    assert len(lines) == MAX_LINES
    assert [line.partition(".")[0] for line in lines] == [
        "Narrow the search space or lower σ",
        "Widen the search space",
        "Take more fresh seeds",
    ]
    assert all("Adam: " in line and "Yogi: " in line for line in lines)


def test_many_optimizers_and_hyperparameters_are_counted():
    one = found(ADAM, *NOISY)
    (line,) = next_lines([replace(one, optimizer=f"O{number}") for number in range(9)])
    assert line.endswith("and 6 more")
    rate = replace(one.hyperparameters[0], bound="high", is_bound_given=True, wider=1.0, scale=Scale.LOG)
    many = replace(found(LODO, *GOOD), hyperparameters=tuple(replace(rate, name=f"h{n}") for n in range(20)))
    (line,) = next_lines([many])
    assert "h2 is at its upper bound" in line
    assert line.endswith("and 17 more")


def test_every_format_has_what_to_do_next():
    summary = bounded(0.1, scale="log", high=0.1)
    table = Table((summary,))
    line = "Widen the search space. Adam: rate is at its upper bound 0.1 (try 1)"
    assert f"What to do next\n- {line}" in table.to_text()
    assert f"**What to do next**\n\n- {line}" in table.to_markdown()
    assert f"% next: {line}" in table.to_latex()
    assert f"<li>{line}</li>" in table._repr_html_()
    assert json.loads(table.to_json())["studies"][0]["next_steps"] == [
        {"kind": "bound", "text": line.replace("Adam: ", "")}
    ]


def test_names_that_would_change_a_page_or_a_terminal_are_escaped():
    hostile = replace(bounded(0.1, scale="log", high=0.1), optimizer="<b>\x1b[31m")
    assert "\x1b" not in "".join(next_lines([hostile]))
    assert "<b>" not in Table((hostile,))._repr_html_()
