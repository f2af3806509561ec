"""The picture of a search, by what its axes hold."""

import inspect
import itertools
import math
import struct
import subprocess
import sys
import warnings

import pytest
from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.support.builders import ADAM, LODO, MOMENTUM, RMSPROP, YOGI, search, spec, study
from tuner.core.trial import Status
from tuner.results.figures import FIGURES_OF_SEARCH, rendered
from tuner.results.figures.canvas import EDGE, new_figure
from tuner.results.figures.colours import COLOURS, colour
from tuner.results.figures.fitness import fitness_by_generation
from tuner.results.figures.styles import style, styles_of

DIVERGED, FAILED = Status.DIVERGED, Status.FAILED


def searched(of, *generations):
    return study(of), search(of, *generations)


def drawn(*studies):
    """Return the visible panels."""
    return [axes for axes in fitness_by_generation(studies).axes if axes.get_visible()]


def lines(axes, style):
    """Return the lines of a style as points, gaps left out."""
    found = [line.get_xydata().tolist() for line in axes.lines if line.get_linestyle() == style]
    return [[tuple(point) for point in line if math.isfinite(point[1])] for line in found]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def dots(axes, number=0):
    return sorted(y for _, y in axes.collections[number].get_offsets().tolist())


def test_it_is_a_png_and_the_same_one_for_the_same_records():
    one = searched(spec(), (4.0, 3.0, 2.0, 1.0), (0.4, 0.3, 0.2, DIVERGED))
    png = rendered(fitness_by_generation([one]))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])  # of the header chunk
    assert width >= 600
    assert height >= 400
    assert rendered(fitness_by_generation([one])) == png


def test_every_individual_that_finished_is_a_dot_and_best_and_median_are_lines():
    of = spec(steps=(200, 200))
    (axes,) = drawn(searched(of, (4.0, 3.0, 2.0, 1.0), (0.4, 0.3, 0.2, DIVERGED)))
    assert dots(axes) == [0.2, 0.3, 0.4, 1.0, 2.0, 3.0, 4.0]
    assert lines(axes, "-") == [[(0, 1.0), (1, 0.2)]]
    assert lines(axes, "--") == [[(0, 2.5), (1, 0.3)]]  # medians of 1, 2, 3, 4 and of 0.2, 0.3, 0.4


def test_lines_break_and_are_marked_where_the_budget_changes():
    of = spec(steps=(100, 100, 5000))
    (axes,) = drawn(searched(of, (4.0,) * 4, (3.0,) * 4, (2.0,) * 4))
    assert lines(axes, "-") == [[(0, 4.0), (1, 3.0)], [(2, 2.0)]]
    assert [line[0][0] for line in lines(axes, ":")] == [1.5]
    assert [text for text in texts(axes) if text[0].isdigit()] == ["100", "5,000"]


def test_a_line_has_a_gap_at_a_generation_that_wholly_diverged():
    of = spec(steps=(200, 200, 200))
    (axes,) = drawn(searched(of, (4.0,) * 4, (DIVERGED,) * 4, (2.0,) * 4))
    (line,) = [line for line in axes.lines if line.get_linestyle() == "-"]
    assert [math.isnan(y) for y in line.get_ydata()] == [False, True, False]
    assert "diverged" in texts(axes)
    assert "4" in texts(axes)


def test_what_did_not_finish_is_counted_above_its_generation():
    of = spec(steps=(100, 200))
    (axes,) = drawn(searched(of, (4.0, DIVERGED, DIVERGED, FAILED), (3.0, 3.0, 3.0, DIVERGED)))
    placed = [(text.get_text(), text.xy[0]) for text in axes.texts if hasattr(text, "xy")]
    assert placed == [("failed", -0.5), ("1", 0), ("diverged", -0.5), ("2", 0), ("1", 1)]


def test_the_fitness_axis_is_logarithmic_over_a_decade_or_more_and_never_for_what_is_not_positive():
    of = spec(steps=(200,))
    assert drawn(searched(of, (1.0, 5.0, 10.0, 2.0)))[0].get_yscale() == "log"
    assert drawn(searched(of, (1.0, 5.0, 9.9, 2.0)))[0].get_yscale() == "linear"
    assert drawn(searched(of, (-1.0, 5.0, 1e3, 2.0)))[0].get_yscale() == "linear"
    assert drawn(searched(of, (0.0, 5.0, 9.9, 2.0)))[0].get_yscale() == "linear"


def test_a_fitness_of_exactly_zero_is_a_triangle_below_the_logarithmic_axis_of_the_others():
    figure = fitness_by_generation([searched(spec(steps=(200,)), (0.0, 5.0, 20.0, 2.0))])
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert sorted(dots(axes)) == [2.0, 5.0, 20.0]
    assert axes.collections[2].get_offsets()[:, 1].tolist() == [1 - EDGE]
    assert "exactly 0" in [text.get_text() for text in figure.legends[0].get_texts()]
    best = next(line for line in axes.lines if line.get_marker() == "o")
    assert best.get_ydata()[0] == axes.get_ylim()[0]  # the line ends on the axis


def test_a_huge_loss_is_a_triangle_on_the_edge_and_does_not_squeeze_the_rest():
    of = spec(steps=(200,))
    (axes,) = drawn(searched(of, (1.0, 2.0, 3.0, 1e300)))
    assert dots(axes) == [1.0, 2.0, 3.0]
    assert len(axes.collections[1].get_offsets()) == 1
    assert axes.get_ylim()[1] < 1e4  # 100 times the median, 2.5, and some room


