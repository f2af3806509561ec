"""Performance profiles over several tasks."""

import csv
import io
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.support.builders import ADAM, LODO, MOMENTUM, RMSPROP, comparison_spec, run, study
from tuner.core.errors import InvalidRequest
from tuner.core.objective_text import parse
from tuner.core.study import SeedRun
from tuner.core.trial import Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.analysis.profile import profile
from tuner.results.figures import profile_figure
from tuner.results.tables.table import FORMATS, Table

DIVERGED, FAILED, RUNNING = Status.DIVERGED, Status.FAILED, Status.RUNNING


def compared(name, *contenders, **fields):
    """A comparison of (search space, outcome of each seed)."""
    studies = []
    for space, outcomes in contenders:
        of = comparison_spec(space, run=name, seeds=len(outcomes), **fields)
        runs = [run(Role.COMPARISON, 0, slot, outcome) for slot, outcome in enumerate(outcomes)]
        studies.append((study(of, tuned=False), [SeedRun(one, {}, None) for one in runs]))
    return compare_runs(studies)


BOWL = compared("one", (ADAM, (2.0, 4.0)), (LODO, (1.0, 8.0)), task="bowl")
VALLEY = compared("two", (ADAM, (1e-6, 1e-6)), (LODO, (1e-3, DIVERGED)), task="valley")


def shares(of, name, ratios):
    (optimizer,) = (one for one in of.optimizers if one.optimizer == name)
    return [share.share for share in of.shares(optimizer, ratios)]


def test_ratios_are_to_the_lowest_loss_on_the_same_task_and_seed():
    adam, lodo = profile([BOWL, VALLEY]).optimizers
    assert adam.ratios == ((2.0, 1.0), (1.0, 1.0))
    assert lodo.ratios == ((1.0, 2.0), (pytest.approx(1000.0), math.inf))
    assert lodo.losses == ((1.0, 8.0), (1e-3, math.inf))


def test_the_share_within_a_ratio_is_averaged_over_tasks_whatever_their_number_of_seeds():
    of = profile([BOWL, compared("two", (ADAM, (1.0, 1.0, 1.0, 1.0)), (LODO, (3.0, 3.0, 3.0, 1.0)), task="valley")])
    assert shares(of, "Adam", (1.0, 2.0, 5.0)) == [0.75, 1.0, 1.0]
    assert shares(of, "LODO", (1.0, 2.0, 5.0)) == [0.375, 0.625, 1.0]  # (1/2 + 1/4) / 2, (1 + 1/4) / 2


def test_a_run_that_diverged_is_within_no_ratio_not_even_an_infinite_one():
    assert shares(profile([BOWL, VALLEY]), "LODO", (1.0, 10.0, math.inf)) == [0.25, 0.5, 0.75]


def test_where_every_run_of_a_seed_diverged_nobody_is_the_best():
    of = profile([compared("one", (ADAM, (DIVERGED, 1.0)), (LODO, (DIVERGED, 2.0)))])
    assert [one.ratios for one in of.optimizers] == [((math.inf, 1.0),), ((math.inf, 2.0),)]


def test_the_interval_is_that_of_all_resamples_of_seeds_within_tasks():
    of = profile([BOWL, VALLEY])
    (share,) = of.shares(of.optimizers[1], (1.0,))
    # All 4 × 4 equally likely pairs of resamples: of the first task's (1, 0) and the second's (0, 0).
    exact = [
        (sum(one) / 2 + sum(other) / 2) / 2
        for one in itertools.product((1, 0), repeat=2)
        for other in itertools.product((0, 0), repeat=2)
    ]
    low, high = np.quantile(np.repeat(exact, 1000), [0.025, 0.975])
    assert (share.low, share.high) == (low, high) == (0.0, 0.5)


def test_equal_numbers_have_equal_intervals_and_a_single_seed_has_none():
    first, again = (profile([BOWL, VALLEY]) for _ in range(2))
    assert first.shares(first.optimizers[0], (1.0, 2.0)) == again.shares(again.optimizers[0], (1.0, 2.0))
    single = profile([compared("one", (ADAM, (1.0,)), (LODO, (2.0,)))])
    assert [(one.low, one.high) for one in single.shares(single.optimizers[0], (1.0,))] == [(None, None)]


@pytest.mark.parametrize("end", [FAILED, Status.TIMED_OUT, RUNNING])
def test_a_seed_without_a_result_of_every_optimizer_counts_for_none(end):
    of = profile([compared("one", (ADAM, (1.0, 2.0, 3.0)), (LODO, (2.0, end, 1.0)))])
    assert of.tasks[0].seeds == (0, 2)
    assert of.optimizers[0].ratios == ((1.0, 3.0),)
    assert of.remarks == ("one: 2 of 3 seeds count; on the others a run failed, timed out or is not over",)


def test_an_optimizer_that_not_every_comparison_has_is_left_out():
    more = compared("two", (RMSPROP, (0.1, 0.1)), (ADAM, (1.0, 1.0)), (LODO, (2.0, 2.0)))
    of = profile([BOWL, more])
    assert [one.optimizer for one in of.optimizers] == ["Adam", "LODO"]
    assert of.optimizers[0].ratios[1] == (1.0, 1.0)  # not to the loss of RMSprop
    assert of.remarks == ("RMSprop is left out, since not every comparison has it",)


