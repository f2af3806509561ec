"""Searches of two and three objectives on a training function."""

from __future__ import annotations

import json
import math
import re
import urllib.request

import moocore
import numpy as np
import pandas as pd
import pytest

import tuner
from tests.support import toy_functions
from tests.support.command_line import call
from tests.support.in_process import without_ray
from tests.support.reading_service import BEARER, application, served
from tuner.core.errors import InvalidRequest
from tuner.core.objective import Objective
from tuner.core.objective_text import parse, parse_several
from tuner.storage import Store

SIZE = {"generations": 6, "population": 12, "steps": 2}
BOTH = "validation.loss,validation.width"


def space(noise=0.0, nets=("fine", "broken")):
    return tuner.space(
        width=tuner.integer(16, low=1, high=256, log=True),
        rate=tuner.log(0.1, low=1e-5, high=10.0),
        net=tuner.choice(*nets),
        noise=noise,
    )


def tuned(database, **changes):
    arguments = {"objective": BOTH, "space": space(), "database": str(database), "progress": False, **SIZE, **changes}
    with without_ray():
        return tuner.tune(toy_functions.cheap_and_good, **arguments)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tuned(tmp_path_factory.mktemp("front") / "studies.db")


def study_of(run):
    return run["cheap-and-good"]


def finished(run):
    frame = run.trials()
    return frame[(frame.role == "search") & (frame.status == "finished")]


def test_several_objectives_are_searched_by_nsga2(run):
    spec = study_of(run).spec
    assert spec.strategy == "nsga2"
    assert spec.workload.objective.text == BOTH
    assert [each.text for each in spec.workload.objective.each] == ["validation.loss", "validation.width"]


def test_every_candidate_has_the_value_of_each_objective(run):
    frame = run.trials()
    done = frame[frame.status == "finished"]
    expected = 1 / done.width + np.log10(done.rate / 1e-2) ** 2  # as the function has it
    np.testing.assert_allclose(done.fitness, expected)
    assert (done.fitness_2 == done.width).all()
    lost = frame[frame.net == "broken"]
    assert len(lost) >= 4
    assert (lost.status == "diverged").all()
    assert np.isinf(lost.fitness_2).all()


def test_the_front_is_what_no_other_trained_candidate_dominates(run):
    front = study_of(run).summary().front
    values = finished(run)[["fitness", "fitness_2"]].to_numpy()
    expected = np.unique(values[moocore.is_nondominated(values, keep_weakly=True)], axis=0)
    np.testing.assert_allclose([point.values for point in front.points], expected)
    first = finished(run).query("generation == 0")[["fitness", "fitness_2"]].to_numpy()
    assert front.reference == pytest.approx(first.max(axis=0))
    # the hypervolume in two dimensions is a sum of rectangles
    area, top = 0.0, front.reference[1]
    for x, y in expected:
        if x < front.reference[0] and y < top:
            area += (front.reference[0] - x) * (top - y)
            top = y
    assert front.hypervolume == pytest.approx(area)
    assert not front.is_fresh


def test_the_first_lines_say_where_the_front_ends_and_how_many_of_its_points_are_better_than_the_defaults(run):
    front = study_of(run).summary().front
    frame = run.trials()
    usual = frame[frame.role == "default"][["fitness", "fitness_2"]].mean().to_numpy()
    points = np.array([point.values for point in front.points])
    better = int(((points <= usual).all(axis=1) & (points < usual).any(axis=1)).sum())
    assert 0 < better < len(points)
    assert front.default.values == pytest.approx(usual)
    assert front.better == better
    text = " ".join(run.table().to_text().split())
    assert f"front cheap-and-good: {len(points)} points, from loss " in text
    assert f"{better} of {len(points)} points better than the defaults by an objective, and worse by none" in text
    verdicts = "gain|verdict|better:|worse:"  # by the first objective alone, which would mislead
    for shown in (text, study_of(run).details(), run.table(details=True).to_text()):
        assert not re.search(verdicts, shown)
    with served(application(run.database.url)) as address:
        page = urllib.request.urlopen(urllib.request.Request(f"{address}/runs/{run.name}", headers=BEARER), timeout=300)
        shown = page.read().decode()
    assert "a compromise between the objectives" in shown
    assert "the table has the front of each" in shown
    (layout,) = json.loads(run.table().to_json())["studies"]
    assert layout["front"]["better_than_default"] == better
    assert layout["front"]["default"]["values"] == pytest.approx(usual)