@pytest.mark.parametrize("values", [(1e-320, 1.0, 1.7e308, 1.0), (0.0, 0.0, 0.0, 0.0), (-1e308, 1e308, 0.0, 1.0)])
def test_the_extremes_of_float64_can_be_drawn(values):
    (axes,) = drawn(searched(spec(steps=(200,)), values))
    assert all(map(math.isfinite, axes.get_ylim()))


@pytest.mark.parametrize("width", [3.5, 8.2])
@pytest.mark.parametrize(
    "title", ["short", "noisy-quadratic-bowl-paper: loss on noisy-quadratic-bowl", "run_" * 25, "a b " * 99]
)
def test_a_title_of_any_length_stays_on_the_sheet(title, width):
    figure = new_figure(width, 3.0, title)
    box = figure._suptitle.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= width * figure.dpi
    assert len(figure._suptitle.get_text().splitlines()) <= 2


def test_panels_share_their_fitness_axis_and_are_named_in_the_optimizers_colour():
    of = spec(LODO, steps=(200,))
    one, two = drawn(searched(spec(steps=(200,)), (1.0, 1.1, 1.2, 1.3)), searched(of, (2.0, 2.1, 2.2, 2.3)))
    assert one.get_ylim() == two.get_ylim()
    assert [(axes.get_title("left"), axes.title.get_text()) for axes in (one, two)] == [("Adam", ""), ("LODO", "")]
    assert two.collections[0].get_facecolor()[0][:3].tolist() == pytest.approx([0xD5 / 255, 0x5E / 255, 0])


def test_panels_carry_the_runs_name_where_there_are_several():
    panels = drawn(searched(spec(steps=(9,)), (1.0,) * 4), searched(spec(steps=(9,), run="second"), (1.0,) * 4))
    assert [axes.get_title("left") for axes in panels] == ["first/Adam", "second/Adam"]


def test_a_study_that_nobody_finished_says_so():
    (axes,) = drawn(searched(spec(), (DIVERGED,) * 4, (FAILED,) * 4))
    assert "no individual finished" in texts(axes)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_there_is_a_panel_a_study_for_any_number_of_them(count):
    spaces = itertools.islice(itertools.cycle((ADAM, LODO, MOMENTUM, RMSPROP, YOGI)), count)
    assert len(drawn(*[searched(spec(space, steps=(9,)), (1.0,) * 4) for space in spaces])) == count


def test_a_name_is_no_formula():
    (axes,) = drawn(searched(spec({**ADAM, "optimizer": "Ad$\\am$"}, steps=(9,)), (1.0,) * 4))
    assert axes.get_title("left") == "Ad$\\am$"


def test_studies_of_several_tasks_are_refused():
    studies = [searched(spec(), (1.0,) * 4), searched(spec(task="pixelcnn"), (1.0,) * 4)]
    with pytest.raises(ValueError, match=r"one task\. Received: pixelcnn, rosenbrock"):
        fitness_by_generation(studies)


def test_of_nothing_there_is_no_figure():
    assert fitness_by_generation([]) is None
    assert fitness_by_generation([(study(), [])]) is None


def test_every_optimizer_has_a_colour_of_its_own_and_others_have_one_that_stays():
    assert len(set(COLOURS.values())) == len(COLOURS)
    assert colour("Mine") == colour("Mine")
    assert colour("Mine").startswith("#")


@pytest.mark.parametrize("count", [2, 4, 12, 30])
def test_no_two_optimizers_of_a_figure_look_alike(count):
    names = [*COLOURS, *(f"Mine-{number}" for number in range(count))]
    looks = styles_of(names)
    assert list(looks) == names
    assert len({look.colour for look in looks.values()}) == len(names)
    if count <= 8:  # as many markers are kept for optimizers that are not ours
        assert len({look.marker for look in looks.values()}) == len(names)
    assert looks["LODO"] == style("LODO")


def test_an_optimizer_that_is_not_ours_looks_as_in_a_figure_of_its_own_unless_another_one_does():
    alone = {name: style(name) for name in ("Mine", "keras:AdamW")}
    assert styles_of(["Adam", "Mine"])["Mine"] == alone["Mine"]
    assert styles_of(["keras:AdamW", "LODO"])["keras:AdamW"] == alone["keras:AdamW"]


def test_a_users_settings_of_matplotlib_change_nothing_and_are_kept():
    one = searched(spec(), (4.0, 3.0, 2.0, 1.0), (0.4, 0.3, 0.2, DIVERGED))
    kind = FIGURES_OF_SEARCH[0]
    png = rendered(kind.draw([one]))
    with rc_context({"font.size": 22, "axes.facecolor": "black", "backend": "svg", "savefig.dpi": 30}):
        with warnings.catch_warnings(action="error"):
            assert rendered(kind.draw([one])) == png
        assert (rcParams["font.size"], rcParams["backend"], rcParams["savefig.dpi"]) == (22, "svg", 30)


def test_no_display_and_no_global_state_are_touched():
    """In a process of its own, since other tests' libraries load pyplot."""
    program = (
        "import sys\nfrom tests.support.builders import search, spec, study\n"
        "from tuner.results.figures.fitness import fitness_by_generation\n"
        f"{inspect.getsource(searched)}\nfitness_by_generation([searched(spec(), (1.0,) * 4)])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_legend_of_a_single_optimizer_is_below_the_label_of_the_axis():
    figure = fitness_by_generation([searched(spec(), (4.0, 30.0, 2.0, DIVERGED), (3.0, 2.0, 1.0, 300.0))])
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    assert not legend.get_window_extent().overlaps(figure.axes[0].xaxis.label.get_window_extent())
