"""Quick checks of a user's own optimizer before it is tuned or trained.

They detect errors that would make every candidate useless.
"""

from __future__ import annotations

from collections.abc import Mapping

import tasks.registry
from tuner.checks import optimizer_form, optimizer_laws
from tuner.checks.check import CheckFunction, PromiseError
from tuner.checks.optimizer_probe import OptimizerProbe
from tuner.core.trial import Workload
from tuner.training.tensorflow import without_retracing_warnings

QUICK: tuple[CheckFunction, ...] = (
    optimizer_form.attributes,
    optimizer_form.shapes_and_dtypes,
    optimizer_form.state,
    optimizer_form.finite,
    optimizer_form.randomness,
    optimizer_laws.lanes,
)


def check_users_optimizer(workload: Workload, hyperparameters: Mapping[str, float]) -> None:
    """Refuse an optimizer with an error that makes every candidate useless.

    A few steps are traced and taken, in the precision of training, on a small problem with two lanes.

    Args:
        workload: The optimizer's name, place and settings, and the precision.
        hyperparameters: The defaults.

    Raises:
        PromiseError: There is one; the message names the line of the user's code, or what is accepted.
    """
    dtype = _dtype(workload)
    try:
        with without_retracing_warnings():
            probe = OptimizerProbe(
                workload.optimizer, workload.optimizer_place, hyperparameters, workload.settings, dtype=dtype
            )
            for check in QUICK:
                check(probe)
    except PromiseError as error:
        raise PromiseError(f"{workload.optimizer}: {error}") from error


def _dtype(workload: Workload) -> str:
    """Return the dtype of x: as requested, or the task's own, which is float32 where data would have to be read."""
    dtype = workload.precision
    if dtype is None and tasks.registry.entry(workload.task).dataset is None:
        dtype = tasks.registry.load(workload.task)(**workload.options).dtype
    return "float64" if dtype == "float64" else "float32"  # a task that computes in bfloat16 keeps float32
