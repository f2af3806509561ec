"""Figures of comparisons, by what their axes hold."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from tests.references.tasks import rosenbrock as reference
from tests.results.test_comparison_table import contest, series
from tests.support.builders import ADAM, LODO, MOMENTUM, comparison_spec, run, study
from tuner.core.study import Point, SeedRun
from tuner.core.trial import Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.figures import FIGURES_OF_COMPARISON
from tuner.results.figures.canvas import EDGE, loss_limits
from tuner.results.figures.colours import COLOURS, colour
from tuner.results.figures.curves import draw_bands, learning_by_steps, learning_by_time
from tuner.results.figures.final import final_losses
from tuner.results.figures.resampling import MAX_WINDOWS, Band, by_steps, by_time
from tuner.results.figures.styles import LINES, style
from tuner.results.figures.sweep import sweep
from tuner.results.figures.trajectories import rosenbrock, trajectories
from tuner.results.figures.validation import hessian_error, validation

SEEDS = (1.0, 2.0, 6.0)  # of the curves: mean 3, variance (4 + 1 + 9) / 3
SPREAD = math.sqrt(14 / 3)


def compared(*contenders, seconds=None):
    """A comparison: of each contender its space, and of each seed its curve (or a status) and its series.

    A curve that ends in infinity is one of a run that diverged.
    """
    studies = []
    for space, seeds in contenders:
        outcomes = [
            curve if isinstance(curve, Status) else math.inf if math.isinf(curve[-1]) else 1.0 for curve, _ in seeds
        ]
        first, runs = contest(space, outcomes, measured=False, seconds=seconds)
        runs = [
            replace(one, losses=None if isinstance(curve, Status) else np.asarray(curve, float), series=found)
            for one, (curve, found) in zip(runs, seeds, strict=True)
        ]
        studies.append((first, runs))
    return compare_runs(studies)


def lines(axes):
    """The lines of a panel by colour, without the samples beside their names."""
    return {
        line.get_color(): line
        for line in axes.lines
        if len(line.get_xdata()) > 1 and line.get_linestyle() != "None" and line.get_label() != "_name"
    }


def band_of(axes):
    """The lower and the upper edge of the first band, by x."""
    (vertices,) = [one.get_paths()[0].vertices for one in axes.collections[:1] if isinstance(one, PolyCollection)]
    edges = {}
    for x, y in vertices.tolist():
        low, high = edges.get(x, (y, y))
        edges[x] = (min(low, y), max(high, y))
    return edges


def names(figure):
    """The names beside the lines, from the top."""
    texts = [text for text in figure.axes[-1].texts if getattr(text, "xycoords", "") == "axes fraction"]
    return [text.get_text() for text in sorted(texts, key=lambda text: -text.xy[1])]


def test_a_learning_curve_is_the_mean_over_seeds_and_its_band_one_standard_deviation():
    shape = np.array([3.0, 2.0, 1.0, 0.95])
    figure = learning_by_steps(compared((ADAM, [(seed * shape, {}) for seed in SEEDS])))
    (axes,) = figure.axes
    line = lines(axes)[colour("Adam")]
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2, 3])
    np.testing.assert_allclose(line.get_ydata(), 3 * shape)
    edges = band_of(axes)
    assert axes.get_yscale() == "linear"
    for x, level in enumerate(shape):
        assert edges[x] == pytest.approx(((3 - SPREAD) * level, (3 + SPREAD) * level))


def test_on_a_logarithmic_axis_a_band_goes_no_further_down_than_the_lowest_seed():
    seeds = [(level * np.array([100.0, 1.0]), {}) for level in (0.1, 0.1, 10.0)]  # mean 3.4, deviation 4.67
    (axes,) = learning_by_steps(compared((ADAM, seeds))).axes
    assert axes.get_yscale() == "log"
    assert band_of(axes)[1] == pytest.approx((0.1, 3.4 + np.std([0.1, 0.1, 10])))


def test_long_curves_are_means_of_windows_that_leave_no_loss_out():
    curve = np.arange(1003.0) ** 2
    found = by_steps([curve])
    assert len(found.at) == MAX_WINDOWS
    widths = np.diff(np.linspace(0, 1003, MAX_WINDOWS + 1).astype(int))
    assert np.sum(found.mean * widths) == pytest.approx(curve.sum())
    assert found.mean[0] == np.mean(curve[: widths[0]])
    assert found.at[0] == (widths[0] - 1) / 2


def test_runs_that_diverged_are_crossed_out_where_they_did_and_named_and_take_no_part_in_the_mean():
    seeds = [([4.0, 2.0], {}), ([9.0, math.inf], {}), (Status.FAILED, {})]
    figure = learning_by_steps(compared((ADAM, seeds)))
    (axes,) = figure.axes
    np.testing.assert_array_equal(lines(axes)[colour("Adam")].get_ydata(), [4.0, 2.0])
    (crosses,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert crosses.get_xdata().tolist() == [17]  # of builders.run: the steps that such a run has done
    assert names(figure) == ["Adam\n(1 diverged, 1 failed, 3 left of 6)"]


def test_names_are_in_the_order_in_which_the_lines_end_and_colours_are_the_optimizers():
    figure = learning_by_steps(
        compared((ADAM, [([3.0, 1.0], {})]), (MOMENTUM, [([3.0, 2.0], {})]), (LODO, [([3.0, 1.5], {})]))
    )
    assert [text.split("\n")[0] for text in names(figure)] == ["Momentum", "LODO", "Adam"]
    assert set(lines(figure.axes[0])) >= {colour("Adam"), colour("Momentum"), colour("LODO")}


def test_a_contender_far_above_the_others_stretches_nothing_and_is_marked_on_the_edge():
    ordinary = [(space, [([30.0, 10.0], {})]) for space in (ADAM, MOMENTUM)]
    figure = learning_by_steps(compared(*ordinary, (LODO, [([1e9, 1e9], {})])))
    (axes,) = figure.axes
    assert axes.get_ylim()[1] < 200
    assert [line.get_color() for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata()) == 1] == [
        colour("LODO")
    ]
    assert any(text.startswith("LODO") and text.endswith("(above the axis)") for text in names(figure))


def test_a_line_that_reaches_0_is_marked_on_the_lower_edge_of_a_logarithmic_axis():
    axes = Figure().subplots()
    at, mean = np.arange(4.0), np.array([100.0, 10.0, 0.0, 0.0])
    band = Band(at=at, mean=mean, spread=np.zeros(4), least=mean)
    draw_bands(axes, [band], [style("Adam")], loss_limits([mean]))
    (mark,) = [line for line in axes.lines if line.get_marker() == "v"]
    assert mark.get_xydata().tolist() == [[2.0, 1 - EDGE]]


@pytest.mark.parametrize("huge", [1e305, math.inf, math.nan])
def test_no_number_is_too_large_to_be_drawn(huge):
    logarithmic, low, high = loss_limits([np.array([1.0, 2.0]), np.array([3.0, huge]), np.array([3.0, 2.0])])
    assert (logarithmic, high < 100, low < 1 < high) == (False, True, True)
    assert loss_limits([np.array([huge])]) == (False, 0.0, 1.0)


def test_by_time_a_window_is_the_mean_of_its_evaluations_and_all_runs_go_as_far():
    # Losses 8, 4, 2 over 10 evaluations each, which took 1, 1 and 2 seconds; windows of 4/3 s:
    marks = series([10, 20, 30], [1, 2, 4], loss=[8.0, 4.0, 2.0])
    found = by_time([marks], None)
    np.testing.assert_allclose(found.at, [2 / 3, 2, 10 / 3])
    first = (10 * 8 + 10 / 3 * 4) / (10 + 10 / 3)
    second = (20 / 3 * 4 + 10 / 3 * 2) / 10
    np.testing.assert_allclose(found.mean, [first, second, 2.0])
    slower = series([10, 20], [1, 3], loss=[8.0, 4.0])
    assert by_time([marks, slower], None).at[-1] < 3
    assert by_time([marks], 2.0).at[-1] < 2
    assert by_time([series([10], [math.nan], loss=[8.0])], None) is None


def test_early_losses_however_large_leave_no_trace_in_later_windows():
    marks = series([10, 20], [1, 2], loss=[1e30, 1e-9])
    assert by_time([marks], None).mean[-1] == pytest.approx(1e-9, rel=1e-12)


def test_learning_by_time_is_drawn_of_runs_alone_only():
    alone = {"training": series([5, 10], [1, 2], loss=[3.0, 1.0])}
    (axes,) = learning_by_time(compared((ADAM, [([1.0], alone)]), seconds=2.0)).axes
    np.testing.assert_allclose(lines(axes)[colour("Adam")].get_ydata(), [3.0, 1.0])
    cohort = {"training": series([5, 10], [math.nan, math.nan], loss=[3.0, 1.0])}
    assert learning_by_time(compared((ADAM, [([1.0], cohort)]))) is None


def test_validation_has_a_panel_a_metric_and_a_clock():
    def found(scale, seconds=1.0):
        return {"validation": series([0, 10], [0, seconds], loss=[4 * scale, 2 * scale], accuracy=[0.01, 0.5])}

    figure = validation(compared((ADAM, [([1.0], found(1)), ([1.0], found(3, 3.0))])))
    loss, by_seconds, accuracy, _ = figure.axes
    np.testing.assert_allclose(lines(loss)[colour("Adam")].get_ydata(), [8.0, 4.0])
    assert band_of(loss)[10] == pytest.approx((2.0, 6.0))  # of 2 and 6, in the linear axis of losses 2 to 12
    np.testing.assert_allclose(lines(by_seconds)[colour("Adam")].get_xdata(), [0.0, 2.0])
    np.testing.assert_allclose(lines(accuracy)[colour("Adam")].get_ydata(), [0.01, 0.5])
    assert accuracy.get_yscale() == "linear"
    lockstep = {"validation": series([0, 10], [math.nan, math.nan], loss=[4.0, 2.0])}
    assert len(validation(compared((ADAM, [([1.0], lockstep)]))).axes) == 1
    assert validation(compared((ADAM, [([1.0], {})]))) is None


def test_the_error_of_the_preconditioner_is_drawn_of_those_that_have_one():
    learned = {"hessian-error": series([0, 10], [math.nan] * 2, error=[0.9, 0.5])}
    figure = hessian_error(compared((ADAM, [([1.0], {})]), (LODO, [([1.0], learned)])))
    assert list(lines(figure.axes[0])) == [colour("LODO")]
    np.testing.assert_array_equal(lines(figure.axes[0])[colour("LODO")].get_ydata(), [0.9, 0.5])
    assert [text.split("\n")[0] for text in names(figure)] == ["LODO"]


@pytest.mark.parametrize(("runs", "marks"), [(5, "black: mean and its 95 % interval"), (4, "black: mean;")])
def test_the_axis_of_final_losses_names_an_interval_only_where_there_is_one(runs, marks):
    losses = [[1.0 + 0.1 * at for at in range(runs)], [2.0 + 0.1 * at for at in range(runs)]]
    figure = final_losses(compare_runs([contest(ADAM, losses[0]), contest(MOMENTUM, losses[1])]))
    assert marks in figure.axes[0].get_xlabel()


def test_final_losses_show_every_run_the_mean_with_its_interval_the_floor_and_who_is_best():
    low, high = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [3.0, 3.1, 3.2, math.inf, 3.4, Status.FAILED]
    figure = final_losses(compare_runs([contest(ADAM, high), contest(MOMENTUM, low)]))
    (axes,) = figure.axes
    rows = {row: [line for line in axes.lines if line.get_ydata()[0] == row] for row in (0, 1)}
    assert rows[0][0].get_xdata().tolist() == [3.0, 3.1, 3.2, 3.4]
    assert rows[1][0].get_xdata().tolist() == low
    interval, mean, floor = rows[1][1:]
    assert mean.get_xdata() == pytest.approx([1.25])
    assert interval.get_xdata()[0] < 1.25 < interval.get_xdata()[1]
    assert floor.get_xdata() == [0.5]  # of test_comparison_table.contest
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Adam", "Momentum"]
    assert {text.get_text() for text in axes.texts} == {"1 of 6 diverged", "best"}


def swept(*losses):
    """A sweep of LODO's momentum: of each value the losses of its seeds."""
    values = (0.0, 0.9, 0.99)[: len(losses)]
    points = tuple(Point({"momentum": value}, value=value) for value in values)
    of = comparison_spec(
        LODO, steps=100, seeds=len(losses[0]), run="swept", points=points, source="tuned", sweep="momentum"
    )
    runs = [
        SeedRun(run(Role.COMPARISON, at, slot, outcome, steps=100), {}, None)
        for at, some in enumerate(losses)
        for slot, outcome in enumerate(some)
    ]
    return compare_runs([(study(of, tuned=False), runs)])


