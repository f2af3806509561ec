"""The schedule of `genetic` for a cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.preset import Preset
from tuner.core.errors import InvalidRequest
from tuner.strategies.rungs import SHORTEST, rung_schedule
from tuner.strategies.schedule import ScheduleRequest, sigma_schedule

PRESET = Preset(
    generations=3, population=32, sigmas=(3.0, 2.0, 1.0), steps=(100, 300, 1_000), fresh_seeds=2, optimizers=("Adam",)
)


def test_a_budget_pays_for_rungs_of_64_and_16_candidates_and_full_trainings() -> None:
    schedule = rung_schedule(PRESET, ScheduleRequest(budget=76_000))
    assert (schedule.generations, schedule.population) == (18, 8)
    assert schedule.steps == (*[62] * 8, *[250] * 2, *[1_000] * 8)  # 7,968 + 64,000 evaluations
    assert schedule.parameters == {"sigmas": [3.0] * 18}


def test_a_wide_population_has_fewer_generations_of_each_rung() -> None:
    schedule = rung_schedule(PRESET, ScheduleRequest(budget=228_000, population=32, steps=[1_000]))
    assert schedule.steps == (62, 62, 250, *[1_000] * 6)


def test_without_a_budget_the_schedule_is_the_one_that_is_asked_for() -> None:
    assert rung_schedule(PRESET, ScheduleRequest()) == sigma_schedule(PRESET, ScheduleRequest())
    asked = {"generations": 5, "population": 7, "steps": [40], "sigmas": [1.0]}
    assert rung_schedule(PRESET, ScheduleRequest(**asked)) == sigma_schedule(PRESET, ScheduleRequest(**asked))
    assert rung_schedule(PRESET, ScheduleRequest(**asked)).steps == (40,) * 5


@given(budget=st.integers(1, 10**7), population=st.integers(1, 64), full=st.integers(1, 20_000), sigma=st.floats(0, 10))
def test_the_cost_is_never_above_the_budget_and_less_than_a_generation_is_left(
    budget: int, population: int, full: int, sigma: float
) -> None:
    asked = {"budget": budget, "population": population, "steps": [full], "sigmas": [sigma]}
    if budget < 2 * population * full:
        with pytest.raises(InvalidRequest, match=f"budget is at least {2 * population * full}, the cost of two"):
            rung_schedule(PRESET, ScheduleRequest(**asked))
        return
    schedule = rung_schedule(PRESET, ScheduleRequest(**asked))
    cost = schedule.population * sum(schedule.steps)
    assert schedule.generations == len(schedule.steps) >= 2
    assert cost <= budget
    assert budget - cost < population * full + population or schedule.generations == 10_000
    rungs = [steps for steps in schedule.steps if steps != full]
    assert all(steps >= SHORTEST for steps in rungs)
    assert population * sum(rungs) <= budget / 3
    assert list(schedule.steps) == sorted(schedule.steps)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"budget": 0}, "budget is at least 1. Received: 0"),
        ({"budget": 10**4, "generations": 3}, "budget and generations exclude each other"),
        ({"budget": 10**5, "steps": [10, 20]}, "budget takes steps with one value. Received: 2"),
    ],
)
@pytest.mark.parametrize("schedule", [rung_schedule, sigma_schedule])
def test_a_budget_that_cannot_be_is_refused(schedule, asked, message) -> None:
    with pytest.raises(InvalidRequest) as caught:
        schedule(PRESET, ScheduleRequest(**asked))
    assert caught.value.text(str) == message


def test_other_strategies_have_as_many_generations_of_the_presets_steps_as_the_budget_pays_for() -> None:
    assert sigma_schedule(PRESET, ScheduleRequest(budget=32 * 1_400)).steps == (100, 300, 1_000)
    assert sigma_schedule(PRESET, ScheduleRequest(budget=32 * 1_400 - 1)).steps == (100, 1_000)
    assert sigma_schedule(PRESET, ScheduleRequest(budget=100_000, population=10, steps=[50])).generations == 200
    with pytest.raises(InvalidRequest, match="budget is at least 32000, the cost of one generation"):
        sigma_schedule(PRESET, ScheduleRequest(budget=31_999))
