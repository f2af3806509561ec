"""What is looked at in a user's own task before it is tuned or trained: what spoils everything, and is soon seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tasks.registry
from tasks.task import Task
from tuner.checks import derivatives, form
from tuner.checks.check import Law, NotApplicable, PromiseError
from tuner.checks.probe import Probe, told

LANES = 2  # two tell a lane from a cohort
OF_FORM: tuple[Law, ...] = (
    form.attributes,
    form.shapes_and_dtypes,
    form.state,
    form.layers_if_any,
    form.finite_start,
)


def probes(name: str, options: Mapping[str, Any], precision: str | None = None, lanes: int = 3) -> list[Probe]:
    """Return a task as it is trained, and in float64 as well where it takes that; the last is the most precise.

    Args:
        name: A name of `tasks.registry`, or a user's own.
        options: Keyword arguments of the task's constructor.
        precision: "float32", "float64"; None is the task's own.
        lanes: Of a cohort, at most.

    Raises:
        PromiseError: The task cannot be made, or is not of the precision that was asked for.
        ValueError: There is no such task.
    """
    task = _made(name, options, precision)
    dtype = getattr(task, "dtype", None)
    if precision not in (None, dtype, "bfloat16"):  # what computes in bfloat16 keeps float32
        raise PromiseError(
            f"the constructor raises ValueError for a dtype that it does not take. Received: for dtype={precision!r} a"
            f" task of {dtype!r}"
        )
    trained = Probe(task, lanes=lanes)
    if dtype == "float64":
        return [trained]
    try:
        doubled = _made(name, options, "float64")
    except PromiseError:
        return [trained]
    return [trained, Probe(doubled, lanes=lanes)] if getattr(doubled, "dtype", None) == "float64" else [trained]


def check_users_task(name: str, options: Mapping[str, Any], precision: str | None) -> None:
    """Refuse a task that is broken in a way that spoils every candidate, or is likely to.

    It is made, evaluated once, and its gradient compared with central differences along itself and a random direction,
    in float64 where the task takes that: two evaluations more, and four of the loss alone. What else it promises,
    `lodo-tune tasks check` looks at.

    Args:
        name: The task, as `tasks.registry.load` takes it.
        options: Keyword arguments of its constructor.
        precision: "float32", "float64"; None is the task's own.

    Raises:
        PromiseError: It is; one line that names the method, what is accepted and what came.
    """
    label = name.rpartition("/")[2]
    try:
        trained, *doubled = probes(name, options, precision, LANES)
        for law in OF_FORM:
            _hold(law, trained)
        _hold(derivatives.gradient_in_passing, next(filter(_is_sound, doubled), trained))
    except PromiseError as error:
        raise PromiseError(f"{label}: {error}") from error


def _made(name: str, options: Mapping[str, Any], dtype: str | None) -> Task:
    kind: Any = tasks.registry.load(name)
    with told("the constructor"):
        made: Task = kind(dtype=dtype, **options)
        return made


def _is_sound(probe: Probe) -> bool:
    """Return whether a task that is trained in single precision can be looked at in double."""
    try:
        for law in OF_FORM:
            _hold(law, probe)
    except PromiseError:
        return False
    return True


def _hold(law: Law, probe: Probe) -> None:
    try:
        law(probe)
    except NotApplicable:
        return