def test_of_several_searches_the_front_is_what_no_point_of_another_dominates(run, tmp_path):
    several = tuned(tmp_path / "studies.db", search_seeds=3)
    fronts = [study.summary().front for study in several.studies]
    assert fronts[0] == study_of(run).summary().front  # the search with the same seed
    values = np.unique([point.values for front in fronts for point in front.points], axis=0)
    expected = values[moocore.is_nondominated(values, keep_weakly=True)]
    (layout,) = json.loads(several.table().to_json())["searches"]
    found = layout["front"]
    np.testing.assert_allclose([point["values"] for point in found["points"]], expected)
    worst = np.max([front.reference for front in fronts], axis=0)
    assert found["reference"] == pytest.approx(worst)
    volumes = [moocore.hypervolume([point.values for point in front.points], ref=worst) for front in fronts]
    assert found["hypervolumes"] == pytest.approx(volumes)
    assert found["hypervolume"] == pytest.approx(moocore.hypervolume(expected, ref=worst))
    assert found["hypervolume"] >= max(volumes)
    assert found["default"]["values"] == pytest.approx(np.mean([front.default.values for front in fronts], axis=0))
    text = " ".join(several.table().to_text().split())
    assert f"front cheap-and-good, 3 searches: {len(expected)} points, from loss " in text
    assert "certainty cheap-and-good, 3 searches: hypervolume of each " in text
    assert "cheap-and-good, 3 searches: the front, of which no point is better by all" in text
    axes = several.figure("search-front").axes[0]
    assert len(axes.lines) == 2 * 3  # what each search tried, and its front
    assert axes.get_legend() is None  # one optimizer


def test_with_noise_the_front_is_of_fresh_seeds(tmp_path):
    run = tuned(tmp_path / "studies.db", space=space(noise=0.01, nets=("fine", "good")))
    front = study_of(run).summary().front
    last = finished(run).query("generation == 5")
    assert front.is_fresh
    own = finished(run).query("generation < 5")
    assert not set(last.seed) & set(own.seed)
    own = own[own.seed == own.seed.iloc[0]]  # without the look for noise
    place, values = ["width", "rate", "net"], ["fitness", "fitness_2"]
    again = own.merge(last[place].drop_duplicates(), on=place)
    means = pd.concat([again, last]).groupby(place)[values].mean()  # over all seeds: what the front is
    kept = means[moocore.is_nondominated(means.to_numpy())]
    assert len(kept) == len(front.points) > 2
    assert {dict(point.hyperparameters)["rate"] for point in front.points} == {rate for _, rate, _ in kept.index}
    for point in front.points:
        same = last[last.width == dict(point.hyperparameters)["width"]]
        same = same[np.isclose(same.rate, dict(point.hyperparameters)["rate"])]
        assert point.seeds == len(same)
        assert point.values[0] == pytest.approx(same.fitness.mean())
        if point.seeds > 1:
            assert point.spreads[0] == pytest.approx(same.fitness.std(ddof=1))