def test_losses_that_are_rounding_errors_are_equal():
    of = profile([compared("one", (ADAM, (0.0,)), (LODO, (1e-28,)), (MOMENTUM, (1e-25,)))])
    assert [one.ratios for one in of.optimizers] == [((1.0,),), ((1.0,),), ((pytest.approx(10.0),),)]


@pytest.mark.parametrize(
    ("comparisons", "said"),
    [
        ([compared("one", (ADAM, (1.0,)))], "with two or more optimizers in common. Received: Adam"),
        (
            [BOWL, compared("two", (MOMENTUM, (1.0,)), (RMSPROP, (1.0,)))],
            "with two or more optimizers in common. Received: none",
        ),
        ([compared("one", (ADAM, (FAILED,)), (LODO, (1.0,)))], "one has no seed on which every optimizer finished"),
        (
            [compared("one", (ADAM, (-0.5,)), (LODO, (1.0,)))],
            "values of at least 0, which have ratios. Received: -0.5 in one",
        ),
    ],
)
def test_what_has_no_profile_is_refused(comparisons, said):
    with pytest.raises(InvalidRequest, match=said) as raised:
        profile(comparisons)
    assert raised.value.field == "profile"


TABLE = Table(profile=profile([BOWL, VALLEY]))


def test_the_text_has_shares_with_intervals_and_the_mean_loss_on_each_task():
    lines = str(TABLE).splitlines()
    assert lines[0] == "one, two: performance profiles"
    rows = [line.split() for line in lines]
    assert ["Adam", "75", "%", "(50", "to", "100)", "75", "%", "(50", "to", "100)", *["100", "%"] * 3] in rows
    assert ["optimizer", "bowl", "valley"] in rows
    assert ["LODO", "4.500", "∞"] in rows  # of 1 and 8; one run diverged
    assert "**1.000e-6**" in TABLE.to_markdown()


def test_two_comparisons_of_one_task_are_told_apart_by_their_names():
    again = compared("two", (ADAM, (1.0, 1.0)), (LODO, (2.0, 2.0)), task="bowl")
    assert ["optimizer", "one", "two"] in [
        line.split() for line in str(Table(profile=profile([BOWL, again]))).splitlines()
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_it_is_written_in_every_format(format):
    assert "LODO" in TABLE.to_format(format)


def test_csv_has_a_row_per_run_and_json_the_same_numbers():
    header, *rows = csv.reader(io.StringIO(TABLE.to_csv()))
    document = json.loads(TABLE.to_json())["profile"]
    losses = [loss for one in document["optimizers"] for each in one["runs"] for loss in each["losses"]]
    assert [float(cell) if cell else None for cell in (row[header.index("loss")] for row in rows)] == losses
    assert losses == [2.0, 4.0, 1e-6, 1e-6, 1.0, 8.0, 1e-3, None]
    assert [share["ratio"] for share in document["optimizers"][0]["shares"]] == [1.0, 1.1, 2.0, 10.0, None]


def test_the_figure_has_a_step_line_per_optimizer_that_ends_at_the_share_that_finished():
    figure = profile_figure(profile([BOWL, VALLEY]))
    (axes,) = figure.axes
    adam, lodo = (line.get_xydata().tolist() for line in axes.lines)
    assert adam[:2] == [[1.0, 0.75], [2.0, 1.0]]
    assert lodo[:2] == [[1.0, 0.25], [2.0, 0.5]]
    assert lodo[-1] == [pytest.approx(1100.0), 0.75]
    assert axes.get_xlim() == (1.0, pytest.approx(1100.0))


def test_where_everything_diverged_there_is_no_figure():
    assert profile_figure(profile([compared("one", (ADAM, (DIVERGED,)), (LODO, (DIVERGED,)))])) is None


def test_a_ratio_beyond_the_axis_does_not_stretch_it():
    figure = profile_figure(profile([compared("one", (ADAM, (1e-20, 1.0)), (LODO, (1e200, 1.5)))]))
    figure.canvas.draw()
    assert figure.axes[0].get_xlim()[1] < 1e7


def by(objective, comparison):
    """The same comparison by another objective."""
    return replace(comparison, objective=parse(objective))


def test_a_run_that_missed_the_target_is_within_no_ratio():
    objective = parse("evaluations-to:validation.loss<=0.1")
    missed = objective.missed_fitness(0.4, 200)
    of = profile([by(objective.text, compared("one", (ADAM, (40.0, 60.0)), (LODO, (80.0, missed)), steps=200))])
    adam, lodo = of.optimizers
    assert (adam.ratios, lodo.ratios) == (((1.0, 1.0),), ((2.0, math.inf),))
    text = str(Table(profile=of))
    assert "Share of runs by the ratio of their time to the target to the lowest" in text
    assert "Mean evaluations to validation loss ≤ 0.1 within the step budget (lower is better)" in text
    assert "reached: the runs that did not miss the target" in text
    assert "finished" not in text


def test_comparisons_by_several_objectives_name_each():
    text = str(Table(profile=profile([BOWL, by("validation.loss", VALLEY)])))
    assert "Mean of the objective of each comparison (lower is better): one training-loss, two validation.loss" in text
    assert "ratio of their loss to the lowest" in text


def test_what_is_maximised_has_no_ratio_and_the_refusal_names_the_objective():
    with pytest.raises(InvalidRequest, match=r"such as comparisons by validation.loss .* two by validation.accuracy$"):
        profile([BOWL, by("validation.accuracy", VALLEY)])
