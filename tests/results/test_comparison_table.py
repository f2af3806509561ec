"""The tables of a comparison, from records made by hand."""

import csv
import io
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.support.builders import ADAM, LODO, MOMENTUM, comparison_spec, run, study
from tuner.core.study import Point, SeedRun, Series, StudyStatus
from tuner.core.trial import Measurement, Role, Status
from tuner.results.analysis.comparison import compare_runs
from tuner.results.tables.table import Table

SEEDS = 6
LOW = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
NEAR = [value + 0.05 for value in LOW]
HIGH = [3.0, 3.1, 3.2, math.inf, 3.4, Status.FAILED]


def series(evaluations, seconds, **metrics):
    clock = np.array(seconds, float)
    return Series(
        np.array(evaluations, float), clock, 2 * clock, {name: np.array(v, float) for name, v in metrics.items()}
    )


def contest(space, losses, *, seconds=None, measured=True, values=None, status=StudyStatus.COMPLETE, **fields):
    """Return a study of a comparison with its runs: a loss each, inf where it diverged, or a status."""
    points = (Point(values or {name: entry["default"] for name, entry in space["hyperparameters"].items()}),)
    measurement = Measurement(100, seconds, None)
    of = comparison_spec(
        space, steps=1000, seeds=SEEDS, run="contest", points=points, measurement=measurement, **fields
    )
    runs = []
    for slot, loss in enumerate(losses):
        outcome = loss if isinstance(loss, Status) else Status.DIVERGED if math.isinf(loss) else loss
        found = {"floor": series([0], [0], loss=[0.5])}
        if measured and outcome is not Status.FAILED:
            found["validation"] = series([0, 1000], [0, 2], loss=[9.0, 2 * loss], accuracy=[0.1, 0.5 + slot / 10])
            found["test"] = series([1000], [2], loss=[3 * loss])
            found["training"] = series([500, 1000], [1, 2], loss=[2.0, loss])
        if seconds is not None and outcome is not Status.FAILED:
            found["time"] = series([900], [seconds], loss=[10 * loss])
        runs.append(SeedRun(run(Role.COMPARISON, 0, slot, outcome, steps=1000), found, None))
    return study(of, tuned=False, status=status), runs


def render_comparisons(comparisons, format):
    return Table(comparisons=tuple(comparisons)).to_format(format)


def three(**options):
    return compare_runs(
        [contest(ADAM, HIGH, **options), contest(MOMENTUM, LOW, **options), contest(LODO, NEAR, **options)]
    )


def lines(text, title):
    """Return the cells of a text table's rows by their first, where no cell is empty."""
    block = text.partition(title)[2].partition("\n\n")[0].splitlines()
    return {line.split()[0]: line for line in block[3:]}


def test_numbers_are_of_the_runs_that_did_not_diverge_and_counts_of_those_that_say_something():
    adam, momentum, lodo = three().contenders
    assert adam.by_steps.loss.mean == pytest.approx((3.0 + 3.1 + 3.2 + 3.4) / 4)
    assert adam.by_steps.loss.runs == 4
    assert (adam.by_steps.diverged, adam.counts[Status.FAILED], adam.left) == (1, 1, 0)
    assert momentum.by_steps.loss.spread == pytest.approx(np.std(LOW))
    assert momentum.validation["loss"].mean == pytest.approx(2 * np.mean(LOW))
    assert momentum.validation["accuracy"].mean == pytest.approx(0.75)
    assert momentum.test["loss"].mean == pytest.approx(3 * np.mean(LOW))
    assert (momentum.pace, momentum.pace_with_validation) == (500.0, 250.0)  # 1,000 in 2 s, and in 4 s
    assert lodo.floor == 0.5


def test_the_best_and_its_tie_are_bold_and_the_others_are_not():
    text = render_comparisons([three()], "text")
    rows = lines(text, "last 10 % of the step budget")
    assert rows["Momentum"].endswith("best")
    assert rows["LODO"].endswith("tie")
    assert rows["Adam"].endswith("worse")
    assert " 1/5 " in rows["Adam"]
    markdown = render_comparisons([three()], "markdown")
    assert "| Momentum | **1.25 ± 0.17** |" in markdown
    assert "| LODO | **1.30 ± 0.17** |" in markdown
    assert "| Adam | 3.1" in markdown
    latex = render_comparisons([three()], "latex")
    assert r"Momentum & \textbf{\boldmath 1.25 $\pm$ 0.17} &" in latex
    assert r"\toprule" in latex


def test_what_was_not_measured_is_absent_and_not_faked():
    bare = render_comparisons([three(measured=False)], "text")
    for word in ("time budget", "validation", "per second"):
        assert word not in bare
    timed = render_comparisons([three(seconds=5.0)], "text")
    assert lines(timed, "last 10 % of the time budget")["Momentum"].split()[1] == "12.5"
    assert "per second" in timed


