"""Figures of where a search went, by what their axes hold; fitness by generation has tests of its own."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from search_spaces.dimension import Dimension
from search_spaces.space import SearchSpace
from tests.support.builders import MOMENTUM, run, spec, study
from tuner.core.objective import Objective
from tuner.core.trial import Role, Status
from tuner.results.figures import FIGURES_OF_SEARCH
from tuner.results.figures.by_budget import best_by_budget
from tuner.results.figures.canvas import EDGE
from tuner.results.figures.hyperparameter_axis import label, position
from tuner.results.figures.parallel import parallel_coordinates
from tuner.results.figures.population import population
from tuner.results.figures.sharpness import last_generations, sharpness
from tuner.results.figures.surrogate import surrogate

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


def modelled(count=80, *, optimizer="Momentum", names=("learning_rate", "momentum"), shift=0.0):
    """A search with a quadratic loss: 1 at a rate of e^-3 and a momentum of 1 - e^-3, plus `shift`; noise-free."""
    scales = ["log" if "rate" in name else "decay" for name in names]
    hyperparameters = {name: {"scale": scale, "default": 0.5} for name, scale in zip(names, scales, strict=True)}
    space = SearchSpace.from_dict({"optimizer": optimizer, "hyperparameters": hyperparameters})
    of = spec(space.to_dict(), steps=(200,) * (count // 4))
    centre = np.full(len(names), -3.0)
    genomes = centre + np.random.default_rng(0).normal(size=(count, len(names)))
    runs = [
        replace(
            run(Role.SEARCH, *divmod(number, 4), float(1 + shift + ((genome - centre) ** 2).sum())),
            genome=tuple(genome.tolist()),
            hyperparameters=space.decode(genome),
            seed=number // 4,
        )
        for number, genome in enumerate(genomes)
    ]
    return replace(study(of), tuned=space.decode(centre)), runs


def test_the_prediction_goes_through_the_tuned_point_with_its_tolerance_and_the_trainings():
    figure = surrogate([modelled()])
    rate, momentum = figure.axes
    for axes, tuned in ((rate, -3 / math.log(10)), (momentum, 3 / math.log(10))):  # log10 e^-3, and nines of 1 - e^-3
        line, marked = axes.lines
        xs, ys = line.get_data()
        assert (np.diff(xs) > 0).all()
        assert xs[np.argmin(ys)] == pytest.approx(tuned, abs=0.02)
        assert min(ys) == pytest.approx(1.0, abs=0.01)
        assert marked.get_xdata()[0] == pytest.approx(tuned)
        (tolerance,) = axes.patches
        # 1 + (u + 3)² is within 5 % of 1 for |u + 3| <= sqrt(0.05), in decades 0.097.
        assert tolerance.get_width() == pytest.approx(2 * math.sqrt(0.05) / math.log(10), rel=0.05)
    circles, above = (len(one.get_offsets()) for one in rate.collections[1:3])
    assert circles + above == 80


def rows_of(figure):
    """The names of the rows, from the top."""
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_fontweight() == "bold"]


def test_a_search_without_a_prediction_has_no_row():
    figure = surrogate([modelled(), modelled(4, optimizer="Adam")])
    assert rows_of(figure) == ["Momentum"]
    assert surrogate([modelled(4)]) is None
    diverged = [replace(one, status=Status.DIVERGED, fitness=math.inf) for one in modelled()[1]]
    assert surrogate([(modelled()[0], diverged)]) is None


def test_losses_that_are_not_positive_have_a_prediction_and_no_tolerance():
    rate = surrogate([modelled(shift=-5.0)]).axes[0]
    assert rate.get_yscale() == "linear"
    assert min(rate.lines[0].get_ydata()) == pytest.approx(-4.0, abs=0.05)
    assert not rate.patches


@pytest.mark.parametrize("draw", [surrogate, population, sharpness])
def test_many_hyperparameters_are_in_several_lines_and_one_leaves_room_for_the_legend(draw):
    names = [f"rate_{letter * 20}" for letter in "abcdef"]
    figure = draw([modelled(names=names), modelled(optimizer="O" * 60)])
    titles = [axes.get_title("left") for axes in figure.axes if axes.get_visible()]
    assert titles == [*names, "learning_rate", "momentum"]
    assert rows_of(figure) == ["Momentum", f"{'O' * 14}\n{'O' * 13}…"]
    assert figure.get_size_inches()[0] < 13
    alone = draw([modelled(names=("rate",))])
    renderer = FigureCanvasAgg(alone).get_renderer()
    legend = alone.legends[0].get_window_extent(renderer)
    assert 0 <= legend.x0 < legend.x1 <= alone.bbox.width


def test_a_single_search_has_its_best_so_far_by_gradient_evaluations():
    of, runs = searched((4.0, 3.0, 2.0, 1.5), (9.0, 9.0, 9.0, 9.0), (1.0, 2.0, 2.0, 2.0), steps=(200,) * 3)
    (axes,) = best_by_budget([(of, runs)]).axes
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xydata(), [[800, 1.5], [1600, 1.5], [2400, 1.0]])
    assert best_by_budget([searched((4.0, 3.0, 2.0, 1.0))]) is None  # a point is no line


def test_the_best_so_far_is_a_value_of_the_objective():
    of, runs = searched((-0.4, -0.3, -0.2, -0.1), (-0.9, -0.8, -0.2, Status.DIVERGED))
    accuracy = replace(of.spec.workload, objective=Objective("validation.accuracy", "max", "end", None))
    (axes,) = best_by_budget([(replace(of, spec=replace(of.spec, workload=accuracy)), runs)]).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.4, 0.9])
    low, high = axes.get_ylim()
    assert 0.3 < low < 0.4
    assert 0.9 < high < 1.0
    assert axes.get_ylabel() == "validation accuracy at the\nend"


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
