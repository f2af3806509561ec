"""The specification of a search on a training function, from a request."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.space import SearchSpace
from tasks import importing
from tasks.registry import TaskEntry, best_known
from tuner import strategies
from tuner.core.errors import InvalidRequest
from tuner.core.objective import SECONDS_PER_STEP
from tuner.core.objective_text import parse_several
from tuner.core.study import SearchSpec
from tuner.core.trial import Workload
from tuner.strategies.schedule import ScheduleRequest
from tuner.studies import machine
from tuner.studies.coordinates import check_searched
from tuner.studies.exact import is_exact
from tuner.studies.objectives import check_several, objective_of
from tuner.studies.pruning import with_pruning
from tuner.studies.several_tasks import schedules_of
from tuner.training.code_fingerprint import function_code

if TYPE_CHECKING:
    from tuner.studies.planner import SearchRequest

OBJECTIVE = "validation.loss"
"""The objective of a function that names none: the last loss that it reports."""


def plan_function(request: SearchRequest, name: str, entry: TaskEntry, asked: ScheduleRequest) -> SearchSpec:
    """Return the specification of the one study of a training function; it is labelled by the function's name.

    Args:
        request: The request.
        name: Where the function is: "package.module:NAME" or "/path/to/file.py:NAME".
        entry: What is known of it.
        asked: The schedule that the request asks for.

    Raises:
        InvalidRequest: A requested value is unknown, out of range, or has no meaning for a training function.
        ValueError: The search space cannot be used; one line.
    """
    for field in ("optimizers", "precision", "options"):
        if getattr(request, field):
            accepted = ": a training function has none; what it takes is in its search space"
            raise InvalidRequest(field, accepted, getattr(request, field))
    preset = entry.presets[request.preset]
    objective = objective_of(request.objective, preset.objective, entry.objective, OBJECTIVE, parsed=parse_several)
    strategy = request.strategy or (strategies.SEVERAL_OBJECTIVES if objective.further else strategies.DEFAULT)
    strategies.check_objectives(strategy, len(objective.each))
    (schedule,) = schedules_of(strategies.kind(strategy).schedule, [preset], asked)
    check_several(objective)
    if objective.has_step_time:
        accepted = (
            f": {SECONDS_PER_STEP} is measured where optimizers are tuned; a training function reports a number of its"
            " own, such as validation.seconds for report(step, seconds=…)"
        )
        raise InvalidRequest("objective", accepted, objective.text)
    if not all(each.validates for each in objective.each):
        accepted = "of a training function is one of what it reports, such as validation.loss for report(step, loss=…)"
        raise InvalidRequest("objective", accepted, objective.text)
    if any(each.every is not None for each in objective.each):
        raise InvalidRequest(
            "objective", ": 'every' is not supported for training functions, which choose when to report"
        )
    known = best_known(name, {})
    space = _space(request, name)
    check_searched(strategy, space)
    return SearchSpec(
        run=request.name or "",
        workload=Workload(
            task=name,
            optimizer=space.optimizer,
            cohort_size=1,
            threads=request.cpus_per_candidate,
            code=function_code(name),
            objective=objective,
        ),
        strategy=strategy,
        seed=request.seed,
        generations=schedule.generations,
        population=schedule.population,
        parameters=with_pruning(strategy, schedule.parameters, tasks=1, cohort_size=1, objective=objective),
        steps=schedule.steps,
        fresh_seeds=preset.fresh_seeds if request.fresh_seeds is None else request.fresh_seeds,
        is_exact=is_exact([(entry, objective)]),
        best_known=() if known is None or objective.further else (known,),
        space=space.to_dict(),
        versions=machine.versions(),
        hardware=machine.hardware(),
    )


def label_of(name: str) -> str:
    """Return what a study of a training function has in the place of an optimizer's name: the function's."""
    return name.rpartition(":")[2].strip("_").replace("_", "-") or "function"


def _space(request: SearchRequest, name: str) -> SearchSpace:
    """Return the search space: the request's, or else that of the function, or of the file beside it."""
    label, function = label_of(name), importing.imported(name, "training function")
    space = request.space
    if len(request.search_spaces) + (space is not None) > 1:
        raise InvalidRequest("search_spaces", ": a training function has one search space")
    if space is None:
        space = _declared(request.search_spaces, name, function)
    if space is None:
        raise InvalidRequest(
            "search_spaces",
            f": {label} has none: give a file, write {function.__name__}.yaml beside its module, or set"
            f" {function.__name__}.search_space = tuner.space(…)",
        )
    return replace(space, optimizer=label)


def _declared(files: tuple[Path, ...], name: str, function: Any) -> SearchSpace | None:
    """Return the search space of a file, of the function's attribute `search_space`, or of the file beside it."""
    from search_spaces import declared, loader

    if files:
        return loader.load(files[0])
    layout = getattr(function, "search_space", None)
    if isinstance(layout, SearchSpace):
        return layout
    if isinstance(layout, Mapping):
        return declared.read(label_of(name), layout, {})
    if layout is not None:
        raise ValueError(f"{function.__name__}.search_space is what tuner.space(…) returns. Received: {layout!r:.80}")
    source = inspect.getsourcefile(function)
    beside = None if source is None else Path(source).with_name(f"{function.__name__}.yaml")
    return loader.load(beside) if beside is not None and beside.is_file() else None
