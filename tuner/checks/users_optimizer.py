"""Quick checks of a user's own optimizer before it is tuned or trained.

They detect errors that would make every candidate useless.
"""

from __future__ import annotations

from collections.abc import Mapping

from tuner.checks import optimizer_form
from tuner.checks.check import CheckFunction, PromiseError
from tuner.checks.optimizer_probe import OptimizerProbe
from tuner.core.trial import Workload

FORM: tuple[CheckFunction, ...] = (
    optimizer_form.attributes,
    optimizer_form.shapes_and_dtypes,
    optimizer_form.state,
    optimizer_form.finite,
)


def check_users_optimizer(workload: Workload, hyperparameters: Mapping[str, float]) -> None:
    """Refuse an optimizer with an error that makes every candidate useless.

    Two steps are traced, in the precision of training, on a small problem with two lanes.

    Args:
        workload: The optimizer's name, place and settings, and the precision.
        hyperparameters: The defaults.

    Raises:
        PromiseError: There is one; the message names the line of the user's code, or what is accepted.
    """
    precision = workload.precision if workload.precision in ("float32", "float64") else None
    probe = OptimizerProbe(
        workload.optimizer, workload.optimizer_place, hyperparameters, workload.settings, dtype=precision or "float32"
    )
    try:
        for check in FORM:
            check(probe)
    except PromiseError as error:
        raise PromiseError(f"{workload.optimizer}: {error}") from error
