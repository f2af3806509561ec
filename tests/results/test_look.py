"""What a user may ask of figures: width, scale, smoothing, style; and letters that fonts lack."""

import math
import re
import zlib

import numpy as np
import pytest
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.results.test_comparison_table import series
from tests.results.test_figures_of_comparisons import compared, lines
from tests.results.test_figures_of_searches import modelled
from tests.support.builders import ADAM, LODO, MOMENTUM, RMSPROP, YOGI, fresh, search, spec, study
from tests.support.command_line import call
from tests.support.report_values import database
from tuner.core.errors import InvalidRequest
from tuner.results.figures import FIGURES_OF_COMPARISON, FIGURES_OF_SEARCH, Look, letters, rendered
from tuner.results.figures.canvas import DOTS_PER_INCH, settled_limits
from tuner.results.figures.colours import colour
from tuner.results.figures.curves import learning_by_steps
from tuner.results.figures.letters import make_readable
from tuner.results.figures.line_labels import _apart
from tuner.results.figures.progress import best_so_far, progress_of
from tuner.results.figures.validation import validation

COLUMN = 3.3  # inches, of a paper with two columns


def outside(figure):
    """The texts of a figure that leave its sheet, by half a letter or more."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    sheet, found = figure.bbox, []
    texts = figure.findobj(lambda one: hasattr(one, "get_text") and one.get_text().strip())
    ticks = [tick for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.findobj(Tick)]
    labels = {label for tick in ticks for label in (tick.label1, tick.label2)}  # those beyond the axis are not drawn
    for text in set(texts) - labels:
        box = text.get_window_extent(renderer)
        shown = text.get_visible() and (text.axes is None or text.axes.get_visible())
        if shown and (box.x0 < -4 or box.x1 > sheet.x1 + 4 or box.y0 < -4 or box.y1 > sheet.y1 + 4):
            found.append(text.get_text())
    return found


def several():
    of = [(ADAM, 4.0), (LODO, 1.0), (MOMENTUM, 9.0), (RMSPROP, 2.0), (YOGI, 3.0)]
    curve = np.linspace(2, 1, 300)
    seen = {"validation": series([0, 100, 200, 300], [0, 1, 2, 3], loss=[9.0, 3.0, 2.0, 1.0])}
    return compared(*((space, [(level * curve, seen), (1.2 * level * curve, seen)]) for space, level in of))


@pytest.mark.parametrize("kind", FIGURES_OF_SEARCH, ids=lambda kind: kind.name)
@pytest.mark.parametrize("width", [COLUMN, 6.9])
def test_figures_of_a_search_fit_the_column_and_the_page_of_a_paper(kind, width):
    figure = kind.draw([modelled(), modelled(optimizer="Adam")], Look(width=width))
    if figure is not None:
        assert figure.get_figwidth() == width
        assert outside(figure) == []


@pytest.mark.parametrize("kind", FIGURES_OF_COMPARISON, ids=lambda kind: kind.name)
def test_figures_of_a_comparison_fit_the_column_of_a_paper(kind):
    figure = kind.draw(several(), Look(width=COLUMN))
    if figure is not None:
        assert figure.get_figwidth() == COLUMN
        assert outside(figure) == []


def test_the_legend_of_a_narrow_figure_is_below_its_axes():
    figure = FIGURES_OF_SEARCH[0].draw([modelled()], Look(width=COLUMN))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    legend = figure.legends[0].get_window_extent(renderer)
    assert legend.y1 <= min(axes.xaxis.label.get_window_extent(renderer).y0 for axes in figure.axes)


def test_curves_are_smoothed_over_the_windows_that_are_asked_for_and_the_axis_names_them():
    losses = np.random.default_rng(0).lognormal(size=300)
    figure = learning_by_steps(compared((ADAM, [(losses, {})])), Look(smooth=50))
    (axes,) = figure.axes
    np.testing.assert_allclose(lines(axes)[colour("Adam")].get_ydata(), losses.reshape(6, 50).mean(axis=1))
    assert axes.get_xlabel() == "gradient evaluations, in windows of 50"


def test_an_axis_is_logarithmic_where_it_is_asked_for():
    curves = compared((ADAM, [(np.linspace(3, 2, 10), {})]))
    assert learning_by_steps(curves).axes[0].get_yscale() == "linear"
    assert learning_by_steps(curves, Look(log_y=True)).axes[0].get_yscale() == "log"


def test_the_value_before_training_does_not_flatten_a_validation_curve():
    after = [0.80, 0.84, 0.86, 0.87, 0.88]
    seen = {"validation": series([0, 10, 20, 30, 40, 50], [math.nan] * 6, loss=[1.0] * 6, accuracy=[0.1, *after])}
    _, accuracy = validation(compared((ADAM, [([1.0], seen)]))).axes
    low, high = accuracy.get_ylim()
    assert 0.5 < low < 0.8
    assert high > 0.88
    (edge,) = [line for line in accuracy.lines if len(line.get_xdata()) == 1]
    assert (edge.get_marker(), edge.get_xdata()[0]) == ("v", 0)  # where the line leaves the axis


@pytest.mark.parametrize("start", [0.79, 0.75])
def test_a_beginning_near_the_rest_stays_on_the_axis(start):
    curve = np.array([start, 0.80, 0.84, 0.86, 0.87, 0.88])
    assert settled_limits([curve], linear=True)[1] < start


def test_names_beside_lines_do_not_overlap_and_keep_their_order():
    ends, heights = [0.91, 0.9, 0.9, 0.5, 0.02, 0.0], [0.06, 0.06, 0.12, 0.06, 0.06, 0.06]
    middles = _apart(ends, heights)
    for above, below, of_above, of_below in zip(middles, middles[1:], heights, heights[1:], strict=False):
        assert above - below >= (of_above + of_below) / 2 - 1e-12
    assert middles[3] == 0.5  # alone
    assert middles[-1] >= 0.03 - 1e-12  # within the panel
    assert middles[0] <= 0.97


def test_the_best_so_far_is_of_the_gradient_evaluations_that_the_search_has_used():
    of = spec(steps=(100, 100))
    runs = search(of, (4.0, 2.0, 3.0, 5.0), (1.0, 6.0, 1.5, 0.5))
    (part,) = progress_of(study(of), runs)
    spent = np.cumsum([one.steps_done for one in runs])
    assert part.best == (4.0, 2.0, 1.0, 0.5, 0.5)
    assert part.at == (spent[0], spent[1], spent[4], spent[7], spent[7])


def test_the_best_so_far_begins_anew_with_another_budget():
    of = spec(steps=(100, 200))
    parts = progress_of(study(of), search(of, (1.0, 2.0, 3.0, 4.0), (9.0, 8.0, 7.0, 6.0)))
    assert [part.best[-1] for part in parts] == [1.0, 6.0]


def test_the_tuned_point_is_a_star_at_its_mean_on_fresh_seeds():
    of = spec(steps=(100,), fresh_seeds=2)
    runs = [*search(of, (4.0, 5.0, 6.0, 7.0)), *fresh((9.0, 9.0), (1.0, 3.0), steps=100)]
    (axes,) = best_so_far([(study(of), runs)]).axes
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert star.get_ydata().tolist() == [2.0]  # the mean of 1 and 3


def test_a_style_file_sets_what_matplotlib_knows(tmp_path):
    (tmp_path / "paper.mplstyle").write_text("lines.linewidth: 3\naxes.facecolor: f0f0f0\nsavefig.dpi: 30\n")
    look = Look.of(style=tmp_path / "paper.mplstyle")
    figure = FIGURES_OF_SEARCH[0].draw([modelled()], look)
    assert figure.axes[0].get_facecolor()[:3] == pytest.approx([0xF0 / 255] * 3)


@pytest.mark.parametrize(
    ("text", "named"),
    [("lines.linewidht: 3\n", "lines.linewidht"), ("lines.linewidth: thick\n", "thick"), (None, "cannot read")],
)
def test_a_style_file_with_a_fault_is_refused_in_one_line(tmp_path, capfd, text, named):
    if text is not None:
        (tmp_path / "a.mplstyle").write_text(text)
    with pytest.raises(InvalidRequest, match=re.escape(named)) as error:
        Look.of(style=tmp_path / "a.mplstyle")
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")  # Matplotlib prints nothing


@pytest.mark.parametrize("wrong", [{"width": 1.0}, {"width": math.nan}, {"smooth": 0}])
def test_a_look_out_of_range_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        Look(**wrong)


def test_a_letter_that_no_font_has_is_replaced_by_its_number(monkeypatch):
    monkeypatch.setattr(letters, "FALLBACKS", ())
    figure = Figure()
    figure.text(0, 0, "α → 你好 b")
    make_readable(figure)
    assert figure.texts[0].get_text() == r"α → \u4f60\u597d b"


def test_a_letter_is_drawn_by_another_font_that_has_it(monkeypatch):
    monkeypatch.setattr(letters, "FALLBACKS", ("Absent", "Another"))
    monkeypatch.setattr(letters, "is_installed", lambda family: family == "Another")
    monkeypatch.setattr(letters, "_letters", lambda family: {ord("你")} if family == "Another" else set(range(128)))
    figure = Figure()
    figure.text(0, 0, "你 b")
    make_readable(figure)
    assert figure.texts[0].get_text() == "你 b"
    assert figure.texts[0].get_fontfamily()[-1] == "Another"


def test_the_fonts_of_a_pdf_are_embedded_and_none_is_of_type_3():
    pdf = rendered(FIGURES_OF_SEARCH[0].draw([modelled()]), "pdf")
    parts = re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", pdf, re.DOTALL)
    text = pdf + b"".join(map(zlib.decompress, parts))
    assert b"/FontFile2" in text
    assert b"/Type3" not in text


def test_figures_are_chosen_by_name_and_drawn_in_the_width_of_a_column(tmp_path):
    place = database(tmp_path / "studies.db")
    outcome = call(
        "figures", "first", "--only", "search,search-progress", "--width", COLUMN, "--output", tmp_path / "out",
        "--database", place,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    written = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in written] == ["first-search-progress.png", "first-search.png"]
    width = int.from_bytes(written[0].read_bytes()[16:20], "big")  # of the header of a PNG
    assert width == round(COLUMN * DOTS_PER_INCH)


@pytest.mark.parametrize(
    ("option", "named"),
    [(["--only", "serch"], "did you mean 'search'"), (["--width", "0.5"], "--width"), (["--smooth", "0"], "--smooth")],
)
def test_a_wrong_option_is_refused_before_anything_is_drawn(tmp_path, option, named):
    place = database(tmp_path / "studies.db")
    outcome = call("figures", *option, "--output", tmp_path / "out", "--database", place)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert named in outcome.err
    assert not (tmp_path / "out").exists()