def test_a_run_that_diverged_by_time_alone_counts_there_alone():
    first, runs = contest(ADAM, LOW, seconds=5.0)
    spoilt = {**runs[2].series, "time": series([900], [5], loss=[math.nan])}
    (adam,) = compare_runs([(first, [*runs[:2], replace(runs[2], series=spoilt), *runs[3:]])]).contenders
    assert (adam.by_steps.diverged, adam.by_time.diverged, adam.by_time.loss.runs) == (0, 1, 5)


def test_until_all_runs_are_done_nobody_has_a_place_and_it_says_how_to_go_on():
    some = [*LOW[:3], Status.WAITING, Status.WAITING, Status.WAITING]
    first, runs = contest(ADAM, LOW)
    second, waiting = contest(MOMENTUM, LOW[:3], status=StudyStatus.INTERRUPTED)
    waiting += [SeedRun(run(Role.COMPARISON, 0, slot, some[slot]), {}, None) for slot in range(3, 6)]
    text = render_comparisons([compare_runs([(first, runs), (second, waiting)])], "text")
    assert "best       not known yet: 3 runs left" in text
    assert not re.search(r"^(Adam|Momentum) .* (best|tie|worse)$", text, re.MULTILINE)
    assert "Momentum: interrupted, 3 of 6 runs left; continue with lodo-tune resume contest/Momentum" in text


def test_runs_that_failed_are_told():
    assert "- Adam: 1 failed of 6 runs; these are not included in any number" in render_comparisons([three()], "text")


def test_provenance_says_versions_data_seeds_and_where_the_hyperparameters_come_from():
    of_data = three(data={"name": "mnist", "sha256": "0123456789abcdef", "sizes": [1]})
    for format in ("text", "markdown", "latex"):
        text = " ".join(render_comparisons([of_data], format).split())
        assert (
            "Provenance: rosenbrock; precision of the task; data mnist, sha256 0123456789ab…; seeds 0 to 5; "
            "hyperparameters tuned by first; lodo-tune 0.1.0, tensorflow 2.21.0; 2026-11-24"
        ) in text


def test_json_is_strict_and_csv_has_the_same_numbers_in_full():
    comparison = three(seconds=5.0)
    document = json.loads(render_comparisons([comparison], "json"), parse_constant=lambda name: pytest.fail(name))
    (found,) = document["comparisons"]
    rows = list(csv.DictReader(io.StringIO(render_comparisons([comparison], "csv"))))
    assert (
        [one["name"] for one in found["contenders"]]
        == [row["contender"] for row in rows]
        == ["Adam", "Momentum", "LODO"]
    )
    for one, row in zip(found["contenders"], rows, strict=True):
        assert float(row["by_steps_loss"]) == one["by_steps"]["loss"]["mean"]
        high = one["by_time"]["loss"]["high"]  # null of Adam, of which four runs finished
        assert row["by_time_high"] == ("" if high is None else repr(high))
        assert float(row["test_loss"]) == one["test"]["loss"]["mean"]
        assert row["by_steps_standing"] == one["by_steps"]["standing"]
        assert float(row["evaluations_per_second"]) == one["evaluations_per_second"]["training"]


def test_it_is_said_from_how_many_runs_on_there_is_an_interval_where_one_is_missing():
    missing = "interval of the mean, from 5 runs on."
    assert missing in " ".join(render_comparisons([three()], "text").split())
    all_ended = compare_runs([contest(MOMENTUM, LOW), contest(LODO, NEAR)])
    assert missing not in " ".join(render_comparisons([all_ended], "text").split())


def test_runs_that_are_equal_on_every_seed_are_called_exact():
    text = render_comparisons([compare_runs([contest(MOMENTUM, LOW), contest(LODO, [0.5] * SEEDS)])], "text")
    assert "0.5000 exact" in text
    assert "exact: the same value in every run." in text
    assert "exact: the same" not in render_comparisons([three()], "text")


def test_a_format_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="did you mean 'latex'"):
        render_comparisons([three()], "latx")


def test_studies_of_two_runs_or_of_a_search_are_no_comparison():
    first = contest(ADAM, LOW)
    other = contest(MOMENTUM, LOW)
    with pytest.raises(ValueError, match="Received: contest, other"):
        compare_runs([first, (replace(other[0], spec=replace(other[0].spec, run="other")), other[1])])
    with pytest.raises(ValueError, match="Received: first"):
        compare_runs([(study(), [])])


def test_json_has_the_keys_that_others_script_against():
    (found,) = json.loads(render_comparisons([three()], "json"))["comparisons"]
    assert list(found) == [
        "run", "task", "objective", "steps", "seconds", "seeds", "cohort_size", "validate_every", "test_examples",
        "sweep", "contenders", "remarks", "precision", "options", "data", "versions", "hardware", "created_at",
        "is_imported",
    ]  # fmt: skip
    assert list(found["contenders"][0]) == [
        "study", "name", "optimizer", "value", "hyperparameters", "settings", "source", "status", "runs", "by_steps",
        "by_time", "floor", "validation", "test", "evaluations_per_second", "behind",
    ]  # fmt: skip
    assert list(found["contenders"][0]["by_steps"]) == ["loss", "diverged", "standing", "p", "missed"]
    assert list(found["contenders"][0]["by_steps"]["loss"]) == ["mean", "spread", "low", "high", "runs"]
