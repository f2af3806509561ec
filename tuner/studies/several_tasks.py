"""Requests for searches on several tasks: schedule and options of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.preset import Preset
from tuner.core.errors import InvalidRequest
from tuner.strategies.schedule import MAX_BUDGET, Defaults, Schedule, ScheduleRequest


def schedules_of(
    schedule: Callable[[Defaults, ScheduleRequest], Schedule], presets: Sequence[Preset], asked: ScheduleRequest
) -> list[Schedule]:
    """Return the schedule of a search on each of its tasks.

    The first task's preset gives the number of generations, the population and the spread of the draws, unless they are
    requested; each task has its own steps. A budget is that of all tasks together.

    Args:
        schedule: Returns the schedule of a strategy.
        presets: The presets of the tasks.
        asked: What differs from them.

    Raises:
        InvalidRequest: A number is out of range.
    """
    if len(presets) > 1 and asked.budget is not None:
        asked.check()
        return _within(asked.budget, schedule, presets, asked)
    first = schedule(presets[0], asked)
    if len(presets) == 1:
        return [first]
    shared = replace(asked, generations=first.generations, population=first.population)
    others = [replace(schedule(preset, shared), parameters=first.parameters) for preset in presets[1:]]
    schedules = [first, *others]
    together = list(zip(*(each.steps for each in schedules), strict=True))
    if len({sum(steps) for steps in together}) != len(set(together)):  # strategies compare equal budgets
        raise InvalidRequest("steps", ": the budgets of the tasks change in opposite directions; give one for all")
    return schedules


def _within(
    budget: int,
    schedule: Callable[[Defaults, ScheduleRequest], Schedule],
    presets: Sequence[Preset],
    asked: ScheduleRequest,
) -> list[Schedule]:
    """Return the schedule of a search on each of its tasks, which together cost at most a budget.

    The schedule is made for the task with the shortest full training, so that no training on any task is too short to
    say something, with the share of the budget that this task's full training has of those of all tasks. On another
    task each training is as long, relative to the full one there.
    """
    fulls = [asked.steps[0] if asked.steps else preset.steps[-1] for preset in presets]
    shortest, first = min(fulls), presets[0]
    like_first = replace(first, steps=tuple(max(1, steps * shortest // first.steps[-1]) for steps in first.steps))

    def shared(total: int) -> Schedule:
        return schedule(like_first, replace(asked, budget=max(1, total * shortest // sum(fulls))))

    try:
        made = shared(budget)
    except InvalidRequest as error:
        least = None if error.field != "budget" else _least(shared, budget)
        if least is None:
            raise
        trainings = " and ".join(map(str, fulls))
        raise InvalidRequest(
            "budget",
            f"is at least {least} for these tasks, on which trainings have {trainings} gradient evaluations",
            budget,
        ) from None
    return [replace(made, steps=tuple(max(1, full * steps // shortest) for steps in made.steps)) for full in fulls]


def _least(schedule: Callable[[int], Schedule], refused: int) -> int | None:
    """Return the least budget above a refused one that a strategy accepts; None if it accepts none."""

    def accepts(budget: int) -> bool:
        try:
            schedule(budget)
        except InvalidRequest:
            return False
        return True

    low, high = refused, 2 * refused
    while not accepts(high):
        low, high = high, 2 * high
        if high > MAX_BUDGET:
            return None
    return bisect_left(range(high), True, low, high, key=accepts)


def options_of(tasks: Sequence[str], requested: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the requested options of each task: those for all, and those that begin with its name and a dot.

    Args:
        tasks: Names of the tasks.
        requested: Options by name; with several tasks also by "TASK.NAME", where the task has no path of a file.
    """
    if len(tasks) == 1:
        return [dict(requested)]
    prefixes = [f"{task.rpartition('/')[2]}." for task in tasks]
    shared = {name: value for name, value in requested.items() if not name.startswith(tuple(prefixes))}
    return [
        shared | {name.removeprefix(prefix): value for name, value in requested.items() if name.startswith(prefix)}
        for prefix in prefixes
    ]