def test_a_sweep_is_the_mean_and_spread_by_its_parameter_on_the_scale_that_the_search_has():
    (axes,) = sweep(swept((4.0, 6.0), (2.0, 2.0), (3.0, Status.DIVERGED))).axes
    (mean,) = [line for line in axes.lines if len(line.get_xdata()) == 3 and line.get_linestyle() == "-"]
    np.testing.assert_allclose(np.array(mean.get_xdata(), float), [0, 1, 2])  # so many nines
    np.testing.assert_allclose(np.array(mean.get_ydata(), float), [5.0, 2.0, 3.0])
    (bars,) = [one for one in axes.collections if len(one.get_segments()) == 3]
    np.testing.assert_allclose([one[:, 1] for one in bars.get_segments()], [[4, 6], [2, 2], [3, 3]])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "0.9", "0.99"]
    assert [(text.get_text(), text.xy[0]) for text in axes.texts] == [("✕ 1/2\ndiverged", pytest.approx(2))]
    assert final_losses(swept((1.0, 2.0))) is None
    assert sweep(compare_runs([contest(ADAM, [1.0] * 6)])) is None


def test_trajectories_are_drawn_on_rosenbrocks_contour_and_on_no_other_task():
    way = {"trajectory": series([0, 1, 2], [math.nan] * 3, x=[-0.5, 0.0, 1.0], y=[2.0, 1.0, 0.5])}
    comparison = compared((ADAM, [([1.0], way)]), (MOMENTUM, [([1.0], way)]))
    figure = trajectories(comparison)
    for axes, name in zip(figure.axes, ("Adam", "Momentum"), strict=True):
        np.testing.assert_array_equal(lines(axes)[colour(name)].get_xydata(), [[-0.5, 2], [0, 1], [1, 0.5]])
        assert axes.get_title("left").startswith(name)
    assert trajectories(replace(comparison, task="my_task.py:Mine")) is None
    assert trajectories(compared((ADAM, [([1.0], {})]))) is None


def test_the_contour_is_that_of_the_task():
    points = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(rosenbrock(*points.T), [reference(point)[0] for point in points], rtol=1e-14)


def test_of_a_comparison_without_a_run_there_is_no_figure_at_all():
    first, _ = contest(ADAM, [1.0])
    empty = compare_runs([(first, [])])
    assert [kind.name for kind in FIGURES_OF_COMPARISON if kind.draw(empty) is not None] == []


def test_every_optimizer_with_a_colour_has_a_dash_and_a_marker_and_no_two_the_same():
    assert LINES.keys() == COLOURS.keys()
    assert len({marker for _, marker in LINES.values()}) == len(LINES)
    assert style("keras:Lion") == style("keras:Lion")
