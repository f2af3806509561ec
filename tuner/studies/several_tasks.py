"""Requests for searches on several tasks: schedule and options of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasks.preset import Preset
from tuner.core.errors import InvalidRequest
from tuner.strategies.schedule import Defaults, Schedule, ScheduleRequest


def schedules_of(
    schedule: Callable[[Defaults, ScheduleRequest], Schedule], presets: Sequence[Preset], asked: ScheduleRequest
) -> list[Schedule]:
    """Return the schedule of a search on each of its tasks.

    The first task's preset gives the number of generations, the population and the spread of the draws, unless they are
    requested; each task has its own steps.

    Args:
        schedule: Returns the schedule of a strategy.
        presets: The presets of the tasks.
        asked: What differs from them.

    Raises:
        InvalidRequest: A number is out of range, or a budget is given for several tasks.
    """
    if len(presets) > 1 and asked.budget is not None:
        raise InvalidRequest("budget", "is for a search on one task; give {generations} and {population}", asked.budget)
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
