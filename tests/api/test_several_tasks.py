"""What the API returns of a search on several tasks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tuner
from tests.studies.test_several_tasks import OWNER, TWO, bowls, part, spec
from tuner.core.errors import InvalidRequest
from tuner.core.study import SearchSpec
from tuner.execution.in_process import InProcessExecutor
from tuner.results.exports import NotExported
from tuner.storage import Store
from tuner.studies.callbacks import NoCallback
from tuner.studies.comparison_planner import CompareRequest, plan_comparison
from tuner.studies.driver import run_study
from tuner.studies.estimate import measured_cost, seconds, whole
from tuner.studies.planner import SearchRequest, plan_search

__all__ = ["bowls"]  # by which the executor finds it


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuner.Run:
    url = str(tmp_path_factory.mktemp("both") / "studies.db")
    with Store.open(url) as store:
        study = store.create_study(spec(*TWO))
        run_study(store, study, InProcessExecutor(train=f"{__name__}:bowls"), NoCallback(), owner=OWNER)
    found = tuner.open_database(url).run("run")
    assert isinstance(found, tuner.Run)
    return found


def test_trials_have_a_row_per_candidate_and_task(run: tuner.Run) -> None:
    frame = run.trials()
    search = frame[frame.role == "search"]
    assert frame.columns[1] == "task"
    assert search.groupby("task").size().to_dict() == {"near": 48, "far": 48}
    assert sorted(search.generation.unique()) == list(range(6))
    one = search[(search.generation == 3) & (search.slot == 5)].set_index("task")
    assert one.rate.nunique() == one.seed.nunique() == 1
    assert one.budget.to_dict() == {"near": 10, "far": 30}
    distance = (np.log(one.rate["far"]) - np.log(0.25)) ** 2 + 0.01  # the formula of `bowls`
    assert one.fitness["far"] == pytest.approx(1e5 * distance, rel=0.01)  # but for the noise


def test_curves_are_of_the_task_that_is_named(run: tuner.Run) -> None:
    study = run["Adam"]
    assert [len(study.curve(5, 7, task=task)) for task in (None, "near", "far")] == [10, 10, 30]  # their budgets
    assert len(study.curve(0, 2, role="tuned", task="far")) == 30
    with pytest.raises(InvalidRequest, match=r"is one of near, far"):
        study.curve(5, 7, task="rosenbrock")
    with pytest.raises(Exception, match="has no candidate"):
        study.curve(6, 0, task="near")


def test_the_record_names_each_task_and_the_score(run: tuner.Run) -> None:
    text = run["Adam"].details()
    assert re.search(r"task +near .*; far ", text)
    assert "96 of 96 trainings done" in text
    assert re.search(r"on near +default .* tuned ", text)
    assert re.search(r"score +default .*, mean seen .*, tuned .*", text)


def test_figures_are_of_the_scores_and_one_is_of_each_task(run: tuner.Run) -> None:
    scores, tasks = run.figure("search"), run.figure("search-tasks")
    assert scores is not None
    assert scores.axes[0].get_ylabel() == "score"
    assert tasks is not None
    assert [axes.get_title() for axes in tasks.axes] == ["near", "far"]
    # The line of a task is the fitness there of the individual with the best score of each generation.
    frame = run.trials()
    wide = frame[frame.role == "search"].pivot_table("fitness", ["generation", "slot"], "task")
    score = np.sqrt(wide.near * wide.far)
    best = wide.loc[score.groupby("generation").idxmin()].far.tolist()
    lines = [line.get_ydata() for line in tasks.axes[1].lines]
    assert any(len(line) == 6 and np.allclose(line, best) for line in lines)
    lowest = wide.far.groupby("generation").min().tolist()
    assert any(len(line) == 6 and np.allclose(line, lowest) for line in lines)


def test_results_are_written_for_other_programs(run: tuner.Run, tmp_path: Path) -> None:
    run.save(tmp_path / "saved")
    assert {"table.csv", "search-tasks.png", "Adam.json", "Adam.yaml"} <= {
        path.name for path in (tmp_path / "saved").iterdir()
    }
    written = run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Default → tuned on 2 tasks" in written


def test_an_export_names_every_task(run: tuner.Run) -> None:
    exported = run.export("Adam", "yaml")
    assert re.search(r"^  task: near,far$", exported, re.MULTILINE)
    assert exported.count("- task: ") == 2


def test_a_schedule_of_tasks_with_other_budgets_has_no_length_for_other_libraries(tmp_path: Path) -> None:
    space = {
        "optimizer": "Adam",
        "hyperparameters": {
            "learning_rate": {"scale": "log", "default": 0.5},
            "cosine_final": {"scale": "log", "default": 0.1, "high": 1.0},
        },
    }
    planned = spec(part("near"), part("far", steps=30), strategy="random")
    with Store.open(str(tmp_path / "studies.db")) as store:
        study = store.create_study(replace(planned, space=space, run="scheduled"))
        epoch = store.acquire(study.id, owner=OWNER)
        store.finish(study.id, epoch, tuned={"learning_rate": 0.1, "cosine_final": 0.5}, tuned_genome=[0.0, 0.0])
        (found,) = store.find("scheduled")
    from tuner.results import exports

    with pytest.raises(NotExported, match=r"have 10 and 30 gradient evaluations. Accepted: json, yaml, algoperf"):
        exports.export(found, "torch")
    assert "cosine_final: 0.5" in exports.export(found, "yaml")


def test_a_comparison_takes_the_search_on_each_of_its_tasks_by_name(tmp_path: Path) -> None:
    url = str(tmp_path / "studies.db")
    (planned,) = plan_search(
        SearchRequest(task="rosenbrock,noisy-quadratic-bowl", optimizers=("Momentum",), preset="quick", name="both")
    ).specs
    tuned = {"learning_rate": 0.125, "momentum": 0.75}
    with Store.open(url) as store:
        study = store.create_study(planned)
        with store._writing() as connection:  # complete without its candidates
            connection.exec_driver_sql("UPDATE studies SET status = 'complete'")
            text = json.dumps(tuned)
            connection.exec_driver_sql(f"UPDATE studies SET tuned = '{text}', tuned_genome = '[0.0, 0.0]'")
        assert store.find("both")[0].id == study.id
    assert isinstance(planned, SearchSpec)
    for task, steps in (("rosenbrock", 200), ("noisy-quadratic-bowl", 1000)):
        (compared,) = plan_comparison(CompareRequest(task=task, search="both"), url).specs
        assert dict(compared.points[0].hyperparameters) == tuned  # type: ignore[union-attr]
        assert compared.workload.task == task
        assert planned.part_on(task).steps[-1] == steps
    with pytest.raises(InvalidRequest, match="both was tuned on rosenbrock,noisy-quadratic-bowl"):
        plan_comparison(CompareRequest(task="pixelcnn", search="both"), url)
    with pytest.raises(InvalidRequest, match="nothing is tuned on rosenbrock"):
        plan_comparison(CompareRequest(task="rosenbrock"), url)  # the newest search on this task alone


def test_a_run_on_several_tasks_is_compared_on_one_that_is_named(run: tuner.Run) -> None:
    with pytest.raises(InvalidRequest, match="run was tuned on near, far; compare on one at a time"):
        tuner.compare(run, progress=False)


def test_the_estimate_of_a_search_is_the_sum_over_its_tasks() -> None:
    both = spec(*TWO)
    costs = {("near", "Adam"): 1.0, ("far", "Adam"): 10.0}
    # near: 8 in 2 cohorts of 4, 6 × 10 evaluations, and 6 fresh runs in 2 cohorts; far: 3 and 2 cohorts, 6 × 30.
    assert [seconds(each, 1.0, 1) for each in both.each_task] == [2 * 60 + 2 * 10, 3 * 180 + 2 * 30]
    assert whole(both.each_task, costs, 1) == 140 * 1.0 + 600 * 10.0
    executor = InProcessExecutor(train=f"{__name__}:bowls")
    assert all(measured_cost(executor, each, 1) for each in both.each_task)


def test_the_paper_s_protocol_takes_one_task() -> None:
    with pytest.raises(InvalidRequest, match="is one here: the paper tunes and compares on one task at a time"):
        tuner.paper("rosenbrock,noisy-quadratic-bowl", progress=False)


def test_details_are_of_the_scores(run: tuner.Run) -> None:
    summary = run["Adam"].summary()
    assert len(summary.parts) == 2
    assert all(row.tolerance is not None for row in summary.hyperparameters)
    section = next(iter(run.table(details=True).sections()))
    titles = [table.title for table in section.tables]
    assert "Places and tolerances of the tuned values" in titles
    assert titles[-1].startswith("Individuals")  # which the ledger of a report takes
    figure = run.figure("search-surrogate")
    assert figure is not None
    assert figure.axes[0].lines