def test_tables_json_figures_and_the_report_show_the_front(run, tmp_path):
    front = study_of(run).summary().front
    text = " ".join(str(run.table()).split())
    assert "cheap-and-good: the front, of which no point is better by all" in text
    assert "validation width at the end of the budget, the lower the better" in text
    (layout,) = json.loads(run.table().to_json())["studies"]
    assert [point["values"] for point in layout["front"]["points"]] == [list(point.values) for point in front.points]
    axes = run.figure("search-front").axes[0]
    drawn = axes.lines[1].get_xydata()
    np.testing.assert_allclose(drawn, [point.values for point in front.points])
    assert len(axes.lines[0].get_xydata()) == len(finished(run))
    outcome = call("report", run.name, "--output", tmp_path / "report.html", "--database", run.database.url)
    assert outcome.code == 0, outcome.err
    assert "the front, of which" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert call("database", "check", "--database", run.database.url).out.endswith("sound\n")
    csv = call("trials", run.name, "--format", "csv", "--database", run.database.url).out
    assert csv.splitlines()[0].endswith(",seconds,fitness_2")


@pytest.mark.parametrize("batch", [1, 4])
def test_an_interrupted_search_goes_on_to_the_same_front(run, batch, tmp_path):
    class Interrupt(tuner.Callback):
        """Ends the run at a generation."""

        def on_batch_begin(self, name, budget, keys):
            if name == f"generation {batch}":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "studies.db", callback=Interrupt)
    with without_ray():
        resumed = tuner.resume("cheap_and_good", database=str(tmp_path / "studies.db"), progress=False)
    columns = ["generation", "slot", "role", "status", "fitness", "fitness_2", "width", "rate", "seed"]
    assert resumed.trials()[columns].equals(run.trials()[columns])


def test_three_objectives_of_which_one_is_to_be_great(tmp_path):
    objective = "validation.loss,validation.width:max,validation.half"
    run = tuned(tmp_path / "studies.db", objective=objective, generations=3)
    front = study_of(run).summary().front
    assert [each.text for each in front.objectives] == objective.split(",")
    assert all(point.values[2] == point.values[1] / 2 for point in front.points)
    assert front.reference[1] == finished(run).query("generation == 0").fitness_2.min()  # the worst is the least


def test_a_run_that_lacks_an_objective_fails_with_a_reason(tmp_path):
    run = tuned(
        tmp_path / "studies.db",
        objective="validation.loss,validation.height",
        space=space(nets=("a", "b")),
        generations=2,
    )
    assert set(run.trials().status) == {"failed"}
    assert study_of(run).summary().front is None
    with Store.open(run.database.url, read_only=True) as store:
        reasons = {candidate.reason for candidate in store.candidates(study_of(run).record.id)}
    assert reasons == {"it reported loss, width, half, and an objective is validation.height"}
    assert "front" not in json.loads(run.table().to_json())["studies"][0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "genetic"}, "strategy: genetic searches one objective; take nsga2"),
        ({"objective": "validation.loss,validation.loss"}, "objective names different metrics"),
        ({"objective": "validation.a,validation.b,validation.c,validation.d"}, "nsga2 searches 3 objectives at most"),
        ({"objective": "validation.loss,training-loss"}, "objective of a training function is one of what it reports"),
        ({"objective": "validation.loss,"}, "objective is training-loss, validation.METRIC"),
        ({"objective": "validation.loss,evaluations-to:validation.width<=3"}, "has no target"),
    ],
)
def test_what_is_not_accepted_is_named(changes, message, tmp_path):
    with pytest.raises(InvalidRequest, match=message):
        tuned(tmp_path / "studies.db", **changes)


def test_built_in_tasks_and_comparisons_have_one_objective():
    for verb in (["--task", "rosenbrock"], ["compare", "--task", "rosenbrock", "--defaults"]):
        outcome = call(*verb, "--objective", BOTH)
        assert outcome.code == 2
        assert "--objective" in outcome.err


def test_objectives_are_read_back_from_their_text_and_from_json():
    for text in (BOTH, "validation.loss:best,validation.width:max,validation.half:last=0.5"):
        objective = parse_several(text)
        assert parse_several(objective.text) == objective
        assert Objective.from_dict(json.loads(json.dumps(objective.to_dict()))) == objective
    assert parse_several("validation.loss") == parse("validation.loss")
    assert "further" not in parse("validation.loss").to_dict()
    assert math.isinf(parse(BOTH.partition(",")[0]).limit(10))
