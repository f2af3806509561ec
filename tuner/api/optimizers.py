"""The optimizers that there are, and the suite of checks of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lodo.registry
from tuner.api.requests import Optimizer, optimizer_name
from tuner.core.task_arguments import of_optimizer
from tuner.studies.optimizers import Chosen, choose
from tuner.studies.spaces import default_space
from tuner.training import own_optimizers
from tuner.training.tensorflow import load_tensorflow

if TYPE_CHECKING:
    from tuner.checks.check import Finding
    from tuner.checks.optimizer_probe import OptimizerProbe


def known_optimizers() -> dict[str, str]:
    """Return the optimizers that a name alone chooses, name -> a line on it: built in, of packages, of Keras."""
    load_tensorflow()
    from lodo import keras_adapter

    built_in = {
        name: (lodo.registry.load(name).__doc__ or "").strip().partition("\n")[0].rstrip(":.")
        for name in lodo.registry.OPTIMIZERS
    }
    packages = {name: f"of an installed package: {place}" for name, place in own_optimizers.plugins().items()}
    of_keras = {name: f"keras.optimizers.{name.removeprefix(lodo.registry.KERAS)}" for name in keras_adapter.names()}
    return built_in | packages | of_keras


def optimizer_probes(optimizer: Optimizer) -> tuple[Chosen, str, list[OptimizerProbe]]:
    """Return what the suite of checks examines: an optimizer, a remark on its search space, and probes of it.

    Args:
        optimizer: As of `tune`.

    Raises:
        InvalidRequest: There is no such optimizer.
        PromiseError: It cannot be made.
        ValueError: It has no search space, which says what its defaults are.
    """
    load_tensorflow()
    from tuner.checks.optimizer_suite import probes

    chosen = choose("optimizer", optimizer_name(optimizer))
    space, remark = default_space(chosen, ())
    return (
        chosen,
        remark,
        probes(chosen.name, chosen.place, of_optimizer(space.defaults()), lodo.registry.SETTINGS.get(chosen.name)),
    )


def check_optimizer(optimizer: Optimizer) -> list[Finding]:
    """Check whether an optimizer fulfils the protocol; see `optimizer_probes`.

    Returns:
        The result of each check, in order.

    Example:
        >>> [finding.check.name for finding in tuner.check_optimizer("Momentum") if finding.verdict == "failed"]
        []
    """
    _, _, probes = optimizer_probes(optimizer)
    from tuner.checks.examination import examine
    from tuner.checks.optimizer_suite import CHECKS

    return list(examine(probes, CHECKS))
