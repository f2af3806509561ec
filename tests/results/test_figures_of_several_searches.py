"""Figures of several searches for one optimizer: means over searches, and the median search."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.builders import ADAM, MOMENTUM, fresh, run, search, spec, study
from tuner.core.trial import Role, Status
from tuner.results.figures import FIGURES_OF_SEARCH
from tuner.results.figures.fitness import fitness_by_generation
from tuner.results.figures.parallel import parallel_coordinates
from tuner.results.figures.population import population
from tuner.results.figures.several_searches import medians
from tuner.results.figures.sharpness import sharpness

TUNED = (0.5, 0.3, 0.2)  # on fresh seeds, by search: the second is the median
BEST = ((2.0, 0.5), (1.0, 0.3), (3.0, 0.1))  # by search and generation


def several(space=MOMENTUM):
    """Return three searches of two generations of four."""
    found = []
    for seed, (values, best) in enumerate(zip(TUNED, BEST, strict=True)):
        of = spec(space, steps=(200, 200), seed=seed, is_repeated=True)
        runs = search(of, *((one, 2 * one, 4 * one, Status.DIVERGED) for one in best))
        names = list(space["hyperparameters"])
        runs = [replace(one, hyperparameters=dict.fromkeys(names, 0.1 * (one.key.slot + 1))) for one in runs]
        tuned = dict.fromkeys(names, 0.1 * (seed + 1))
        found.append((replace(study(of), tuned=tuned),
                      [*runs, *fresh([4.0] * 3, [values] * 3)]))  # fmt: skip
    return found


def test_a_panel_has_the_searches_of_an_optimizer_with_means_over_them():
    figure = fitness_by_generation([*several(), *several(ADAM)])
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == ["Momentum (3 searches)", "Adam (3 searches)"]
    thick = next(line for line in panels[0].lines if line.get_linewidth() == pytest.approx(1.4))
    np.testing.assert_allclose(thick.get_ydata(), np.mean(BEST, axis=0))
    thin = [line.get_ydata() for line in panels[0].lines if line.get_linewidth() == pytest.approx(0.6)]
    np.testing.assert_allclose(thin, BEST)
    counts = [text.get_text() for text in panels[0].texts]
    assert counts.count("3") == 2  # one of each search diverged in each generation
    bar = next(line for line in panels[0].lines if line.get_linewidth() == pytest.approx(1.1))
    spread = np.std(TUNED, ddof=1)
    np.testing.assert_allclose(bar.get_ydata(), [np.mean(TUNED) - spread, np.mean(TUNED) + spread])


def test_a_long_name_is_cut_above_a_panel_and_the_number_of_searches_stays():
    long = [(replace(one, spec=replace(one.spec, workload=replace(one.spec.workload, optimizer="long-" * 12))), runs)
            for one, runs in several()]  # fmt: skip
    title = fitness_by_generation(long).axes[0].get_title(loc="left")
    assert title.startswith("long-long-")
    assert title.endswith("… (3 searches)")


def test_one_search_alone_has_its_own_panel_as_before():
    of = spec(MOMENTUM, steps=(200,))
    figure = fitness_by_generation([(study(of), search(of, (4.0, 3.0, 2.0, 1.0)))])
    assert figure.axes[0].get_title(loc="left") == "Momentum"
    assert not [line for line in figure.axes[0].lines if line.get_linewidth() == pytest.approx(0.6)]


@pytest.mark.parametrize("draw", [population, sharpness])
def test_where_one_search_went_is_shown_of_the_median_one_with_the_tuned_values_of_the_others(draw):
    figure = draw(several())
    assert figure.get_suptitle().startswith("first, median search of each optimizer: ")
    assert len([axes for axes in figure.axes if axes.get_visible()]) == 2  # its two hyperparameters
    rate = figure.axes[0]
    grey = [line for line in rate.lines if line.get_linewidth() == pytest.approx(0.6)]
    ends = [np.ravel([line.get_xdata(), line.get_ydata()]).tolist() for line in grey]
    wanted = np.log10([0.1, 0.3])  # of the first and the third search, on a logarithmic scale
    assert [[any(np.isclose(end, each) for end in one) for each in wanted].count(True) for one in ends] == [1, 1]


def test_the_median_search_is_that_of_the_tables():
    shown = medians(several())
    assert [one.search.seed for one, _ in shown.studies] == [1]
    assert [each["momentum"] for each in shown.others(shown.studies[0][0])] == pytest.approx([0.1, 0.3])
    unended = [(one, [each for each in runs if each.key.role is Role.SEARCH]) for one, runs in several()]
    assert [one.search.seed for one, _ in medians(unended).studies] == [0]


def test_every_figure_is_drawn_of_searches_of_which_some_have_no_result():
    lost = [(study(one.search, tuned=False), [run(Role.SEARCH, 0, slot, Status.DIVERGED) for slot in range(4)])
            for one, _ in several(ADAM)]  # fmt: skip
    for kind in FIGURES_OF_SEARCH:
        kind.draw([*several(), *lost])
    assert len([axes for axes in parallel_coordinates([*several(), *lost]).axes if axes.get_visible()]) == 1
