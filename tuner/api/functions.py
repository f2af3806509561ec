"""The suite of checks of a training function."""

from __future__ import annotations

from search_spaces.space import SearchSpace
from tuner.api.requests import Task, task_name
from tuner.checks.function_suite import FunctionProbe
from tuner.core.study import SearchSpec
from tuner.studies.planner import SearchRequest, plan_search


def function_probe(task: Task, preset: str, space: SearchSpace | None = None) -> FunctionProbe:
    """Return what the suite of checks examines: a training function with its defaults and the budget of a preset.

    Args:
        task: The function, or where it is.
        preset: The preset; its last budget is used.
        space: Its search space. Default: see `tune`.

    Raises:
        InvalidRequest: It has no such preset, or no search space.
        ValueError: It cannot be used; one line.
    """
    (spec,) = plan_search(SearchRequest(task=task_name(task), preset=preset, space=space)).specs
    assert isinstance(spec, SearchSpec)  # noqa: S101 - what a search is planned as
    return FunctionProbe(spec.workload, SearchSpace.from_dict(spec.space).defaults(), spec.steps[-1])
