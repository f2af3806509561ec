"""Refuse an optimizer whose state does not fit into memory, before a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tasks.registry
from tuner.core.errors import InvalidRequest, StudyRefused
from tuner.core.study import ComparisonSpec, StudySpec
from tuner.core.task_arguments import names_of_optimizer
from tuner.core.trial import Workload
from tuner.execution.resources import Resources
from tuner.training import own_optimizers
from tuner.training.memory import check_memory, fits_evidently, weights_of
from tuner.training.tensorflow import load_tensorflow


def check_states(
    specs: Iterable[StudySpec], resources: Resources, task: Any = None, *, task_name: str | None = None
) -> None:
    """Refuse studies with an optimizer whose state does not fit into memory.

    Args:
        specs: The studies.
        resources: Where they will be trained.
        task: Their task. Default: one that ships, of which the size is known without creating it.
        task_name: Check the workloads of this task alone. Default: those of all.

    Raises:
        InvalidRequest: The state of an optimizer does not fit; the message names it and gives the sum.
    """
    is_here = resources.address is None and not resources.gpus_per_candidate
    for spec in specs:
        names = names_of_optimizer(spec.space["hyperparameters"])
        of_points = isinstance(spec, ComparisonSpec)
        for workload in map(spec.workload_of, range(spec.batches)) if of_points else spec.workloads:
            if task_name is None or workload.task == task_name:
                check_state("optimizers", workload, names, task, workers=resources.local_workers, is_here=is_here)


def check_state(
    field: str, workload: Workload, names: Sequence[str], task: Any = None, *, workers: int = 1, is_here: bool = True
) -> None:
    """Refuse a workload with an optimizer whose state does not fit into memory.

    TensorFlow is loaded only where the upper bound of an optimizer's state does not show that it fits.

    Args:
        field: Name of the field in errors.
        workload: The workload.
        names: The hyperparameters of its trials.
        task: Its task. Default: one that ships.
        workers: Number of cohorts that are trained at a time on this machine.
        is_here: Whether states lie in this machine's main memory.

    Raises:
        InvalidRequest: It does not fit.
    """
    weights, dtype = _declared(workload) if task is None else (weights_of(task), task.dtype)
    if weights is not None and fits_evidently(workload, weights, dtype, workers):
        return
    load_tensorflow()
    kind = own_optimizers.load(workload.optimizer, workload.optimizer_place, names)
    try:
        check_memory(workload, kind, weights, dtype, workers=workers, is_here=is_here)
    except StudyRefused as error:
        raise InvalidRequest(field, f": {error}") from error


def _declared(workload: Workload) -> tuple[int | None, str]:
    """Return the number of weights of a task that ships, and their dtype."""
    entry = tasks.registry.TASKS[workload.task]
    dtype = "float32" if workload.precision == "bfloat16" else workload.precision or entry.dtype
    return (None if entry.weights is None else entry.weights(workload.options)), dtype or "float64"
