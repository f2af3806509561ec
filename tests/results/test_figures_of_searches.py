"""Figures of where a search went, by what their axes hold; fitness by generation has tests of its own."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search_spaces.dimension import Dimension
from tests.support.builders import MOMENTUM, run, spec, study
from tuner.core.trial import Role, Status
from tuner.results.figures import FIGURES_OF_SEARCH
from tuner.results.figures.canvas import EDGE
from tuner.results.figures.hyperparameter_axis import label, position
from tuner.results.figures.parallel import parallel_coordinates
from tuner.results.figures.population import population
from tuner.results.figures.sharpness import last_generations, sharpness

RATES = (1e-3, 1e-2, 1e-1, 1.0)
MOMENTA = (0.0, 0.9, 0.99, 0.999)


def searched(*generations, steps=(200, 200)):
    """A search of Momentum whose slots have RATES and MOMENTA, whatever the generation."""
    of = spec(MOMENTUM, steps=steps)
    runs = [
        replace(
            run(Role.SEARCH, number, slot, outcome, steps=steps[number]),
            hyperparameters={"learning_rate": RATES[slot], "momentum": MOMENTA[slot]},
        )
        for number, outcomes in enumerate(generations)
        for slot, outcome in enumerate(outcomes)
    ]
    return study(of), runs


def ys(collection):
    return sorted(y for _, y in collection.get_offsets().tolist())


def test_the_population_is_in_each_hyperparameter_on_its_scale_the_better_half_filled():
    figure = population([searched((4.0, 3.0, 2.0, Status.DIVERGED), (1.0, 2.0, 3.0, 4.0))])
    rate, momentum = figure.axes
    lost, others, better = rate.collections
    assert ys(lost) == [0.0]  # log10 of the rate 1 that diverged
    assert ys(others) == pytest.approx([-3.0, -1.0, 0.0])
    assert ys(better) == pytest.approx([-3.0, -2.0, -2.0, -1.0])  # of three the better two
    assert ys(momentum.collections[2]) == pytest.approx([0.0, 1.0, 1.0, 2.0])  # so many nines
    default, tuned = (line.get_ydata()[0] for line in rate.lines)
    assert default == pytest.approx(-2.0)
    assert tuned == pytest.approx(math.log10(0.05))  # of builders.TUNED


def test_sharpness_is_fitness_by_hyperparameter_the_last_generation_filled_the_tuned_value_marked():
    figure = sharpness([searched((4.0, 3.0, 2.0, Status.DIVERGED), (1.0, 2.0, 3.0, 4.0))])
    rate = figure.axes[0]
    earlier, last, beyond, lost = rate.collections
    np.testing.assert_allclose(earlier.get_offsets(), [[-3, 4], [-2, 3], [-1, 2]], atol=1e-12)
    np.testing.assert_allclose(last.get_offsets(), [[-3, 1], [-2, 2], [-1, 3], [0, 4]], atol=1e-12)
    assert (len(beyond.get_offsets()), len(lost.get_offsets())) == (0, 1)
    assert math.log10(0.05) == pytest.approx(rate.lines[0].get_xdata()[0])


def test_a_loss_far_above_the_median_is_on_the_edge():
    rate = sharpness([searched((1.0, 2.0, 3.0, 1e9))]).axes[0]
    assert len(rate.collections[2].get_offsets()) == 1
    assert rate.get_ylim()[1] < 10


def test_only_generations_of_the_last_budget_are_put_beside_each_other_and_three_at_most():
    of, runs = searched(*[(1.0, 2.0, 3.0, 4.0)] * 5, steps=(100, 200, 200, 200, 200))
    assert {one.key.generation for one in last_generations(of, runs)} == {2, 3, 4}
    of, runs = searched(*[(1.0, 2.0, 3.0, 4.0)] * 4, steps=(200, 100, 200, 200))
    assert {one.key.generation for one in last_generations(of, runs)} == {2, 3}
    unfinished = [one for one in runs if one.key.generation < 2]
    assert {one.key.generation for one in last_generations(of, unfinished)} == {1}


def test_parallel_coordinates_have_a_line_an_individual_that_finished_the_best_last_and_the_tuned_point():
    (axes,) = parallel_coordinates([searched((8.0, 4.0, 2.0, 1.0), (Status.FAILED,) * 4)]).axes
    segments = axes.collections[0].get_segments()
    best = segments[-1]
    np.testing.assert_allclose(best, [[0, 1], [1, 1], [2, 0]], atol=1e-12)  # greatest rate and momentum, least loss
    np.testing.assert_allclose(segments[0], [[0, 0], [1, 0], [2, 1]], atol=1e-12)
    assert len(segments) == 4
    tuned = axes.lines[0].get_ydata()
    assert tuned == pytest.approx([(math.log10(0.05) + 3) / 3, -math.log10(0.15) / 3])  # 0.05 and 0.85
    assert [text.get_text() for text in axes.get_xticklabels()] == ["learning\nrate", "momentum", "fitness"]


def test_in_parallel_coordinates_a_huge_loss_is_drawn_to_the_end_and_squeezes_nobody():
    (axes,) = parallel_coordinates([searched((1.0, 2.0, 3.0, 1e80))]).axes
    heights = [one[-1, 1] for one in axes.collections[0].get_segments()]
    assert max(heights) == 1.0
    assert sorted(heights)[2] > 0.2  # of 3 between 1 and 20 times the median
    assert "≥ 50.0" in [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(
    ("scale", "value", "text"),
    [("log", 0.001, "0.001"), ("log", 1e-7, "1e-7"), ("log", 1e7, "1e7"), ("decay", 0.999, "0.999"),
     ("decay", 0.0, "0"), ("decay", 1 - 1e-9, "1 - 1e-9")],
)  # fmt: skip
def test_a_tick_says_the_value_itself(scale, value, text):
    dimension = Dimension("it", scale, 0.5)
    assert label(dimension, position(dimension, value)) == text


@pytest.mark.parametrize(
    "outcomes", [(Status.DIVERGED,) * 4, (1.0,) * 4, (1e-320, 1e300, 1.7e308, 1.0), (-1.0, 0.0, 0.0, 0.0)]
)
def test_whatever_came_of_a_search_can_be_drawn(outcomes):
    for kind in FIGURES_OF_SEARCH:
        figure = kind.draw([searched(outcomes)])
        if figure is not None:
            figure.canvas.draw()
    assert population([searched(outcomes)]) is not None


def test_of_a_search_without_individuals_there_is_no_figure_at_all():
    assert [kind.name for kind in FIGURES_OF_SEARCH if kind.draw([(study(), [])]) is not None] == []
    assert [kind.name for kind in FIGURES_OF_SEARCH if kind.draw([]) is not None] == []


def test_a_loss_of_0_is_a_mark_on_the_lower_edge_of_a_logarithmic_axis():
    rate = sharpness([searched((0.0, 1.0, 20.0, 300.0))]).axes[0]
    assert rate.get_yscale() == "log"
    below = rate.collections[3]  # after those of earlier generations, of the last, and beyond the axis
    np.testing.assert_allclose(below.get_offsets(), [[-3, 1 - EDGE]], atol=1e-12)
