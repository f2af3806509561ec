"""Quick checks of a user's own task before it is tuned or trained.

They detect errors that would make every candidate useless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import tasks.registry
from tasks.task import Task
from tuner.checks import derivatives, form, reproducibility, runs
from tuner.checks.check import CheckFunction, NotApplicable, PromiseError
from tuner.checks.probe import Probe
from tuner.checks.returned import naming
from tuner.core.trial import Workload

LANES = 2  # enough to distinguish a lane from a cohort
FORM: tuple[CheckFunction, ...] = (
    form.attributes,
    form.shapes_and_dtypes,
    form.state,
    form.layers_if_any,
    form.finite_start,
)
SEEDED: tuple[CheckFunction, ...] = (
    reproducibility.no_variables,
    reproducibility.nothing_from_outside,
    reproducibility.same_start,
    runs.declared_exact,
)


def probes(name: str, options: Mapping[str, Any], precision: str | None = None, lanes: int = 3) -> list[Probe]:
    """Return probes of a task in the precision of training, and also in float64 if it accepts that.

    Args:
        name: A name of `tasks.registry`, or a user's own.
        options: Keyword arguments of the task's constructor.
        precision: "float32", "float64"; None is the task's own.
        lanes: Maximum size of a cohort.

    Raises:
        PromiseError: The task cannot be created, or its precision differs from the requested one.
        ValueError: There is no such task.
    """
    task = _made(name, options, precision)
    dtype = getattr(task, "dtype", None)
    if precision not in (None, dtype, "bfloat16"):  # a task that computes in bfloat16 keeps float32
        raise PromiseError(
            f"the constructor raises ValueError for a dtype that it does not support. Received: for dtype={precision!r}"
            f" a task of {dtype!r}"
        )
    size = getattr(task, "cohort_size", 1)
    workload = Workload(name, "Momentum", size if isinstance(size, int) else 1, precision=precision, options=options)
    trained = Probe(task, lanes=lanes, workload=workload)
    if dtype == "float64":
        return [trained]
    try:
        doubled = _made(name, options, "float64")
    except PromiseError:
        return [trained]
    if getattr(doubled, "dtype", None) != "float64":
        return [trained]
    return [trained, Probe(doubled, lanes=lanes, workload=replace(workload, precision="float64"))]


def check_users_task(name: str, options: Mapping[str, Any], precision: str | None) -> list[str]:
    """Refuse a task with an error that makes, or is likely to make, every candidate useless.

    The task is created, evaluated once, and its gradient compared with central differences along itself and a random
    direction, in float64 if the task accepts that: two more evaluations, and four of the loss alone. The other
    requirements of the protocol are checked only by the whole suite.

    Args:
        name: The task, as `tasks.registry.load` accepts it.
        options: Keyword arguments of its constructor.
        precision: "float32", "float64"; None is the task's own.

    Returns:
        Remarks on what may be meant, such as weights that start alike on every seed.

    Raises:
        PromiseError: There is one; the message contains the method, what is accepted and what was received.
    """
    label = name.rpartition("/")[2]
    try:
        trained, *doubled = probes(name, options, precision, LANES)
        remarks = [note for check in (*FORM, *SEEDED) if (note := _run(check, trained))]
        _run(derivatives.gradient_quickly, next(filter(_is_sound, doubled), trained))
    except PromiseError as error:
        raise PromiseError(f"{label}: {error}") from error
    return [f"{label}: {remark}" for remark in remarks]


def _made(name: str, options: Mapping[str, Any], dtype: str | None) -> Task:
    kind: Any = tasks.registry.load(name)
    with naming("the constructor"):
        made: Task = kind(dtype=dtype, **options)
        return made


def _is_sound(probe: Probe) -> bool:
    """Return whether a task trained in single precision passes the checks of form in double precision."""
    try:
        for check in FORM:
            _run(check, probe)
    except PromiseError:
        return False
    return True


def _run(check: CheckFunction, probe: Probe) -> str | None:
    try:
        return check(probe)
    except NotApplicable:
        return None
