"""Tolerances: intervals around tuned values, on landscapes whose intervals are known in closed form."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search_spaces.space import SearchSpace
from tests.support.builders import run, spec, study
from tuner.core.objective import Objective
from tuner.core.objective_text import parse
from tuner.core.trial import Role, Status
from tuner.results.analysis.landscape import SHARE, slices, tolerances
from tuner.results.figures.surrogate import surrogate

# A loss with curvature c along a coordinate u, and the least value m: m + m c (u - v)² is within 5 % of m for
# |u - v| <= sqrt(0.05 / c).
CURVATURES = (0.5, 0.05)
WIDTHS = [math.sqrt(0.05 / curvature) for curvature in CURVATURES]
OPTIMUM = np.array([math.log(0.02), math.log(0.05)])  # a rate of 0.02, and a momentum of 0.95
SPACE = {
    "optimizer": "Momentum",
    "hyperparameters": {
        "learning_rate": {"scale": "log", "default": 0.01},
        "momentum": {"scale": "decay", "default": 0.9},
    },
}


def loss(genome):
    return float(10 * (1 + (CURVATURES * (genome - OPTIMUM) ** 2).sum()))


def landscape(loss, genomes, tuned=OPTIMUM, *, space=SPACE, objective=None, noise=0.0):
    """A search that trained some genomes and returned a tuned one, with a common factor for each generation of 4."""
    of = spec(space, steps=(200,) * (len(genomes) // 4))
    of = of if objective is None else replace(of, workload=replace(of.workload, objective=objective))
    common = np.random.default_rng(1).normal(size=len(genomes))
    rng = np.random.default_rng(2)
    names, runs = SearchSpace.from_dict(of.space), []
    for number, genome in enumerate(genomes):
        generation, slot = divmod(number, 4)
        value = loss(genome) * math.exp(noise * (common[generation] + 0.3 * rng.normal()))
        made = run(Role.SEARCH, generation, slot, value if math.isfinite(value) else Status.DIVERGED)
        runs.append(replace(made, genome=tuple(genome.tolist()), hyperparameters=names.decode(genome), seed=generation))
    return replace(study(of), tuned=names.decode(tuned)), runs


def around(count, spread=1.0, centre=OPTIMUM, seed=0):
    return centre + spread * np.random.default_rng(seed).normal(size=(count, len(centre)))


def expected():
    """The interval of the rate, e^(u ± width), and of the momentum, 1 - e^(u ± width)."""
    rate, momentum = zip(OPTIMUM, WIDTHS, strict=True)
    return [
        (math.exp(rate[0] - rate[1]), math.exp(rate[0] + rate[1])),
        (1 - math.exp(momentum[0] + momentum[1]), 1 - math.exp(momentum[0] - momentum[1])),
    ]


def errors(found):
    """The distance of each end from the expected one in the transformed space, in half widths of the interval."""
    for tolerance, ends, width, scale in zip(found, expected(), WIDTHS, ("log", "decay"), strict=True):
        for value, right in zip((tolerance.low, tolerance.high), ends, strict=True):
            yield abs(math.log(value / right) if scale == "log" else math.log((1 - value) / (1 - right))) / width


def test_the_interval_of_a_quadratic_is_the_one_known_in_closed_form():
    found = tolerances(*landscape(loss, around(80)))
    assert [one.note for one in found] == ["", ""]
    assert max(errors(found)) < 0.05  # of half a width; the model is not a parabola


def test_noise_with_common_seeds_hardly_changes_it():
    found = tolerances(*landscape(loss, around(160), noise=0.03))
    assert [one.note for one in found] == ["", ""]
    assert max(errors(found)) < 0.3  # 0.1 to 0.2 on 8 other draws of the noise


def test_the_greatest_value_counts_where_it_is_best():
    # 0.9 - 0.9 c (u - v)² is at least 95 % of 0.9 within the same widths.
    def fitness(genome):
        return -0.9 * (1 - (CURVATURES * (genome - OPTIMUM) ** 2).sum())

    objective = Objective("validation.accuracy", "max", "end", None)
    record, runs = landscape(fitness, around(80), objective=objective)
    assert max(errors(tolerances(record, runs))) < 0.05
    (rate, _) = slices(record, runs)
    assert rate.mean.max() == pytest.approx(0.9, rel=1e-3)  # a value of the objective, not its negative
    assert (rate.low <= rate.mean).all()
    assert (rate.mean <= rate.high).all()


def test_runs_on_fresh_seeds_count_and_other_budgets_do_not():
    record, runs = landscape(loss, around(80))
    short = [replace(one, steps=100, fitness=1.0) for one in runs]
    assert tolerances(record, [*runs, *short]) == tolerances(record, runs)
    fresh = [replace(run(Role.TUNED, 0, slot, 10.0), genome=tuple(OPTIMUM), seed=99 + slot) for slot in range(8)]
    assert tolerances(record, [*runs, *fresh]) != tolerances(record, runs)


def test_an_end_beyond_the_trained_values_is_not_determined():
    genomes = around(80)
    genomes[:, 1] = OPTIMUM[1] + 0.1 * (genomes[:, 1] - OPTIMUM[1])  # a tenth of the spread, the interval is ± 1
    rate, momentum = tolerances(*landscape(loss, genomes))
    assert rate.low is not None
    assert (momentum.low, momentum.high, momentum.note) == (
        None,
        None,
        "it goes on beyond the values that were trained",
    )


def test_a_bound_of_the_space_is_an_end():
    # The interval of the momentum begins at 0.867: a bound at 0.9 is its end.
    bounded = {**SPACE["hyperparameters"], "momentum": {"scale": "decay", "default": 0.92, "low": 0.9}}
    genomes = around(120)
    genomes[:, 1] = np.minimum(genomes[:, 1], math.log1p(-0.9))
    _, momentum = tolerances(*landscape(loss, genomes, space={**SPACE, "hyperparameters": bounded}))
    assert momentum.low == 0.9
    assert momentum.high == pytest.approx(expected()[1][1], abs=0.003)


def test_an_end_far_from_all_trainings_is_not_determined():
    # Both coordinates are trained from -3 to 3, on a diagonal alone: off it the model knows little.
    along = np.random.default_rng(0).uniform(-3, 3, size=(80, 1))
    genomes = OPTIMUM + along + 0.001 * np.random.default_rng(1).normal(size=(80, 2))

    def canyon(genome):
        return float(1 + 0.02 * (genome - OPTIMUM).sum() ** 2)

    found = tolerances(*landscape(canyon, genomes))
    assert {one.note for one in found} == {"too little was trained where it ends"}


def test_a_tuned_value_that_is_not_near_the_best_has_no_interval():
    rate, momentum = tolerances(
        *landscape(loss, around(80), OPTIMUM + np.array([1.0, 0.0]))
    )  # 1.5 times the least loss
    assert (rate.low, rate.high) == (None, None)
    assert rate.note == "the tuned value is predicted to be more than 5 % worse than another, the others tuned"
    assert momentum.low is not None  # given this rate


def test_there_is_none_before_the_end_with_few_trainings_and_for_losses_that_are_not_positive():
    record, runs = landscape(loss, around(80))
    (rate, _) = tolerances(replace(record, tuned=None), runs)
    assert (rate.low, rate.high, rate.note) == (None, None, "the search has no tuned point yet")
    (rate, _) = tolerances(record, runs[:7])
    assert rate.note == "7 of the 8 different genomes that are needed finished with the last budget"
    (rate, _) = tolerances(record, [replace(one, status=Status.DIVERGED, fitness=math.inf) for one in runs])
    assert rate.note == "0 of the 8 different genomes that are needed finished with the last budget"
    (rate, _) = tolerances(*landscape(lambda genome: loss(genome) - 11, around(80)))
    assert rate.note == "5 % of a value that is not positive mean nothing"
    assert SHARE == 0.05


def test_times_to_a_target_that_no_setting_reaches_have_no_interval_and_no_slices():
    target = parse("evaluations-to:validation.loss<=0.1")  # within the budget of 200
    missed = landscape(lambda genome: 22 * loss(genome), around(40), objective=target)  # at least 220
    assert slices(*missed) == "no setting near the tuned point is predicted to reach the target"
    assert {one.note for one in tolerances(*missed)} == {slices(*missed)}
    reached = landscape(lambda genome: 10 * loss(genome), around(40), objective=target)  # at least 100
    assert not isinstance(slices(*reached), str)
    limits = surrogate([reached]).axes[0].get_ylim()
    assert limits[1] < 220  # nothing of what is only a rank is drawn


@pytest.mark.parametrize("value", [1e-300, 1.0, 1e300])
def test_a_flat_landscape_goes_on_beyond_the_trained_values(value):
    for tolerance in tolerances(*landscape(lambda _: value, around(40))):
        assert (tolerance.low, tolerance.high) == (None, None)
