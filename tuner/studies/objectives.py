"""The objective of a request, and whether the task measures what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tasks.registry
from tasks.task import Evaluated
from tuner.core.errors import InvalidRequest
from tuner.core.objective import TRAINING, TRAINING_LOSS, VALIDATION, Objective
from tuner.core.objective_text import parse
from tuner.training.tensorflow import load_tensorflow


def objective_of(requested: str | None, *own: str | None, parsed: Callable[[str], Objective] = parse) -> Objective:
    """Return the objective that is requested, or else the first that a preset or a task has of its own.

    Args:
        requested: The requested one, as text.
        own: Those of the preset and of the task's class.
        parsed: Reads a text. Default: that of one objective.

    Returns:
        The paper's, if there is none.

    Raises:
        InvalidRequest: It is not an objective.
    """
    if requested is not None:
        return parsed(requested)
    text = next((each for each in own if each is not None), None)
    if text is None:
        return TRAINING_LOSS
    try:
        return parsed(text)
    except InvalidRequest as error:
        separator = "" if error.accepted.startswith(":") else " "
        message = f": the objective of its class or preset{separator}{error.accepted}"
        raise InvalidRequest("task", message, text) from None


def check_objective(
    objective: Objective, task: str, options: Mapping[str, Any], precision: str | None, cohort_size: int
) -> None:
    """Check that a task measures what an objective needs; it is created for an objective on its validation set.

    Args:
        objective: The objective.
        task: The task, as `tasks.registry.load` accepts it.
        options: The task's options.
        precision: The precision; None: the task's own.
        cohort_size: Number of candidates that train in lockstep.

    Raises:
        InvalidRequest: The task does not measure it, or runs have no time of their own.
        ValueError: The task cannot be created.
    """
    if objective.in_seconds and cohort_size > 1:
        raise InvalidRequest(
            "objective",
            f"in seconds needs runs that train alone, and {cohort_size} train in lockstep here: take evaluations-to",
            objective.text,
        )
    if not objective.validates:
        return
    load_tensorflow()
    created = tasks.registry.load(task)(dtype=precision, **options)
    measured: tuple[str, ...] = ()
    if isinstance(created, Evaluated) and created.examples("validation"):
        measured = tuple(f"{VALIDATION}{name}" for name in created.metrics)
    if objective.metric not in measured:
        label = task.rpartition("/")[2]
        found = f"{label} measures {', '.join((TRAINING, *measured))}" if measured else f"{label} has no validation set"
        raise InvalidRequest("objective", f": {found}{'' if measured else f', so take {TRAINING}'}", objective.text)


def check_several(objective: Objective, cohort_size: int = 1, tasks: int = 1) -> None:
    """Check that a search can have these objectives together; of one nothing is checked.

    Args:
        objective: The objectives.
        cohort_size: Number of candidates that train in lockstep. Default 1.
        tasks: Number of tasks of the search. Default 1.

    Raises:
        InvalidRequest: One is a time to a target, or the search has several tasks or cohorts.
    """
    if not objective.further:
        return
    if any(each.is_to_target for each in objective.each):
        raise InvalidRequest("objective", ": a search of several objectives has no target", objective.text)
    if cohort_size > 1 or tasks > 1:
        raise InvalidRequest(
            "objective", ": several objectives are for one task that trains one candidate at a time", objective.text
        )


def remarks_on(objective: Objective) -> Iterator[str]:
    """Yield remarks on an objective that may not be what was meant."""
    if objective.is_accuracy and not objective.is_to_target and not objective.is_max:
        yield f"the objective {objective.text} minimises an accuracy: the worst model counts as the best"
