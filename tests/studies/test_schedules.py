"""Schedules and plans: presets, options that change them, and values that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.preset import Preset
from tasks.registry import TASKS
from tuner.core.errors import InvalidRequest
from tuner.strategies.schedule import ScheduleRequest, sigma_schedule
from tuner.studies.lookup import run_name
from tuner.studies.planner import SearchRequest, plan_search

PRESET = Preset(
    generations=4,
    population=8,
    sigmas=(3.0, 2.0, 1.0, 0.5),
    steps=(10, 20, 30, 40),
    fresh_seeds=2,
    optimizers=("Adam",),
)


def test_a_preset_without_options_is_unchanged():
    result = sigma_schedule(PRESET, ScheduleRequest())
    assert (result.generations, result.population) == (4, 8)
    assert (result.parameters, result.steps) == ({"sigmas": list(PRESET.sigmas)}, PRESET.steps)


def test_a_single_value_applies_to_every_generation():
    result = sigma_schedule(PRESET, ScheduleRequest(steps=[7], sigmas=[0.1]))
    assert (result.steps, result.parameters) == ((7,) * 4, {"sigmas": [0.1] * 4})


def test_a_list_sets_the_number_of_generations():
    result = sigma_schedule(PRESET, ScheduleRequest(steps=[1, 2, 3]))
    assert (result.generations, result.steps) == (3, (1, 2, 3))


@given(st.integers(1, 50))
def test_another_number_of_generations_keeps_the_first_and_the_last_value_of_the_preset(generations):
    result = sigma_schedule(PRESET, ScheduleRequest(generations=generations))
    assert len(result.steps) == len(result.parameters["sigmas"]) == generations
    assert result.steps[-1] == 40
    assert result.parameters["sigmas"][-1] == 0.5
    if generations > 1:
        assert result.steps[0] == 10
    assert list(result.steps) == sorted(result.steps)


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(InvalidRequest, match="sigma takes one value, or one for each of the 3 generations"):
        sigma_schedule(PRESET, ScheduleRequest(steps=[1, 2, 3], sigmas=[1.0, 0.5]))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("preset", ["paper", "quick"])
def test_every_preset_of_every_task_can_be_planned_with_all_of_its_optimizers(task, preset, monkeypatch):
    monkeypatch.setattr("tuner.studies.planner.data_fingerprint", lambda entry: (None, None))
    planned = plan_search(SearchRequest(task=task, preset=preset))
    entry = TASKS[task].presets[preset]
    assert [spec.workload.optimizer for spec in planned.specs] == list(entry.optimizers)
    for spec in planned.specs:
        assert (spec.generations, spec.population) == (entry.generations, entry.population)
        assert spec.workload.cohort_size == TASKS[task].cohort_size


def test_the_paper_preset_has_ten_generations_of_thirty_two_or_sixteen_for_the_largest_network():
    for name, task in TASKS.items():
        population = 16 if name == "resnet18-cifar10" else 32
        assert (task.presets["paper"].generations, task.presets["paper"].population) == (10, population)


def test_the_search_space_of_a_user_is_that_of_the_study(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("optimizer: Adam\nhyperparameters:\n  rate: {scale: log, default: 0.5}\n")
    with pytest.raises(ValueError, match=r"mine\.yaml"):  # Adam has no such hyperparameter
        plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), search_spaces=(file,)))
    file.write_text(
        "optimizer: Adam\nhyperparameters:\n  learning_rate: {scale: log, default: 0.5}\n"
        "  beta_1: {scale: decay, default: 0.8}\n  beta_2: {scale: decay, default: 0.99}\n"
    )
    (spec,) = plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), search_spaces=(file,))).specs
    assert spec.space["hyperparameters"]["learning_rate"]["default"] == 0.5


@pytest.mark.parametrize(
    ("task", "taken", "expected"),
    [
        ("rosenbrock", [], "rosenbrock"),
        ("rosenbrock", ["rosenbrock"], "rosenbrock-2"),
        ("rosenbrock", ["rosenbrock", "rosenbrock-2", "bowl"], "rosenbrock-3"),
        ("tasks/my_task.py:MyTask", [], "MyTask"),
    ],
)
def test_the_default_name_of_a_run_is_its_task_with_a_number_if_taken(task, taken, expected):
    assert run_name(task, taken) == expected


@pytest.mark.parametrize(
    ("request_", "strategy"),
    [
        ({}, "paper"),
        ({"preset": "paper"}, "paper"),
        ({"preset": "quick"}, "genetic"),
        ({"preset": "quick", "strategy": "paper"}, "paper"),
        ({"strategy": "random"}, "random"),
    ],
)
def test_the_papers_preset_is_searched_by_the_papers_rule_and_every_other_by_evolution(request_, strategy):
    plan = plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), **request_))
    assert plan.specs[0].strategy == strategy


def test_a_budget_is_what_a_search_may_cost():
    plan = plan_search(SearchRequest(task="rosenbrock", optimizers=("Adam",), preset="quick", budget=15_200))
    (search,) = plan.specs
    assert search.population * sum(search.steps) <= 15_200 < search.population * (sum(search.steps) + 200)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"steps": (100, 200)}, "2 generations, one per value of steps; the preset 'quick' has 5"),
        ({"steps": (100, 200), "generations": 2}, None),  # it was meant
        ({"steps": (100,)}, None),
        ({"population": 1, "generations": 1}, "a population of 1: there is nothing to select from"),
    ],
)
def test_a_schedule_that_may_not_be_what_was_meant_is_remarked_on(more, expected):
    request = SearchRequest(task="rosenbrock", preset="quick", optimizers=("Adam",), **more)
    remarks = plan_search(request).remarks
    assert [remark for remark in remarks if "generations, one per" in remark or "population" in remark] == [
        remark for remark in remarks if expected and remark.startswith(expected)
    ]
    assert (expected is None) == (not remarks)
